/** Has the doctor look, and keeps what it found: both outlive the view that shows them. */

/** The agent looks twice for 30 s at most and mends between, and may have another caller first. */
const LIMIT_MS = 240_000;

/**
 * @typedef {object} Look An examination under way.
 * @property {boolean} fix
 * @property {number} startedAt Unix seconds.
 * @property {import("../types.js").Looked|null} progress
 */

/** Fires `changed`. */
export class Examiner extends EventTarget {
  /** @type {import("../types.js").Examination|null} */ seen = null;
  /** Unix seconds of what was seen. */ seenAt = 0;
  /** @type {import("../mooring.js").MooringError|null} Why the last look failed. */ error = null;
  /** @type {Look|null} */ look = null;

  /** @param {import("../mooring.js").Mooring} agent */
  constructor(agent) {
    super();
    this.agent = agent;
    agent.addEventListener("doctor.progress", (/** @type {any} */ event) => {
      if (!this.look) return;
      this.look = { ...this.look, progress: event.detail };
      this.#changed();
    });
  }

  /** Look, unless that is under way; `fix`: mend what can be mended without risk, too. */
  async run(fix = false) {
    if (this.look) return;
    this.look = { fix, startedAt: Date.now() / 1000, progress: null };
    this.error = null;
    this.#changed();
    try {
      this.seen = await this.agent.call("doctor.run", { fix }, { timeoutMs: LIMIT_MS });
      this.seenAt = Date.now() / 1000;
    } catch (error) {
      this.error = /** @type {any} */ (error);
    }
    this.look = null;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("changed"));
  }
}
