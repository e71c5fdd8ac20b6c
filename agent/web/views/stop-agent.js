/** Pausing the agent, so that other programs have the boards, and stopping it. */

import { View, fill, h, say, set } from "../lib/dom.js";
import { ErrorCard } from "../parts/error-card.js";

export class StopAgent extends View {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super();
    this.app = app;
    this.words = h("p.soft");
    this.pause = h("button.quiet", { type: "button", onclick: () => this.#turn() });
    this.sure = h("button.danger", { type: "button", hidden: true }, "Stop it: running jobs are interrupted");
    this.button = h("button.quiet", { type: "button", "aria-expanded": "false", onclick: () => this.#ask() }, "Stop the agent…");
    this.outcome = h("div");
    this.sure.addEventListener("click", () => app.agent.call("agent.quit").catch(() => {}));
    this.append(
      this.words,
      h("div.row", {}, this.pause),
      h("p.soft.report-words", {}, "The agent runs until you stop it. What a job had begun is finished or undone at the next start."),
      h("div.row", {}, this.button, this.sure),
      this.outcome,
    );
  }

  connectedCallback() {
    this.watch(this.app.store, "info", () => this.#show());
    this.#show();
  }

  /** Bring a person here. */
  focus() {
    this.button.focus();
    this.scrollIntoView({ block: "center" });
  }

  #show() {
    const { paused } = this.app.agent.info ?? {};
    say(this.pause, paused ? "Resume" : "Pause");
    say(
      this.words,
      paused
        ? "The agent is paused: it leaves all boards alone, so that other programs can use them."
        : "While it is paused, the agent leaves all boards alone, so that other programs can use them. Running jobs are finished first.",
    );
  }

  #ask() {
    this.sure.hidden = !this.sure.hidden;
    set(this.button, "aria-expanded", String(!this.sure.hidden));
    if (!this.sure.hidden) this.sure.focus();
  }

  async #turn() {
    fill(this.outcome);
    try {
      await this.app.agent.call(this.app.agent.info?.paused ? "agent.resume" : "agent.pause");
    } catch (error) {
      fill(this.outcome, new ErrorCard(/** @type {any} */ (error)));
    }
  }
}

customElements.define("stop-agent", StopAgent);
