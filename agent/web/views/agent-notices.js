/** What is wrong with the agent itself, above everything else until it is mended. */

import { View, keyed } from "../lib/dom.js";
import { ErrorCard } from "../parts/error-card.js";

export class AgentNotices extends View {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super();
    this.app = app;
  }

  connectedCallback() {
    this.watch(this.app.store, "info", () => this.#show());
    this.#show();
  }

  #show() {
    const { info } = this.app.agent;
    if (!info) return;
    keyed(
      this,
      info.notices,
      (notice) => `${notice.code} ${notice.title}`,
      (notice) => this.#card(notice),
      () => {},
    );
  }

  /** @param {import("../types.js").ErrorReport} notice */
  #card(notice) {
    this.app.announcer.say(notice.title);
    return new ErrorCard(notice, { context: { version: this.app.agent.info?.version } });
  }
}

customElements.define("agent-notices", AgentNotices);
