/** All boards: cards while they are few, one line each and a filter when they are many. */

import { View, fill, foreign, h, keyed, say, set } from "../lib/dom.js";
import { brief, stateOf } from "../lib/boardstate.js";
import { READING_KINDS } from "../lib/jobwords.js";
import { href } from "../lib/router.js";
import { boardDrawing, chip, updateChip } from "../parts/drawing.js";
import { noBoards } from "./no-boards.js";

/** @typedef {import("../types.js").Board} Board */

/** From this many boards on each gets one line, and a filter appears. */
const DENSE = 9;

/** Left out in the list, where the models of one maker stand side by side. */
const MAKER = /^Arduino (?=\S)/;

export class BoardList extends View {
  #current = "";

  /** @param {import("../app.js").App} app */
  constructor(app) {
    super();
    this.app = app;
    this.heading = h("h1.spoken", {}, "Boards");
    this.filter = h("input", {
      type: "search",
      "aria-label": "Filter boards",
      placeholder: "Filter by name, model, port or state",
      autocomplete: "off",
      spellcheck: "false",
    });
    this.found = h("span.soft.small", { role: "status" });
    this.tools = h("div.filter", { hidden: true }, this.filter, this.found);
    this.list = h("ul.boards");
    this.empty = h("div");
    this.filter.addEventListener("input", () => this.#draw());
    this.append(this.heading, this.tools, this.list, this.empty);
  }

  connectedCallback() {
    const { store, agent, ticker } = this.app;
    for (const topic of ["boards", "jobs", "readings"]) this.watch(store, topic, () => this.#soon());
    this.watch(agent, "state", () => this.#soon());
    this.onLeave(ticker.follow(() => this.#age()));
    this.#draw();
  }

  /** Id of the board that is shown beside the list. */
  set current(/** @type {string} */ id) {
    this.#current = id;
    for (const item of this.list.children) {
      const here = item.getAttribute("data-key") === id;
      set(/** @type {Element} */ (item.firstElementChild), "aria-current", here ? "true" : null);
    }
  }

  #due = false;

  /** Draw once for many changes of one moment. */
  #soon() {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      if (this.isConnected) this.#draw();
    });
  }

  #agedAt = 0;

  /** “Just plugged in” ends without an event. */
  #age() {
    const now = Math.floor(Date.now() / 5000);
    if (now === this.#agedAt) return;
    this.#agedAt = now;
    this.#draw();
  }

  #draw() {
    const { store } = this.app;
    const now = Date.now() / 1000;
    // By id: a board keeps its place when it gets a name, restarts or is plugged in again.
    const boards = [...store.boards.values()].sort((a, b) => a.id.localeCompare(b.id));
    const dense = boards.length >= DENSE;
    const wanted = dense ? this.filter.value.trim().toLowerCase() : "";
    const shown = boards.filter((board) => !wanted || this.#text(board, now).includes(wanted));
    this.classList.toggle("dense", dense);
    this.tools.hidden = !dense;
    say(this.found, wanted ? `${shown.length} of ${boards.length}` : `${boards.length} boards`);
    keyed(
      this.list,
      shown,
      (board) => board.id,
      () => row(),
      (item, board) => this.#update(item, board, now),
    );
    this.list.hidden = !boards.length;
    this.#drawEmpty(boards.length);
  }

  /** @param {number} boards */
  #drawEmpty(boards) {
    const look = boards ? "" : this.app.store.loaded ? "none" : "waiting";
    if (this.empty.dataset.look === look) return;
    this.empty.dataset.look = look;
    if (look === "none") fill(this.empty, noBoards());
    else fill(this.empty, look ? h("p.soft.pad", {}, "Looking for boards…") : null);
  }

  /** @param {Board} board @param {number} now What the filter looks into. */
  #text(board, now) {
    const state = stateOf(board, this.app.store, now);
    const model = this.app.store.model(board.model)?.name ?? "unknown board";
    const ports = board.ports.map((port) => port.address).join(" ");
    return `${board.name} ${model} ${ports} ${board.id} ${state.word} ${state.detail}`.toLowerCase();
  }

  /** @param {any} item @param {Board} board @param {number} now */
  #update(item, board, now) {
    const { store } = this.app;
    const model = store.model(board.model);
    const state = this.classList.contains("dense")
      ? brief(stateOf(board, store, now))
      : stateOf(board, store, now);
    const job = store.active(board.id);
    const atWork = job && !READING_KINDS.has(job.kind);
    set(item.firstElementChild, "href", atWork ? href("job", job.id) : href("board", board.id));
    set(item.firstElementChild, "aria-current", board.id === this.#current ? "true" : null);
    const name = item.querySelector(".name bdi");
    const modelName = (model?.name ?? board.model ?? "Unknown board").replace(MAKER, "");
    say(name, board.name === model?.name ? modelName : board.name);
    // What happens now matters more than what the board is.
    const plain = name.textContent !== modelName && !["ask", "run", "bad"].includes(state.look);
    say(item.querySelector(".model"), plain ? modelName : "");
    say(item.querySelector(".more"), state.detail);
    updateChip(item.querySelector(".chip"), state);
    const family = model?.drawing ?? "generic";
    const picture = item.querySelector(".picture");
    if (picture.dataset.family === family) return;
    picture.dataset.family = family;
    fill(picture, boardDrawing(model));
  }
}

function row() {
  return h(
    "li",
    {},
    h(
      "a",
      {},
      h("span.picture"),
      h("span.name", {}, foreign("")),
      chip({ look: "ready", word: "" }),
      h("span.sub", {}, h("span.model"), h("span.more", { dir: "auto" })),
    ),
  );
}

customElements.define("board-list", BoardList);
