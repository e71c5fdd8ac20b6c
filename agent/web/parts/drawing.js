/** Drawings: boards, states, signal bars, and how to reach the reset input of a board. */

import { bars, strength } from "../lib/signal.js";
import { dbm } from "../lib/text.js";
import { h, set, spoken } from "../lib/dom.js";
import { airPort, bothWays } from "../lib/ports.js";

const SVG = "http://www.w3.org/2000/svg";
const FAMILIES = new Set(["uno", "mkr", "nano", "portenta", "opta", "nicla", "giga", "generic"]);

/** @param {string} tag @param {Record<string, string|number>} attributes @param {...(Element|string)} children */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** A symbol of `drawings.svg`. */
export function symbol(/** @type {string} */ id, /** @type {number} */ width, /** @type {number} */ height) {
  const use = svg("use", { href: `drawings.svg#${id}` });
  return svg("svg", { width, height, "aria-hidden": "true", class: `symbol ${id}` }, use);
}

/** The family of a board as a line drawing. @param {import("../types.js").Model|undefined} model */
export function boardDrawing(model, width = 56, height = 40) {
  const family = model?.drawing ?? "generic";
  return symbol(FAMILIES.has(family) ? family : "generic", width, height);
}

/** State as shape, colour and words. @param {{look: string, word: string}} state */
export function chip(state) {
  const element = h("span.chip", {});
  updateChip(element, state);
  return element;
}

/** @param {HTMLElement} element @param {{look: string, word: string}} state */
export function updateChip(element, state) {
  if (element.dataset.look !== state.look) {
    element.dataset.look = state.look;
    element.replaceChildren(symbol(`state-${state.look}`, 14, 14), h("span", {}));
  }
  const word = /** @type {HTMLElement} */ (element.lastElementChild);
  if (word.textContent !== state.word) word.textContent = state.word;
}

/** Signal as bars and dBm, with the strength as a word for screen readers. */
export function signal(/** @type {number} */ rssi) {
  return h("span.signal", {}, barDrawing(bars(rssi)), spoken(`${strength(rssi)}, `), h("span", {}, dbm(rssi)));
}

/** One to four bars of four. @param {number} level */
function barDrawing(level) {
  const columns = [1, 2, 3, 4].map((bar) =>
    svg("rect", {
      x: bar * 5 - 4,
      y: 14 - bar * 3,
      width: 3,
      height: bar * 3 + 1,
      rx: 1,
      class: bar <= level ? "lit" : "dim",
    }),
  );
  return svg("svg", { width: 20, height: 16, viewBox: "0 0 20 16", "aria-hidden": "true" }, ...columns);
}

/** How a board can be reached, as symbols; how strong it is heard, as bars. Filled by {@link updateLinks}. */
export function links() {
  return h("span.links");
}

/**
 * Nothing for a board that is only on a cable, which needs no symbol.
 *
 * @param {HTMLElement} element
 * @param {import("../types.js").Board} board
 */
export function updateLinks(element, board) {
  const air = airPort(board);
  const rssi = air?.rssi_dbm ?? null;
  const level = rssi === null ? 0 : bars(rssi, true);
  const key = air ? `${bothWays(board)} ${level}` : "";
  if (element.dataset.key !== key) {
    element.dataset.key = key;
    const words = bothWays(board) ? "on a cable and over Bluetooth" : "over Bluetooth";
    const heard = rssi === null ? "" : `, signal ${strength(rssi, true)}`;
    const symbols = [bothWays(board) && symbol("link-usb", 16, 16), symbol("link-ble", 16, 16), barDrawing(level)];
    element.replaceChildren(...(air ? [...symbols.filter((each) => each !== false), spoken(words + heard)] : []));
  }
  set(element, "title", rssi === null ? null : dbm(rssi));
}

/** True if a pin's name in the catalogue means the button of the board. */
export function isButton(/** @type {string|null|undefined} */ pin) {
  return /btn|button/i.test(pin ?? "");
}

/**
 * How to reach the input that erases the network: a pin to hold to ground, or a button.
 *
 * @param {Partial<import("../types.js").Reconfiguration>} input
 */
export function resetDrawing(input) {
  const seconds = input.hold_seconds ?? 3;
  const button = isButton(input.pin);
  const label = button
    ? `Drawing: hold the user button for ${seconds} seconds.`
    : `Drawing: a wire from pin ${input.pin} to GND for ${seconds} seconds.`;
  const frame = { width: 240, height: 96, viewBox: "0 0 240 96", class: "reset-drawing", role: "img", "aria-label": label };
  const board = svg("path", { d: "M8 20h224v56H8z", class: "line" });
  return svg("svg", frame, board, ...(button ? pressed(seconds) : wired(input.pin ?? "?", seconds)));
}

/** @param {number} seconds */
function pressed(seconds) {
  return [
    svg("circle", { cx: 120, cy: 48, r: 14, class: "line" }),
    svg("circle", { cx: 120, cy: 48, r: 8, class: "accent-fill" }),
    svg("path", { d: "M120 6v22m-6-7l6 7 6-7", class: "accent" }),
    svg("text", { x: 148, y: 53 }, `hold ${seconds} s`),
  ];
}

/** @param {string} pin @param {number} seconds */
function wired(pin, seconds) {
  const holes = [40, 66, 92, 118, 144, 170, 196].map((x) =>
    svg("circle", { cx: x, cy: 34, r: 4, class: x === 66 || x === 170 ? "accent-fill" : "line" }),
  );
  return [
    ...holes,
    svg("path", { d: "M66 30C66 2 170 2 170 30", class: "accent" }),
    svg("text", { x: 66, y: 60, "text-anchor": "middle" }, pin),
    svg("text", { x: 170, y: 60, "text-anchor": "middle" }, "GND"),
    svg("text", { x: 118, y: 92, "text-anchor": "middle" }, `hold ${seconds} s, then let go`),
  ];
}
