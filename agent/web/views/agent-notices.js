/** What the agent says of itself, above everything else: the most important first, the rest a click away. */

import { View, focusOn, h, keyed, say, set } from "../lib/dom.js";
import { count } from "../lib/text.js";
import { webAddress } from "../lib/weblink.js";
import { ErrorCard } from "../parts/error-card.js";

/** @typedef {{key: string, title: string, make: () => Element}} Banner */

export class AgentNotices extends View {
  #open = false;
  /** @type {string[]} */ #titles = [];
  /** @type {Set<string>} What was said. */ #said = new Set();

  /** @param {import("../app.js").App} app */
  constructor(app) {
    super();
    this.app = app;
    this.list = h("div", {});
    this.more = h("button.link", { type: "button", onclick: () => this.#toggle() });
    this.append(this.list, h("p.row", {}, this.more));
  }

  connectedCallback() {
    this.watch(this.app.store, "info", () => this.#show());
    this.#show();
  }

  #show() {
    const { info } = this.app.agent;
    if (!info) return;
    const banners = [...info.notices.map((notice) => this.#notice(notice)), ...this.#pause(info), ...this.#update(info)];
    const held = this.contains(document.activeElement);
    keyed(this.list, banners, ({ key }) => key, ({ make }) => make(), () => {});
    for (const key of this.#said) if (!banners.some((banner) => banner.key === key)) this.#said.delete(key);
    this.#titles = banners.map(({ title }) => title);
    this.#fold();
    if (held && !this.contains(document.activeElement)) focusOn(document.querySelector("main h1, main h2"));
  }

  /** One banner stands there; the others are a line that says how many there are. */
  #fold() {
    const [, ...others] = this.list.children;
    if (!others.length) this.#open = false;
    for (const other of others) other.hidden = !this.#open;
    if (this.list.firstElementChild) this.list.firstElementChild.hidden = false;
    this.more.hidden = !others.length;
    set(this.more, "aria-expanded", String(this.#open));
    say(this.more, this.#open ? "Show only the first" : `Show ${others.length} more: ${this.#titles.slice(1).join(" ")}`);
  }

  #toggle() {
    this.#open = !this.#open;
    this.#fold();
  }

  /** @param {import("../types.js").ErrorReport} notice @returns {Banner} */
  #notice(notice) {
    const key = `${notice.code} ${notice.title}`;
    this.#say(key, notice.title);
    return { key, title: notice.title, make: () => new ErrorCard(notice, { context: { version: this.app.agent.info?.version } }) };
  }

  /** @param {import("../types.js").AgentInfo} info @returns {Banner[]} */
  #pause({ paused, pausing = 0 }) {
    if (!paused) return [];
    const still = pausing ? ` ${count(pausing, "board")} in use by running jobs ${pausing === 1 ? "follows" : "follow"} when they end.` : "";
    const words = `It leaves your boards alone, so that other programs can use them.${still}`;
    this.#say("paused", "Mooring is paused.");
    const title = "Mooring is paused.";
    return [{ key: `paused ${pausing}`, title, make: () => banner("paused", title, words, this.#button("Resume", "agent.resume")) }];
  }

  /** @param {import("../types.js").AgentInfo} info @returns {Banner[]} */
  #update({ update, version }) {
    if (!update || update.version === this.app.memory.dismissed) return [];
    const title = `Version ${update.version} of Mooring is there.`;
    const address = webAddress(update.url);
    const link = address ? h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, "What is new, and how to get it") : null;
    const later = h("button.quiet", { type: "button" }, "Not this version");
    later.addEventListener("click", () => {
      this.app.memory.dismissed = update.version;
      this.#show();
    });
    this.#say(`update ${update.version}`, title);
    return [{ key: `update ${update.version}`, title, make: () => banner("update", title, `You have ${version}.`, link, later) }];
  }

  /** @param {string} label @param {string} method */
  #button(label, method) {
    const button = h("button.primary", { type: "button" }, label);
    button.addEventListener("click", () => {
      this.app.agent.call(method).catch((/** @type {any} */ error) => {
        if (error.code !== "agent-gone") button.closest(".banner")?.after(new ErrorCard(error));
      });
    });
    return button;
  }

  /** @param {string} key @param {string} words */
  #say(key, words) {
    if (this.#said.has(key)) return;
    this.#said.add(key);
    this.app.announcer.say(words);
  }
}

/** @param {string} look @param {string} title @param {string} words @param {...(Element|null)} actions */
function banner(look, title, words, ...actions) {
  return h(`div.banner.${look}`, {}, h("p", {}, h("strong", {}, title), ` ${words}`), h("div.row", {}, ...actions));
}

customElements.define("agent-notices", AgentNotices);
