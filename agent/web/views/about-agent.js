/** What this agent is, whether there is a newer one, and under which licences it stands. */

import { View, fill, h } from "../lib/dom.js";
import { webAddress } from "../lib/weblink.js";

export class AboutAgent extends View {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super();
    this.app = app;
    this.facts = h("dl");
    this.append(this.facts);
  }

  connectedCallback() {
    this.watch(this.app.store, "info", () => this.#show());
    this.#show();
  }

  #show() {
    const { agent } = this.app;
    const { info } = agent;
    if (!info) return;
    const links = [h("a", { href: "openrpc.json" }, "description of the interface"), ", ", h("a", { href: "mooring.js" }, "client for web pages")];
    const rows = [
      ["Version", [info.version, ...newer(info.update)]],
      ["System", info.platform],
      ["Address", agent.origin],
      ["Boards and clouds", info.simulated ? "simulated (demo)" : "real"],
      ["Licence", "Apache License 2.0. The programs that it calls and the libraries that it is made of keep their own licences."],
      ["For programs", links],
    ];
    fill(this.facts, ...rows.flatMap(([term, value]) => [h("dt", {}, term), h("dd", {}, value)]));
  }
}

/** @param {import("../types.js").Update|null|undefined} update */
function newer(update) {
  if (!update) return [];
  const address = webAddress(update.url);
  const words = `version ${update.version} is there`;
  return [" · ", address ? h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, words) : words];
}

customElements.define("about-agent", AboutAgent);
