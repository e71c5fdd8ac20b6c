/** What a job asks, in the place of the step that asks; what was typed before is still there. */

import { View, fill, focusOn, freshId, h, say } from "../lib/dom.js";
import { COSTS, GIVE_UP } from "../lib/answers.js";
import { BLYNK_KINDS, ownCloud } from "../lib/clouds.js";
import { isEnrolment } from "../lib/enrol.js";
import { kindSchemas, kindsFor } from "../lib/networks.js";
import { hexOf } from "../lib/text.js";
import { ByHand } from "./by-hand.js";
import { ChoiceList } from "./choice-list.js";
import { symbol } from "./drawing.js";
import { ErrorCard, codeLine } from "./error-card.js";
import { FateList } from "./fate-list.js";
import { ownField } from "./field.js";
import { HoldGuide } from "./hold-guide.js";
import { NetworkPicker } from "./network-picker.js";
import { TokenField } from "./token-field.js";

/** @typedef {import("../types.js").Action} Action */

/** Errors that another name mends. */
const NAME_TROUBLE = new Set(["enrol-name-taken", "input"]);

export class JobQuestion extends View {
  /** @type {any} */ #password = null;
  /** @type {import("./field.js").FieldInput|null} */ #name = null;
  /** @type {TokenField|null} */ #token = null;
  /** @type {NetworkPicker|null} */ #picker = null;
  /** @type {ChoiceList|null} */ #choices = null;
  /** @type {HTMLButtonElement[]} */ #buttons = [];

