/** The small light of a board: its colour, blinking in its rhythm; still for those who want no motion. */

import { COLOURS, CANCEL_HOLD_S, RESET_HOLD_S, allLights, lookOf, motionOf } from "../lib/lights.js";
import { View, h } from "../lib/dom.js";
import { svg } from "./drawing.js";
import { HoldGuide } from "./hold-guide.js";

/** @typedef {import("../lib/lights.js").Light} Light */

const FIRMWARE = { "": "", older: "Firmware of before 2026", newer: "Firmware of 2026 and later" };

export class BoardLight extends View {
  #still = matchMedia("(prefers-reduced-motion: reduce)");

  /** @param {Light} light Its words stand beside it. */
  constructor(light) {
    super();
    this.light = light;
    this.glow = svg("circle", { cx: 12, cy: 12, r: 7.5, fill: COLOURS[light.colour] });
    // Its colour is seen while it is dark, too.
    const hue = svg("circle", { cx: 12, cy: 12, r: 8.5, class: "hue", stroke: COLOURS[light.colour] });
    const rim = svg("circle", { cx: 12, cy: 12, r: 10, class: "rim" });
    this.append(svg("svg", { width: 24, height: 24, viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("circle", { cx: 12, cy: 12, r: 9, class: "glass" }), this.glow, hue, rim));
  }

  connectedCallback() {
    this.watch(this.#still, "change", () => this.#move());
    this.onLeave(() => this.#stop());
    this.#move();
  }

  #move() {
    this.#stop();
    if (this.#still.matches) return;
    const { frames, duration } = motionOf(this.light);
    this.glow.animate(frames, { duration, iterations: Infinity });
  }

  #stop() {
    for (const motion of this.glow.getAnimations()) motion.cancel();
  }
}

/** A light with the words for how it looks. @param {Light} light @param {string} [before] */
export function lightLine(light, before = "") {
  return h("p.light-line", {}, new BoardLight(light), h("span", {}, before, h("strong", {}, lookOf(light))));
}

/** All that the light of a board can say, and what its button does; folded away. @param {import("../app.js").App} app */
export function lightGuide(app) {
  const rows = allLights().map(({ light, firmware }) =>
    h(
      "li",
      {},
      new BoardLight(light),
      h("span", {}, h("strong", {}, lookOf(light)), ` – ${light.meaning}`, firmware ? h("span.soft.small", {}, ` ${FIRMWARE[firmware]}.`) : null),
    ),
  );
  return h(
    "details.more.lights",
    {},
    h("summary", {}, "What its light and its button mean"),
    h("ul", {}, ...rows),
    h("p", {}, `To reset the board, hold its button for at least ${RESET_HOLD_S} seconds, then release it: it acts on the release. Newer firmware does nothing if it was held for more than ${CANCEL_HOLD_S} seconds.`),
    new HoldGuide(app, { pin: "button", hold_seconds: RESET_HOLD_S }),
    h("p.soft.small", {}, "These are the usual ones: a maker may have chosen others, and a board may have one colour only. Then the rhythm counts."),
  );
}

customElements.define("board-light", BoardLight);
