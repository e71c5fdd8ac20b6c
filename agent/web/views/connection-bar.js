/** The truth about the connection, at the foot of the window, where nothing has to move for it. */

import { View, fill, h } from "../lib/dom.js";

/** How long “Connected again” stays. */
const AGAIN_MS = 6_000;
/** A connection that is back within this time was no interruption for a person. */
const BLINK_MS = 400;

export class ConnectionBar extends View {
  #lost = false;
  #timer = 0;

  /** @param {import("../app.js").App} app */
  constructor(app) {
    super();
    this.app = app;
    this.hidden = true;
  }

  connectedCallback() {
    this.watch(this.app.agent, "state", () => this.#show());
    this.onLeave(() => clearTimeout(this.#timer));
    this.#show();
  }

  #show() {
    clearTimeout(this.#timer);
    const { state } = this.app.agent;
    document.documentElement.classList.toggle("away", state === "absent" || state === "refused");
    if (state === "connected") return this.#connected();
    if (state === "connecting") {
      this.#timer = setTimeout(() => this.#say("wait", "Connecting to the agent…", ""), BLINK_MS);
      return;
    }
    this.#lost = true;
    const [title, text] = sentences(this.app.agent);
    const again = h("button.quiet", { type: "button", onclick: () => this.app.agent.retry() }, "Try now");
    this.#say("lost", title, text, again);
  }

  #connected() {
    if (!this.#lost) {
      this.hidden = true;
      return;
    }
    this.#lost = false;
    this.#say("again", "Connected again.", "What you see is up to date.");
    this.#timer = setTimeout(() => (this.hidden = true), AGAIN_MS);
  }

  /** @param {string} look @param {string} title @param {string} text @param {...Element} actions */
  #say(look, title, text, ...actions) {
    if (this.dataset.look === look && !this.hidden && this.dataset.title === title) return;
    this.dataset.look = look;
    this.dataset.title = title;
    this.hidden = false;
    fill(this, h("div.bar", {}, h("p", {}, h("strong", {}, title), ` ${text}`), ...actions));
    this.app.announcer.say(`${title} ${text}`);
  }
}

/** @param {import("../mooring.js").Mooring} agent */
function sentences({ state, reason }) {
  if (reason === "silent") {
    return ["The agent does not answer.", "It may be busy or stopped. This page goes on by itself when it answers."];
  }
  if (reason === "version") {
    return ["This page is from another version of Mooring.", "Reload the page."];
  }
  if (state === "refused") {
    return ["The agent does not let this page in.", "Open its own page at http://127.0.0.1:8991."];
  }
  return [
    "The agent is not running.",
    "Start it with “mooring”; this page connects by itself. What a job had begun, it finishes or undoes.",
  ];
}

customElements.define("connection-bar", ConnectionBar);
