/** A list of texts, or texts by name, one line for each; the same outside as `FieldInput`. */

import { freshId, h, say, set } from "../lib/dom.js";

/** @typedef {import("../lib/schema.js").Field} Field */

export class RowsInput {
  /**
   * @param {Field} shape Of the type `texts` or `table`.
   * @param {{names?: string[], offered?: string[], examples?: [string, string][]}} [options] `names`: the
   *   only ones that a table may have, a line for each; `offered`: the same, to choose from in each line;
   *   `examples`: texts by name, or one without a name.
   */
  constructor(shape, options = {}) {
    this.shape = shape;
    this.names = options.names ?? [];
    this.examples = new Map(options.examples ?? []);
    this.id = freshId("rows");
    const offered = (options.offered ?? []).map((name) => h("option", { value: name }));
    this.offered = offered.length ? h("datalist", { id: `${this.id}-offered` }, ...offered) : null;
    this.rows = h("ul.rows");
    this.error = h("p.field-error", { id: `${this.id}-error`, hidden: true });
    const note = shape.description ? h("p.note", { id: `${this.id}-note` }, shape.description) : null;
    this.more = h("button.quiet", { type: "button", hidden: this.names.length > 0 }, "Add a line");
    set(this.more, "aria-label", `Add a line to ${shape.title}`);
    this.more.addEventListener("click", () => {
      this.#add("", "").querySelector("input")?.focus();
      this.#changed();
    });
    this.field = h("fieldset", { "aria-describedby": `${this.id}-error ${this.id}-note` }, h("legend", {}, shape.title), this.rows, this.offered);
    this.element = h("div.field.rows-field", {}, this.field, h("div.row", {}, this.more), this.error, h("div.under", {}, note));
    this.rows.addEventListener("input", () => this.showProblem(""));
    this.raw = [];
  }

  /** Where there is something to type. */
  get input() {
    return this.rows.querySelector("input") ?? this.more;
  }

  /** What stands there, line by line. @returns {[string, string][]} */
  get raw() {
    return [...this.rows.children].map((row) => {
      const inputs = row.querySelectorAll("input");
      const name = row.dataset.name ?? (inputs.length > 1 ? inputs[0].value : "");
      return [name, inputs[inputs.length - 1].value];
    });
  }

  set raw(lines) {
    this.rows.replaceChildren();
    const given = new Map(lines);
    if (this.names.length) for (const name of this.names) this.#add(name, given.get(name) ?? "");
    else for (const [name, text] of lines) this.#add(name, text);
  }

  /** The value, without empty lines. */
  get value() {
    const lines = this.raw.map(([name, text]) => [name.trim(), text.trim()]).filter(([name, text]) => name || text);
    if (this.shape.type === "texts") return lines.map(([, text]) => text);
    return Object.fromEntries(lines.filter(([, text]) => text || !this.names.length));
  }

  set value(/** @type {any} */ value) {
    this.raw = this.shape.type === "texts" ? value.map((/** @type {string} */ text) => ["", text]) : Object.entries(value);
  }

  get problem() {
    const most = this.shape.maxItems ?? Infinity;
    if (this.raw.length > most) return `takes at most ${most} lines`;
    if (this.shape.type !== "table" || this.names.length) return "";
    const lines = this.raw.map(([name, text]) => [name.trim(), text.trim()]);
    if (lines.some(([name, text]) => Boolean(name) !== Boolean(text))) return "needs both a name and a text in each line";
    const names = lines.map(([name]) => name).filter(Boolean);
    return new Set(names).size === names.length ? "" : "has a name twice";
  }

  set locked(/** @type {boolean} */ locked) {
    this.field.disabled = locked;
    this.more.disabled = locked;
  }

  showProblem(/** @type {string} */ problem) {
    const text = problem ? `${this.shape.title}: ${problem}` : "";
    say(this.error, text);
    this.error.hidden = !text;
    const lines = [...this.rows.children].map((row, number) => ({ row, words: this.raw[number].filter(Boolean) }));
    const meant = lines.filter(({ words }) => words.some((word) => problem.includes(word)));
    for (const { row } of lines) this.#mark(row, Boolean(text) && (!meant.length || meant.some((line) => line.row === row)));
  }

  focus() {
    const wrong = /** @type {HTMLElement|null} */ (this.rows.querySelector("[aria-invalid]"));
    (wrong ?? this.input).focus();
  }

  /** @param {Element} row @param {boolean} wrong */
  #mark(row, wrong) {
    for (const input of row.querySelectorAll("input")) set(input, "aria-invalid", wrong ? "true" : null);
  }

  /** @param {string} name @param {string} text */
  #add(name, text) {
    const fixed = this.names.includes(name);
    const number = this.rows.childElementCount + 1;
    const label = fixed ? name : `${this.shape.title}, line ${number}`;
    const usual = { type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false" };
    const row = h("li", {});
    const id = freshId("line");
    if (fixed) {
      row.dataset.name = name;
      row.append(h("label", { for: id }, name));
    } else if (this.shape.type === "table") {
      row.append(h("input.name", { ...usual, value: name, list: this.offered?.id ?? null, "aria-label": `${label}, name` }));
    }
    row.append(h("input", { ...usual, id, value: text, placeholder: this.examples.get(fixed ? name : "") ?? null, "aria-label": fixed ? null : label }));
    if (!fixed) row.append(this.#remove(row, label));
    this.rows.append(row);
    return row;
  }

  /** @param {HTMLElement} row @param {string} label */
  #remove(row, label) {
    const button = h("button.quiet", { type: "button", "aria-label": `Remove ${label}` }, "Remove");
    button.addEventListener("click", () => {
      const next = /** @type {HTMLElement|null} */ (row.nextElementSibling ?? row.previousElementSibling);
      row.remove();
      (next?.querySelector("input") ?? this.more).focus();
      this.#changed();
    });
    return button;
  }

  #changed() {
    this.rows.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
