/** What can be done with a board, and what a person should know before. Pure. */

import { formsFor, isBlynk, isNrf } from "./clouds.js";
import { hasSerial, isImprov, onlyInAir, talks } from "./ports.js";
import { delivers, updates, wayOf } from "./procedures.js";
import { OTHER_SKETCH, slow } from "./store.js";

/** @typedef {import("../types.js").Board} Board */
/** @typedef {import("../types.js").CloudInfo} CloudInfo */
/** @typedef {import("./store.js").Reading} Reading */

const LABELS = /** @type {Record<string, string>} */ ({
  setup: "Set up",
  network: "Change network",
  erase: "Erase network",
  write: "Write a sketch…",
  provisioning: "Write the provisioning sketch",
  monitor: "Serial monitor",
});

/** The parts that lead to a cloud with a form of its own, and which. */
export const CLOUD_PARTS = /** @type {Record<string, string>} */ ({ device: "thingsboard", nrf: "nrf", blynk: "blynk" });

/** Parts that talk about networks, which a bootloader does not. */
const NETWORK_PARTS = new Set(["setup", "update", "device", "nrf", "blynk", "network", "erase"]);

/** Parts that Bluetooth cannot do. */
const CABLE_PARTS = new Set(["update", "device", "nrf", "write", "provisioning", "monitor"]);

/** The part that leads to a cloud. @param {string} cloud */
export function partFor(cloud) {
  return Object.keys(CLOUD_PARTS).find((part) => CLOUD_PARTS[part] === cloud) ?? "";
}

/** True for a board that nothing else can give a network. @param {Board} board */
export function mayBeImprov(board) {
  return board.state === "ready" && hasSerial(board) && !talks(board) && !board.provisioning.supported.length && !isNrf(board) && !isBlynk(board);
}

/** True for a board that may be one of several models, which only a person can tell apart. @param {Board} board */
export function unsure(board) {
  return !board.model && Boolean(board.candidates?.length) && !isNrf(board) && !isBlynk(board);
}

/**
 * What can be done with a board, in the order of its links.
 *
 * @param {Board} board
 * @param {{procedure: string, reading?: Reading, clouds: CloudInfo[]}} known `procedure`: empty while that is not known.
 * @returns {string[]}
 */
export function partsOf(board, { procedure, reading, clouds }) {
  const cable = !onlyInAir(board);
  const monitor = hasSerial(board) || !board.ports.length ? ["monitor"] : [];
  if (isImprov(board)) return ["setup", ...(hasSerial(board) ? ["monitor"] : [])];
  if (isNrf(board)) return [...forms(board, clouds, true, cable), ...monitor];
  if (isBlynk(board)) return [...forms(board, clouds, true, cable), "network", "erase", ...(cable ? [...writable(board), ...monitor] : [])];
  const able = board.provisioning.supported.includes("2.0");
  const write = cable ? writable(board) : [];
  if (board.state === "bootloader") return [...write, ...(board.provisioning.supported.length ? ["provisioning"] : [])];
  const update = updates(procedure) || delivers(procedure);
  const speaks = able && !update;
  const code = reading?.error?.code ?? "";
  // A port that could not be opened says nothing about the sketch.
  const blocked = able && code.startsWith("port");
  const application = Boolean(reading?.facts?.application_sketch);
  const ways = [...(speaks || blocked ? ["setup"] : []), ...(cable && (update || unsure(board)) ? ["update"] : [])];
  return [
    ...ways,
    ...forms(board, clouds, !ways.length, cable),
    ...(speaks || application || blocked || (able && !cable) ? ["network", "erase"] : []),
    ...(speaks && cable && (slow(reading) || OTHER_SKETCH.test(code)) ? ["update"] : []),
    ...write,
    ...monitor,
  ];
}

/** @param {Board} board @param {CloudInfo[]} clouds @param {boolean} free @param {boolean} cable */
function forms(board, clouds, free, cable) {
  return formsFor(board, clouds, { free, cable }).map(partFor);
}

/** @param {Board} board */
function writable(board) {
  return board.model || unsure(board) ? ["write"] : [];
}

/** A part that the person chose, unless this board cannot do it now. @param {Board} board @param {string} part */
export function allowed(board, part) {
  if (onlyInAir(board) && CABLE_PARTS.has(part)) return "";
  return board.state === "bootloader" && NETWORK_PARTS.has(part) ? "" : part;
}

/**
 * What the link to a part says.
 *
 * @param {Board} board
 * @param {string} part
 * @param {{procedure: string, clouds: CloudInfo[], device: boolean}} known `device`: it is one of the cloud already.
 */
export function partLabel(board, part, { procedure, clouds, device }) {
  const cloud = CLOUD_PARTS[part];
  if (cloud && device) return `In ${clouds.find(({ id }) => id === cloud)?.title}`;
  if (cloud) return `Set up with ${clouds.find(({ id }) => id === cloud)?.title}`;
  if (part !== "update") return LABELS[part];
  if (unsure(board)) return LABELS.setup;
  return wayOf(updates(procedure) || delivers(procedure) ? procedure : "migrate").label;
}

/** Of a board that is not in the catalogue. @param {CloudInfo[]} clouds */
export function unknownWords(clouds) {
  const title = (/** @type {string} */ id) => clouds.find((cloud) => cloud.id === id)?.title;
  const board = title("thingsboard") && `It can become a device of ${title("thingsboard")} if it is an ESP32, runs Python, or has a sketch with Mooring's serial console`;
  const blynk = title("blynk") && `a device of ${title("blynk")} if it has the firmware of Blynk (Blynk.Edgent)`;
  const ways = board && blynk ? `${board}; ${blynk}.` : board ? `${board}.` : blynk ? `It can become ${blynk}.` : "";
  return ways ? `Mooring does not know this kind of board. ${ways}` : "Mooring does not know this kind of board, so it cannot set it up.";
}
