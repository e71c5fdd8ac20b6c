/** How jobs with boards of nRF Cloud and Blynk ended, in words. Pure. */

import { ownCloud } from "./clouds.js";
import { networkLabel } from "./networks.js";
import { href } from "./router.js";
import { duration } from "./text.js";

/** @typedef {import("../types.js").Job} Job */

/**
 * @typedef {object} Done
 * @property {string} words
 * @property {string} name Behind the words.
 * @property {string[]} says
 * @property {boolean} seen Somebody has seen the board online, or there was nothing to be seen.
 */

const WAYS = /** @type {Record<string, string>} */ ({ console: "its serial console", ble: "Bluetooth", ap: "the network of its own", http: "the network of its own" });
const SOURCES = /** @type {Record<string, string>} */ ({ made: "made by Blynk for this board", pasted: "the one that you pasted", vault: "the one that the vault has of it" });

/** @param {Job} job One that is done, of one of these clouds. @returns {Done|null} Null: nothing particular. */
export function cloudDone(job) {
  const result = job.result ?? {};
  const name = String(result.device ?? result.device_id ?? "");
  if (job.kind === "remove") return removed(job, name);
  if (ownCloud(job) === "nrf") return nrfDone(job, name);
  if (job.kind === "provision") return blynkDone(result, name);
  if (job.kind === "renew") return { words: "A new token for ", name, says: ["The device, its id and its data stay. The old token ended at once."], seen: true };
  return null;
}

/** @param {Job} job @param {string} name @returns {Done|null} */
function nrfDone(job, name) {
  const result = job.result ?? {};
  if (job.kind === "renew") return { words: "New keys for ", name, says: [TOLD[result.told] ?? "The board has made them."], seen: true };
  if (job.kind !== "provision") return null;
  if (result.connected === "board") return { words: "Online as ", name, says: ["The board says that it is connected, and nRF Cloud has its device."], seen: true };
  if (result.connected) return { words: "Online as ", name, says: ["nRF Cloud has its device."], seen: true };
  return { words: "Claimed: ", name, says: ["Your team has the board. Its device appears when the board has been online; nothing more is needed here."], seen: false };
}

const TOLD = /** @type {Record<string, string>} */ ({
  cable: "The board was told over the cable, and has made them. The old ones are of no use any more.",
  air: "The board was told over the air, and has made them. The old ones are of no use any more.",
});

/** @param {Record<string, any>} result @param {string} name @returns {Done} */
function blynkDone(result, name) {
  if (result.connected === "board") return { words: "Online as ", name, says: ["The board says that it is connected. Blynk could not be asked."], seen: true };
  if (result.connected) return { words: "Online as ", name, says: ["Blynk has seen it."], seen: true };
  return { words: "Has its settings as ", name, says: ["Nobody has seen it online yet."], seen: false };
}

/** @param {Job} job @param {string} name @returns {Done} */
function removed(job, name) {
  const result = job.result ?? {};
  const lost = (result.lost ?? []).map((/** @type {string} */ each) => `Gone with it: ${each}`);
  if (ownCloud(job) === "nrf" && result.deleted === "device") {
    return { words: "Removed for good: ", name, says: ["The device is deleted in nRF Cloud; nobody had claimed its board.", ...lost], seen: true };
  }
  if (ownCloud(job) === "nrf") {
    return { words: "Released: ", name, says: ["Your team has given the board up. Another team can claim it now, or yours again.", ...lost], seen: true };
  }
  const says = [
    result.deleted ? "The device is deleted in Blynk, with all that it sent." : "No device was deleted in Blynk.",
    result.erased ? "Its settings are erased on the board." : "Nothing was changed on a board.",
    ...(result.forgotten?.length ? ["Its token is erased from the vault."] : []),
  ];
  return { words: "Removed for good: ", name, says, seen: true };
}

/** What a board with a modem says of itself, by the terms under which it is shown. @param {import("../types.js").ModemFacts} modem */
export function modemWords({ model, firmware, imei, sim, device_id, claimed, onboarded, tags }) {
  const yours = `yours${tags.length ? `, with the tags ${tags.join(", ")}` : ""}${onboarded === false ? "; it has not been online yet" : ""}`;
  const whose = claimed === true ? yours : claimed === false ? "not of your team" : "nobody could be asked";
  return {
    Modem: [model, firmware, imei && `IMEI ${imei}`].filter(Boolean).join(" · "),
    "SIM card": { READY: "ready", absent: "none, or not seen: without one it gets no commands" }[sim] ?? sim,
    "Device id": device_id,
    Claimed: whose,
  };
}

/** @typedef {[term: string, value: string, link?: string]} FactRow */

/** What is worth knowing of it. @param {Job} job @returns {FactRow[]} */
export function cloudFacts(job) {
  const result = job.result ?? {};
  const rows = /** @type {FactRow[]} */ ([
    ["Claimed", result.claimed === "before" ? "your team had it already" : ""],
    ["Tags", (result.tags ?? []).join(", ")],
    ["Rule", { made: "made just now", inactive: "switched off in your team" }[/** @type {"made"|"inactive"} */ (result.rule)] ?? ""],
    ["Network", typeof result.network === "string" ? result.network : networkLabel(result.network)],
    ["Token", SOURCES[result.token] ?? ""],
    ["Way to the board", WAYS[result.way] ?? ""],
    ["In the vault", result.entry ? `entry ${result.entry}` : "", href("clouds", "vault")],
    ["Took", typeof result.seconds === "number" ? duration(result.seconds) : ""],
  ]);
  return rows.filter(([, value]) => value);
}
