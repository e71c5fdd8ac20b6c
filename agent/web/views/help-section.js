/** Where help is: the doctor, and the report for whoever helps. */

import { View, fill, h } from "../lib/dom.js";
import { download } from "../lib/copies.js";
import { href } from "../lib/router.js";
import { size } from "../lib/text.js";
import { copyButton } from "../parts/copy-command.js";
import { ErrorCard } from "../parts/error-card.js";

/** The agent reads its logs and has the doctor look. */
const LIMIT_MS = 120_000;

export class HelpSection extends View {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super();
    this.app = app;
    this.outcome = h("div", { "aria-live": "polite" });
    this.button = h("button.quiet", { type: "button", onclick: () => this.#make() }, "Make a report");
    this.append(
      h("p.soft", {}, "Does something not work? The doctor looks what on this computer is in the way, and how to mend it."),
      h("div.row", {}, h("a.button.quiet", { href: href("doctor") }, "Ask the doctor")),
      h("p.soft.report-words", {}, "If you ask somebody for help, give them a report. It tells of this computer, the boards and what Mooring did. Passwords and other secrets are left out, and nothing is sent."),
      h("div.row", {}, this.button),
      this.outcome,
      h("p.soft.small.report-words", {}, "For people who make pages for the Arduino Create Agent: ", h("a", { href: "/debug" }, "what such a page hears"), "."),
    );
  }

  async #make() {
    if (this.button.getAttribute("aria-disabled")) return;
    this.button.setAttribute("aria-disabled", "true");
    fill(this.outcome, h("p.soft", {}, "Making the report…"));
    try {
      fill(this.outcome, ...shown(await this.app.agent.call("report.make", {}, { timeoutMs: LIMIT_MS })));
    } catch (error) {
      fill(this.outcome, new ErrorCard(/** @type {any} */ (error)));
    }
    this.button.removeAttribute("aria-disabled");
  }
}

/** @param {{name: string, text: string}} report */
function shown({ name, text }) {
  const save = h("button.primary", { type: "button", onclick: () => download(name, text) }, "Download");
  const bytes = new TextEncoder().encode(text).length;
  return [
    h("p.report-words", {}, h("strong", {}, "The report is ready."), ` Read it before you give it away: ${name}, ${size(bytes)}.`),
    h("div.row", {}, save, ...copyButton(text, "Copy")),
    h("pre.file-text", { tabindex: "0", role: "region", "aria-label": "The report", dir: "ltr" }, text),
  ];
}

customElements.define("help-section", HelpSection);
