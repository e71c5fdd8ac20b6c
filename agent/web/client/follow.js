/** What a page follows: a snapshot first and after each reconnection, changes after it. */

const TOPICS = /** @type {const} */ ({
  boards: { method: "boards.subscribe", notification: "boards.changed" },
  jobs: { method: "jobs.subscribe", notification: "job.changed" },
  agent: { method: "agent.subscribe", notification: "agent.changed" },
  origins: { method: "origins.subscribe", notification: "origins.changed" },
});

/** @typedef {keyof typeof TOPICS} Topic `origins` is for the agent's own page alone. */
/**
 * @typedef {object} Followed
 * @property {(result: any) => void} [snapshot] Everything, at the start and after each reconnection.
 * @property {(change: any) => void} [change] Each notification after it.
 * @property {(error: import("./errors.js").MooringError) => void} [refused] This page may not follow
 *   it; when the person allows more, it goes on with `snapshot`.
 */

export class Topics {
  /** @type {Set<Followed & {topic: Topic}>} */ #entries = new Set();
  /** @type {Set<Topic>} */ #barred = new Set();
  #link;

  /**
   * @param {object} link
   * @param {(method: string, topic: Topic) => Promise<any>} link.subscribe
   * @param {() => void} link.stale A topic cannot be followed for a reason that may pass.
   */
  constructor(link) {
    this.#link = link;
  }

  /** @param {Topic} topic @param {Followed} callbacks @returns {Followed & {topic: Topic}} */
  add(topic, callbacks) {
    const entry = { topic, ...callbacks };
    this.#entries.add(entry);
    return entry;
  }

  /** @param {Followed & {topic: Topic}} entry */
  remove(entry) {
    this.#entries.delete(entry);
  }

  /** Ask for everything again. @param {Iterable<Topic>} [topics] */
  renew(topics = /** @type {Topic[]} */ (Object.keys(TOPICS))) {
    for (const topic of topics) this.subscribe(topic, this.#following(topic));
  }

  /** The person allowed more than before. */
  renewBarred() {
    const barred = [...this.#barred];
    this.#barred.clear();
    this.renew(barred);
  }

  /** @param {Topic} topic @param {Followed[]} entries Who gets the snapshot. */
  subscribe(topic, entries) {
    if (!entries.length) return;
    this.#link.subscribe(TOPICS[topic].method, topic).then(
      (result) => entries.forEach((entry) => entry.snapshot?.(result)),
      (error) => {
        if (error.code === "scope-refused") {
          this.#barred.add(topic);
          entries.forEach((entry) => entry.refused?.(error));
        } else if (error.code !== "agent-gone") this.#link.stale(); // A page must not stay stale.
      },
    );
  }

  /** @param {string} notification @param {any} params */
  notify(notification, params) {
    for (const entry of this.#entries) {
      if (TOPICS[entry.topic].notification === notification) entry.change?.(params);
    }
  }

  /** @param {Topic} topic */
  #following(topic) {
    return [...this.#entries].filter((entry) => entry.topic === topic);
  }
}
