/** A board with a modem comes into nRF Cloud: no network to choose, a name and tags if somebody wants them. */

import { View, fill, focusOn, h } from "../lib/dom.js";
import { listed } from "../lib/clouds.js";
import { go } from "../lib/router.js";
import { CloudAccount } from "../parts/cloud-account.js";
import { ErrorCard } from "../parts/error-card.js";
import { KnownDevice } from "../parts/known-device.js";
import { SchemaFields } from "../parts/schema-fields.js";

const CLOUD = "nrf";
/** What is the same for the next board, as the memory of the page names it. */
const DRAFT = "nrf";

const WHAT = "Mooring reads the board's token over the cable, claims the board for your team and lets it make its keys. It goes online with its SIM card: no Wi-Fi is needed. The first time takes some minutes.";

export class NrfForm extends View {
  /** @type {SchemaFields|null} */ #fields = null;
  #sending = false;

  /** @param {import("../app.js").App} app @param {string} board */
  constructor(app, board) {
    super();
    this.app = app;
    this.board = board;
    this.account = new CloudAccount(app, CLOUD, ({ account = {} }) => ["Team ", h("bdi", {}, account.team ?? "")]);
    this.account.addEventListener("account", (/** @type {any} */ event) => {
      this.#draw();
      if (event.detail.within && this.account.ready) this.#fields?.focusFirst();
    });
    this.fields = h("div");
    this.button = h("button.primary", { type: "submit" }, "Set up");
    this.outcome = h("div");
    this.rest = h("div.rest", {}, this.fields, this.outcome, h("div.row", {}, this.button));
    this.form = h("form", { novalidate: true }, h("p.soft", {}, WHAT), this.account, this.rest);
    this.form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.#submit();
    });
    this.append(new KnownDevice(app, { cloud: CLOUD, board, heading: h("h2", {}, "Set up with nRF Cloud"), form: this.form }));
  }

  connectedCallback() {
    this.watch(this.app.store, "clouds", () => this.#draw());
    this.onLeave(() => this.#keep());
    this.#draw();
  }

  #draw() {
    const { memory } = this.app;
    const { cloud, ready } = this.account;
    if (cloud && !this.#fields) {
      this.#fields = new SchemaFields(cloud.device_schema, { values: { ...memory.draft(DRAFT), ...memory.draft(this.#formName) } });
      fill(this.fields, this.#fields);
    }
    this.rest.hidden = !ready;
  }

  get #formName() {
    return `nrf ${this.board}`;
  }

  async #submit() {
    if (this.#sending) return;
    if (!this.account.ready) return this.account.focus();
    if (!this.#fields?.check()) return;
    this.#sending = true;
    this.button.disabled = true;
    fill(this.outcome);
    const { agent, memory, store } = this.app;
    try {
      await store.quit(this.board);
      const { name = "", tags = "" } = this.#fields.values;
      const request = { kind: "provision", board: this.board, attended: true, cloud: CLOUD, tags: listed(tags), ...(name.trim() ? { name: name.trim() } : {}) };
      const { job } = await agent.call("jobs.start", request);
      memory.cloud = CLOUD;
      memory.keepDraft(DRAFT, { tags: listed(tags).join(", ") });
      go("job", job);
    } catch (error) {
      this.#failed(/** @type {any} */ (error));
    } finally {
      this.#sending = false;
      this.button.disabled = false;
    }
  }

  /** What was typed for this board stays for the next time this form opens. */
  #keep() {
    if (this.#fields) this.app.memory.keepDraft(this.#formName, { name: this.#fields.values.name });
  }

  /** @param {any} error */
  #failed(error) {
    const { field, problem } = error.facts ?? {};
    const name = String(field ?? "").replace(/\W.*$/, "");
    this.app.announcer.say(error.title);
    if (name && this.#fields?.showProblem(name, String(problem))) return this.#fields.field(name)?.focus();
    const card = new ErrorCard(error, { context: { board: this.board, version: this.app.agent.info?.version } });
    fill(this.outcome, card);
    focusOn(card);
  }
}

customElements.define("nrf-form", NrfForm);
