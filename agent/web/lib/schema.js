/** What a form needs to know of a JSON Schema. Pure. */

/** @typedef {import("../types.js").Schema} Schema */

/**
 * @typedef {object} Field
 * @property {string} name
 * @property {"text"|"multiline"|"password"|"choice"|"integer"|"integers"|"number"|"switch"|"texts"|"table"} type
 *   `texts` and `table` are those of settings: a list of texts, texts by name.
 * @property {string} title
 * @property {string} description
 * @property {boolean} required
 * @property {any} initial
 * @property {string[]} choices
 * @property {Record<string, string>} [labels] How people call the choices, where that differs.
 * @property {string} [group] Title of the fields that belong together; empty: those that come first.
 * @property {number|undefined} minimum
 * @property {number|undefined} maximum
 * @property {number} [above] It is more than this.
 * @property {number|undefined} maxBytes
 * @property {boolean} counted The limit is near enough to be counted before the person's eyes.
 * @property {number|undefined} maxItems
 * @property {string|undefined} pattern
 */

/** The object that a schema means, its `$ref` followed. @param {Schema} schema @param {Schema} root @returns {Schema} */
export function resolved(schema, root) {
  if (!schema?.$ref) return schema ?? {};
  const path = schema.$ref.replace(/^#\//, "").split("/");
  const target = path.reduce((/** @type {any} */ at, /** @type {string} */ part) => at?.[part], root);
  return resolved({ ...target, ...schema, $ref: undefined }, root);
}

/**
 * The fields of an object schema, in order; a property with a single value (a tag) is left out.
 *
 * @param {Schema} schema
 * @param {Schema} [root] Where `$ref` points into.
 * @returns {Field[]}
 */
export function fieldsOf(schema, root = schema) {
  const object = resolved(schema, root);
  return Object.entries(object.properties ?? {})
    .map(([name, raw]) => field(name, plain(resolved(raw, root), root), object))
    .filter((entry) => entry !== null);
}

/** Without the “or null” of an optional value. @param {Schema} schema @param {Schema} root @returns {Schema} */
function plain(schema, root) {
  const any = schema.anyOf ?? schema.oneOf;
  if (!any || any.every(isConstant)) return schema;
  const first = any.map((/** @type {Schema} */ part) => resolved(part, root));
  return { ...schema, ...first.find((/** @type {Schema} */ part) => part.type !== "null") };
}

/** One of several choices that have titles. @param {Schema} schema */
function isConstant(schema) {
  return schema.const !== undefined;
}

/** @param {string} name @param {Schema} schema @param {Schema} object @returns {Field|null} */
function field(name, schema, object) {
  const titled = /** @type {Schema[]} */ (schema.oneOf ?? []).filter(isConstant);
  const choices = (schema.enum ?? titled.map((choice) => choice.const)).map(String);
  if (schema.const !== undefined || (choices.length === 1 && !schema.title)) return null;
  return {
    name,
    type: typeOf(schema),
    title: schema.title ?? name.replaceAll("_", " "),
    description: schema.description ?? "",
    required: (object.required ?? []).includes(name) || (schema.minLength ?? 0) > 0,
    initial: schema.default ?? null,
    choices,
    labels: Object.fromEntries(titled.map((choice) => [String(choice.const), choice.title ?? String(choice.const)])),
    group: schema["x-group"] ?? "",
    minimum: schema.minimum,
    maximum: schema.maximum,
    above: schema.exclusiveMinimum,
    maxBytes: schema["x-max-bytes"] ?? schema.maxLength,
    counted: schema["x-max-bytes"] !== undefined,
    maxItems: schema.maxItems,
    pattern: schema.pattern,
  };
}

/** @param {Schema} schema @returns {Field["type"]} */
function typeOf(schema) {
  if (schema.enum || schema.oneOf?.every(isConstant)) return "choice";
  if (schema.type === "integer" || schema.type === "number") return schema.type;
  if (schema.type === "array") return "integers";
  if (schema.type === "boolean") return "switch";
  if (schema.format === "multiline") return "multiline";
  return schema.format === "password" ? "password" : "text";
}

/** An integer as people type it: `20`, `-1`, `0xC0004`; NaN if it is none. */
export function integerOf(/** @type {string} */ text) {
  const trimmed = text.trim();
  return /^-?(\d+|0x[0-9a-f]+)$/i.test(trimmed)
    ? Number(trimmed.startsWith("-") ? -Number(trimmed.slice(1)) : trimmed)
    : Number.NaN;
}

/**
 * The value that a typed text means, or what is wrong with it.
 *
 * @param {Field} field
 * @param {string} text
 * @returns {{value?: any, problem?: string}} Neither: the field was left empty.
 */
export function parse(field, text) {
  if (text === "") return field.required ? { problem: "is needed" } : {};
  if (field.type === "integer") return ranged(field, integerOf(text), "is a whole number");
  if (field.type === "number") return ranged(field, numberOf(text), "is a number");
  if (field.type === "integers") {
    const values = text.split(/[\s,;]+/).filter(Boolean).map(integerOf);
    if (values.some(Number.isNaN)) return { problem: "takes whole numbers, with commas between" };
    const most = field.maxItems ?? Infinity;
    return values.length > most ? { problem: `takes at most ${most} numbers` } : { value: values };
  }
  return matches(field, text) ? { value: text } : { problem: "has characters that do not fit" };
}

/** @param {Field} field @param {string} text */
function matches(field, text) {
  if (field.pattern === undefined) return true;
  try {
    // A pattern of JSON Schema may match anywhere in the text; one that means all of it says so.
    return new RegExp(field.pattern, "u").test(text);
  } catch {
    return true; // A pattern of another dialect is checked by the agent.
  }
}

/** A number as people type it: `5`, `2.5`, `2,5`; NaN if it is none. @param {string} text */
function numberOf(text) {
  const trimmed = text.trim().replace(",", ".");
  return /^-?(\d+\.?\d*|\.\d+)$/.test(trimmed) ? Number(trimmed) : Number.NaN;
}

/** @param {Field} field @param {number} value @param {string} kind @returns {{value?: any, problem?: string}} */
function ranged(field, value, kind) {
  if (Number.isNaN(value)) return { problem: kind };
  if (field.above !== undefined && value <= field.above) return { problem: `is more than ${field.above}` };
  if (field.minimum !== undefined && value < field.minimum) {
    return { problem: `is at least ${field.minimum}` };
  }
  if (field.maximum !== undefined && value > field.maximum) {
    return { problem: `is at most ${field.maximum}` };
  }
  return { value };
}
