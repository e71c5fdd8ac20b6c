/** An error as people meet it: what happened, what it means, what to do; the code small at the end. */

import { toClipboard } from "../lib/copies.js";
import { View, h } from "../lib/dom.js";
import { areaOf, settingOf } from "../lib/findings.js";
import { href } from "../lib/router.js";

export class ErrorCard extends View {
  /**
   * @param {import("../types.js").ErrorReport|import("../mooring.js").MooringError} error
   * @param {{actions?: any[], context?: Record<string, any>}} [options]
   *   `context`: what else belongs into the report, without secrets.
   */
  constructor(error, options = {}) {
    super();
    this.append(
      h("p.error-title", { dir: "auto" }, error.title),
      error.meaning && h("p", { dir: "auto" }, error.meaning),
      error.remedy && h("p", { dir: "auto" }, error.remedy),
      options.actions?.length ? h("div.row", {}, ...options.actions) : "",
      codeLine(error, options.context),
    );
  }
}

/** The code of an error, small, “Copy report”, and the ways to the doctor and to the setting that can help. @param {any} error @param {Record<string, any>} [context] @param {string} [area] Of the doctor. */
export function codeLine(error, context = {}, area = areaOf(error.code)) {
  const copied = h("span.soft.small", { role: "status" });
  const copy = h("button.link", { type: "button" }, "Copy report");
  copy.addEventListener("click", async () => {
    const done = await toClipboard(report(error, context));
    copied.textContent = done ? "Copied." : "The browser did not allow it.";
  });
  const doctor = area ? h("a", { href: href("doctor", area) }, "Ask the doctor") : null;
  const key = settingOf(error.code);
  const setting = key ? h("a", { href: href("settings", key) }, "Open the setting") : null;
  return h("p.error-code", {}, h("code", {}, error.code), doctor, setting, copy, copied);
}

/** The report as JSON: fit for a forum or a ticket. @param {any} error @param {object} context */
function report(error, context) {
  const { code, title, meaning, remedy, retryable, facts } = error;
  const body = { error: { code, title, meaning, remedy, retryable, facts }, ...context };
  return JSON.stringify({ ...body, at: new Date().toISOString() }, null, 2);
}

customElements.define("error-card", ErrorCard);
