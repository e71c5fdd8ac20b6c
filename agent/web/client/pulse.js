/** Noticing an agent that keeps its connection but no longer answers. */

// A page may promise to say within two seconds that the agent is gone: these three add up to less.
const TICK_MS = 200;
/** After this much silence the agent is asked for a sign of life. */
const SILENCE_MS = 700;
/** The sign of life normally takes a millisecond. */
const SIGN_MS = 800;
/** A connection that shows no sign of life for this long is given up. */
const DEAD_MS = 10_000;

export class Pulse {
  #heardAt = 0;
  #askedAt = 0;
  #tickedAt = 0;
  #timer = 0;
  #reports;

  /** @param {{ask: () => void, silent: () => void, dead: () => void}} reports */
  constructor(reports) {
    this.#reports = reports;
  }

  /** Watch the connection that begins now. */
  start() {
    this.stop();
    this.heard();
    this.#tickedAt = performance.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  stop() {
    clearInterval(this.#timer);
  }

  /** Something came from the agent. */
  heard() {
    this.#heardAt = performance.now();
    this.#askedAt = 0;
  }

  #tick() {
    const now = performance.now();
    const slept = now - this.#tickedAt > 4 * TICK_MS;
    this.#tickedAt = now;
    if (slept) return; // This page was held up, not the agent.
    if (!this.#askedAt) {
      if (now - this.#heardAt < SILENCE_MS) return;
      this.#askedAt = now;
      this.#reports.ask();
    } else if (now - this.#askedAt > DEAD_MS) this.#reports.dead();
    else if (now - this.#askedAt > SIGN_MS) this.#reports.silent();
  }
}
