/**
 * What the agent says about how a board would be set up: which way, why, and what of it stays.
 *
 * Fires `decisions`. An answer is asked for again when what it rests on has changed; until the new
 * one is there, the old one stays.
 */

import { READING_KINDS } from "./jobwords.js";

/** @typedef {import("../types.js").Board} Board */
/** @typedef {import("../types.js").Decision} Decision */

/**
 * @typedef {object} Answer
 * @property {"asking"|"known"|"failed"} state
 * @property {Decision|null} decision
 * @property {import("../mooring.js").MooringError|null} error
 */

/** The agent may ask the cloud what it takes. */
const LIMIT_MS = 30_000;

export class Decisions extends EventTarget {
  /** @type {Map<string, {basis: string, answer: Answer}>} */ #known = new Map();

  /** @param {import("../mooring.js").Mooring} agent @param {import("./store.js").Store} store */
  constructor(agent, store) {
    super();
    this.agent = agent;
    this.store = store;
  }

  /**
   * What is known now; asks where that is not enough.
   *
   * @param {Board} board
   * @param {{cloud?: string, procedure?: string, model?: string}} [options] The last two: what the
   *   person chose, and what board the person says it is.
   * @returns {Answer}
   */
  about(board, { cloud = "", procedure = "", model = "" } = {}) {
    const key = JSON.stringify([board.id, cloud, procedure, model]);
    const basis = this.#basis(board);
    const known = this.#known.get(key);
    const asks = this.agent.state === "connected" && known?.basis !== basis && !this.#held(board);
    if (known && !asks) return known.answer;
    /** @type {Answer} */
    const answer = { state: "asking", decision: known?.answer.decision ?? null, error: null };
    const chosen = Object.entries({ cloud, procedure, model }).filter(([, value]) => value);
    if (asks) void this.#ask(key, basis, answer, { board: board.id, ...Object.fromEntries(chosen) });
    return answer;
  }

  /** Ask anew, for a button “Try again”. @param {string} board */
  forget(board) {
    for (const key of this.#known.keys()) if (JSON.parse(key)[0] === board) this.#known.delete(key);
    this.dispatchEvent(new Event("decisions"));
  }

  /** A board at work is about to be another one. @param {Board} board */
  #held(board) {
    const job = this.store.active(board.id);
    return Boolean(job) && !READING_KINDS.has(/** @type {any} */ (job).kind);
  }

  /** What an answer rests on. @param {Board} board */
  #basis(board) {
    const reading = this.store.reading(board.id);
    const { protocol, sketch_version, application_sketch } = reading?.facts ?? {};
    const clouds = this.store.clouds.map(({ id, signed_in }) => `${id} ${signed_in}`);
    const loader = board.state === "bootloader";
    const { installed } = board.provisioning;
    return JSON.stringify([board.first_seen, loader, installed, protocol, sketch_version, application_sketch, clouds]);
  }

  /** @param {string} key @param {string} basis @param {Answer} answer @param {Record<string, string>} params */
  async #ask(key, basis, answer, params) {
    const entry = { basis, answer };
    this.#known.set(key, entry);
    try {
      const decision = await this.agent.call("board.procedure", params, { timeoutMs: LIMIT_MS });
      entry.answer = { state: "known", decision, error: null };
    } catch (error) {
      entry.answer = { ...answer, state: "failed", error: /** @type {any} */ (error) };
      if (/** @type {any} */ (error).code === "agent-gone") entry.basis = "";
    }
    if (this.#known.get(key) === entry) this.dispatchEvent(new Event("decisions"));
  }
}
