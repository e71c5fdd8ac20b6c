/** A scrolling log that keeps up with a fast board: it draws once per frame, only what changed. */

import { View, h } from "../lib/dom.js";

/** Pixels from the end within which a person counts as being at the end. */
const NEAR_END = 24;

export class LogPane extends View {
  #paused = false;
  #follow = true;
  #due = false;
  #first = 0;

  /** @param {import("../lib/serialtext.js").Scrollback} kept @param {string} label */
  constructor(kept, label) {
    super();
    this.kept = kept;
    this.log = h("div.log", { role: "log", "aria-live": "off", "aria-label": label, tabindex: "0", dir: "ltr" });
    this.log.addEventListener("scroll", () => this.#scrolled());
    this.append(this.log);
  }

  /** Stay at the end as text arrives. */
  get follow() {
    return this.#follow;
  }

  set follow(on) {
    this.#follow = on;
    if (on) this.log.scrollTop = this.log.scrollHeight;
  }

  /** Keep the picture still; text is kept meanwhile. */
  get paused() {
    return this.#paused;
  }

  set paused(on) {
    this.#paused = on;
    this.refresh();
  }

  /** Draw what changed, with the next frame. */
  refresh() {
    if (this.#due || this.#paused) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      if (!this.#paused) this.#draw();
    });
  }

  #draw() {
    const { blocks, first } = this.kept;
    const lines = this.log.children;
    for (let stale = Math.min(first - this.#first, lines.length); stale > 0; stale -= 1) lines[0].remove();
    this.#first = first;
    const open = Math.max(0, lines.length - 1);
    for (let at = open; at < blocks.length; at += 1) {
      if (at >= lines.length) this.log.append(h("div", {}, blocks[at]));
      else if (lines[at].textContent !== blocks[at]) lines[at].textContent = blocks[at];
    }
    if (this.#follow) this.log.scrollTop = this.log.scrollHeight;
  }

  /** A person who scrolls up wants to read; one who scrolls to the end wants to follow. */
  #scrolled() {
    const atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR_END;
    if (atEnd === this.#follow) return;
    this.#follow = atEnd;
    this.dispatchEvent(new CustomEvent("follow"));
  }
}

customElements.define("log-pane", LogPane);
