/** Many boards become devices of a cloud that gives them credentials: which boards, one name for all, one network. */

import { View, fill, focusOn, h, say } from "../lib/dom.js";
import { stateOf } from "../lib/boardstate.js";
import { begin, groupDraft, newGroup } from "../lib/begin.js";
import { enrols, isEnrolment } from "../lib/enrol.js";
import { nameFor, patternProblem, previewOf } from "../lib/many.js";
import { go, href } from "../lib/router.js";
import { count } from "../lib/text.js";
import { jobsOf } from "../lib/wall.js";
import { BoardChoice } from "../parts/board-choice.js";
import { SignIn } from "../parts/cloud-picker.js";
import { EnrolSettings, usedAccount } from "../parts/enrol-settings.js";
import { ErrorCard } from "../parts/error-card.js";
import { ownField } from "../parts/field.js";

/** @typedef {import("../types.js").Board} Board */
/** @typedef {import("../types.js").Job} Job */

const DRAFT = "many";
const ENDED_BADLY = new Set(["failed", "interrupted", "cancelled"]);

export class ManyForm extends View {
  #drawn = "";
  #sending = false;

  /** @param {import("../app.js").App} app @param {string} group The boards join this one; empty: they are a new one. */
  constructor(app, group) {
    super();
    this.app = app;
    this.group = group;
    this.heading = h("h1", {}, group ? "Set up more boards" : "Set up many boards");
    this.account = h("div");
    this.boards = new BoardChoice(app, (board) => this.#usual(board));
    this.boards.addEventListener("picked", () => this.#arrange());
    this.name = ownField(
      {
        name: "name",
        title: "Device names",
        description: "Left empty: model and hardware id, the same each time. {n} is the number in the list ({n:02}: 07); {hardware_id}, {serial_number} and {model} are those of the board.",
        maxBytes: undefined,
      },
      { value: app.memory.draft(DRAFT).name },
    );
    this.name.input.addEventListener("input", () => this.#arrange());
    this.settings = new EnrolSettings(app, "", this.#before);
    this.settings.addEventListener("picked", () => this.#arrange());
    this.button = h("button.primary", { type: "submit" }, "Set up");
    this.outcome = h("div");
    this.none = h("p.field-error", { hidden: true }, "Choose at least one board.");
    this.rest = h("div.rest", {}, this.boards, this.none, this.name.element, this.settings, this.outcome, h("div.row", {}, this.button));
    const form = h("form", { novalidate: true }, this.account, this.rest);
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.#submit();
    });
    const back = group ? h("a.back-to", { href: href("wall", group) }, "‹ Back to the others") : h("a.back-to", { href: href("boards") }, "‹ All boards");
    this.append(back, h("section.sheet.setup.enrol", {}, this.heading, form));
  }

  get pageTitle() {
    return this.heading.textContent;
  }

  connectedCallback() {
    this.watch(this.app.store, "clouds", () => this.#draw());
    this.onLeave(() => this.#keep());
    this.#draw();
  }

  get #cloud() {
    return this.app.store.clouds.find(enrols);
  }

  /** Jobs of the group that the boards join. */
  get #jobs() {
    return this.group ? jobsOf(this.app.store.jobs.values(), this.group) : [];
  }

  /** How the others of the group were begun, where this page has not done it. */
  get #before() {
    const request = this.#jobs.at(-1)?.request;
    return request && { keeps: !request.network, network: request.network, delivery: request.delivery, credentials: request.credentials };
  }

  /** Whether a board is chosen at first: those that failed if there are some, else all that are no device yet. @param {Board} board */
  #usual(board) {
    const bad = this.#jobs.filter(({ state }) => ENDED_BADLY.has(state));
    if (bad.length) return bad.some((job) => job.board === board.id);
    const { store } = this.app;
    const last = store.lastWork(board.id);
    const settled = (last?.state === "done" && isEnrolment(last)) || stateOf(board, store, Date.now() / 1000).look === "ok";
    return !settled;
  }

  #draw() {
    const cloud = this.#cloud;
    if (!cloud) return;
    const key = JSON.stringify([cloud.signed_in, cloud.account]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    say(this.heading, `Set up ${this.group ? "more" : "many"} boards with ${cloud.title}`);
    const within = this.account.contains(document.activeElement);
    fill(this.account, cloud.signed_in ? usedAccount(cloud) : new SignIn(this.app, cloud));
    this.rest.hidden = !cloud.signed_in;
    this.settings.cloud = cloud;
    if (within && cloud.signed_in) this.boards.focusFirst();
    this.#arrange();
  }

  get #pattern() {
    return this.name.input.value.trim();
  }

