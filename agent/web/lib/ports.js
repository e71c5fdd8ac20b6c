/** How a board can be reached: over its cable, through the air, or both. Pure. */

import { shortAddress } from "./text.js";

/** @typedef {import("../types.js").Board} Board */
/** @typedef {import("../types.js").Port} Port */

/** How the kinds of port are called. */
const PLACES = /** @type {Record<string, string>} */ ({ serial: "USB", usb: "USB", volume: "drive", ble: "Bluetooth", ap: "Wi-Fi" });

/** How people call what a job goes over. */
export const VIA_NAMES = /** @type {Record<string, string>} */ ({ usb: "USB", ble: "Bluetooth", ap: "its own Wi-Fi" });

/** Its port in the air. @param {Board|undefined} board @returns {Port|undefined} */
export function airPort(board) {
  return board?.ports.find(({ kind }) => kind === "ble");
}

/** Its port on a cable. @param {Board|undefined} board @returns {Port|undefined} */
export function cablePort(board) {
  return board?.ports.find(({ kind }) => kind !== "ble" && kind !== "ap");
}

/**
 * The board that has the ports of one that is gone: the two were found to be one.
 *
 * @param {Board|undefined} left
 * @param {Iterable<Board>} boards
 */
export function twinOf(left, boards) {
  const here = (/** @type {Board} */ board) => board.ports.some((port) => left?.ports.some((lost) => isSame(port, lost)));
  return [...boards].find(here);
}

/** @param {Port} one @param {Port} other */
function isSame(one, other) {
  if (one.kind !== other.kind) return false;
  if (one.kind === "ble") return airAddress(one) === airAddress(other);
  return one.address === other.address && Boolean(one.serial_number) && one.serial_number === other.serial_number;
}

/** Heard over Bluetooth, and on no cable. */
export function onlyInAir(/** @type {Board|undefined} */ board) {
  return Boolean(airPort(board)) && !cablePort(board);
}

/** On a cable and heard over Bluetooth. */
export function bothWays(/** @type {Board|undefined} */ board) {
  return Boolean(airPort(board) && cablePort(board));
}

/** Not a board with a sketch but a device with firmware of its own: it takes a network and nothing else. */
export function isImprov(/** @type {Board|undefined} */ board) {
  return board?.provisioning.installed === "improv";
}

/** True if it can be read and set up. */
export function talks(/** @type {Board} */ board) {
  return board.provisioning.supported.includes("2.0") || isImprov(board);
}

/** True if there is a port to read from; the bootloaders of some boards have none. */
export function hasSerial(/** @type {Board} */ board) {
  return board.ports.some(({ kind }) => kind === "serial");
}

/** Where a board is connected: “USB ttyACM0”, “Bluetooth 63:1C:00”. */
export function where(/** @type {Board} */ board) {
  const port = board.ports[0];
  if (!port) return "no port";
  const kind = PLACES[port.kind] ?? port.kind;
  return `${port.simulated && port.kind !== "ble" ? "simulated" : kind} ${place(port)}`;
}

/** What tells this port from others. @param {Port} port */
function place(port) {
  return port.kind === "ble" ? airTail(port) : shortAddress(port.address);
}

/** The part of a Bluetooth address that differs between boards of one maker: its second half. @param {Port} port */
export function airTail(port) {
  return airAddress(port).split(":").slice(-3).join(":");
}

/** The Bluetooth address of a board: its own, where the system shows another one in its place. @param {Port} port */
export function airAddress(port) {
  const own = /^[0-9A-F]{12}$/i.test(port.serial_number ?? "") ? port.serial_number : null;
  if (own) return (own.match(/../g) ?? []).join(":").toUpperCase();
  return shortAddress(port.address).toUpperCase();
}

/** Ports with everything that tells them from others; a number that they share is said once. @param {Port[]} ports */
export function portsText(ports) {
  return ports
    .map((port, at) => {
      if (port.kind === "ble") return `Bluetooth ${airAddress(port)}`;
      const again = ports[at + 1]?.serial_number === port.serial_number;
      return port.serial_number && !again ? `${port.address} · serial number ${port.serial_number}` : port.address;
    })
    .join(", ");
}
