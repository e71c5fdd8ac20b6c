/** A board with a modem comes into nRF Cloud: no network to choose, a name and tags if somebody wants them. */

import { View, fill, focusOn, h, say } from "../lib/dom.js";
import { deviceOf, listed } from "../lib/clouds.js";
import { go } from "../lib/router.js";
import { CloudAccount } from "../parts/cloud-account.js";
import { ErrorCard } from "../parts/error-card.js";
import { NrfDevice } from "../parts/nrf-device.js";
import { SchemaFields } from "../parts/schema-fields.js";

const CLOUD = "nrf";
/** What is the same for the next board, as the memory of the page names it. */
const DRAFT = "nrf";

const WHAT = "Mooring reads the board's token over the cable, claims the board for your team and lets it make its keys. It goes online with its SIM card: no Wi-Fi is needed. The first time takes some minutes.";

export class NrfForm extends View {
  /** @type {SchemaFields|null} */ #fields = null;
  #sending = false;
  #known = "";

  /** @param {import("../app.js").App} app @param {string} board */
  constructor(app, board) {
    super();
    this.app = app;
    this.board = board;
    this.heading = h("h2", {}, "Set up with nRF Cloud");
    this.device = h("div");
    this.account = new CloudAccount(app, CLOUD, ({ account = {} }) => ["Team ", h("bdi", {}, account.team ?? "")]);
    this.account.addEventListener("account", () => this.#draw());
    this.fields = h("div");
    this.button = h("button.primary", { type: "submit" }, "Set up");
    this.outcome = h("div");
    this.rest = h("div.rest", {}, this.fields, this.outcome, h("div.row", {}, this.button));
    this.form = h("form", { novalidate: true }, h("p.soft", {}, WHAT), this.account, this.rest);
    this.form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.#submit();
    });
    this.again = h("details.more.unfolded", { open: true }, h("summary", {}, "Set it up again"), this.form);
    this.append(this.device, h("section.sheet.setup.enrol", {}, this.heading, this.again));
  }

  connectedCallback() {
    for (const topic of ["clouds", "jobs"]) this.watch(this.app.store, topic, () => this.#draw());
    this.onLeave(() => this.#keep());
    this.#draw();
  }

  #draw() {
    const { store, memory } = this.app;
    const { cloud, ready } = this.account;
    if (cloud && !this.#fields) {
      this.#fields = new SchemaFields(cloud.device_schema, { values: { ...memory.draft(DRAFT), ...memory.draft(this.#formName) } });
      fill(this.fields, this.#fields);
    }
    this.rest.hidden = !ready;
    const known = deviceOf(store.work(), this.board, CLOUD);
    const key = String(known?.device_id ?? "");
    if (key === this.#known) return;
    this.#known = key;
    this.heading.hidden = Boolean(known);
    this.again.open = !known;
    this.again.classList.toggle("unfolded", !known);
    fill(this.device, known ? h("section.sheet.known-device", {}, new NrfDevice(this.app, this.board, known)) : null);
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
      memory.keepDraft(DRAFT, { tags });
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
