/** A device of nRF Cloud: where it is, new keys for it, and how it is given up. */

import { View, fill, h } from "../lib/dom.js";
import { portalLink } from "../lib/clouds.js";
import { go } from "../lib/router.js";
import { deviceId, devicePlace } from "./device-place.js";
import { ErrorCard } from "./error-card.js";

/** What each of them means, said before it is begun. */
const ACTS = {
  renew: {
    label: "New keys…",
    begin: "Make new keys",
    look: "primary",
    words: (/** @type {boolean} */ here) =>
      `The board makes a new key for the cloud and forgets the one that it has; the device, its name and its history stay. ${here ? "It is told over the cable" : "It is not plugged in, so it is told over the air, as soon as it is online"}, and is offline for a minute or so meanwhile.`,
  },
  remove: {
    label: "Release…",
    begin: "See what is lost",
    look: "quiet",
    words: () => "Your team gives the board up, so that another can claim it. What is lost with it is looked up first and shown to you; nothing happens before you agree.",
  },
};

export class NrfDevice extends View {
  /**
   * @param {import("../app.js").App} app
   * @param {string} board Its id; empty: it is not here.
   * @param {Record<string, any>} device Of the result of its job.
   * @param {{heading?: boolean}} [options]
   */
  constructor(app, board, device, { heading = true } = {}) {
    super();
    this.app = app;
    this.board = board;
    this.device = device;
    this.acts = h("div.acts");
    const name = String(device.device ?? device.device_id);
    this.append(
      heading ? h("h2", {}, "In nRF Cloud") : "",
      name && name !== device.device_id && heading ? h("p", {}, h("bdi", { dir: "auto" }, name)) : "",
      deviceId(String(device.device_id)),
      devicePlace(device.link || portalLink("nrf", device.device_id), name, "nRF Cloud") ?? "",
      this.acts,
    );
    this.#buttons();
  }

  /** @param {string} [from] Which of them was open, and gets the focus. */
  #buttons(from = "") {
    const buttons = Object.entries(ACTS).map(([kind, { label }]) => {
      const button = h("button.quiet", { type: "button", "data-what": kind }, label);
      button.addEventListener("click", () => this.#ask(/** @type {keyof typeof ACTS} */ (kind)));
      return button;
    });
    fill(this.acts, h("div.row", {}, ...buttons));
    if (from) /** @type {HTMLElement|null} */ (this.acts.querySelector(`[data-what="${from}"]`))?.focus();
  }

  /** @param {keyof typeof ACTS} kind */
  #ask(kind) {
    const { begin, look, words, label } = ACTS[kind];
    const here = this.app.store.boards.has(this.board);
    const go_ = h(`button.${look}`, { type: "button" }, begin);
    const back = h("button.quiet", { type: "button" }, "Back");
    const outcome = h("div");
    back.addEventListener("click", () => this.#buttons(kind));
    go_.addEventListener("click", async () => {
      go_.disabled = true;
      fill(outcome);
      try {
        const known = here ? {} : { name: this.device.device_id };
        const request = { kind, cloud: "nrf", board: here ? this.board : "", attended: true, ...known };
        go("job", (await this.app.agent.call("jobs.start", request)).job);
      } catch (error) {
        go_.disabled = false;
        fill(outcome, new ErrorCard(/** @type {any} */ (error), { context: { board: this.board } }));
        this.app.announcer.say(/** @type {any} */ (error).title);
      }
    });
    fill(this.acts, h("div.sure", { role: "group", "aria-label": label.replace("…", "") }, h("p", {}, words(here)), h("div.row", {}, go_, back), outcome));
    go_.focus();
  }
}

customElements.define("nrf-device", NrfDevice);
