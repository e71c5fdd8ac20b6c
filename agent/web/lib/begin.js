/** Beginning many jobs of one group, in their order; what could not be begun is told. */

/**
 * @typedef {object} Order A job that is to be begun.
 * @property {string} board
 * @property {Record<string, any>} request Params of `jobs.start` besides the board.
 */

/** @typedef {Order & {error: import("../mooring.js").MooringError, at?: number}} Refused `at`: Unix seconds. */

/**
 * @param {import("../app.js").App} app
 * @param {string} group
 * @param {Order[]} orders
 * @param {(begun: number) => void} [tell]
 * @returns {Promise<Refused[]>}
 */
export async function begin({ agent, store }, group, orders, tell = () => {}) {
  /** @type {Refused[]} */
  const refused = [];
  await Promise.all(orders.map(({ board }) => store.quit(board)));
  for (const [at, order] of orders.entries()) {
    const { board, request } = order;
    tell(at + 1);
    try {
      await agent.call("jobs.start", { kind: "provision", board, attended: true, ...request, group });
    } catch (error) {
      refused.push({ ...order, at: Date.now() / 1000, error: /** @type {any} */ (error) });
    }
  }
  return refused;
}

/** A mark that no other group has. */
export function newGroup() {
  const random = [...crypto.getRandomValues(new Uint8Array(3))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${new Date().toISOString().slice(0, 10)}-${random}`;
}

/** What the page keeps of a group until it is closed: how its jobs were begun, and which were not. @param {string} group */
export function groupDraft(group) {
  return `group ${group}`;
}
