/** All boards: cards while they are few, one line each and a filter when they are many. */

import { View, fill, foreign, h, keyed, say, set } from "../lib/dom.js";
import { brief, kindOf, stateOf } from "../lib/boardstate.js";
import { isBlynk } from "../lib/clouds.js";
import { READING_KINDS } from "../lib/jobwords.js";
import { Nearness } from "../lib/nearness.js";
import { airAddress, where } from "../lib/ports.js";
import { href } from "../lib/router.js";
import { boardDrawing, chip, links, updateChip, updateLinks } from "../parts/drawing.js";
import { callName } from "../parts/long-name.js";
import { AirNote } from "./air-note.js";
import { ManyNote } from "./many-note.js";
import { noBoards } from "./no-boards.js";

/** @typedef {import("../types.js").Board} Board */

/** From this many boards on each gets one line, and a filter appears. */
const DENSE = 9;
/** Down to this many it stays so: boards in the air come and go. */
const STILL_DENSE = 7;
/** Between two looks at who overtakes whom. */
const ORDER_MS = 1_000;

/** Four symbols made of the chip's id. */
const OWN_PART = /-[0-9A-Z]{4}$/;

/** Left out in the list, where the models of one maker stand side by side. */
const MAKER = /^Arduino (?=\S)/;

export class BoardList extends View {
  #current = "";
  #order = new Nearness();
  #pointed = false;
  #dense = false;

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
    this.missing = h("p.small.missing", {}, h("a", { href: href("missing") }, "A board is missing?"));
    this.filter.addEventListener("input", () => this.#draw());
    this.list.addEventListener("pointerenter", () => (this.#pointed = true));
    this.list.addEventListener("pointerleave", () => (this.#pointed = false));
    this.append(this.heading, new AirNote(app), new ManyNote(app), this.tools, this.list, this.empty, this.missing);
  }

  connectedCallback() {
    const { store, agent, ticker } = this.app;
    this.#pointed = false;
    for (const topic of ["boards", "jobs", "readings", "bluetooth", "info"]) this.watch(store, topic, () => this.#soon());
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

  /** @type {Set<string>} Names that several boards have. */
  #namesakes = new Set();

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

  /** “Just plugged in” ends without an event, and so does the patience before a board overtakes. */
  #age() {
    const now = Math.floor(Date.now() / ORDER_MS);
    if (now === this.#agedAt) return;
    this.#agedAt = now;
    this.#draw();
  }

  /** Nothing moves under the pointer, or where somebody moves with the keyboard. */
  get #held() {
    return this.#pointed || this.list.contains(document.activeElement);
  }

  #draw() {
    const { store } = this.app;
    const now = Date.now() / 1000;
    const boards = this.#order.order(store.boards.values(), performance.now() / 1000, this.#held);
    const dense = (this.#dense = boards.length >= (this.#dense ? STILL_DENSE : DENSE));
    const wanted = dense ? this.filter.value.trim().toLowerCase() : "";
    const shown = boards.filter((board) => !wanted || this.#text(board, now).includes(wanted));
    this.#namesakes = new Set(boards.map(({ name }) => name).filter((name, at, all) => all.indexOf(name) !== at));
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
    this.missing.hidden = !store.loaded;
    this.#drawEmpty(boards.length);
  }

  /** @param {number} boards */
  #drawEmpty(boards) {
    const { loaded, bluetooth } = this.app.store;
    const air = Boolean(bluetooth && !bluetooth.problem);
    const look = boards ? "" : !loaded ? "waiting" : air ? "none heard" : "none";
    if (this.empty.dataset.look === look) return;
    this.empty.dataset.look = look;
    if (look.startsWith("none")) fill(this.empty, noBoards(air));
    else fill(this.empty, look ? h("p.soft.pad", {}, "Looking for boards…") : null);
  }

  /** @param {Board} board @param {number} now What the filter looks into. */
  #text(board, now) {
    const state = stateOf(board, this.app.store, now);
    const model = this.app.store.model(board.model)?.name ?? "unknown board";
    const ports = board.ports.map((port) => (port.kind === "ble" ? `bluetooth ${airAddress(port)}` : `usb ${port.address}`));
    return `${board.name} ${model} ${ports.join(" ")} ${board.id} ${state.word} ${state.detail}`.toLowerCase();
  }

  /**
   * Among boards of one name each says which it is, whatever happens to it.
   *
   * @param {Board} board @param {import("../lib/boardstate.js").Shown} state @param {boolean} dense
   */
  #told(board, state, dense) {
    const place = where(board);
    if (!this.#namesakes.has(board.name) || !board.ports.length || state.detail.includes(place)) return state;
    return { ...state, detail: dense ? place : `${place} · ${state.detail}` };
  }

  /** @param {any} item @param {Board} board @param {number} now */
  #update(item, board, now) {
    const { store } = this.app;
    const model = store.model(board.model);
    const dense = this.classList.contains("dense");
    const full = this.#told(board, stateOf(board, store, now), dense);
    const state = dense ? brief(full) : full;
    const job = store.active(board.id);
    const atWork = job && !READING_KINDS.has(job.kind);
    item.classList.toggle("namesake", this.#namesakes.has(board.name));
    set(item.firstElementChild, "href", atWork ? href("job", job.id) : href("board", board.id));
    set(item.firstElementChild, "aria-current", board.id === this.#current ? "true" : null);
    const name = item.querySelector(".name bdi");
    const modelName = kindOf(board, model?.name).replace(MAKER, "");
    callName(name, board.name === model?.name ? modelName : board.name);
    // What happens now matters more than what the board is.
    const plain = name.textContent !== modelName && !["ask", "run", "bad"].includes(state.look);
    say(item.querySelector(".model"), plain ? modelName : "");
    // That it is in the air, a symbol says; and boards of Blynk have a part of their own in their names.
    const named = dense && isBlynk(board) && OWN_PART.test(board.name) && !item.classList.contains("namesake");
    const detail = named && state.detail === where(board) ? "" : state.detail;
    say(item.querySelector(".more"), detail.replace(/(^|· )Bluetooth /, "$1"));
    updateChip(item.querySelector(".chip"), state);
    updateLinks(item.querySelector(".links"), board);
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
      h("span.sub", {}, h("span.model"), h("span.more", { dir: "auto" }), links()),
    ),
  );
}

customElements.define("board-list", BoardList);
