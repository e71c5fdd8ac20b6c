/** “Which one is it?”: has a device blink, where it can. */

import { View, fill, h, say } from "../lib/dom.js";
import { ErrorCard } from "./error-card.js";

/** For so long the page says that the device blinks. */
const SAID_MS = 8_000;

export class BlinkButton extends View {
  #timer = 0;

  /** @param {import("../app.js").App} app @param {string} board */
  constructor(app, board) {
    super();
    this.app = app;
    this.board = board;
    this.button = h("button.quiet", { type: "button" }, "Blink");
    this.button.addEventListener("click", () => void this.#blink());
    this.status = h("span.soft.small", { role: "status" });
    this.outcome = h("div");
    this.append(this.button, this.status, this.outcome);
  }

  connectedCallback() {
    for (const topic of ["boards", "jobs"]) this.watch(this.app.store, topic, () => this.#draw());
    this.onLeave(() => clearTimeout(this.#timer));
    this.#draw();
  }

  #draw() {
    const { store } = this.app;
    const board = store.boards.get(this.board);
    this.hidden = !board?.ports.some((port) => port.blinks);
    this.button.disabled = this.#busy || Boolean(store.active(this.board));
  }

  #busy = false;

  async #blink() {
    clearTimeout(this.#timer);
    fill(this.outcome);
    this.#busy = true;
    this.#draw();
    say(this.status, "Asking it to blink…");
    try {
      await this.app.agent.call("board.blink", { board: this.board });
      say(this.status, "It shows itself now: look for its light.");
      this.#timer = setTimeout(() => say(this.status, ""), SAID_MS);
    } catch (error) {
      say(this.status, "");
      fill(this.outcome, new ErrorCard(/** @type {any} */ (error), { context: { board: this.board } }));
      this.app.announcer.say(/** @type {any} */ (error).title);
    } finally {
      this.#busy = false;
      this.#draw();
    }
  }
}

customElements.define("blink-button", BlinkButton);
