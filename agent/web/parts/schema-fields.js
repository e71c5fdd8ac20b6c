/**
 * The fields that a JSON Schema asks for; the form around them belongs to the caller.
 *
 * Those that have a group (`x-group`) are folded away under its title, after all others.
 */

import { View, h } from "../lib/dom.js";
import { fieldsOf } from "../lib/schema.js";
import { FieldInput } from "./field.js";

export class SchemaFields extends View {
  /** @type {FieldInput[]} */ fields = [];

  /**
   * @param {import("../types.js").Schema} schema
   * @param {{root?: import("../types.js").Schema, values?: Record<string, any>, skip?: string[]}} [options]
   */
  constructor(schema, options = {}) {
    super();
    const skip = options.skip ?? [];
    this.fields = fieldsOf(schema, options.root ?? schema)
      .filter((shape) => !skip.includes(shape.name))
      .map((shape) => new FieldInput(shape, { value: options.values?.[shape.name] }));
    const groups = [...new Set(this.fields.map((field) => field.shape.group ?? ""))].sort((a, b) => Number(a !== "") - Number(b !== ""));
    this.append(...groups.map((group) => this.#group(group)));
  }

  /** @param {string} title Empty: the fields that come first. */
  #group(title) {
    const fields = this.fields.filter((field) => (field.shape.group ?? "") === title);
    const list = h("div.fields", {}, ...fields.map((field) => field.element));
    if (!title) return list;
    const filled = fields.some((field) => field.raw !== "" && field.raw !== false);
    return h("details.more.field-group", { open: filled }, h("summary", {}, title), list);
  }

  /** What was filled in; fields left empty are left out. @returns {Record<string, any>} */
  get values() {
    const filled = this.fields.map((field) => [field.shape.name, field.value]);
    return Object.fromEntries(filled.filter(([, value]) => value !== undefined));
  }

  /** Show what is wrong with the fields themselves; true if nothing is. */
  check() {
    for (const field of this.fields) field.showProblem(field.problem);
    const wrong = this.fields.find((field) => field.problem);
    wrong?.focus();
    return !wrong;
  }

  /** @param {string} name */
  field(name) {
    return this.fields.find((field) => field.shape.name === name);
  }

  /** Show a problem at its field; false if there is no such field. @param {string} name @param {string} problem */
  showProblem(name, problem) {
    const field = this.field(name);
    // Another field that can mend it is named as programs know it, and perhaps folded away.
    const other = this.fields.find(({ shape }) => problem.includes(`(${shape.name})`));
    const folded = other?.element.closest("details");
    if (folded) folded.open = true;
    field?.showProblem(other ? problem.replace(`(${other.shape.name})`, `(“${other.shape.title}”)`) : problem);
    return Boolean(field);
  }

  focusFirst() {
    this.fields[0]?.focus();
  }
}

customElements.define("schema-fields", SchemaFields);
