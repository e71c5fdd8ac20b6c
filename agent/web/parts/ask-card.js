/** The question of a page, whether it may use the boards: who, what for, three answers. */

import { View, fill, freshId, h, say } from "../lib/dom.js";
import { SCOPES, inBrief, originParts, scopeWords } from "../lib/scopes.js";
import { count } from "../lib/text.js";
import { symbol } from "./drawing.js";
import { ErrorCard } from "./error-card.js";

/** @typedef {import("../types.js").Asking} Asking */

/** Nobody reads a card and answers it faster; a click that comes sooner was meant for something else. */
const REST_MS = 500;

/** All three look alike: the page does not tell people what to answer. */
const ANSWERS = /** @type {const} */ ([
  ["always", "Allow always"],
  ["once", "Only this time"],
  ["no", "No"],
]);

export class AskCard extends View {
  #restsUntil = 0;
  #timer = 0;
  #busy = false;

  /** @param {import("../app.js").App} app @param {Asking} asking */
  constructor(app, asking) {
    super();
    this.app = app;
    this.asking = asking;
    const title = freshId("page-asks");
    this.buttons = ANSWERS.map(([decision, label]) => {
      const onclick = () => void this.#answer(decision);
      return h("button.quiet", { type: "button", onclick, "aria-describedby": title }, label);
    });
    this.left = h("span.left");
    this.outcome = h("div");
    this.append(
      h(
        "div.page-asks",
        { role: "group", "aria-labelledby": title },
        h("h3", { id: title }, origin(asking.url), " asks whether it may:"),
        originParts(asking.url).here && h("p", {}, "This page comes from a program on this computer."),
        h("ul.scopes", {}, ...this.#wanted().map(scopeLine)),
        asking.has.length > 0 && h("p.soft", {}, `It may ${inBrief(asking.has)} already.`),
        h("div.answers", {}, ...this.buttons),
        h("p.soft.small", {}, "After “No” it cannot ask again for a day. What you allow you can take back in the settings. ", this.left),
        this.outcome,
      ),
    );
    this.rest();
  }

  connectedCallback() {
    this.onLeave(this.app.ticker.follow(() => this.#count()));
    this.onLeave(() => clearTimeout(this.#timer));
    this.#count();
    this.rest();
  }

  /** Take no answer for half a second, because the card has just come to where it is. */
  rest() {
    clearTimeout(this.#timer);
    this.#restsUntil = performance.now() + REST_MS;
    this.#pressable(false);
    this.#timer = setTimeout(() => this.#pressable(!this.#busy), REST_MS);
  }

  /** What is new about it. */
  #wanted() {
    const { wants, has } = this.asking;
    return SCOPES.filter((scope) => wants.includes(scope) && !has.includes(scope));
  }

  #count() {
    const minutes = Math.max(1, Math.ceil((this.asking.until - Date.now() / 1000) / 60));
    say(this.left, `The question goes away within ${minutes === 1 ? "a minute" : count(minutes, "minute")}.`);
  }

  /** Buttons that cannot be pressed keep the focus, unlike disabled ones. @param {boolean} now */
  #pressable(now) {
    this.classList.toggle("resting", !now);
    for (const button of this.buttons) button.setAttribute("aria-disabled", String(!now));
  }

  /** @param {"always"|"once"|"no"} decision */
  async #answer(decision) {
    if (this.#busy || performance.now() < this.#restsUntil) return;
    this.#busy = true;
    this.#pressable(false);
    fill(this.outcome);
    const { ask, url } = this.asking;
    try {
      await this.app.consent.answer(ask, decision);
      this.app.announcer.say(decision === "no" ? `${url} was refused.` : `${url} may use your boards now.`);
    } catch (error) {
      fill(this.outcome, new ErrorCard(/** @type {any} */ (error)));
      this.#busy = false;
      this.rest();
    }
  }
}

/** An origin with the host in letters that nobody overlooks. @param {string} url */
export function origin(url) {
  const { scheme, host, port } = originParts(url);
  return h("bdi.origin", { dir: "ltr" }, scheme, h("strong", {}, host), port);
}

/** @param {import("../types.js").Scope} scope */
function scopeLine(scope) {
  const { symbol: name, title, detail } = scopeWords(scope);
  return h("li", {}, symbol(name, 24, 24), h("span", {}, title, h("span.soft.small", {}, detail)));
}

customElements.define("ask-card", AskCard);
