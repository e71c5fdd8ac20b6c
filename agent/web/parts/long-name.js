/** Names that are cut where there is little room. */

import { fill, h } from "../lib/dom.js";

/** Long names of one pattern differ at their end, which is not cut off. */
const TAIL = 8;

/** @param {Element} element @param {string} name */
export function callName(element, name) {
  if (element.textContent === name) return;
  // Where letters join or lead to the left, nothing is cut apart.
  const long = /^[\x20-\x7e]+$/.test(name) && name.length > 2 * TAIL;
  fill(element, ...(long ? [h("span.head", {}, name.slice(0, -TAIL)), h("span.tail", {}, name.slice(-TAIL))] : [name]));
}
