/**
 * Setting a board up by writing a sketch first, or by making a file for the person's own sketch.
 *
 * Says before it starts which way it goes and why, and what is lost, kept and new.
 */

import { View, fill, focusOn, h, say } from "../lib/dom.js";
import { kindSchemas, kindsFor } from "../lib/networks.js";
import { usualName } from "../lib/names.js";
import { PREPARE, delivers, requestFor, updates, wayOf, waysFor } from "../lib/procedures.js";
import { go, href } from "../lib/router.js";
import { ChoiceList } from "../parts/choice-list.js";
import { CloudPicker } from "../parts/cloud-picker.js";
import { symbol } from "../parts/drawing.js";
import { ErrorCard } from "../parts/error-card.js";
import { FateList } from "../parts/fate-list.js";
import { ModelChoice } from "../parts/model-choice.js";
import { NetworkPicker } from "../parts/network-picker.js";
import { SchemaFields } from "../parts/schema-fields.js";

/** @typedef {import("../types.js").Decision} Decision */

/** Before the person has said which board it is. @type {import("../lib/decisions.js").Answer} */
const UNASKED = { state: "asking", decision: null, error: null };

export class UpdateForm extends View {
  /** The way that the person chose; empty: the one that was decided. */
  #chosen = "";
  /** @type {CloudPicker|null} */ #clouds = null;
  /** @type {SchemaFields|null} */ #device = null;
  #deviceOf = "";
  /** @type {NetworkPicker|null} */ #network = null;
  #sending = false;
  #done = false;

