/** In the place of a board that is not there: how it comes back. */

import { View, fill, h } from "../lib/dom.js";
import { airPort, isImprov } from "../lib/ports.js";
import { href } from "../lib/router.js";

export class AbsentBoard extends View {
  constructor() {
    super();
    this.heading = h("h1");
    this.text = h("div.prose");
    this.append(h("section.sheet", {}, this.heading, this.text));
    this.last = null;
  }

  /** The board as it was seen last; null: never, on this page. @param {import("../types.js").Board|null} board */
  set last(board) {
    const heard = Boolean(airPort(board ?? undefined));
    const key = `${heard} ${board?.model}`;
    if (this.dataset.key === key) return;
    this.dataset.key = key;
    const thing = isImprov(board ?? undefined) ? "device" : "board";
    fill(this.heading, heard ? `This ${thing} is not heard any more` : `This ${thing} is not connected`);
    const plug = h("p", {}, "Plug it in; this page goes on by itself.");
    if (!board || !heard) {
      fill(this.text, plug);
      return;
    }
    const back = h("a", { href: href("missing", isImprov(board) ? "improv" : (board.model ?? "")) }, "bring its Bluetooth back by hand");
    fill(
      this.text,
      h("p", {}, "It was heard over Bluetooth. It is out of range or has no power, or it has a network now and switched its Bluetooth off."),
      h("p", {}, "Move it nearer, ", back, ", or plug it in; this page goes on by itself."),
    );
  }
}

customElements.define("absent-board", AbsentBoard);
