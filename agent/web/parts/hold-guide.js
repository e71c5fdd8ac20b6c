/** How to reach the input that erases the network, with a count for hands that are busy. */

import { View, h, say } from "../lib/dom.js";
import { isButton, resetDrawing } from "./drawing.js";

/** Time to take the wire after the click. */
const READY_S = 3;
/** Held for longer than needed: people begin late, and too short does nothing. */
const SPARE_S = 1;

export class HoldGuide extends View {
  /** Unix seconds at which the count began; 0: it does not run. */
  #begun = 0;
  #over = false;

  /** @param {import("../app.js").App} app @param {Partial<import("../types.js").Reconfiguration>} input */
  constructor(app, input) {
    super();
    this.app = app;
    this.seconds = (input.hold_seconds ?? 3) + SPARE_S;
    this.action = isButton(input.pin) ? "Press the button and keep it pressed" : "Connect the wire and keep it there";
    this.button = h("button.quiet", { type: "button" }, "Count for me");
    this.button.addEventListener("click", () => this.#toggle());
    this.words = h("strong", { role: "status" });
    this.number = h("span.number", { "aria-hidden": "true" });
    this.bar = h("progress", { max: "1", value: 0, "aria-hidden": "true", hidden: true });
    this.append(resetDrawing(input), h("div.count", {}, this.button, h("p", {}, this.words, " ", this.number)), this.bar);
  }

  connectedCallback() {
    this.onLeave(this.app.ticker.follow(() => this.#draw()));
    this.#draw();
  }

  #toggle() {
    this.#over = false;
    this.#begun = this.#begun ? 0 : Date.now() / 1000;
    this.#draw();
  }

  #draw() {
    const held = Date.now() / 1000 - this.#begun - READY_S;
    if (this.#begun && held >= this.seconds) {
      this.#begun = 0;
      this.#over = true;
    }
    const counts = this.#begun > 0;
    say(this.button, counts ? "Stop counting" : this.#over ? "Count again" : "Count for me");
    this.bar.hidden = !counts;
    this.bar.value = counts ? Math.max(0, held) / this.seconds : 0;
    if (!counts) {
      say(this.words, this.#over ? "Let go now." : "");
      say(this.number, "");
    } else if (held < 0) {
      say(this.words, "Get ready…");
      say(this.number, Math.ceil(-held));
    } else {
      say(this.words, `${this.action}…`);
      say(this.number, `${Math.floor(held)} of ${this.seconds} s`);
    }
  }
}

customElements.define("hold-guide", HoldGuide);
