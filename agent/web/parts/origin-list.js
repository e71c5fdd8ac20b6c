/** The pages that may use this agent, that ask now, and that were refused; with what can be done about each. */

import { View, fill, focusOn, h, keyed, say } from "../lib/dom.js";
import { SCOPES, inBrief, scopeWords } from "../lib/scopes.js";
import { href } from "../lib/router.js";
import { ago, dateTime } from "../lib/text.js";
import { origin } from "./ask-card.js";
import { ErrorCard } from "./error-card.js";
import { ownField } from "./field.js";
import { pageFindsNothing } from "./page-finds-nothing.js";
import { TurnedAway } from "./turned-away.js";

export class OriginList extends View {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super();
    this.app = app;
    this.asking = h("ul.origins");
    this.allowed = h("ul.origins");
    this.refused = h("ul.origins");
    this.none = h("p.soft", {}, "No other page may use this agent.");
    this.askingPart = h("section", {}, h("h3", {}, "Asking now"), this.asking);
    this.refusedPart = h("section", {}, h("h3", {}, "Refused"), this.refused);
    this.outcome = h("div");
    this.url = ownField({ name: "url", title: "Address of the page", description: "Such as https://app.example.com" });
    this.scopes = SCOPES.map((scope) => {
      const box = h("input", { type: "checkbox", value: scope, checked: true, disabled: scope === "boards" });
      return { box, label: h("label.check", {}, box, scopeWords(scope).title) };
    });
    this.append(
      h("p.soft", {}, "Only the pages that you allow can use your boards, and those of Arduino while Mooring serves them (a setting below). None of them ever sees your accounts. Jobs that a page began go on when it is revoked."),
      this.askingPart,
      this.none,
      this.allowed,
      this.refusedPart,
      new TurnedAway(app),
      pageFindsNothing(),
      this.#form(),
      this.outcome,
    );
  }

  connectedCallback() {
    this.watch(this.app.consent, "change", () => this.#show());
    this.#show();
  }

  #form() {
    const what = h("fieldset", {}, h("legend", {}, "It may"), h("div.checks", {}, ...this.scopes.map(({ label }) => label)));
    const form = h("form", { novalidate: true }, this.url.element, what, h("div.row", {}, h("button.quiet", { type: "submit" }, "Allow this page")));
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      const url = this.url.input.value.trim();
      if (!url) return this.url.focus();
      const may = this.scopes.filter(({ box }) => box.checked).map(({ box }) => box.value);
      void this.#change(() => this.app.consent.allow(url, may), `${url} may ${inBrief(may)} now.`);
    });
    return h("details.more", {}, h("summary", {}, "Allow a page before it asks"), form);
  }

  #show() {
    const { origins, asking, refused, loaded } = this.app.consent;
    this.none.hidden = !loaded || origins.length > 0;
    this.askingPart.hidden = !asking.length;
    this.refusedPart.hidden = !refused.length;
    const key = (/** @type {{url: string}} */ { url }) => url;
    keyed(this.asking, asking, ({ ask }) => ask, (each) => this.#asks(each), () => {});
    // What it has always and what it has once are two entries.
    keyed(this.allowed, origins, ({ url, once }) => `${url} ${once}`, ({ url }) => this.#allows(url), (item, { since, may, once }) => {
      say(item.querySelector(".may"), `May ${inBrief(may)}.`);
      say(item.querySelector(".since"), once ? "Only this time: ends soon after the page is closed." : `Allowed ${ago(since)}.`);
    });
    keyed(this.refused, refused, key, ({ url }) => this.#refuses(url), (item, { until }) => {
      say(item.querySelector(".since"), `Cannot ask until ${dateTime(until)}.`);
    });
  }

  /** @param {import("../types.js").Asking} asking */
  #asks({ ask, url }) {
    const onclick = () => /** @type {any} */ (document.querySelector("page-questions"))?.answer(ask);
    return h("li", {}, origin(url), h("button.quiet", { type: "button", onclick, "aria-label": `Answer ${url}` }, "Answer"));
  }

  /** @param {string} url */
  #allows(url) {
    const facts = h("div.facts", {}, origin(url), h("span.may"), h("span.since.soft.small"));
    return h("li", {}, facts, this.#button("Revoke", url, `${url} may no longer use your boards.`));
  }

  /** @param {string} url */
  #refuses(url) {
    const facts = h("div.facts", {}, origin(url), h("span.since.soft.small"));
    return h("li", {}, facts, this.#button("Let it ask again", url, `${url} may ask again.`));
  }

  /** Both take something back. @param {string} label @param {string} url @param {string} said */
  #button(label, url, said) {
    const onclick = async () => {
      await this.#change(async () => this.#goingOn(url, await this.app.consent.revoke(url)), said);
      focusOn(this.closest("section")?.querySelector("h2"));
    };
    return h("button.quiet", { type: "button", onclick, "aria-label": `${label}: ${url}` }, label);
  }

  /** @param {string} url @param {{job: string, title: string}[]} jobs Which it began. */
  #goingOn(url, jobs) {
    if (!jobs.length) return;
    const links = jobs.map(({ job, title }) => h("li", {}, h("a", { href: href("job", job), dir: "auto" }, title)));
    const words = `began ${jobs.length === 1 ? "a job that goes on" : `${jobs.length} jobs that go on`}:`;
    fill(this.outcome, h("section.sheet", { role: "status" }, h("p", {}, origin(url), ` ${words}`), h("ul", {}, ...links)));
  }

  /** @param {() => Promise<void>} change @param {string} said */
  async #change(change, said) {
    fill(this.outcome);
    try {
      await change();
      this.url.text = "";
      this.app.announcer.say(said);
    } catch (thrown) {
      const error = /** @type {any} */ (thrown);
      if (error.facts?.field === "url") {
        this.url.showProblem(String(error.facts.problem));
        this.url.focus();
      } else fill(this.outcome, new ErrorCard(error));
    }
  }
}

customElements.define("origin-list", OriginList);
