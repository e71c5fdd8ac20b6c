/**
 * “Is this the one on the cable?”: a board in the air beside a cable with one of its kind.
 *
 * Only the board knows. Reading the one on the cable tells its Bluetooth address; if it is this one,
 * the agent makes one board of the two.
 */

import { View, fill, h, say } from "../lib/dom.js";
import { airAddress, airPort, onlyInAir, talks } from "../lib/ports.js";
import { ErrorCard } from "./error-card.js";

/** @typedef {import("../types.js").Board} Board */

export class SameBoard extends View {
  #busy = false;
  /** @type {string[]} Boards on a cable that were read, and are others. */ #others = [];

  /** @param {import("../app.js").App} app @param {string} board */
  constructor(app, board) {
    super();
    this.app = app;
    this.board = board;
    this.text = h("span", { role: "status" });
    this.button = h("button.link", { type: "button" }, "Check");
    this.button.addEventListener("click", () => void this.#check());
    this.outcome = h("div");
    this.line = h("p.hint", {}, this.text, " ", this.button);
  }

  connectedCallback() {
    for (const topic of ["boards", "jobs", "readings"]) this.watch(this.app.store, topic, () => this.#draw());
    this.#draw();
  }

  #draw() {
    const found = this.#candidates();
    const silent = !this.#busy && !found.length && !this.#others.length;
    if (silent) return fill(this);
    if (!this.line.isConnected) fill(this, this.line, this.outcome);
    if (this.#busy) return;
    this.button.hidden = !found.length;
    if (found.length > 1) say(this.text, `Is this one of the ${found.length} on a cable?`);
    else if (found.length) say(this.text, "Is this the one on the cable?");
    else if (this.#others.length > 1) say(this.text, "No, those on a cable are other boards.");
    else say(this.text, "No, the one on the cable is another board.");
  }

  /** Boards on a cable that may be this one: of its kind, and not asked yet. */
  #candidates() {
    const { store } = this.app;
    const here = store.boards.get(this.board);
    if (!here || !onlyInAir(here) || !here.model) return [];
    return [...store.boards.values()].filter(
      (board) =>
        board.model === here.model && !airPort(board) && board.ports.length && board.state === "ready" && talks(board) &&
        board.provisioning.installed !== "1.0" && !store.reading(board.id)?.facts && !this.#others.includes(board.id),
    );
  }

  async #check() {
    const { store, announcer } = this.app;
    const found = this.#candidates().map(({ id }) => id);
    const address = addressOf(store.boards.get(this.board));
    this.#busy = true;
    fill(this.outcome);
    this.button.hidden = true;
    say(this.text, "Asking the board on the cable…");
    for (const id of found) {
      await store.read(id);
      const { facts, error } = store.reading(id) ?? {};
      if (facts?.ble_address && facts.ble_address.toUpperCase() === address) {
        // The agent makes one board of the two, and the view of this one goes there.
        say(this.text, "Yes, it is the one on the cable.");
        return announcer.say(this.text.textContent ?? "");
      }
      if (error) fill(this.outcome, new ErrorCard(error, { context: { board: id } }));
      else this.#others.push(id);
    }
    this.#busy = false;
    this.#draw();
    if (this.isConnected) announcer.say(this.text.textContent ?? "");
  }
}

/** @param {Board|undefined} board */
function addressOf(board) {
  const port = airPort(board);
  return port ? airAddress(port) : "";
}

customElements.define("same-board", SameBoard);
