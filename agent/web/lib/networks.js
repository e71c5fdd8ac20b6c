/** Network options and settings as the page handles them. Pure. */

import { hexOf } from "./text.js";

/** @typedef {import("../types.js").NetworkOption} NetworkOption */

/** How people call the kinds of network setting. */
export const KIND_NAMES = /** @type {Record<string, string>} */ ({
  wifi: "Hidden Wi-Fi",
  ethernet: "Ethernet",
  cellular: "Cellular",
  catm1: "CAT-M1",
  gsm: "GSM",
  nb: "NB-IoT",
  lora: "LoRaWAN",
});

/**
 * One entry per name, strongest first; networks without a name are left out.
 *
 * @param {NetworkOption[]} options
 * @returns {NetworkOption[]}
 */
export function merged(options) {
  /** @type {Map<string, NetworkOption>} */
  const best = new Map();
  for (const option of options) {
    if (!option.ssid_hex || /^(00)+$/.test(option.ssid_hex)) continue;
    const known = best.get(option.ssid_hex);
    if (!known || option.rssi_dbm > known.rssi_dbm) best.set(option.ssid_hex, option);
  }
  return [...best.values()].sort((a, b) => b.rssi_dbm - a.rssi_dbm);
}

/** The Wi-Fi setting for a scanned network; the bytes travel where the shown name differs. */
export function wifiSetting(/** @type {NetworkOption} */ option, /** @type {string} */ password) {
  const same = hexOf(option.ssid) === option.ssid_hex.toLowerCase();
  return {
    kind: "wifi",
    ssid: option.ssid,
    ...(same ? {} : { ssid_hex: option.ssid_hex }),
    ...(password ? { password } : {}),
  };
}

/** What a person calls a network setting. */
export function networkLabel(/** @type {Record<string, any>|undefined} */ network) {
  if (!network?.kind) return "";
  return network.ssid || (network.kind === "wifi" ? "hidden Wi-Fi" : KIND_NAMES[network.kind] ?? network.kind);
}

/**
 * The kinds of setting that can be offered for a board.
 *
 * @param {import("../types.js").Model|undefined} model Undefined: the model is not known.
 * @param {string[]} all The kinds that the agent knows.
 */
export function kindsFor(model, all) {
  const accepted = model?.networks?.length ? model.networks : model?.connectivity;
  const kinds = all.filter((kind) => accepted?.includes(kind));
  return kinds.length ? kinds : all;
}

/** The kinds named by the schema of network settings, each with its own schema. */
export function kindSchemas(/** @type {import("../types.js").Schema} */ schema) {
  /** @type {Map<string, import("../types.js").Schema>} */
  const kinds = new Map();
  for (const [kind, ref] of Object.entries(schema.discriminator?.mapping ?? {})) {
    kinds.set(kind, schema.$defs[/** @type {string} */ (ref).split("/").pop() ?? ""]);
  }
  return kinds;
}
