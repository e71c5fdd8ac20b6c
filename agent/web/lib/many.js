/** Names for many boards from one pattern, in words that `mooring batch` knows as well. Pure. */

/** @typedef {import("../types.js").Board} Board */

/** What the agent fills in, when it has read the board. */
export const HARDWARE_ID = "{hardware_id}";

const PLACES = "{n}, {n:02}, {model}, {serial_number}, {hardware_id}";
const NUMBER = /\{n(?::0?([1-9]))?\}/g;
const BRACED = /\{[^{}]*\}?|\}/g;
const KNOWN = /^(\{n(:0?[1-9])?\}|\{model\}|\{serial_number\}|\{hardware_id\})$/;

/** The number on the board's USB connector. @param {Board} board */
function serialOf(board) {
  return board.ports.find(({ serial_number: number }) => number)?.serial_number ?? "";
}

/**
 * What is wrong with a pattern for these boards; empty if nothing.
 *
 * @param {string} pattern Empty: the usual name, of model and hardware id.
 * @param {Board[]} boards
 */
export function patternProblem(pattern, boards) {
  const wrong = (pattern.match(BRACED) ?? []).find((braced) => !KNOWN.test(braced));
  if (wrong) return `has ${wrong}, which is not one of ${PLACES}`;
  if (!pattern) return "";
  for (const [place, tells] of /** @type {[string, (board: Board) => string|null][]} */ ([["{serial_number}", serialOf], ["{model}", ({ model }) => model]])) {
    const mute = pattern.includes(place) ? boards.filter((board) => !tells(board)).length : 0;
    if (mute) return `has ${place}, which ${mute === 1 ? "one of the boards does" : `${mute} of the boards do`} not tell`;
  }
  const names = boards.map((board, at) => nameFor(pattern, board, at + 1));
  const same = !pattern.includes(HARDWARE_ID) && new Set(names).size < names.length;
  return same ? "would be the same for several boards: put {n} or {hardware_id} into it" : "";
}

/**
 * The name for a board as `jobs.start` takes it: the hardware id stays to be filled in.
 *
 * @param {string} pattern
 * @param {Board} board
 * @param {number} n Its number, from 1.
 */
export function nameFor(pattern, board, n) {
  return pattern
    .replace(NUMBER, (_all, /** @type {string|undefined} */ width) => String(n).padStart(Number(width ?? 1), "0"))
    .replaceAll("{model}", () => board.model ?? "")
    .replaceAll("{serial_number}", () => serialOf(board));
}

/**
 * The same as a person reads it before the boards are read; empty if that cannot be said yet.
 *
 * @param {string} pattern
 * @param {Board} board
 * @param {number} n
 */
export function previewOf(pattern, board, n) {
  const usual = board.model ? `${board.model.replaceAll("_", "-")}-${HARDWARE_ID}` : "";
  return (pattern ? nameFor(pattern, board, n) : usual).replaceAll(HARDWARE_ID, "…");
}
