/** What a board needs to know: its network, and for a set-up also its cloud and its name. */

import { View, fill, focusOn, h, say } from "../lib/dom.js";
import { BLYNK_KINDS, isBlynk } from "../lib/clouds.js";
import { enrols } from "../lib/enrol.js";
import { usualName } from "../lib/names.js";
import { kindSchemas, kindsFor } from "../lib/networks.js";
import { isImprov, onlyInAir } from "../lib/ports.js";
import { go, href } from "../lib/router.js";
import { isReading, slow } from "../lib/store.js";
import { ago, duration } from "../lib/text.js";
import { CloudPicker } from "../parts/cloud-picker.js";
import { ErrorCard } from "../parts/error-card.js";
import { NetworkPicker } from "../parts/network-picker.js";
import { SchemaFields } from "../parts/schema-fields.js";

/** Pause in typing after which the agent is asked what it thinks. */
const CHECK_MS = 350;

const BOARD_ONLINE = "This board may be online. Setting it up again replaces its network and its cloud identity.";
const DEVICE_ONLINE = "This device has a network. What you choose here replaces it.";

const KEEPS = "The board keeps its name and its cloud. The new settings replace the old ones, even if joining fails.";
const BLYNK_KEEPS = "The board keeps its device and its token, which the vault has. The new network may replace the old one even if joining fails.";

export class SetupForm extends View {
  /** @type {NetworkPicker|null} */ #networks = null;
  /** @type {CloudPicker|null} */ #clouds = null;
  /** @type {SchemaFields|null} */ #device = null;
  #deviceOf = "";
  #timer = 0;
  #asked = 0;
  #sending = false;
  /** Warnings that the person has seen before going on, so that the job need not ask. */
  #warned = false;

