/** About this agent, and which web pages may use it. */

import { View, fill, focusOn, h, keyed, say } from "../lib/dom.js";
import { ago } from "../lib/text.js";
import { ErrorCard } from "../parts/error-card.js";
import { ownField } from "../parts/field.js";

export class SettingsView extends View {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super();
    this.app = app;
    this.about = h("dl");
    this.origins = h("ul.origins");
    this.none = h("p.soft", {}, "No other page may use this agent.");
    this.outcome = h("div");
    this.url = ownField({ name: "url", title: "Address of the page", description: "Such as https://app.example.com" });
    this.append(
      h("h1", {}, "Settings"),
      h("div.stack", {}, this.#pages(), h("section.sheet", {}, h("h2", {}, "About"), this.about), this.#stop()),
    );
  }

  connectedCallback() {
    this.watch(this.app.agent, "state", () => this.#load());
    this.#load();
  }

  #pages() {
    const form = h("form", { novalidate: true }, this.url.element, h("div.row", {}, h("button.quiet", { type: "submit" }, "Allow this page")));
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      const url = this.url.input.value.trim();
      if (!url) return this.url.focus();
      void this.#change("origins.allow", url, `${url} may use the agent now.`);
    });
    return h(
      "section.sheet",
      {},
      h("h2", {}, "Pages that may use your boards"),
      h("p.soft", {}, "A page in this list can see your boards, set them up and read their serial ports. It cannot see your accounts."),
      this.none,
      this.origins,
      form,
      this.outcome,
    );
  }

  #stop() {
    const sure = h("button.danger", { type: "button", hidden: true }, "Stop it: running jobs are interrupted");
    const button = h("button.quiet", { type: "button" }, "Stop the agent…");
    button.addEventListener("click", () => {
      sure.hidden = !sure.hidden;
      if (!sure.hidden) sure.focus();
    });
    sure.addEventListener("click", () => this.app.agent.call("agent.quit").catch(() => {}));
    const text = "The agent runs until you stop it. What a job had begun is finished or undone at the next start.";
    return h("section.sheet", {}, h("h2", {}, "Stop"), h("p.soft", {}, text), h("div.row", {}, button, sure));
  }

  #load() {
    const { agent } = this.app;
    if (agent.state !== "connected") return;
    const info = agent.info;
    const rows = [
      ["Version", info?.version],
      ["System", info?.platform],
      ["Address", agent.origin],
      ["Boards and clouds", info?.simulated ? "simulated (demo)" : "real"],
    ];
    const links = h("dd", {}, h("a", { href: "openrpc.json" }, "description of the interface"), ", ", h("a", { href: "mooring.js" }, "client for web pages"));
    fill(this.about, ...rows.flatMap(([term, value]) => [h("dt", {}, term), h("dd", {}, value ?? "–")]), h("dt", {}, "For programs"), links);
    agent.call("origins.list").then(
      (result) => this.#show(result.origins),
      (error) => fill(this.outcome, new ErrorCard(error)),
    );
  }

  /** @param {{url: string, since: number}[]} origins */
  #show(origins) {
    this.none.hidden = origins.length > 0;
    keyed(this.origins, origins, (origin) => origin.url, (origin) => this.#row(origin.url), (item, origin) => {
      say(item.querySelector(".since"), typeof origin.since === "number" ? `allowed ${ago(origin.since)}` : "");
    });
  }

  /** @param {string} url */
  #row(url) {
    const button = h("button.quiet", { type: "button", "aria-label": `Revoke ${url}` }, "Revoke");
    button.addEventListener("click", async () => {
      await this.#change("origins.revoke", url, `${url} may no longer use the agent.`);
      focusOn(this.querySelector("h2"));
    });
    return h("li", {}, h("span.url", {}, url), h("span.since.soft.small"), button);
  }

  /** @param {string} method @param {string} url @param {string} said */
  async #change(method, url, said) {
    fill(this.outcome);
    try {
      const { origins } = await this.app.agent.call(method, { url });
      this.#show(origins);
      this.url.text = "";
      this.app.announcer.say(said);
    } catch (error) {
      const { facts } = /** @type {any} */ (error);
      if (facts?.field === "url") {
        this.url.showProblem(String(facts.problem));
        this.url.focus();
      } else fill(this.outcome, new ErrorCard(/** @type {any} */ (error)));
    }
  }
}

customElements.define("settings-view", SettingsView);
