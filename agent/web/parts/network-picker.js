/**
 * The choice of a network: the board's own scan, strongest first, and “Another network…”.
 *
 * Fires `change` when the setting changed. The password of a scanned network is asked for here.
 */

import { View, fill, foreign, freshId, h, keyed } from "../lib/dom.js";
import { KIND_NAMES, kindSchemas, merged, wifiSetting } from "../lib/networks.js";
import { hexOf } from "../lib/text.js";
import { signal } from "./drawing.js";
import { ownField } from "./field.js";
import { SchemaFields } from "./schema-fields.js";

/** @typedef {import("../types.js").NetworkOption} NetworkOption */

/** Value of the radio button for a network that is not in the list. */
const OTHER = "other";

export class NetworkPicker extends View {
  /** @type {NetworkOption[]} */ #options = [];
  #chosen = "";
  #coming = true;
  #kind = "";
  #group = freshId("network");
  /** @type {Record<string, any>} */ #typedBefore = {};
  /** @type {SchemaFields|null} */ #fields = null;

  /**
   * @param {object} options
   * @param {import("../types.js").Schema} options.schema Of all kinds of network setting.
   * @param {string[]} options.kinds Kinds that this board accepts.
   * @param {import("../lib/memory.js").Memory} options.memory
   * @param {string} [options.preferred] Bytes in hex of the network to choose at first.
   * @param {boolean} [options.typed] No board looks for networks: everything is typed.
   * @param {Record<string, any>|null} [options.values] What was typed before, as of `draft`.
   */
  constructor({ schema, kinds, memory, preferred = "", typed = false, values = null }) {
    super();
    this.typed = typed;
    this.#typedBefore = values ?? {};
    this.schema = schema;
    this.kinds = kinds;
    this.memory = memory;
    this.#chosen = preferred;
    this.#kind = kinds.find((kind) => kind === values?.kind) ?? kinds[0] ?? "wifi";
    this.list = h("div.networks");
    this.legend = h("legend", {}, "Network");
    this.password = ownField({
      name: "password",
      title: "Password",
      type: "password",
      description: "Leave it empty for an open network.",
      maxBytes: kindSchemas(schema).get("wifi")?.properties?.password?.["x-max-bytes"] ?? 63,
    });
    this.other = h("div.other-network", { hidden: true });
    this.append(h("fieldset", {}, this.legend, this.list), this.password.element, this.other);
    this.list.addEventListener("change", (/** @type {any} */ event) => this.#choose(event.target.value));
    this.addEventListener("input", () => this.#changed());
    this.password.text = memory.password(preferred);
    if (typed || !kinds.includes("wifi")) this.#chosen = OTHER;
    if (typed) this.firstElementChild?.remove();
    this.show([], true);
  }

  /**
   * Show what a scan found; what is chosen stays chosen.
   *
   * @param {NetworkOption[]} options
   * @param {boolean} [coming] More is coming, so that the fields for it keep their place.
   */
  show(options, coming = false) {
    this.#coming = coming;
    const kept = this.#options.find((option) => option.ssid_hex === this.#chosen);
    this.#options = this.kinds.includes("wifi") ? merged(options) : [];
    const there = this.#options.some((option) => option.ssid_hex === this.#chosen);
    if (this.#chosen && this.#chosen !== OTHER && !there && (kept || !coming)) {
      if (kept) this.#options.push(kept);
      else this.#choose("");
    }
    const rows = [...this.#options.map((option) => option.ssid_hex), OTHER];
    keyed(this.list, rows, (row) => row, (row) => this.#row(row), (row, key) => this.#update(row, key));
    this.#arrange();
  }

  /** The setting as the agent takes it; null while nothing is chosen. @returns {Record<string, any>|null} */
  get value() {
    if (this.#chosen === OTHER) return { kind: this.#kind, ...this.#fields?.values };
    const option = this.#option();
    return option ? wifiSetting(option, this.password.input.value) : null;
  }

  /** What was typed, without its secrets, to be typed again by nobody. @returns {Record<string, any>|null} */
  get draft() {
    if (this.#chosen !== OTHER) return null;
    const open = this.#fields?.fields.filter(({ shape }) => shape.type !== "password") ?? [];
    return { kind: this.#kind, ...Object.fromEntries(open.map(({ shape, raw }) => [shape.name, raw])) };
  }

  /** What people call the chosen network. */
  get label() {
    if (this.#chosen !== OTHER) return this.#option()?.ssid ?? "";
    return this.#fields?.values.ssid || (KIND_NAMES[this.#kind] ?? this.#kind);
  }

  /** Bytes in hex of the chosen Wi-Fi network; empty for other kinds. */
  get networkKey() {
    if (this.#chosen !== OTHER) return this.#chosen;
    return this.#kind === "wifi" ? hexOf(this.#fields?.values.ssid ?? "") : "";
  }

  /** Remember password and network for the next time the page asks. */
  remember() {
    const password = this.value?.password;
    if (!this.networkKey) return;
    this.memory.network = this.networkKey;
    if (password) this.memory.keepPassword(this.networkKey, password);
  }

  /** Show what is wrong and go there; true if nothing is. */
  check() {
    if (!this.value) {
      this.list.querySelector("input")?.focus();
      return false;
    }
    if (this.#chosen === OTHER) return this.#fields?.check() ?? true;
    this.password.showProblem(this.password.problem);
    if (this.password.problem) this.password.focus();
    return !this.password.problem;
  }

  /** @param {string} field @param {string} problem @param {boolean} [go] Move the focus there. */
  showProblem(field, problem, go = false) {
    const target = this.#chosen === OTHER ? this.#fields?.field(field) : { password: this.password }[field];
    target?.showProblem(problem);
    if (go) target?.focus();
    return Boolean(target);
  }

  focusChosen() {
    const chosen = this.list.querySelector("input:checked") ?? this.list.querySelector("input");
    /** @type {HTMLElement|null} */ (chosen)?.focus();
  }

  #option() {
    return this.#options.find((option) => option.ssid_hex === this.#chosen);
  }

  /** @param {string} key */
  #row(key) {
    const radio = h("input", { type: "radio", name: this.#group, value: key });
    if (key !== OTHER) return h("label", {}, radio, h("span.ssid"), h("span.strength"));
    const others = this.kinds.map((kind) => (kind === "wifi" ? "hidden Wi-Fi" : KIND_NAMES[kind] ?? kind));
    return h("label", {}, radio, h("span", {}, "Another network…"), h("span.soft.small.kinds", {}, others.join(", ")));
  }

  /** @param {HTMLElement} row @param {string} key */
  #update(row, key) {
    const radio = /** @type {HTMLInputElement} */ (row.querySelector("input"));
    radio.checked = key === this.#chosen;
    const option = this.#options.find((entry) => entry.ssid_hex === key);
    if (!option) return;
    fill(/** @type {Element} */ (row.querySelector(".ssid")), foreign(option.ssid));
    fill(/** @type {Element} */ (row.querySelector(".strength")), signal(option.rssi_dbm));
  }

  /** @param {string} key */
  #choose(key) {
    this.#chosen = key;
    this.#arrange();
    if (key !== OTHER) this.password.text = this.memory.password(key);
    this.#changed();
  }

  /** Show the fields that the choice needs. */
  #arrange() {
    const other = this.#chosen === OTHER;
    const expected = this.#options.length > 0 || this.#coming;
    this.password.element.hidden = other || !expected || !this.kinds.includes("wifi");
    this.other.hidden = !other;
    if (other && !this.#fields) this.#drawOther();
  }

  #drawOther() {
    const schema = kindSchemas(this.schema).get(this.#kind) ?? {};
    const before = this.#kind === this.#typedBefore.kind ? this.#typedBefore : {};
    const values = { ...before, ...(before.ssid ? { password: this.memory.password(hexOf(before.ssid)) } : {}) };
    this.#fields = new SchemaFields(schema, { root: this.schema, skip: ["ssid_hex"], values });
    fill(this.other, this.kinds.length > 1 ? this.#kindChoice() : null, this.#fields);
  }

  #kindChoice() {
    const id = freshId("kind");
    const named = (/** @type {string} */ kind) => (this.typed && kind === "wifi" ? "Wi-Fi" : (KIND_NAMES[kind] ?? kind));
    const options = this.kinds.map((kind) => h("option", { value: kind }, named(kind)));
    const select = h("select", { id }, ...options);
    select.value = this.#kind;
    select.addEventListener("change", () => {
      this.#kind = select.value;
      this.#drawOther();
      /** @type {HTMLElement|null} */ (this.other.querySelector("select"))?.focus();
      this.#changed();
    });
    return h("div.field", {}, h("label", { for: id }, "Kind of network"), select);
  }

  #changed() {
    this.dispatchEvent(new CustomEvent("picked"));
  }
}

customElements.define("network-picker", NetworkPicker);
