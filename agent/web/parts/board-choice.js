/** Which boards: all that are on a cable, with the name that each will get. Fires `picked`. */

import { View, foreign, h, keyed, say } from "../lib/dom.js";
import { stateOf } from "../lib/boardstate.js";
import { isNrf } from "../lib/clouds.js";
import { hasSerial, isImprov, where } from "../lib/ports.js";
import { count } from "../lib/text.js";
import { callName } from "./long-name.js";

/** @typedef {import("../types.js").Board} Board */

export class BoardChoice extends View {
  /** @type {Map<string, boolean>} What a person chose, by id. */ #chosen = new Map();
  #names = new Map();

  /** @param {import("../app.js").App} app @param {(board: Board) => boolean} usual Whether a board is chosen at first. */
  constructor(app, usual) {
    super();
    this.app = app;
    this.usual = usual;
    this.told = h("span.soft.small", { role: "status" });
    this.list = h("div.board-choice");
    this.empty = h("p.soft", { hidden: true }, "No board is on a cable. Plug some in: they are listed here at once.");
    const all = this.#button("All", true);
    const none = this.#button("None", false);
    this.list.addEventListener("change", (/** @type {any} */ event) => {
      this.#chosen.set(event.target.value, event.target.checked);
      this.#changed();
    });
    this.append(h("fieldset", {}, h("legend", {}, "Boards"), h("div.choosing", {}, all, none, this.told), this.list, this.empty));
  }

  connectedCallback() {
    for (const topic of ["boards", "jobs"]) this.watch(this.app.store, topic, () => this.#changed());
    this.#changed();
  }

  /** Boards that can be given credentials, in the order of their sockets. @returns {Board[]} */
  get boards() {
    const place = (/** @type {Board} */ { ports }) => ports[0]?.location || ports[0]?.address || "";
    return [...this.app.store.boards.values()]
      .filter((board) => hasSerial(board) && !isImprov(board) && !isNrf(board) && board.state !== "bootloader")
      .sort((a, b) => place(a).localeCompare(place(b), "en", { numeric: true }));
  }

  /** @returns {Board[]} */
  get chosen() {
    return this.boards.filter((board) => this.#isChosen(board));
  }

  /** Show what each board will be called. @param {Map<string, string>} names By id. */
  set names(names) {
    this.#names = names;
    this.#draw();
  }

  focusFirst() {
    /** @type {HTMLElement|null} */ (this.list.querySelector("input:not(:disabled)"))?.focus();
  }

  /** @param {Board} board */
  #isChosen(board) {
    return board.state === "ready" && (this.#chosen.get(board.id) ?? this.usual(board));
  }

  /** @param {string} label @param {boolean} chosen */
  #button(label, chosen) {
    const button = h("button.quiet", { type: "button" }, label);
    button.addEventListener("click", () => {
      for (const { id } of this.boards) this.#chosen.set(id, chosen);
      this.#changed();
    });
    return button;
  }

  #changed() {
    this.#draw();
    this.dispatchEvent(new CustomEvent("picked"));
  }

  #draw() {
    const { boards } = this;
    keyed(this.list, boards, ({ id }) => id, row, (item, board) => this.#update(item, board));
    this.list.hidden = !boards.length;
    this.empty.hidden = boards.length > 0;
    say(this.told, `${this.chosen.length} of ${count(boards.length, "board")} chosen`);
  }

  /** @param {any} item @param {Board} board */
  #update(item, board) {
    const { store } = this.app;
    const box = item.querySelector("input");
    box.disabled = board.state !== "ready";
    box.checked = this.#isChosen(board);
    say(item.querySelector("bdi"), board.name);
    const state = stateOf(board, store, Date.now() / 1000);
    const plain = ["new", "ready"].includes(state.look);
    say(item.querySelector(".place"), plain ? where(board) : `${where(board)} · ${state.word}`);
    const name = box.checked ? (this.#names.get(board.id) ?? "") : "";
    callName(item.querySelector(".becomes bdi"), name);
    item.querySelector(".becomes").hidden = !name;
  }
}

/** @param {Board} board */
function row(board) {
  const box = h("input", { type: "checkbox", value: board.id });
  return h("label", {}, box, h("span.which", {}, foreign(""), h("span.place.soft.small"), h("span.becomes.small", {}, "→ ", h("bdi", { dir: "auto" }))));
}

customElements.define("board-choice", BoardChoice);
