/** One board: what it is, and what can be done with it. */

import { View, fill, focusOn, foreign, h, keyed, say, set } from "../lib/dom.js";
import { ended } from "../lib/store.js";
import { stateOf, where } from "../lib/boardstate.js";
import { href } from "../lib/router.js";
import { boardDrawing, chip, updateChip } from "../parts/drawing.js";
import { BoardFactsList } from "./board-facts.js";
import { EraseForm } from "./erase-form.js";
import { SerialMonitor } from "./serial-monitor.js";
import { SetupForm } from "./setup-form.js";

/** @typedef {import("../types.js").Board} Board */

const PARTS = [
  ["setup", "Set up"],
  ["network", "Change network"],
  ["erase", "Erase network"],
  ["monitor", "Serial monitor"],
];

const WORK = /** @type {Record<string, string>} */ ({
  asking: "This board needs you. ",
  running: "A job is at work on this board. ",
});

export class BoardView extends View {
  #part = "";
  #shownPart = "";
  #drawn = false;

  /** @param {import("../app.js").App} app @param {string} id */
  constructor(app, id) {
    super();
    this.app = app;
    this.id_ = id;
    this.name = foreign("");
    this.picture = h("span.picture");
    this.under = h("p.soft");
    this.chip = chip({ look: "ready", word: "" });
    this.facts = new BoardFactsList(app, id);
    this.notice = h("div");
    this.actions = h("nav.actions", { "aria-label": "What to do with this board" });
    this.panel = h("div.panel");
    this.missing = h("section.sheet", { hidden: true }, h("h1", {}, "This board is not connected"));
    this.missing.append(h("p", {}, "Plug it in; this page goes on by itself."));
    this.sheet = h(
      "section.sheet.board",
      {},
      h("div.board-head", {}, this.picture, h("div", {}, h("h1", {}, this.name), this.under), this.chip),
      this.facts,
      this.notice,
      this.actions,
    );
    this.append(h("a.back", { href: href("boards") }, "‹ All boards"), this.sheet, this.missing, this.panel);
  }

  get pageTitle() {
    return this.board?.name ?? "Board";
  }

  /** @returns {Board|undefined} */
  get board() {
    return this.app.store.boards.get(this.id_);
  }

  /** Which of the board's panels is open; empty: the one that fits. */
  set subpage(/** @type {string} */ part) {
    this.#part = part;
    if (this.#drawn) this.#draw();
  }

  connectedCallback() {
    const { store, ticker } = this.app;
    for (const topic of ["boards", "jobs", "readings", "clouds"]) this.watch(store, topic, () => this.#draw());
    this.onLeave(ticker.follow(() => this.#state()));
    this.#drawn = true;
    this.#draw();
  }

  #draw() {
    const { store } = this.app;
    const board = this.board;
    this.missing.hidden = Boolean(board) || !store.loaded;
    this.sheet.hidden = !board;
    if (!board) {
      if (this.#shownPart !== "monitor") this.#open("");
      return;
    }
    const model = store.model(board.model);
    if (this.name.textContent !== board.name) {
      say(this.name, board.name);
      document.title = `${board.name} · Mooring`;
    }
    const kind = model?.name ?? "Unknown board";
    say(this.under, kind === board.name ? where(board) : `${kind} · ${where(board)}`);
    const family = model?.drawing ?? "generic";
    if (this.picture.dataset.family !== family) {
      this.picture.dataset.family = family;
      fill(this.picture, boardDrawing(model, 84, 60));
    }
    this.#state();
    this.#notice(board);
    this.#readUnasked(board);
    const part = this.#part || this.#fitting(board);
    this.#links(board, part);
    this.#open(part);
  }

  #state() {
    if (this.board) updateChip(this.chip, stateOf(this.board, this.app.store, Date.now() / 1000));
  }

  /** A person who opens an idle board that provisioning knows wants to see what it is. */
  #readUnasked(/** @type {Board} */ board) {
    const { store, agent } = this.app;
    if (store.reading(board.id) || store.active(board.id) || agent.state !== "connected") return;
    if (board.state === "ready" && board.provisioning.supported.includes("2.0") && this.#part !== "monitor") {
      void store.read(board.id);
    }
  }

  /** The panel for a person who did not choose one. @param {Board} board */
  #fitting(board) {
    const { store } = this.app;
    if (this.#shownPart && this.#shownPart !== "none") return this.#shownPart;
    const job = store.active(board.id);
    if (job && !["identify", "networks"].includes(job.kind)) return "none";
    if (!board.provisioning.supported.includes("2.0")) return "none";
    const last = store.lastWork(board.id);
    const settled = last?.state === "done" && ["provision", "configure"].includes(last.kind);
    return settled ? "none" : "setup";
  }

  /** @param {Board} board @param {string} part */
  #links(board, part) {
    const able = board.provisioning.supported.includes("2.0");
    const shown = PARTS.filter(([name]) => able || name === "monitor");
    keyed(
      this.actions,
      shown,
      ([name]) => name,
      ([name, label]) => h("a.button.quiet", { href: href("board", board.id, name) }, label),
      (link, [name]) => set(link, "aria-current", name === part ? "true" : null),
    );
  }

  /** What a person should know before choosing. @param {Board} board */
  #notice(board) {
    const job = this.app.store.active(this.id_);
    const work = job && !ended(job) && !["identify", "networks"].includes(job.kind) ? job : null;
    const text = work ? WORK[work.state] : remark(board);
    const key = `${work?.id} ${text}`;
    if (this.notice.dataset.key === key) return;
    this.notice.dataset.key = key;
    const link = work && h("a", { href: href("job", work.id) }, "See the steps");
    fill(this.notice, text ? h("p.hint", {}, text, link) : null);
  }

  /** @param {string} part */
  #open(part) {
    if (part === this.#shownPart) return;
    const chosen = this.#shownPart !== "" && part === this.#part;
    this.#shownPart = part;
    const panel = this.#make(part);
    fill(this.panel, panel);
    if (chosen && panel) focusOn(this.panel.querySelector("h2"));
  }

  /** @param {string} part */
  #make(part) {
    if (part === "setup") return new SetupForm(this.app, this.id_, "provision");
    if (part === "network") return new SetupForm(this.app, this.id_, "configure");
    if (part === "erase") return new EraseForm(this.app, this.id_);
    if (part === "monitor") return new SerialMonitor(this.app, this.id_);
    return null;
  }
}

/** Why less can be done with this board than with others. @param {Board} board */
function remark(board) {
  if (board.state === "bootloader") return "Its loader runs, not its sketch. Press its reset button once.";
  if (!board.model) return "Mooring does not know this kind of board, so it cannot set it up.";
  if (!board.provisioning.supported.includes("2.0")) return "This kind of board cannot be set up by Mooring yet.";
  return "";
}

customElements.define("board-view", BoardView);
