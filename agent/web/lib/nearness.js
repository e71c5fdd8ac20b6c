/**
 * The order of the boards in the list: those on a cable first, then by nearness. Pure.
 *
 * Signals move all the time and people point at rows. So a board overtakes another one only when it
 * was clearly nearer for some time, and nothing moves at all while the list is held.
 */

import { airPort, onlyInAir } from "./ports.js";

/** @typedef {import("../types.js").Board} Board */

/** Clearly nearer: twice as strong as a hand around a board makes it weaker. */
const MARGIN_DB = 6;
/** For so long; a person who walks past a board is gone by then. */
const HOLD_S = 3;
/** A board that does not say how strong it is heard stands last. */
const UNKNOWN_DBM = -127;

export class Nearness {
  /** @type {string[]} What is shown, as ids. */ #shown = [];
  /** @type {string[]} Those only in the air, by nearness. */ #air = [];
  /** @type {Map<string, number>} Since when a board is clearly nearer than one before it, by both ids. */
  #since = new Map();

  /**
   * The boards in the order in which to show them.
   *
   * @param {Iterable<Board>} boards
   * @param {number} now Seconds of any clock that only grows.
   * @param {boolean} held Somebody points at the list: all stay where they are, new ones come last.
   */
  order(boards, now, held) {
    const known = new Map([...boards].map((board) => [board.id, board]));
    const air = [...known.values()].filter(onlyInAir);
    this.#admit(air);
    this.#overtake(known, now);
    const cable = [...known.values()].filter((board) => !onlyInAir(board)).map(({ id }) => id);
    const wanted = [...cable.sort((a, b) => a.localeCompare(b)), ...this.#air];
    const kept = this.#shown.filter((id) => known.has(id));
    this.#shown = held ? [...kept, ...wanted.filter((id) => !kept.includes(id))] : wanted;
    return this.#shown.map((id) => /** @type {Board} */ (known.get(id)));
  }

  /** Those that are gone go; new ones come before the first that is weaker. @param {Board[]} air */
  #admit(air) {
    const level = new Map(air.map((board) => [board.id, dbm(board)]));
    this.#air = this.#air.filter((id) => level.has(id));
    const fresh = air.filter(({ id }) => !this.#air.includes(id)).sort((a, b) => dbm(b) - dbm(a) || a.id.localeCompare(b.id));
    for (const board of fresh) this.#insert(board.id, level);
  }

  /** Move those up that have been clearly nearer for long enough. @param {Map<string, Board>} known @param {number} now */
  #overtake(known, now) {
    const level = new Map(this.#air.map((id) => [id, dbm(/** @type {Board} */ (known.get(id)))]));
    /** @type {Map<string, number>} */
    const since = new Map();
    const due = new Set();
    this.#air.forEach((lower, index) => {
      for (const upper of this.#air.slice(0, index)) {
        if (of(level, lower) - of(level, upper) < MARGIN_DB) continue;
        const key = `${lower} ${upper}`;
        const from = this.#since.get(key) ?? now;
        since.set(key, from);
        if (now - from >= HOLD_S) due.add(lower);
      }
    });
    this.#since = since;
    for (const id of [...due].sort((a, b) => of(level, b) - of(level, a))) {
      this.#air = this.#air.filter((other) => other !== id);
      this.#insert(id, level);
    }
  }

  /** @param {string} id @param {Map<string, number>} level */
  #insert(id, level) {
    const place = this.#air.findIndex((other) => of(level, other) < of(level, id));
    this.#air.splice(place < 0 ? this.#air.length : place, 0, id);
  }
}

/** @param {Map<string, number>} level @param {string} id */
function of(level, id) {
  return level.get(id) ?? UNKNOWN_DBM;
}

/** @param {Board} board */
function dbm(board) {
  return airPort(board)?.rssi_dbm ?? UNKNOWN_DBM;
}
