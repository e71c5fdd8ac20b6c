/** The settings as people read them: in groups, with controls that fit, and values in words. Pure. */

/** @typedef {import("../types.js").Setting} Setting */
/** @typedef {import("./schema.js").Field} Field */

/** Sections of the file that belong together for people, those that many need first. */
const GROUPS = /** @type {[string, string[]][]} */ ([
  ["Notifications and updates", ["desktop", "updates"]],
  ["Finding boards", ["bluetooth", "wifi", "ports"]],
  ["The way to the Internet", ["network"]],
  ["Arduino Cloud", ["arduino"]],
  ["nRF Cloud", ["nrf"]],
  ["ThingsBoard", ["gateway"]],
  ["Writing sketches and settings", ["flash", "sketches", "nvs"]],
  ["Pages of the Arduino Create Agent", ["compat"]],
  ["The agent and its log", ["bridge", "log"]],
]);

/** The settings in groups; a section that is not known here is a group of its own. @param {Setting[]} settings */
export function groupsOf(settings) {
  const known = new Set(GROUPS.flatMap(([, sections]) => sections));
  const others = [...new Set(settings.map(sectionOf))].filter((section) => !known.has(section));
  return [...GROUPS, ...others.map((section) => /** @type {[string, string[]]} */ ([section, [section]]))]
    .map(([title, sections]) => ({ title, settings: sections.flatMap((name) => settings.filter((each) => sectionOf(each) === name)) }))
    .filter((group) => group.settings.length);
}

function sectionOf(/** @type {Setting} */ { key }) {
  return key.split(".")[0];
}

/** What a field for this setting looks like. @param {Setting} setting @returns {Partial<Field> & {name: string, title: string}} */
export function shapeOf({ key, title, meaning, schema }) {
  const type = typeOf(schema);
  const range = rangeWords(schema);
  const hidden = schema["x-masked"] ? " To change it, type all of it." : "";
  return {
    name: key,
    title,
    description: `${meaning}${range ? ` ${range}` : ""}${hidden}`,
    type,
    required: type === "integer" || type === "number",
    choices: (schema.enum ?? []).map(String),
    minimum: schema.minimum,
    maximum: schema.maximum,
    above: schema.exclusiveMinimum,
    maxItems: schema.maxItems,
  };
}

/** @param {import("../types.js").Schema} schema @returns {Field["type"]} */
function typeOf(schema) {
  if (schema.enum) return "choice";
  if (schema.type === "boolean") return "switch";
  if (schema.type === "integer" || schema.type === "number") return schema.type;
  if (schema.type === "array") return "texts";
  return schema.type === "object" ? "table" : "text";
}

/** @param {import("../types.js").Schema} schema */
function rangeWords({ minimum, maximum, exclusiveMinimum }) {
  if (minimum !== undefined && maximum !== undefined) return `From ${minimum} to ${maximum}.`;
  if (exclusiveMinimum !== undefined && maximum !== undefined) return `More than ${exclusiveMinimum}, at most ${maximum}.`;
  return "";
}

/** A value as a person would say it. @param {any} value */
export function valueWords(value) {
  if (value === true) return "on";
  if (value === false) return "off";
  if (Array.isArray(value)) return value.length ? value.join(", ") : "none";
  if (value && typeof value === "object") {
    const rows = Object.entries(value).map(([name, text]) => `${name}: ${text}`);
    return rows.length ? rows.join(", ") : "none";
  }
  return value === "" || value === null || value === undefined ? "empty" : String(value);
}

/** True if two values are the same for the file. @param {any} one @param {any} other @returns {boolean} */
export function same(one, other) {
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return one === other;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => same(one[key], other[key]));
}

/** What takes a change back: the value of the file, or null where it had none. @param {Setting[]} settings */
export function beforeOf(settings) {
  return Object.fromEntries(settings.map(({ key, source, value }) => [key, source === "file" ? value : null]));
}

/** True if a change of it can be taken back: what is not shown cannot be written again. @param {Setting} setting */
export function undoable({ schema, source }) {
  return !(schema["x-masked"] && source === "file");
}
