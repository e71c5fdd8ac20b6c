/** Which pages may use this agent, which ask, and how a person answers. Event: `change`. */

/** @typedef {import("../types.js").Asking} Asking */
/** @typedef {import("../types.js").AllowedOrigin} AllowedOrigin */
/** @typedef {import("../types.js").RefusedOrigin} RefusedOrigin */
/** @typedef {import("../types.js").TurnedAway} TurnedAway */

export class Consent extends EventTarget {
  /** @type {AllowedOrigin[]} */ origins = [];
  /** @type {Asking[]} Oldest first. */ asking = [];
  /** @type {RefusedOrigin[]} */ refused = [];
  /** @type {TurnedAway[]} In the order of coming. */ turnedAway = [];
  /** The list has arrived at least once. */
  loaded = false;

  /** @param {import("../mooring.js").Mooring} agent */
  constructor(agent) {
    super();
    this.agent = agent;
    const take = (/** @type {any} */ all) => this.#take(all);
    agent.follow("origins", { snapshot: take, change: take });
    agent.addEventListener("state", () => {
      // Questions end with the agent; what it may not be asked must not stay on the page.
      if (agent.state !== "connected" && this.asking.length) this.#take({ ...this, asking: [], turned_away: this.turnedAway });
    });
  }

  /** Answer a question. @param {string} ask @param {"always"|"once"|"no"} decision */
  async answer(ask, decision) {
    this.#take(await this.agent.call("origins.answer", { ask, decision }));
  }

  /** @param {string} url @param {string[]} may */
  async allow(url, may) {
    this.#take(await this.agent.call("origins.allow", { url, may }));
  }

  /**
   * Take back what a page may, or its silence.
   *
   * @param {string} url
   * @returns {Promise<{job: string, title: string}[]>} Jobs that it began, which go on.
   */
  async revoke(url) {
    const after = await this.agent.call("origins.revoke", { url });
    this.#take(after);
    return after.jobs ?? [];
  }

  /** @param {{origins: AllowedOrigin[], asking: Asking[], refused: RefusedOrigin[], turned_away: TurnedAway[]}} all */
  #take({ origins, asking, refused, turned_away }) {
    this.origins = origins;
    this.asking = asking;
    this.refused = refused;
    // Each stays where a person saw it, although the agent has the latest first.
    const places = this.turnedAway.map(({ url }) => url).reverse();
    this.turnedAway = [...turned_away].sort((one, other) => places.indexOf(other.url) - places.indexOf(one.url) || one.at - other.at);
    this.loaded = true;
    this.dispatchEvent(new Event("change"));
  }
}