  /**
   * @param {import("../app.js").App} app That knows the schema of networks, if the question needs it.
   * @param {import("../types.js").Job} job
   * @param {import("../types.js").Question} question
   * @param {((answer: Record<string, any>) => Promise<void>)|null} [send] Gives the answer, where it is for several jobs.
   */
  constructor(app, job, question, send = null) {
    super();
    this.send = send;
    this.app = app;
    this.job = job;
    this.question = question;
    const title = freshId("question");
    this.outcome = h("div");
    this.choice = h("div.choose", { hidden: true });
    this.answers = h("div", {}, ...this.#answers());
    this.append(
      h(
        "div.ask",
        { role: "group", "aria-labelledby": title },
        this.#text("title", "p.ask-title", { id: title }),
        question.reason && !question.meaning?.includes(question.reason) && h("p", { dir: "auto" }, question.reason),
        question.meaning && this.#text("meaning", "p"),
        question.fates?.length ? new FateList(question.fates, { open: this.#final }) : null,
        this.#oldDevices(),
        question.safe && this.#text("safe", "p.safe"),
        this.#drawing(),
        this.answers,
        this.choice,
        this.outcome,
        question.error && codeLine(question.error, { job: job.id, board: job.board, version: app.agent.info?.version }),
      ),
    );
  }

  /** @type {Map<"title"|"meaning"|"safe", HTMLElement>} */ #texts = new Map();

  /** @param {"title"|"meaning"|"safe"} field @param {string} tag @param {Record<string, any>} [attributes] */
  #text(field, tag, attributes = {}) {
    const element = h(tag, { dir: "auto", ...attributes }, this.question[field]);
    this.#texts.set(field, element);
    return element;
  }

  /** The same question in other words, because others ask it now; what was typed stays. @param {import("../types.js").Question} question */
  retell(question) {
    for (const [field, element] of this.#texts) say(element, question[field] ?? "");
  }

  focusFirst() {
    if (this.#password) this.#password.focus();
    else if (this.#name) this.#name.focus();
    else if (this.#token) this.#token.focus();
    else if (this.#picker) this.#picker.focusChosen();
    else if (this.question.fates?.length) focusOn(/** @type {HTMLElement} */ (this.firstElementChild)); // Read first.
    else if (this.#choices) this.#choices.focusChosen();
    else if (this.#forward) this.#buttons[0]?.focus();
    else focusOn(/** @type {HTMLElement} */ (this.firstElementChild)); // Nobody gives up by accident.
  }

  /** What the job does cannot be undone by another one. */
  get #final() {
    return this.job.kind === "remove";
  }

  /** There is an answer that goes on with the job. */
  get #forward() {
    return this.question.actions.some((action) => !GIVE_UP.has(action.id));
  }

  /** The answer that goes on comes first. @returns {Action[]} */
  #ordered() {
    const actions = this.question.actions;
    const main = this.#renaming() ?? actions[0];
    return main ? [main, ...actions.filter((action) => action !== main)] : [];
  }

  /** The answer with another name, where that is the nearest way out. */
  #renaming() {
    const { actions, error } = this.question;
    const taken = actions.some(({ id }) => id === "administrator" || COSTS[id]);
    return !taken && NAME_TROUBLE.has(error?.code ?? "") ? actions.find(({ needs }) => needs === "name") : undefined;
  }

  #answers() {
    const [main, ...others] = this.#ordered();
    if (main?.needs === "password") {
      return [this.#passwordForm(main), h("div.row", {}, ...others.map((action) => this.#button(action, "quiet")))];
    }
    const rest = () => others.map((action) => this.#button(action, "quiet"));
    if (main?.needs === "choice" && this.question.choices?.length) return [this.#choiceForm(main, rest())];
    if (main?.needs === "network") return [this.#networkForm(main, main.label, rest())];
    if (main?.needs === "name") return [this.#nameForm(main, rest())];
    if (main?.needs === "token") return [this.#tokenForm(main, rest())];
    const look = this.#final && main?.id === "continue" ? "danger" : this.#forward ? "primary" : "quiet";
    const buttons = main ? [this.#button(main, look), ...rest()] : [];
    return [h("div.row", {}, ...buttons)];
  }

  /** The devices that the cloud keeps of this board from earlier. */
  #oldDevices() {
    const devices = this.question.old_devices ?? [];
    return devices.length ? h("ul.old-devices", {}, ...devices.map(oldDevice)) : null;
  }

  /** @param {Action} action @param {HTMLElement[]} others */
  #choiceForm(action, others) {
    const choices = new ChoiceList(this.question.title, this.question.choices ?? [], { hidden: true });
    this.#choices = choices;
    const send = h("button.primary", { type: "submit" }, action.label);
    this.#buttons.push(send);
    const form = h("form.choose", { novalidate: true }, choices, h("div.row", {}, send, ...others));
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      if (choices.check("Choose one first.")) void this.#answer({ action: action.id, choice: choices.value });
    });
    return form;
  }

  /** @param {Action} action */
  #passwordForm(action) {
    const { app } = this;
    const limit = kindSchemas(app.store.networkSchema ?? {}).get("wifi")?.properties?.password;
    this.#password = ownField(
      { name: "password", title: "Password", type: "password", maxBytes: limit?.["x-max-bytes"] ?? 63 },
      { value: app.memory.password(this.#networkKey) },
    );
    const send = h("button.primary", { type: "submit" }, action.label);
    this.#buttons.push(send);
    const form = h("form.answer", { novalidate: true }, this.#password.element, send);
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      const problem = this.#password.problem;
      this.#password.showProblem(problem);
      if (problem) return this.#password.focus();
      const password = this.#password.input.value;
      app.memory.keepPassword(this.#networkKey, password);
      void this.#answer({ action: action.id, password });
    });
    return form;
  }

  /** @param {Action} action @param {string} look */
  #button(action, look) {
    const button = h(`button.${look}`, { type: "button" }, action.label);
    button.addEventListener("click", () => {
      if (action.needs === "network") this.#inPlace((back) => this.#networkForm(action, "Use this network", [back]));
      else if (action.needs === "name") this.#inPlace((back) => this.#nameForm(action, [back]));
      else if (action.needs === "token") this.#inPlace((back) => this.#tokenForm(action, [back]));
      else if (COSTS[action.id]) this.#inPlace((back) => this.#costly(action, back));
      else if (action.needs === "password") this.#inPlace((back) => h("div.choose", {}, this.#passwordForm(action), h("div.row", {}, back)));
      else void this.#answer({ action: action.id });
    });
    this.#buttons.push(button);
    return button;
  }

  /** Ask for what an answer needs in the place of all answers. @param {(back: HTMLElement) => HTMLElement} make */
  #inPlace(make) {
    const back = h("button.quiet", { type: "button" }, "Back");
    const before = { picker: this.#picker, name: this.#name, token: this.#token, password: this.#password };
    back.addEventListener("click", () => {
      ({ picker: this.#picker, name: this.#name, token: this.#token, password: this.#password } = before);
      this.choice.hidden = true;
      this.answers.hidden = false;
      this.focusFirst();
    });
    this.#picker = this.#name = this.#token = this.#password = null;
    fill(this.choice, make(back));
    this.choice.hidden = false;
    this.answers.hidden = true;
    const picker = /** @type {NetworkPicker|null} */ (this.#picker);
    if (picker) picker.focusChosen();
    else (this.#name ?? this.#token ?? this.#password ?? back).focus();
  }

  /** What an answer costs, before it is given. @param {Action} action @param {HTMLElement} back */
  #costly(action, back) {
    const button = h("button.danger", { type: "button" }, action.label);
    button.addEventListener("click", () => void this.#answer({ action: action.id }));
    this.#buttons.push(button);
    return h("div", {}, h("p", {}, COSTS[action.id]), h("div.row", {}, button, back));
  }

  /** @param {Action} action @param {HTMLElement[]} others */
  #nameForm(action, others) {
    const before = this.question.error?.facts?.name ?? this.job.request?.name;
    const field = ownField({ name: "name", title: "Device name", required: true }, { value: before });
    this.#name = field;
    const send = h("button.primary", { type: "submit" }, action.label);
    this.#buttons.push(send);
    const form = h("form.choose", { novalidate: true }, field.element, h("div.row", {}, send, ...others));
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      const name = field.raw.trim();
      const problem = name ? "" : "is needed";
      field.showProblem(problem);
      if (problem) return field.focus();
      void this.#answer({ action: action.id, name });
    });
    return form;
  }

  /** A token as it was copied; never kept. @param {Action} action @param {HTMLElement[]} others */
  #tokenForm(action, others) {
    const field = new TokenField();
    this.#token = field;
    const send = h("button.primary", { type: "submit" }, action.label);
    this.#buttons.push(send);
    const form = h("form.choose", { novalidate: true }, field.element, h("div.row", {}, send, ...others));
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      if (field.check()) void this.#answer({ action: action.id, token: field.value });
    });
    return form;
  }

  /** @param {Action} action @param {string} label @param {HTMLElement[]} others */
  #networkForm(action, label, others) {
    const { store, memory } = this.app;
    const schema = store.networkSchema ?? {};
    const model = store.model(store.boards.get(this.job.board)?.model);
    const kinds = ownCloud(this.job) === "blynk" ? BLYNK_KINDS : kindsFor(model, [...kindSchemas(schema).keys()]);
    const preferred = this.#networkKey ? "" : memory.network; // The network in question has failed.
    const networks = this.question.networks ?? [];
    // A board that gets its settings in another way looks for none.
    const typed = (isEnrolment(this.job) || ownCloud(this.job) === "blynk") && !networks.length;
    const values = typed ? (this.question.network?.kind ? this.question.network : memory.draft("enrol").network) : null;
    const picker = new NetworkPicker({ schema, kinds, memory, preferred, typed, values });
    if (!typed) picker.show(networks);
    this.#picker = picker;
    const use = h("button.primary", { type: "submit" }, label);
    this.#buttons.push(use);
    const form = h("form.choose", { novalidate: true }, picker, h("div.row", {}, use, ...others));
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      if (!picker.check()) return this.app.announcer.say("Choose a network and type its password.");
      picker.remember();
      void this.#answer({ action: action.id, network: picker.value });
    });
    return form;
  }

  /** Bytes in hex of the network in question. */
  get #networkKey() {
    const network = this.question.network ?? {};
    return network.ssid_hex || hexOf(network.ssid ?? "");
  }

