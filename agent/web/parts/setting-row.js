/** One setting: what it means, its control, its usual value, and why it cannot be changed if so. */

import { fill, h } from "../lib/dom.js";
import { same, shapeOf, valueWords } from "../lib/settings.js";
import { ownField } from "./field.js";
import { RowsInput } from "./rows-input.js";

/** @typedef {import("../types.js").Setting} Setting */

/** Above so many names a table has lines for those alone that are given. */
const LINES_AT_ONCE = 8;

/** @typedef {{raw: any, reset: boolean}} Draft What a person made of a setting and did not save. */

export class SettingRow {
  /** Back to the usual value, once it is saved. */ #reset = false;
  /** Where somebody else changed it meanwhile. */ #elsewhere = false;

  /** @param {Setting} setting @param {() => void} changed */
  constructor(setting, changed) {
    this.setting = setting;
    this.changed = changed;
    /** @type {any} A `FieldInput` or `RowsInput`. */
    this.control = controlFor(setting);
    this.notes = h("div.setting-notes");
    this.element = h("div.setting", { "data-setting": setting.key }, this.control.element, this.notes);
    this.control.element.addEventListener("input", () => {
      this.#reset = false;
      this.#notes();
      changed();
    });
    this.#take(setting.value);
    this.#notes();
  }

  get key() {
    return this.setting.key;
  }

  get locked() {
    return this.setting.source === "environment";
  }

  /** What stands in the control, as a value. */
  get value() {
    return this.control.value ?? (this.control.shape.type === "text" ? "" : undefined);
  }

  /** It is not what the agent has. */
  get dirty() {
    if (this.locked) return false;
    return this.#reset ? this.setting.source === "file" : !same(this.value, this.setting.value);
  }

  /** What `settings.set` is told; null: back to the usual value. */
  get change() {
    return this.#reset ? null : this.value;
  }

  /** @returns {Draft} */
  get draft() {
    return { raw: this.control.raw, reset: this.#reset };
  }

  set draft({ raw, reset }) {
    this.control.raw = raw;
    this.#reset = reset;
    this.#notes();
  }

  /** The agent says how it is now; what was typed stays, unless `adopt`. @param {Setting} setting @param {boolean} adopt */
  show(setting, adopt = false) {
    const kept = this.dirty && !adopt;
    this.#elsewhere = kept && !same(this.setting.value, setting.value) && !same(this.value, setting.value);
    this.setting = setting;
    // What is the same stays in place, with its focus and a line that was just added.
    if (!kept && !same(this.value, setting.value)) this.discard();
    else if (!kept || !this.dirty) this.#reset = false;
    this.#notes();
  }

  /** Forget what was typed. */
  discard() {
    this.#reset = false;
    this.#elsewhere = false;
    this.control.showProblem("");
    this.#take(this.setting.value);
    this.#notes();
  }

  /** Show what is wrong with it before the agent is asked; true if nothing is. */
  check() {
    const problem = this.#reset ? "" : this.control.problem;
    this.control.showProblem(problem);
    return !problem;
  }

  /** @param {any} value */
  #take(value) {
    const { type } = this.control.shape;
    if (type === "texts" || type === "table") this.control.value = value;
    else this.control.raw = type === "switch" ? Boolean(value) : String(value ?? "");
  }

  #back() {
    this.#take(this.setting.default);
    this.#reset = true;
    this.control.showProblem("");
    this.#notes();
    this.control.focus();
    this.changed();
  }

  #notes() {
    const { setting, locked } = this;
    this.control.locked = locked;
    const usual = this.#reset || same(this.value, setting.default);
    const back = h("button.link", { type: "button", "aria-label": `Back to default: ${setting.title}` }, "Back to default");
    back.addEventListener("click", () => this.#back());
    fill(
      this.notes,
      usual ? null : h("span", {}, "Default: ", h("span.value", { dir: "auto" }, valueWords(setting.default))),
      (usual && setting.source !== "file") || this.#reset || locked ? null : back,
      setting.applies === "restart" && !locked ? h("span", {}, "Counts after a restart of the agent.") : null,
      setting.pending ? h("strong.waits", {}, "Saved; waits for a restart.") : null,
      this.dirty ? h("strong.unsaved", {}, this.#reset ? "Back to default, not saved yet" : "Not saved yet") : null,
      this.#elsewhere ? h("span.unsaved", {}, `Meanwhile it was changed elsewhere, to: ${valueWords(setting.value)}`) : null,
      locked ? h("strong.locked", {}, lockWords(setting)) : null,
    );
  }
}

/** @param {Setting} setting */
function lockWords({ variable }) {
  const what = variable ? `the environment variable ${variable}` : "the environment of the agent";
  return `Set by ${what}, so it cannot be changed here.`;
}

/** @param {Setting} setting */
function controlFor(setting) {
  const shape = shapeOf(setting);
  const { schema } = setting;
  if (shape.type !== "texts" && shape.type !== "table") return ownField(shape);
  const example = schema.examples?.[0] ?? [];
  const examples = shape.type === "table" ? Object.entries(example) : example.map((/** @type {string} */ text) => ["", text]);
  const known = schema.propertyNames?.enum ?? [];
  const each = known.length <= LINES_AT_ONCE;
  return new RowsInput(ownShape(shape), { names: each ? known : [], offered: each ? [] : known, examples });
}

/** @param {any} shape @returns {import("../lib/schema.js").Field} */
function ownShape(shape) {
  return { ...shape, initial: null };
}
