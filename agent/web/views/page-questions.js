/** The questions of pages, over whatever the person is doing; nothing below them moves for it. */

import { View, focusOn, h, keyed, say } from "../lib/dom.js";
import { inBrief } from "../lib/scopes.js";
import { count } from "../lib/text.js";
import { AskCard } from "../parts/ask-card.js";

export class PageQuestions extends View {
  /** Where the focus was before it came here. @type {HTMLElement|null} */ #from = null;
  #shown = "";

  /** @param {import("../app.js").App} app */
  constructor(app) {
    super();
    this.app = app;
    this.heading = h("h2");
    this.list = h("div.asking-pages");
    this.fold = h("details", { open: true }, h("summary", {}, this.heading), this.list);
    this.append(h("section", { "aria-label": "Pages that ask" }, this.fold));
    this.hidden = true;
  }

  connectedCallback() {
    const { consent } = this.app;
    this.watch(consent, "change", () => this.#show());
    // What was under the pointer a moment ago may be a card now.
    this.watch(this.fold, "toggle", () => this.#rest());
    this.watch(document, "visibilitychange", () => this.#rest());
    this.watch(window, "focus", () => this.#rest());
    this.watch(this, "focusin", (event) => {
      if (event.relatedTarget && !this.contains(event.relatedTarget)) this.#from = event.relatedTarget;
    });
    this.#show();
  }

  /** Bring the person to a question. @param {string} ask */
  answer(ask) {
    this.fold.open = true;
    /** @type {HTMLElement|null} */ (this.list.querySelector(`[data-key="${ask}"] button`))?.focus();
  }

  #show() {
    const { asking } = this.app.consent;
    const ids = asking.map(({ ask }) => ask).join();
    if (ids === this.#shown) return;
    this.#shown = ids;
    const held = this.contains(document.activeElement);
    keyed(this.list, asking, ({ ask }) => ask, (each) => this.#card(each), () => {});
    say(this.heading, asking.length === 1 ? "A page asks" : `${count(asking.length, "page")} ask`);
    this.hidden = !asking.length;
    if (this.hidden) this.fold.open = true;
    this.#rest();
    if (held && !this.contains(document.activeElement)) this.#giveBackFocus();
  }

  /** @param {import("../types.js").Asking} asking */
  #card(asking) {
    const words = `${asking.url} asks whether it may ${inBrief(asking.wants)}. The question is at the top of the page.`;
    if (!asking.quiet) this.app.announcer.say(words);
    return new AskCard(this.app, asking);
  }

  #rest() {
    for (const card of this.list.children) /** @type {AskCard} */ (card).rest();
  }

  #giveBackFocus() {
    const next = this.list.querySelector("button");
    if (next) return next.focus();
    if (this.#from?.isConnected) this.#from.focus();
    else focusOn(document.querySelector("main h1, main h2"));
    this.#from = null;
  }
}

customElements.define("page-questions", PageQuestions);
