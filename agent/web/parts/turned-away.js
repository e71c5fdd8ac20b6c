/** The pages that looked for the Create Agent here and were not let in; a click lets one in. */

import { View, fill, h, keyed, say } from "../lib/dom.js";
import { inBrief } from "../lib/scopes.js";
import { ago } from "../lib/text.js";
import { origin } from "./ask-card.js";
import { ErrorCard } from "./error-card.js";

/** What pages that are made for the Create Agent do. @type {import("../types.js").Scope[]} */
const MAY = ["boards", "serial", "flash"];

/** Nobody reads a line and presses its button faster; pages decide when a line comes, and it may move others. */
const REST_MS = 500;

export class TurnedAway extends View {
  #restsUntil = 0;
  #timer = 0;
  #shown = "";

  /** @param {import("../app.js").App} app */
  constructor(app) {
    super();
    this.app = app;
    this.list = h("ul.origins");
    this.outcome = h("div");
    this.append(
      h("h3", {}, "Not let in"),
      h("p.soft", {}, `These pages looked for the Arduino agent on this computer. One that you allow may ${inBrief(MAY)}, and connects by itself within seconds.`),
      this.list,
      this.outcome,
    );
  }

  connectedCallback() {
    this.watch(this.app.consent, "change", () => this.#show());
    this.onLeave(this.app.ticker.follow(() => this.#show()));
    this.onLeave(() => clearTimeout(this.#timer));
    this.#show();
  }

  #show() {
    const { turnedAway } = this.app.consent;
    this.hidden = !turnedAway.length && !this.outcome.childElementCount;
    keyed(this.list, turnedAway, ({ url }) => url, ({ url }) => this.#line(url), (item, { at }) => {
      say(item.querySelector(".since"), `Looked ${ago(at)}.`);
    });
    const shown = turnedAway.map(({ url }) => url).join();
    if (shown !== this.#shown) this.#rest();
    this.#shown = shown;
  }

  /** @param {string} url */
  #line(url) {
    const facts = h("div.facts", {}, origin(url), h("span.since.soft.small"));
    return h("li", {}, facts, h("button.quiet", { type: "button", onclick: () => void this.#allow(url), "aria-label": `Allow: ${url}` }, "Allow"));
  }

  #rest() {
    clearTimeout(this.#timer);
    this.#restsUntil = performance.now() + REST_MS;
    this.#pressable(false);
    this.#timer = setTimeout(() => this.#pressable(true), REST_MS);
  }

  /** @param {boolean} now */
  #pressable(now) {
    this.list.classList.toggle("resting", !now);
    for (const button of this.list.querySelectorAll("button")) button.setAttribute("aria-disabled", String(!now));
  }

  /** @param {string} url */
  async #allow(url) {
    if (performance.now() < this.#restsUntil) return;
    fill(this.outcome);
    try {
      await this.app.consent.allow(url, MAY);
      this.app.announcer.say(`${url} may ${inBrief(MAY)} now.`);
    } catch (error) {
      fill(this.outcome, new ErrorCard(/** @type {any} */ (error)));
    }
  }
}

customElements.define("turned-away", TurnedAway);
