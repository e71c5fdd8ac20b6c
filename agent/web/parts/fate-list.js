/** What is kept, lost and new: a picture to look at, with the words for it one click away. */

import { View, h } from "../lib/dom.js";
import { grouped, headed, pictureOf } from "../lib/fates.js";
import { symbol } from "./drawing.js";

/** @typedef {import("../types.js").Fate} Fate */

export class FateList extends View {
  /**
   * @param {Fate[]} fates
   * @param {{open?: boolean}} [options] `open`: what cannot be undone is told without a click.
   */
  constructor(fates, { open = false } = {}) {
    super();
    const groups = grouped(fates);
    const explained = groups.flatMap(({ things }) => things).filter(({ detail }) => detail);
    this.append(
      h("div.fates", {}, ...groups.map(group)),
      explained.length ? h("details.more", { open }, h("summary", {}, "What exactly?"), details(explained)) : "",
    );
  }
}

/** @param {{fate: string, title: string, things: Fate[]}} group */
function group({ fate, title, things }) {
  return h(
    `section.fate.${fate}`,
    {},
    h("h3", {}, symbol(`fate-${fate}`, 14, 14), title),
    h("ul", {}, ...things.map(({ what }) => h("li", {}, symbol(`thing-${pictureOf(what)}`, 24, 24), h("span", {}, headed(what))))),
  );
}

/** @param {Fate[]} things */
function details(things) {
  return h("dl.stacked", {}, ...things.flatMap(({ what, detail }) => [h("dt", {}, headed(what)), h("dd", {}, detail)]));
}

customElements.define("fate-list", FateList);