  /** The name that a board has in its group already; numbers go on after those. @param {Board[]} boards */
  #named(boards) {
    const jobs = this.#jobs;
    const known = new Map(jobs.map((job) => [job.board, job]));
    let next = jobs.length;
    return boards.map((board) => {
      const job = known.get(board.id);
      return job ? { board, name: String(job.request?.name ?? ""), n: 0 } : { board, name: null, n: ++next };
    });
  }

  /** What each board will be called, and how many they are. */
  #arrange() {
    const { chosen } = this.boards;
    const names = this.#named(chosen).map(({ board, name, n }) => /** @type {[string, string]} */ ([board.id, previewOf(name ?? this.#pattern, board, n)]));
    const wrong = Boolean(patternProblem(this.#pattern, chosen));
    this.boards.names = wrong ? new Map() : new Map(names);
    if (chosen.length) this.none.hidden = true;
    if (this.#sending) return;
    const boards = chosen.length ? count(chosen.length, "board") : "boards";
    say(this.button, this.settings.file ? `Register ${boards} and make ${chosen.length === 1 ? "the file" : "the files"}` : `Set up ${boards}`);
  }

  /** @param {Board[]} boards */
  #check(boards) {
    if (!boards.length) {
      this.none.hidden = false;
      this.app.announcer.say(this.none.textContent ?? "");
      this.boards.focusFirst();
      this.none.scrollIntoView({ block: "nearest" });
      return false;
    }
    const fresh = this.#named(boards).filter(({ name }) => name === null);
    const problem = this.name.problem || patternProblem(this.#pattern, fresh.map(({ board }) => board));
    this.name.showProblem(problem);
    if (problem) this.name.focus();
    return !problem && this.settings.check();
  }

  async #submit() {
    const cloud = this.#cloud;
    if (this.#sending || !cloud) return;
    if (!cloud.signed_in) return this.account.querySelector("input")?.focus();
    const { chosen } = this.boards;
    if (!this.#check(chosen)) return;
    this.#sending = true;
    this.button.disabled = true;
    fill(this.outcome);
    try {
      await this.#start(cloud.id, chosen);
    } finally {
      this.#sending = false;
      this.button.disabled = false;
      this.#arrange();
    }
  }

  /** @param {string} cloud @param {Board[]} boards */
  async #start(cloud, boards) {
    const { app } = this;
    const group = this.group || newGroup();
    const common = { cloud, ...this.settings.request };
    const orders = this.#named(boards).map(({ board, name, n }) => {
      const called = name ?? nameFor(this.#pattern, board, n);
      return { board: board.id, request: { ...common, ...(called ? { name: called } : {}) } };
    });
    const tell = (/** @type {number} */ begun) => say(this.button, `Beginning ${begun} of ${orders.length}…`);
    // What is wrong for the first one is likely to be wrong for all.
    const [first] = await begin(app, group, orders.slice(0, 1), tell);
    if (first && this.#failed(first.error, first.board)) return;
    const refused = await begin(app, group, orders.slice(1), (begun) => tell(begun + 1));
    app.memory.cloud = cloud;
    app.memory.keepDraft(groupDraft(group), { common, refused: first ? [first, ...refused] : refused });
    this.#keep();
    go("wall", group);
  }

  #keep() {
    this.settings.keep();
    this.app.memory.keepDraft(DRAFT, { name: this.name.input.value });
  }

  /** Show what concerns all boards; false if it is about one board only. @param {any} error @param {string} board */
  #failed(error, board) {
    const { field, problem } = error.facts ?? {};
    const here = field && field !== "board" ? String(field) : "";
    if (!here && this.boards.chosen.length > 1 && !error.code.startsWith("cloud-") && error.code !== "agent-gone") return false;
    this.app.announcer.say(error.title);
    if (here === "name") {
      this.name.showProblem(String(problem));
      this.name.focus();
    } else if (!this.settings.showProblem(here, String(problem))) {
      const card = new ErrorCard(error, { context: { board, version: this.app.agent.info?.version } });
      fill(this.outcome, card);
      focusOn(card);
    }
    return true;
  }
}

customElements.define("many-form", ManyForm);
