/** Which model a board is, asked where its port cannot tell. Empty for other boards. Fires `picked`. */

import { View, fill } from "../lib/dom.js";
import { ChoiceList } from "./choice-list.js";

export class ModelChoice extends View {
  /** @type {ChoiceList|null} */ #list = null;
  #shown = "";

  /** @param {import("../app.js").App} app @param {string} board */
  constructor(app, board) {
    super();
    this.app = app;
    this.board = board;
  }

  connectedCallback() {
    this.watch(this.app.store, "boards", () => this.#draw());
    this.#draw();
  }

  /** The model as far as it is known. @returns {import("../types.js").Model|undefined} */
  get model() {
    const { store } = this.app;
    return store.model(store.boards.get(this.board)?.model ?? this.named);
  }

  /** Id of the model that the person named; empty where it is known or not named yet. */
  get named() {
    const named = this.app.memory.models.get(this.board) ?? "";
    return this.#candidates.includes(named) ? named : "";
  }

  /** The person has to say it before anything can be done. */
  get missing() {
    return this.#candidates.length > 0 && !this.named;
  }

  /** @returns {string[]} */
  get #candidates() {
    const board = this.app.store.boards.get(this.board);
    return board && !board.model ? (board.candidates ?? []) : [];
  }

  /** True if nothing is missing; otherwise says so and goes there. */
  check() {
    return this.#list?.check("Say which board it is: what is meant for another one does not run.") ?? true;
  }

  #draw() {
    const { store, memory } = this.app;
    const choices = this.#candidates.map((id) => ({ id, label: store.model(id)?.name ?? id, detail: "" }));
    const key = JSON.stringify(choices);
    if (key === this.#shown) return;
    this.#shown = key;
    this.#list = choices.length ? new ChoiceList("Which board is it?", choices, { chosen: this.named }) : null;
    this.#list?.addEventListener("picked", () => {
      memory.models.set(this.board, this.#list?.value ?? "");
      this.dispatchEvent(new CustomEvent("picked"));
    });
    fill(this, this.#list);
  }
}

customElements.define("model-choice", ModelChoice);