  /** How to reach the reset input, when the board has to be touched. */
  #drawing() {
    const { guide, access_point } = this.question;
    if (access_point?.name) return new ByHand(access_point);
    return guide?.pin ? new HoldGuide(this.app, guide) : null;
  }

  /** @param {Record<string, any>} answer */
  async #answer(answer) {
    fill(this.outcome);
    for (const button of this.#buttons) button.disabled = true;
    try {
      if (this.send) await this.send(answer);
      else await this.app.agent.call("jobs.answer", { job: this.job.id, answer, question: this.question.id });
      this.#token?.clear();
    } catch (error) {
      const { facts } = /** @type {any} */ (error);
      const name = String(facts?.field ?? "").replace(/^(answer\.)?(network\.)?/, "");
      const shown =
        (this.#picker && this.#picker.showProblem(name, String(facts?.problem), true)) ||
        (name === "password" && this.#password && (this.#password.showProblem(String(facts.problem)), true)) ||
        (name === "token" && this.#token && (this.#token.showProblem(String(facts.problem)), true)) ||
        (name === "name" && this.#name && (this.#name.showProblem(String(facts.problem)), true));
      if (!shown) fill(this.outcome, new ErrorCard(/** @type {any} */ (error)));
      this.app.announcer.say(/** @type {any} */ (error).title);
      for (const button of this.#buttons) button.disabled = false;
    }
  }
}

/** @param {{id: string, name: string}} device */
function oldDevice({ id, name }) {
  return h("li", {}, symbol("thing-cloud", 24, 24), h("span", {}, h("bdi", { dir: "auto" }, name), h("span.soft.small", {}, ` ${id}`)));
}

customElements.define("job-question", JobQuestion);
