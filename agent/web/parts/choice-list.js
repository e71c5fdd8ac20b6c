/** One of several, as radio buttons with a line of detail. Fires `picked`. */

import { View, freshId, h } from "../lib/dom.js";

/** @typedef {import("../types.js").Choice} Choice */

export class ChoiceList extends View {
  #chosen = "";

  /**
   * @param {string} legend
   * @param {Choice[]} choices
   * @param {{chosen?: string, hidden?: boolean}} [options] `hidden`: the legend is only spoken.
   */
  constructor(legend, choices, options = {}) {
    super();
    this.#chosen = choices.some(({ id }) => id === options.chosen) ? (options.chosen ?? "") : "";
    const name = freshId("choice");
    const rows = choices.map(({ id, label, detail }) => {
      const radio = h("input", { type: "radio", name, value: id, checked: id === this.#chosen });
      const note = detail ? h("span.soft.small", { dir: "auto" }, detail) : null;
      return h("label", {}, radio, h("span.choice", {}, h("bdi", { dir: "auto" }, label), note));
    });
    this.error = h("p.field-error", { id: `${name}-error`, hidden: true });
    this.list = h("div.choices.told", {}, ...rows);
    const title = h(options.hidden ? "legend.spoken" : "legend", {}, legend);
    this.append(h("fieldset", { "aria-describedby": `${name}-error` }, title, this.list), this.error);
    this.list.addEventListener("change", (/** @type {any} */ event) => {
      this.#chosen = event.target.value;
      this.error.hidden = true;
      this.dispatchEvent(new CustomEvent("picked"));
    });
  }

  /** Id of the choice; empty while there is none. */
  get value() {
    return this.#chosen;
  }

  /** Choose nothing. */
  clear() {
    this.#chosen = "";
    for (const radio of this.list.querySelectorAll("input")) /** @type {any} */ (radio).checked = false;
  }

  /** True if something is chosen; otherwise says so and goes there. @param {string} problem */
  check(problem) {
    if (this.#chosen) return true;
    this.showProblem(problem);
    this.focusChosen();
    return false;
  }

  showProblem(/** @type {string} */ problem) {
    this.error.textContent = problem;
    this.error.hidden = !problem;
  }

  focusChosen() {
    const radio = this.list.querySelector("input:checked") ?? this.list.querySelector("input");
    /** @type {HTMLElement|null} */ (radio)?.focus();
  }
}

customElements.define("choice-list", ChoiceList);
