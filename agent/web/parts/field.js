/** One labelled input with its description, byte counter and error, tied together for everyone. */

import { freshId, h, say, set } from "../lib/dom.js";
import { parse } from "../lib/schema.js";
import { byteLength, count } from "../lib/text.js";
import { TextFile } from "./text-file.js";

/** @typedef {import("../lib/schema.js").Field} FieldShape */

export class FieldInput {
  #counter;
  #description;
  #error;

  /**
   * @param {FieldShape} shape
   * @param {{value?: any, label?: string}} [options]
   */
  constructor(shape, options = {}) {
    this.shape = shape;
    const id = freshId("field");
    const value = options.value ?? shape.initial;
    /** @type {any} The input or select. */
    this.input = this.#control(id, value);
    this.#counter = shape.maxBytes && shape.counted ? h("span.counter", { id: `${id}-count` }) : null;
    this.#description = shape.description ? h("p.note", { id: `${id}-note` }, shape.description) : null;
    this.#error = h("p.field-error", { id: `${id}-error`, hidden: true });
    const label = h("label", { for: id }, options.label ?? shape.title);
    const under = h("div.under", {}, this.#description, this.#counter);
    const row = h("div.control", {}, this.input, shape.type === "password" ? this.#eye() : null);
    const file = shape.type === "multiline" ? new TextFile(this) : null;
    this.element = h(`div.field.${shape.type}`, {}, label, row, file, this.#error, under);
    if (shape.type === "switch") this.element.replaceChildren(row, label, this.#error, under);
    this.input.addEventListener("input", () => {
      this.showProblem("");
      this.#count();
    });
    this.#count();
    this.#describe();
  }

  /** What was typed, as its type; undefined if left empty. */
  get value() {
    if (this.shape.type === "switch") return this.input.checked;
    return parse(this.shape, this.input.value).value;
  }

  /** What stands in the control, right or wrong. */
  get raw() {
    return this.shape.type === "switch" ? this.input.checked : this.input.value;
  }

  set raw(/** @type {any} */ raw) {
    if (this.shape.type === "switch") this.input.checked = raw;
    else this.text = raw;
  }

  set locked(/** @type {boolean} */ locked) {
    this.input.disabled = locked;
  }

  set text(/** @type {string} */ text) {
    this.input.value = text;
    this.#count();
  }

  /** What is wrong before anybody else is asked; empty if nothing. */
  get problem() {
    if (this.shape.type === "switch") return "";
    const problem = parse(this.shape, this.input.value).problem;
    if (problem) return problem;
    const bytes = this.#bytes();
    const limit = this.shape.maxBytes ?? Infinity;
    return bytes > limit ? `is ${bytes} bytes long; at most ${limit} fit` : "";
  }

  /** Show what is wrong, or nothing for an empty text. */
  showProblem(/** @type {string} */ problem) {
    const text = problem ? `${this.shape.title}: ${problem}` : "";
    say(this.#error, text);
    this.#error.hidden = !text;
    const folded = text && this.element.closest("details");
    if (folded) folded.open = true;
    set(this.input, "aria-invalid", text ? "true" : null);
    this.#describe();
  }

  focus() {
    this.input.focus();
    if (this.input.select && this.input.type !== "checkbox") this.input.select();
  }

  /** @param {string} id @param {any} value */
  #control(id, value) {
    const { type, choices, labels = {}, required } = this.shape;
    const common = { id, name: this.shape.name, "aria-required": required ? "true" : null };
    if (type === "choice") {
      const options = choices.map((choice) => h("option", { value: choice }, labels[choice] ?? choice));
      const select = h("select", common, ...options);
      if (value !== null && value !== undefined) select.value = String(value);
      return select;
    }
    if (type === "switch") return h("input", { ...common, type: "checkbox", checked: Boolean(value) });
    if (type === "multiline") {
      return h("textarea", { ...common, rows: "5", spellcheck: "false", autocomplete: "off", dir: "ltr", value: value ?? "" });
    }
    const number = type === "integer" || type === "integers";
    return h("input", {
      ...common,
      type: type === "password" ? "password" : "text",
      autocomplete: type === "password" ? "new-password" : "off",
      autocapitalize: "off",
      spellcheck: "false",
      inputmode: type === "integer" ? "numeric" : type === "number" ? "decimal" : null,
      // -1 stands for “the board's own default” in network settings: shown as an empty field.
      value: value === null || value === undefined || (number && value === -1) ? "" : String(value),
    });
  }

  #eye() {
    const button = h("button.eye", { type: "button", "aria-pressed": "false" }, "Show");
    set(button, "aria-label", `Show ${this.shape.title.toLowerCase()}`);
    button.addEventListener("click", () => {
      const shown = this.input.type === "password";
      this.input.type = shown ? "text" : "password";
      set(button, "aria-pressed", String(shown));
      say(button, shown ? "Hide" : "Show");
    });
    return button;
  }

  #bytes() {
    return byteLength(this.input.value);
  }

  #count() {
    if (!this.#counter) return;
    const bytes = this.#bytes();
    const limit = this.shape.maxBytes ?? 0;
    say(this.#counter, `${bytes} of ${count(limit, "byte")}`);
    this.#counter.classList.toggle("over", bytes > limit);
  }

  #describe() {
    const parts = [this.#error.hidden ? null : this.#error, this.#description, this.#counter];
    const ids = parts.filter(Boolean).map((part) => part.id);
    set(this.input, "aria-describedby", ids.join(" ") || null);
  }
}

/** A field that the page itself defines. @param {Partial<FieldShape> & {name: string, title: string}} shape */
export function ownField(shape, options = {}) {
  /** @type {FieldShape} */
  const full = {
    type: "text",
    description: "",
    required: false,
    initial: null,
    choices: [],
    minimum: undefined,
    maximum: undefined,
    maxBytes: undefined,
    counted: shape.maxBytes !== undefined,
    maxItems: undefined,
    pattern: undefined,
    ...shape,
  };
  return new FieldInput(full, options);
}