  /** @param {import("../app.js").App} app @param {string} board @param {"provision"|"configure"} kind */
  constructor(app, board, kind) {
    super();
    this.app = app;
    this.board = board;
    this.kind = kind;
    const provision = kind === "provision";
    /** A device that takes a network and has no place in a cloud. */
    this.simple = isImprov(app.store.boards.get(board));
    this.thing = this.simple ? "device" : "board";
    this.scanned = h("span.soft");
    this.again = h("button.link", { type: "button" }, "Look again");
    this.again.addEventListener("click", () => app.store.scan(board, app.store.reading(board)?.cloud));
    const update = h("a", { href: href("board", board, "update") }, "update it to provisioning 2.0");
    this.other = h("p.hint", { hidden: true }, "No answer yet. If this board runs an older sketch, or one of your own, ", update, ".");
    this.network = h("div");
    this.warnings = h("div.warnings", { role: "status" });
    this.cloud = h("div");
    this.device = h("div");
    this.button = h("button.primary", { type: "submit" }, provision ? "Set up" : "Change network");
    this.outcome = h("div");
    this.form = h(
      "form",
      { novalidate: true },
      h("p.scan", {}, this.scanned, this.again),
      this.other,
      this.network,
      this.warnings,
      this.cloud,
      this.device,
      this.outcome,
      h("div.row", {}, this.button),
    );
    this.form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.#submit();
    });
    const title = this.simple ? "Put it on a network" : provision ? "Set up" : "Change the network";
    this.online = h("p.hint", { hidden: true }, this.simple ? DEVICE_ONLINE : BOARD_ONLINE);
    const note = provision ? this.online : h("p.soft", {}, isBlynk(app.store.boards.get(board)) ? BLYNK_KEEPS : KEEPS);
    this.append(h("section.sheet.setup", {}, h("h2", {}, title), note, this.form));
  }

  connectedCallback() {
    const { store, ticker } = this.app;
    for (const topic of ["readings", "boards", "clouds"]) this.watch(store, topic, () => this.#draw());
    this.onLeave(ticker.follow(() => this.#scanStatus()));
    this.onLeave(() => this.#keep());
    this.onLeave(() => clearTimeout(this.#timer));
    this.#draw();
    this.#look();
  }

  get #formName() {
    return `${this.kind} ${this.board}`;
  }

  /** A board that is read in another way than those with a sketch is asked for its networks here. */
  #look() {
    const { store } = this.app;
    const board = store.boards.get(this.board);
    if (isBlynk(board) && board?.state === "ready" && !store.reading(this.board) && !store.active(this.board)) void store.scan(this.board, "blynk");
  }

  #draw() {
    const { store } = this.app;
    if (!this.#networks && store.networkSchema && store.models.size) this.#drawNetworks(store.networkSchema);
    if (this.kind === "provision" && !this.simple && !this.#clouds && store.clouds.length) this.#drawClouds();
    const reading = store.reading(this.board);
    this.online.hidden = !reading?.facts?.online;
    this.#networks?.show(reading?.networks ?? [], isReading(reading));
    this.#scanStatus();
  }

  /** @param {import("../types.js").Schema} schema */
  #drawNetworks(schema) {
    const { store, memory } = this.app;
    const model = store.model(store.boards.get(this.board)?.model);
    const kinds = this.simple ? ["wifi"] : isBlynk(store.boards.get(this.board)) ? BLYNK_KINDS : kindsFor(model, [...kindSchemas(schema).keys()]);
    const draft = memory.draft(this.#formName);
    const picker = new NetworkPicker({ schema, kinds, memory, preferred: draft.network ?? memory.network });
    picker.addEventListener("picked", () => this.#soon());
    this.#networks = picker;
    fill(this.network, picker);
  }

  #drawClouds() {
    this.#clouds = new CloudPicker(this.app);
    this.#clouds.addEventListener("picked", () => this.#drawDevice());
    const cable = !onlyInAir(this.app.store.boards.get(this.board));
    const other = this.app.store.clouds.find(enrols);
    const elsewhere = cable && other && h("p.elsewhere.small", {}, `For ${other.title} there is `, h("a", { href: href("board", this.board, "device") }, "a form of its own"), ".");
    fill(this.cloud, this.#clouds, elsewhere);
  }

  /** The fields of the chosen cloud; what was typed moves with them. */
  #drawDevice() {
    const cloud = this.#clouds?.cloud;
    if (!cloud || cloud.id === this.#deviceOf) return;
    const { store, memory } = this.app;
    const draft = memory.draft(this.#formName);
    const board = store.boards.get(this.board);
    const values = { name: usualName(board, store.model(board?.model)), ...draft.device, ...this.#device?.values };
    this.#deviceOf = cloud.id;
    this.#device = new SchemaFields(cloud.device_schema, { values });
    fill(this.device, this.#device);
  }

  #scanStatus() {
    const reading = this.app.store.reading(this.board);
    const now = Date.now() / 1000;
    const busy = isReading(reading);
    this.again.hidden = busy || !(reading?.facts || reading?.cloud);
    const older = this.kind === "provision" && !this.simple && !onlyInAir(this.app.store.boards.get(this.board));
    this.other.hidden = !slow(reading) || !older;
    if (reading && busy) return say(this.scanned, `The ${this.thing} looks for networks… ${duration(now - reading.startedAt)}`);
    if (!reading?.scannedAt) return say(this.scanned, reading ? `The ${this.thing} could not be read.` : "");
    if (reading.facts?.scans === false) return say(this.scanned, "This device does not look for networks. Type the name of yours.");
    const found = this.#networks?.list.childElementCount ?? 1;
    const networks = found === 2 ? "1 network" : `${found - 1} networks`;
    say(this.scanned, `The ${this.thing} found ${networks} ${ago(reading.scannedAt)}.`);
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#check(false), CHECK_MS);
  }

  /** Ask the agent about the network; nothing is sent to the board. @param {boolean} strict Show problems too. */
  async #check(strict) {
    const network = this.#networks?.value;
    if (!network) return fill(this.warnings);
    const asked = ++this.#asked;
    const networks = this.app.store.reading(this.board)?.networks ?? [];
    const known = networks.length ? { networks } : {};
    const answer = await this.app.agent
      .call("networks.check", { network, board: this.board, ...known })
      .catch(() => ({ problems: [], warnings: [] }));
    if (asked !== this.#asked) return true;
    if (strict) this.#warned = answer.warnings.length > 0 && this.warnings.childElementCount > 0;
    const warnings = answer.warnings.map((/** @type {any} */ warning) => h("p.hint", { dir: "auto" }, warning.text));
    if (this.warnings.textContent !== warnings.map((/** @type {any} */ line) => line.textContent).join("")) {
      fill(this.warnings, ...warnings);
    }
    if (!strict || !answer.problems.length) return true;
    const [first] = answer.problems;
    if (!this.#networks?.showProblem(first.field, first.problem, true)) this.#failed(inputError(first));
    return false;
  }

  async #submit() {
    if (this.#sending || !this.#networks) return;
    if (!this.#networks.check()) {
      this.app.announcer.say(this.#networks.value ? "The network settings are not complete." : "Choose a network first.");
      if (!this.#networks.value) this.#failed(choose());
      return;
    }
    if (this.#clouds && !this.#clouds.ready()) return;
    if (this.#device && !this.#device.check()) return;
    this.#sending = true;
    this.button.disabled = true;
    fill(this.outcome);
    try {
      if (await this.#check(true)) await this.#start();
    } catch (error) {
      this.#failed(/** @type {any} */ (error));
    } finally {
      this.#sending = false;
      this.button.disabled = false;
    }
  }

  async #start() {
    const { agent, memory, store } = this.app;
    await store.rest(this.board);
    const cloud = this.simple ? "none" : this.#clouds?.cloud?.id;
    const { job } = await agent.call("jobs.start", {
      kind: this.kind,
      board: this.board,
      attended: true,
      network: this.#networks?.value,
      ...(cloud ? { cloud } : {}),
      ...this.app.store.over(this.board),
      ...(this.#warned ? { confirmed: true } : {}),
      ...this.#device?.values,
    });
    this.#networks?.remember();
    if (cloud && !this.simple) memory.cloud = cloud;
    memory.forgetDraft(this.#formName);
    this.#done = true;
    go("job", job);
  }

  #done = false;

  /** What was typed stays for the next time this form opens. */
  #keep() {
    if (this.#done || !this.#networks) return;
    this.#networks.remember();
    this.app.memory.keepDraft(this.#formName, { network: this.#networks.networkKey, device: this.#device?.values });
  }

  /** @param {any} error */
  #failed(error) {
    const { field, problem } = error.facts ?? {};
    const name = String(field ?? "").replace(/^network\./, "");
    if (name && this.#device?.showProblem(name, String(problem))) return this.#device.field(name)?.focus();
    if (name && this.#networks?.showProblem(name, String(problem), true)) return;
    const card = new ErrorCard(error, { context: { board: this.board, version: this.app.agent.info?.version } });
    fill(this.outcome, card);
    this.app.announcer.say(error.title);
    if (error.code !== "choose") focusOn(card);
  }
}

/** @param {import("../types.js").Problem} problem */
function inputError({ field, problem }) {
  const meaning = "Nothing was sent to the board or the cloud.";
  const title = field === "kind" ? problem : `${field}: ${problem}`;
  return { code: "input", title, meaning, remedy: "Correct this and try again.", facts: {} };
}

function choose() {
  return { code: "choose", title: "Choose a network first.", meaning: "", remedy: "", facts: {} };
}

customElements.define("setup-form", SetupForm);