  /** @param {import("../app.js").App} app @param {string} board */
  constructor(app, board) {
    super();
    this.app = app;
    this.board = board;
    this.heading = h("h2", {}, "Set up");
    this.kind = new ModelChoice(app, board);
    this.kind.addEventListener("picked", () => this.#again());
    this.why = h("div.prose");
    this.fates = h("div");
    this.ways = h("div");
    this.cloud = h("div");
    this.device = h("div");
    this.old = h("div");
    this.delete = h("input", { type: "checkbox" });
    this.own = h("div");
    this.outcome = h("div");
    this.main = h("span");
    this.cost = h("span.small", {}, "Overwrites the sketch on the board");
    this.button = h("button.primary.two-lines", { type: "submit" }, this.main, this.cost);
    this.direct = h("a.button.primary", { href: href("board", board, "setup"), hidden: true }, "Go on");
    this.form = h(
      "form",
      { novalidate: true },
      this.kind,
      this.why,
      this.fates,
      this.ways,
      this.cloud,
      this.device,
      this.own,
      this.old,
      this.outcome,
      h("div.row", {}, this.button, this.direct),
    );
    this.form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.#submit();
    });
    this.append(h("section.sheet.setup.update", {}, this.heading, this.form));
  }

  connectedCallback() {
    const { store, decisions } = this.app;
    for (const topic of ["readings", "boards", "clouds", "jobs"]) this.watch(store, topic, () => this.#draw());
    this.watch(decisions, "decisions", () => this.#draw());
    this.onLeave(() => this.#keep());
    this.#draw();
  }

  get #formName() {
    return `update ${this.board}`;
  }

  /** What is decided, and what is decided for the way that the person chose. */
  #answers() {
    const { store, decisions } = this.app;
    const board = store.boards.get(this.board);
    if (!board) return null;
    const cloud = this.#clouds?.cloud?.needs_account ? this.#clouds.cloud.id : undefined;
    if (this.kind.missing) return { usual: UNASKED, answer: UNASKED };
    const model = this.kind.named;
    const usual = decisions.about(board, { cloud, model });
    const procedure = this.#chosen && this.#chosen !== PREPARE ? this.#chosen : "";
    const same = !procedure || procedure === usual.decision?.procedure;
    return { usual, answer: same ? usual : decisions.about(board, { cloud, procedure, model }) };
  }

  /** It is another board than the person said before. */
  #again() {
    this.#chosen = "";
    this.#draw();
  }

  /** The way that the button takes. @param {Decision|null} decision */
  #way(decision) {
    return this.#chosen || decision?.procedure || "";
  }

  #draw() {
    const answers = this.#answers();
    if (!answers) return;
    const { usual, answer } = answers;
    const decision = answer.decision;
    const way = this.#way(decision);
    if (!this.#clouds && this.app.store.clouds.length) this.#drawClouds();
    say(this.heading, decision ? wayOf(way).title : "Set up");
    this.#drawWhy(answer);
    this.#drawFates(decision);
    if (usual.decision) this.#drawWays(usual.decision);
    this.#drawDevice(decision, way);
    this.#drawOwn(decision);
    this.#drawOld(decision, way);
    const direct = decision?.procedure === "provision-2.0";
    const able = Boolean(decision) && decision?.procedure !== "unsupported";
    for (const part of [this.cloud, this.device]) part.hidden = !able || direct;
    this.direct.hidden = !direct;
    this.button.hidden = !able || direct;
    this.button.disabled = this.#sending || answer.state === "asking";
    say(this.main, wayOf(way).label);
    this.cost.hidden = !decision?.flashes;
  }

  /** @param {import("../lib/decisions.js").Answer} answer */
  #drawWhy({ state, decision, error }) {
    const key = JSON.stringify([state, decision?.reason, decision?.warning, error?.code, this.kind.missing]);
    if (this.why.dataset.key === key) return;
    this.why.dataset.key = key;
    if (error) {
      const again = h("button.quiet", { type: "button", onclick: () => this.app.decisions.forget(this.board) }, "Try again");
      return fill(this.why, new ErrorCard(error, { actions: [again], context: { board: this.board } }));
    }
    const asking = this.kind.missing ? "" : "Finding out which way this board needs…";
    fill(
      this.why,
      h("p", { dir: "auto" }, decision ? decision.reason : asking),
      decision?.warning ? h("p.hint", { dir: "auto" }, decision.warning) : null,
    );
  }

  /** @param {Decision|null} decision */
  #drawFates(decision) {
    const key = JSON.stringify(decision?.fates ?? []);
    if (this.fates.dataset.key === key) return;
    this.fates.dataset.key = key;
    fill(this.fates, decision?.fates?.length ? new FateList(decision.fates) : null);
  }

  /** @param {Decision} decision As decided, without what the person chose. */
  #drawWays(decision) {
    const ways = waysFor(decision);
    const key = ways.map(({ id }) => id).join(" ");
    if (this.ways.dataset.key === key) return;
    this.ways.dataset.key = key;
    if (!ways.some(({ id }) => id === this.#chosen)) this.#chosen = "";
    if (ways.length < 2) return fill(this.ways);
    const list = new ChoiceList("Ways to set this board up", ways, { chosen: this.#chosen || decision.procedure, hidden: true });
    list.addEventListener("picked", () => {
      this.#chosen = list.value === decision.procedure ? "" : list.value;
      fill(this.outcome);
      this.#draw();
      this.app.announcer.say(`${wayOf(list.value).choice}. ${this.#answers()?.answer.decision?.reason ?? ""}`);
    });
    fill(this.ways, h("details.more", {}, h("summary", {}, "Choose another way"), list));
  }

  #drawClouds() {
    this.#clouds = new CloudPicker(this.app, true);
    this.#clouds.addEventListener("picked", () => this.#draw());
    fill(this.cloud, this.#clouds);
  }

  /** The fields of the chosen cloud; what was typed moves with them. @param {Decision|null} decision @param {string} way */
  #drawDevice(decision, way) {
    const cloud = this.#clouds?.cloud;
    const of = cloud && decision && way !== PREPARE ? cloud.id : "";
    if (of === this.#deviceOf) return;
    this.#deviceOf = of;
    if (!cloud || !of) {
      this.#device = null;
      return fill(this.device);
    }
    const { store, memory } = this.app;
    const board = store.boards.get(this.board);
    const taken = (decision?.old_devices ?? []).map(({ name }) => name);
    const name = usualName(board, this.kind.model, taken);
    const values = { name, ...memory.draft(this.#formName).device, ...this.#device?.values };
    this.#device = new SchemaFields(cloud.device_schema, { values });
    fill(this.device, this.#device);
  }

  /** The network that goes into the file for the person's own sketch. @param {Decision|null} decision */
  #drawOwn(decision) {
    const { store, memory } = this.app;
    const kinds = delivers(decision?.procedure) && store.networkSchema ? ownKinds(this.kind.model, store.networkSchema) : [];
    const key = kinds.join(" ");
    if ((this.own.dataset.key ?? "") === key) return;
    this.own.dataset.key = key;
    if (!kinds.length || !store.networkSchema) {
      this.#network = null;
      return fill(this.own);
    }
    this.#network = new NetworkPicker({ schema: store.networkSchema, kinds, memory, typed: true });
    const note = h("p.soft.small", {}, "It goes into the file for your sketch, nowhere else. Leave it out to fill it in there yourself.");
    fill(this.own, h("details.more", {}, h("summary", {}, "Put your network into the file, too"), note, this.#network));
  }

  /** The devices that the cloud keeps of this board. @param {Decision|null} decision @param {string} way */
  #drawOld(decision, way) {
    const devices = updates(decision?.procedure) && way !== PREPARE ? (decision?.old_devices ?? []) : [];
    const key = devices.map(({ id, name }) => `${id} ${name}`).join("\n");
    if ((this.old.dataset.key ?? "") === key) return;
    this.old.dataset.key = key;
    this.delete.checked = false;
    if (!devices.length) return fill(this.old);
    const names = devices.flatMap(({ name }, at) => [at ? ", " : "", h("bdi", { dir: "auto" }, name)]);
    const cloud = this.#clouds?.cloud?.title ?? "the cloud";
    fill(
      this.old,
      h("div.old-device", {}, symbol("thing-cloud", 24, 24), h("p", {}, `Until now this board is `, h("b", {}, ...names), ` in ${cloud}. It becomes a new device there.`)),
      h("label.check", {}, this.delete, h("span", {}, "Delete ", ...names.map(copyOf), " afterwards, once the board is online")),
    );
  }

  async #submit() {
    const decision = this.#answers()?.answer.decision;
    if (this.#sending || !decision || this.button.hidden) return;
    if (this.#clouds && !this.#clouds.ready()) return this.app.announcer.say("Sign in first.");
    if (this.#device && !this.#device.check()) return;
    if (this.#givesNetwork && !this.#network?.check()) return;
    this.#sending = true;
    this.button.disabled = true;
    fill(this.outcome);
    try {
      await this.#start(this.#way(decision));
    } catch (error) {
      this.#failed(/** @type {any} */ (error));
    } finally {
      this.#sending = false;
      this.button.disabled = false;
    }
  }

  /** The person wants the network in the file. */
  get #givesNetwork() {
    return Boolean(this.#network?.closest("details")?.open);
  }

  /** @param {string} way */
  async #start(way) {
    const { agent, memory, store } = this.app;
    await store.quit(this.board);
    const cloud = this.#clouds?.cloud?.id;
    const { job } = await agent.call("jobs.start", {
      ...requestFor(way),
      board: this.board,
      attended: true,
      confirmed: true, // What is lost was said above the button, and on it.
      ...(this.kind.named ? { model: this.kind.named } : {}),
      ...(cloud ? { cloud } : {}),
      ...(this.delete.checked && this.delete.isConnected ? { delete_old: true } : {}),
      ...(this.#givesNetwork ? { network: this.#network?.value } : {}),
      ...this.#device?.values,
    });
    if (this.#givesNetwork) this.#network?.remember();
    if (cloud) memory.cloud = cloud;
    memory.forgetDraft(this.#formName);
    this.#done = true;
    go("job", job);
  }

  /** What was typed stays for the next time this form opens. */
  #keep() {
    if (!this.#done && this.#device) this.app.memory.keepDraft(this.#formName, { device: this.#device.values });
  }

  /** @param {any} error */
  #failed(error) {
    const { field, problem } = error.facts ?? {};
    const name = String(field ?? "").replace(/^network\./, "");
    this.app.announcer.say(error.title);
    if (name && this.#device?.showProblem(name, String(problem))) return this.#device.field(name)?.focus();
    if (name && this.#network?.showProblem(name, String(problem), true)) return;
    const card = new ErrorCard(error, { context: { board: this.board, version: this.app.agent.info?.version } });
    fill(this.outcome, card);
    focusOn(card);
  }
}

/** The kinds of network that a sketch of one's own may have built in. @param {import("../types.js").Model|undefined} model @param {import("../types.js").Schema} schema */
function ownKinds(model, schema) {
  return kindsFor(model, [...kindSchemas(schema).keys()]).filter((kind) => kind !== "lora");
}

function copyOf(/** @type {string|HTMLElement} */ part) {
  return typeof part === "string" ? part : part.cloneNode(true);
}

customElements.define("update-form", UpdateForm);
