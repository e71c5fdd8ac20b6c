/** Wi-Fi networks that boards have opened. Pure. */

import { count } from "./text.js";

/** @typedef {import("../types.js").Point} Point */

/** How people call an access point that is named as `wifi.points` does it. @param {string} point */
export function pointName(point) {
  const bytes = /^hex:((?:[0-9a-f]{2})+)$/i.exec(point)?.[1];
  if (!bytes) return point;
  const values = Uint8Array.from(bytes.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return new TextDecoder().decode(values);
}

/** The strength of 100 as a level that bars are drawn for, in dBm as the systems reckon it. @param {number} strength */
export function strengthDbm(strength) {
  return Math.round(Math.min(100, Math.max(0, strength)) / 2 - 100);
}

/** What was found, in a sentence. @param {Point[]} points */
export function foundWords(points) {
  const boards = points.filter(({ looks_like }) => looks_like).length;
  if (boards) return `${boards === 1 ? "One network looks" : `${boards} networks look`} like a board's${boards > 1 ? ", the nearest first" : ""}.`;
  if (points.length) return `No network here looks like a board's. ${count(points.length, "other open network")} can be heard.`;
  return "No open network is heard here.";
}
