/** Over what a board is talked to, and the way to choose the other one. Empty for most boards. */

import { View, h, say } from "../lib/dom.js";
import { VIA_NAMES, bothWays } from "../lib/ports.js";
import { symbol } from "./drawing.js";

/** @typedef {import("../types.js").Via} Via */

export class LinkChoice extends View {
  /** @param {import("../app.js").App} app @param {string} board */
  constructor(app, board) {
    super();
    this.app = app;
    this.board = board;
    this.text = h("span");
    this.button = h("button.link", { type: "button" });
    this.button.addEventListener("click", () => {
      const { store, announcer } = this.app;
      store.vias.set(board, other(this.via));
      this.#draw();
      announcer.say(this.text.textContent ?? "");
      // Whoever changes over because the one did not answer wants to see whether the other does.
      if (store.reading(board)?.state === "failed") void store.read(board);
    });
    this.append(h("p.via", {}, symbol("link-usb", 16, 16), symbol("link-ble", 16, 16), this.text, this.button));
  }

  connectedCallback() {
    for (const topic of ["boards", "jobs"]) this.watch(this.app.store, topic, () => this.#draw());
    this.#draw();
  }

  /** @returns {Via} */
  get via() {
    const { store } = this.app;
    const chosen = store.active(this.board) ? undefined : store.vias.get(this.board);
    return chosen ?? store.boards.get(this.board)?.via ?? "usb";
  }

  #draw() {
    const { store } = this.app;
    this.hidden = !bothWays(store.boards.get(this.board));
    const job = store.active(this.board);
    say(this.text, `On a cable and in the air. Mooring talks to it over ${VIA_NAMES[this.via]}.`);
    say(this.button, `Use ${VIA_NAMES[other(this.via)]} instead`);
    this.button.hidden = Boolean(job);
  }
}

/** @param {Via} via @returns {Via} */
function other(via) {
  return via === "usb" ? "ble" : "usb";
}

customElements.define("link-choice", LinkChoice);
