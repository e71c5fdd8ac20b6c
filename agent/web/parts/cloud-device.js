/** A device in its cloud: where it is, new keys or a new token for it, and how it is given up. */

import { View, fill, h } from "../lib/dom.js";
import { actsOf } from "../lib/deviceacts.js";
import { go } from "../lib/router.js";
import { deviceId, devicePlace } from "./device-place.js";
import { ErrorCard } from "./error-card.js";
import { OverAir } from "./over-air.js";

export class CloudDevice extends View {
  /**
   * @param {import("../app.js").App} app
   * @param {object} what
   * @param {string} what.cloud
   * @param {string} what.board Its id; empty: it is not here.
   * @param {Record<string, any>} what.device Of the result of its job.
   * @param {boolean} [what.heading]
   * @param {boolean} [what.named] Its name and its number stand above already.
   */
  constructor(app, { cloud, board, device, heading = false, named = false }) {
    super();
    this.app = app;
    this.cloud = cloud;
    this.board = board;
    this.device = device;
    this.acts = h("div.acts");
    const { device_id: id = null } = device;
    const name = String(device.device ?? id ?? "");
    const title = app.store.clouds.find((each) => each.id === cloud)?.title ?? "its cloud";
    this.append(
      heading ? h("h2", {}, `In ${title}`) : "",
      heading && name && name !== id ? h("p", {}, h("bdi", { dir: "auto" }, name)) : "",
      id && !named ? deviceId(String(id)) : "",
      devicePlace(device.link ?? "", name, title) ?? "",
      this.acts,
    );
  }

  connectedCallback() {
    for (const topic of ["clouds", "boards"]) this.watch(this.app.store, topic, () => this.#open || this.#buttons());
    if (!this.#open) this.#buttons();
  }

  #open = false;

  get #here() {
    return this.app.store.boards.has(this.board);
  }

  /** @param {string} [from] Which of them was open, and gets the focus. */
  #buttons(from = "") {
    this.#open = false;
    const client = Boolean(this.app.store.clouds.find(({ id }) => id === this.cloud)?.signed_in);
    const acts = actsOf(this.cloud, { here: this.#here, client });
    const key = acts.map(({ kind }) => kind).join();
    if (this.acts.dataset.key === key) return;
    this.acts.dataset.key = key;
    const buttons = acts.map((act) => {
      const button = h("button.quiet", { type: "button", "data-what": act.kind }, act.label);
      button.addEventListener("click", () => this.#ask(act));
      return button;
    });
    fill(this.acts, h("div.row", {}, ...buttons));
    if (from) /** @type {HTMLElement|null} */ (this.acts.querySelector(`[data-what="${from}"]`))?.focus();
  }

  /** What it means, before it is begun. @param {import("../lib/deviceacts.js").Act} act */
  #ask(act) {
    const { kind, label, begin, words } = act;
    this.#open = true;
    this.acts.dataset.key = "";
    if (kind === "reconfigure") {
      const over = new OverAir(this.app, { device: this.device, board: this.#here ? this.board : "" });
      over.addEventListener("left", () => this.#buttons(kind));
      return fill(this.acts, over);
    }
    const start = h(`button.${kind === "renew" ? "primary" : "quiet"}`, { type: "button" }, begin);
    const back = h("button.quiet", { type: "button" }, "Back");
    const outcome = h("div");
    back.addEventListener("click", () => this.#buttons(kind));
    start.addEventListener("click", () => void (act.done ? this.#call(act, start, outcome) : this.#begin(kind, start, outcome)));
    const named = { role: "group", "aria-label": label.replace("…", "") };
    fill(this.acts, h("div.sure", named, h("p", {}, words), h("div.row", {}, start, back), outcome));
    start.focus();
  }

  /** What the cloud does at once. @param {import("../lib/deviceacts.js").Act} act @param {HTMLButtonElement} button @param {Element} outcome */
  async #call({ kind, done = "" }, button, outcome) {
    button.disabled = true;
    fill(outcome);
    try {
      await this.app.agent.call(`${this.cloud}.${kind}`, { device: this.device.device_id });
      this.#buttons(kind);
      this.acts.append(h("p", {}, done));
      this.app.announcer.say(done);
    } catch (error) {
      button.disabled = false;
      fill(outcome, new ErrorCard(/** @type {any} */ (error)));
      this.app.announcer.say(/** @type {any} */ (error).title);
    }
  }

  /** @param {string} kind @param {HTMLButtonElement} button @param {Element} outcome */
  async #begin(kind, button, outcome) {
    button.disabled = true;
    fill(outcome);
    try {
      const { device_id: id, device: name } = this.device;
      const known = this.#here ? { board: this.board } : { board: "", name: String((this.cloud === "nrf" ? id : name) ?? "") };
      if (this.#here) await this.app.store.quit(this.board);
      go("job", (await this.app.agent.call("jobs.start", { kind, cloud: this.cloud, attended: true, ...known })).job);
    } catch (error) {
      button.disabled = false;
      fill(outcome, new ErrorCard(/** @type {any} */ (error), { context: { board: this.board } }));
      this.app.announcer.say(/** @type {any} */ (error).title);
    }
  }
}

customElements.define("cloud-device", CloudDevice);
