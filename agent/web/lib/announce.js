/** One polite live region: what changed is said once, whichever part of the page noticed it. */

import { h } from "./dom.js";

/** The same sentence within this time is one event noticed twice. */
const REPEAT_MS = 2_000;

export class Announcer {
  #last = "";
  #lastAt = 0;

  constructor() {
    this.element = h("div.spoken", { role: "status", "aria-live": "polite" });
  }

  /** Have screen readers say a sentence. */
  say(/** @type {string} */ text) {
    const now = performance.now();
    if (!text || (text === this.#last && now - this.#lastAt < REPEAT_MS)) return;
    this.#last = text;
    this.#lastAt = now;
    const line = h("p", {}, text);
    this.element.append(line);
    while (this.element.childElementCount > 3) this.element.firstElementChild?.remove();
  }
}
