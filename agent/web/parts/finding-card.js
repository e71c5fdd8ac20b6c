/** Something that the doctor found: what, what it means, what to do; all of its kind in one card. */

import { View, h } from "../lib/dom.js";
import { areaTitle, mendParts } from "../lib/findings.js";
import { symbol } from "./drawing.js";
import { copyButton, copyCommand } from "./copy-command.js";
import { codeLine } from "./error-card.js";

/** @typedef {import("../types.js").Finding} Finding */

const LEVELS = { problem: ["Problem", "state-bad"], warning: ["Warning", "level-warning"], fine: ["Fine", "state-ok"] };

export class FindingCard extends View {
  /** @param {import("../lib/findings.js").Kind} kind @param {Record<string, any>} [context] For the report. */
  constructor({ first, more }, context = {}) {
    super();
    const [word, shape] = LEVELS[first.level];
    this.className = `finding ${first.level}`;
    this.append(
      h("p.finding-head", {}, symbol(shape, 16, 16), h("span", {}, h("b", {}, word), ` · ${areaTitle(first.area)}`)),
      h("h3", { dir: "auto" }, first.title),
      first.meaning && h("p", { dir: "auto" }, first.meaning),
      ...howTo(first),
      more.length ? others(first, more) : "",
      first.level === "fine" ? "" : codeLine({ ...first, remedy: first.mend, retryable: true }, context, ""),
    );
  }
}

/** What to do, its commands on lines of their own. @param {Finding} finding */
function howTo(finding) {
  const failed = finding.facts?.fix_failed;
  return [
    ...mendParts(finding).map(({ text, command }) => (command ? copyCommand(command) : h("p.mend", { dir: "auto" }, text?.trim()))),
    finding.fixable ? h("p.mend.can", {}, symbol("tool", 16, 16), h("span", {}, "Mooring can do that for you; see above.")) : "",
    failed ? h("p.field-error", {}, `It could not be mended: ${failed}.`) : "",
  ];
}

/** @param {Finding} first @param {Finding[]} more */
function others(first, more) {
  const commands = [first, ...more].flatMap((finding) => finding.commands ?? []);
  const all = commands.length > 1 ? h("p.row", {}, ...copyButton(commands.join("\n"), `Copy all ${commands.length} commands`)) : "";
  const list = h("ul.alike", {}, ...more.map((finding) => h("li", { dir: "auto" }, finding.title)));
  return h("details.more", {}, h("summary", {}, `${more.length} more like this`), list, all);
}

customElements.define("finding-card", FindingCard);
