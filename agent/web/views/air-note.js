/** Why no board is heard over Bluetooth, in one calm line, for as long as it is so. */

import { View, fill, h } from "../lib/dom.js";
import { symbol } from "../parts/drawing.js";

export class AirNote extends View {
  #shown = "";

  /** @param {import("../app.js").App} app */
  constructor(app) {
    super();
    this.app = app;
    this.line = h("div", { role: "status" });
    this.append(this.line);
  }

  connectedCallback() {
    this.watch(this.app.store, "bluetooth", () => this.#draw());
    this.#draw();
  }

  #draw() {
    const problem = this.app.store.bluetooth?.problem ?? null;
    const key = problem ? `${problem.code} ${problem.title} ${problem.remedy}` : "";
    this.hidden = !problem;
    if (key === this.#shown) return;
    this.#shown = key;
    if (!problem) return fill(this.line);
    const words = h("span", { title: problem.meaning || null }, h("strong", {}, problem.title), ` ${problem.remedy}`);
    fill(this.line, h("p.air-note", {}, symbol("link-none", 16, 16), words));
  }
}

customElements.define("air-note", AirNote);
