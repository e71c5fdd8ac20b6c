/** A board becomes a device of a cloud that gives it credentials: account, name, network, the way to the board. */

import { View, fill, focusOn, h, say } from "../lib/dom.js";
import { enrols, lookWords, profileWords } from "../lib/enrol.js";
import { go } from "../lib/router.js";
import { SignIn } from "../parts/cloud-picker.js";
import { EnrolSettings, usedAccount } from "../parts/enrol-settings.js";
import { ErrorCard } from "../parts/error-card.js";
import { ownField } from "../parts/field.js";

/** Pause in typing after which the cloud is asked for the name. */
const LOOK_MS = 450;

export class EnrolForm extends View {
  /** @type {Promise<import("../types.js").ProfileLook|null>|null} */ #profile = null;
  #drawn = "";
  #timer = 0;
  #asked = 0;
  #sending = false;
  #done = false;

  /** @param {import("../app.js").App} app @param {string} board */
  constructor(app, board) {
    super();
    this.app = app;
    this.board = board;
    this.heading = h("h2", {}, "Set up");
    this.account = h("div");
    this.name = ownField(
      { name: "name", title: "Device name", description: this.#usual, maxBytes: undefined },
      { value: app.memory.draft(this.#formName).name },
    );
    this.name.input.addEventListener("input", () => this.#soon());
    this.look = h("p.look", { role: "status" });
    this.settings = new EnrolSettings(app, board);
    this.settings.addEventListener("picked", () => say(this.button, this.settings.file ? "Register it and make the file" : "Set up"));
    this.button = h("button.primary", { type: "submit" }, "Set up");
    this.outcome = h("div");
    this.rest = h("div.rest", {}, h("div", {}, this.name.element, this.look), this.settings, this.outcome, h("div.row", {}, this.button));
    const form = h("form", { novalidate: true }, this.account, this.rest);
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.#submit();
    });
    this.append(h("section.sheet.setup.enrol", {}, this.heading, form));
  }

  connectedCallback() {
    for (const topic of ["clouds", "boards"]) this.watch(this.app.store, topic, () => this.#draw());
    this.onLeave(() => clearTimeout(this.#timer));
    this.onLeave(() => this.#keep());
    this.#draw();
    this.#soon();
  }

  get #formName() {
    return `enrol ${this.board}`;
  }

  /** How the device is called without a name. */
  get #usual() {
    const model = this.app.store.boards.get(this.board)?.model?.replaceAll("_", "-");
    const made = model ? `${model}-… with` : "made of what kind of board it is and";
    return `Left empty: ${made} the hardware id of the board, the same name each time.`;
  }

  get #cloud() {
    return this.app.store.clouds.find(enrols);
  }

  #draw() {
    const cloud = this.#cloud;
    if (!cloud) return;
    const key = JSON.stringify([cloud.signed_in, cloud.account]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#profile = null; // It may be another account.
    say(this.heading, `Set up with ${cloud.title}`);
    const within = this.account.contains(document.activeElement);
    fill(this.account, cloud.signed_in ? usedAccount(cloud) : new SignIn(this.app, cloud));
    this.rest.hidden = !cloud.signed_in;
    this.settings.cloud = cloud;
    if (within && cloud.signed_in) this.name.focus();
    this.#soon();
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#find(), LOOK_MS);
  }

  /** What the name means: what an administrator sees, or what the profile may do. */
  async #find() {
    const cloud = this.#cloud;
    const name = this.name.input.value.trim();
    const asked = ++this.#asked;
    if (!cloud?.signed_in) return;
    const usual = cloud.device_schema.description ?? "";
    let words = { good: true, text: usual };
    if (cloud.account?.admin_user) {
      const { agent } = this.app;
      this.#profile ??= agent.call("clouds.profile", { cloud: cloud.id }).then(({ profile }) => profile, () => null);
      const found = name ? await agent.call("clouds.device", { cloud: cloud.id, name }).catch(() => null) : null;
      const profile = await this.#profile;
      words = found ? lookWords(found.device, name, profile) : { good: !["off", "chain"].includes(profile?.strategy ?? ""), text: profileWords(profile, usual) };
    }
    if (asked !== this.#asked) return;
    say(this.look, words.text);
    this.look.classList.toggle("told", !words.good);
  }

  async #submit() {
    const cloud = this.#cloud;
    if (this.#sending || !cloud) return;
    if (!cloud.signed_in) return this.account.querySelector("input")?.focus();
    this.name.showProblem(this.name.problem);
    if (this.name.problem) return this.name.focus();
    if (!this.settings.check()) return;
    this.#sending = true;
    this.button.disabled = true;
    fill(this.outcome);
    try {
      await this.#start(cloud);
    } catch (error) {
      this.#failed(/** @type {any} */ (error));
    } finally {
      this.#sending = false;
      this.button.disabled = false;
    }
  }

  /** @param {import("../types.js").CloudInfo} cloud */
  async #start(cloud) {
    const { agent, memory, store } = this.app;
    await store.quit(this.board);
    const name = this.name.input.value.trim();
    const { job } = await agent.call("jobs.start", {
      kind: "provision",
      board: this.board,
      attended: true,
      cloud: cloud.id,
      ...this.settings.request,
      ...(name ? { name } : {}),
    });
    memory.cloud = cloud.id;
    this.#keep();
    memory.forgetDraft(this.#formName);
    this.#done = true;
    go("job", job);
  }

  /** What was typed and chosen stays for the next time; passwords only in the memory of networks. */
  #keep() {
    if (this.#done) return;
    this.settings.keep();
    this.app.memory.keepDraft(this.#formName, { name: this.name.input.value });
  }

  /** @param {any} error */
  #failed(error) {
    const { field, problem } = error.facts ?? {};
    this.app.announcer.say(error.title);
    if (field === "name") return this.name.showProblem(String(problem)), this.name.focus();
    if (this.settings.showProblem(String(field ?? ""), String(problem))) return;
    const card = new ErrorCard(error, { context: { board: this.board, version: this.app.agent.info?.version } });
    fill(this.outcome, card);
    focusOn(card);
  }
}

customElements.define("enrol-form", EnrolForm);
