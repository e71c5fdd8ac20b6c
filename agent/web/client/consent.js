/** Asking the person at the computer whether this page may use the boards. */

import { MooringError, abandoned, gone } from "./errors.js";
import { openSocket } from "./find.js";

/**
 * @typedef {"boards"|"serial"|"flash"|"provision"} Scope What a page may do: see boards, use their
 *   serial ports, write sketches, give them network and cloud.
 * @typedef {object} Consent How the question stands.
 * @property {"asking"|"allowed"|"refused"|"silenced"|"busy"|"expired"|"failed"} state `refused`: the
 *   person said no just now; `silenced`: within a day; `busy`: too many pages ask; `expired`: nobody answered.
 * @property {Scope[]} wants
 * @property {number} [until] `asking`: when the question goes away; `silenced`: when the page may ask again. Unix seconds.
 * @property {Scope[]} [may] Once it is allowed: everything that the page may do now.
 * @property {boolean} [once] Once it is allowed: only this time.
 * @property {MooringError} [error] Unless it is asking or allowed.
 */

/** The agent ends a question after two minutes; this is later, in case it does not. */
const ANSWER_MS = 150_000;

const ENDS = new Map(
  /** @type {[string, Consent["state"]][]} */ ([
    ["origin-silenced", "silenced"],
    ["ask-busy", "busy"],
    ["ask-expired", "expired"],
  ]),
);

/** The questions of one page: one at a time. */
export class Questions {
  #tell;
  /** @type {{key: string, over: AbortController, answer: Promise<{may: Scope[], once: boolean}>}|null} */
  #open = null;

  /** @param {(consent: Consent) => void} tell Each state of a question once; the last one ends it. */
  constructor(tell) {
    this.#tell = tell;
  }

  /**
   * Ask, and wait for the answer; another question that is open is taken back.
   *
   * @param {string[]} origins Agents, in the order in which to try them.
   * @param {Scope[]} wants
   * @param {AbortSignal} [signal] Takes the question back.
   * @returns {Promise<{may: Scope[], once: boolean}>} Rejects with a {@link MooringError}.
   */
  ask(origins, wants, signal) {
    const key = [...wants].sort().join();
    if (this.#open?.key === key) return this.#open.answer;
    this.close();
    const over = new AbortController();
    const stops = signal ? AbortSignal.any([over.signal, signal]) : over.signal;
    const open = { key, over, answer: this.#ask(origins, wants, stops) };
    this.#open = open;
    const ended = () => this.#open === open && (this.#open = null);
    open.answer.then(ended, ended);
    return open.answer;
  }

  /** Take an open question back. */
  close() {
    this.#open?.over.abort();
    this.#open = null;
  }

  /** @param {string[]} origins @param {Scope[]} wants @param {AbortSignal} signal */
  async #ask(origins, wants, signal) {
    let asked = false;
    try {
      const { may, once } = await answer(origins, wants, signal, (until) => {
        asked = true;
        this.#tell({ state: "asking", wants, until });
      });
      this.#tell({ state: "allowed", wants, may, once });
      return { may, once };
    } catch (thrown) {
      const error = /** @type {MooringError} */ (thrown);
      const end = ENDS.get(error.code) ?? "failed";
      const state = end === "silenced" && asked ? "refused" : end;
      this.#tell({ state, wants, until: error.facts.until, error });
      throw error;
    }
  }
}

/**
 * @param {string[]} origins @param {Scope[]} wants @param {AbortSignal} signal
 * @param {(until: number) => void} asking
 * @returns {Promise<{may: Scope[], once: boolean}>}
 */
async function answer(origins, wants, signal, asking) {
  const socket = await firstSocket(origins, `/ask?wants=${wants.join()}`);
  if (!socket) throw notAnAgent();
  const timer = setTimeout(() => socket.close(), ANSWER_MS);
  const stop = () => socket.close();
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  try {
    return await new Promise((resolve, reject) => {
      socket.onmessage = ({ data }) => {
        const said = JSON.parse(data);
        if (said.state === "asking") asking(said.until);
        else if (said.state === "allowed") resolve(said);
        else reject(new MooringError(said.error));
      };
      socket.onclose = () => reject(signal.aborted ? abandoned("ask") : gone());
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    socket.onclose = null;
    socket.close();
  }
}

/** @param {string[]} origins @param {string} path */
async function firstSocket(origins, path) {
  for (const origin of origins) {
    const socket = await openSocket(origin, path);
    if (socket) return socket;
  }
  return null;
}

const notAnAgent = () =>
  new MooringError({
    code: "agent-other",
    title: "What answers on this computer is not Mooring.",
    meaning: "Another program uses the place where the agent would be, or the agent is of an older version.",
    remedy: "Start Mooring, or update it, and try again.",
    retryable: true,
  });
