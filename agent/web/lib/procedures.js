/** The ways to set a board up, in words; which of them a page offers. Pure. */

/** @typedef {import("../types.js").Decision} Decision */
/** @typedef {import("../types.js").Procedure} Procedure */

/**
 * @typedef {object} Way How a procedure is offered.
 * @property {string} label On links and buttons.
 * @property {string} title Above the form.
 * @property {string} choice Among the other ways.
 * @property {string} detail
 */

/** Id of the way that stops before the cloud; it is not a procedure of its own. */
export const PREPARE = "prepare";

const UPDATE = {
  label: "Update to provisioning 2.0",
  title: "Update to provisioning 2.0",
  choice: "Update to provisioning 2.0",
  detail: "Writes the 2.0 sketch, then network and cloud.",
};

/** @type {Record<string, Way>} */
const WAYS = {
  "provision-2.0": {
    label: "Set up",
    title: "Set up as it is",
    choice: "Set up as it is",
    detail: "Its sketch speaks provisioning 2.0; nothing is written.",
  },
  "flash-then-2.0": UPDATE,
  migrate: UPDATE,
  [PREPARE]: {
    label: "Write the 2.0 sketch",
    title: "Prepare for provisioning 2.0",
    choice: "Only write the 2.0 sketch",
    detail: "Stops there. Set the board up later, here or with the phone app.",
  },
  "provision-1.0": {
    label: "Set up with provisioning 1.0",
    title: "Set up with provisioning 1.0",
    choice: "Provisioning 1.0",
    detail: "For sketches that have their network built in. Ends with a file for your sketch.",
  },
  "lora-1.0": {
    label: "Set up for LoRaWAN",
    title: "Set up for LoRaWAN",
    choice: "LoRaWAN",
    detail: "Ends with a file for your sketch.",
  },
  improv: {
    label: "Set up",
    title: "Put it on a network",
    choice: "Put it on a network",
    detail: "Its firmware takes a network with Improv Wi-Fi; nothing is written.",
  },
  "secret-key": {
    label: "Set up with a secret key",
    title: "Set up with a secret key",
    choice: "Secret key",
    detail: "Ends with a file for your sketch.",
  },
};

/** @param {string} way @returns {Way} */
export function wayOf(way) {
  return WAYS[way] ?? { label: way, title: way, choice: way, detail: "" };
}

/** Procedures that end with a board that is online in 2.0, by writing its sketch anew. */
export function updates(/** @type {string|undefined} */ procedure) {
  return procedure === "migrate" || procedure === "flash-then-2.0";
}

/** Procedures that end with a file for the person's own sketch. */
export function delivers(/** @type {string|undefined} */ procedure) {
  return procedure === "provision-1.0" || procedure === "lora-1.0" || procedure === "secret-key";
}

/**
 * What a person can choose instead, the decided way first; ways that are the same for a person once.
 *
 * @param {Decision} decision As decided, not overridden.
 * @returns {import("../types.js").Choice[]}
 */
export function waysFor(decision) {
  /** @type {string[]} */
  const ways = [decision.procedure];
  for (const each of decision.possible ?? []) {
    if (ways.every((known) => wayOf(known) !== wayOf(each))) ways.push(each);
  }
  if (ways.some(updates)) ways.push(PREPARE);
  return ways.map((way) => ({ id: way, label: wayOf(way).choice, detail: wayOf(way).detail }));
}

/**
 * The job that carries a way out.
 *
 * @param {string} way
 * @returns {Record<string, any>}
 */
export function requestFor(way) {
  if (way === PREPARE) return { kind: "migrate", prepare_only: true };
  return updates(way) ? { kind: "migrate" } : { kind: "provision", procedure: way };
}
