/** Names that a person may keep as they are. Pure. */

/**
 * A device name that every cloud takes: the model, and what tells this board from its like.
 *
 * @param {import("../types.js").Board|undefined} board
 * @param {import("../types.js").Model|undefined} model
 * @param {string[]} [taken] Names that are in use.
 */
export function usualName(board, model, taken = []) {
  const kind = (model?.name ?? "board").replace(/^Arduino /, "");
  const own = (board?.ports[0]?.serial_number ?? board?.id ?? "").replace(/[^A-Za-z0-9]/g, "").slice(-4);
  const name = `${kind} ${own}`.trim().toLowerCase().replace(/[^a-z0-9]+/g, "-");
  for (let number = 1; ; number += 1) {
    const tried = number === 1 ? name : `${name}-${number}`;
    if (!taken.includes(tried)) return tried;
  }
}
