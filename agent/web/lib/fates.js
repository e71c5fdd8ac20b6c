/** What is kept, lost and new, as a page shows it. Pure. */

/** @typedef {import("../types.js").Fate} Fate */

/** What is lost is said first. */
export const GROUPS = /** @type {const} */ ([
  { fate: "lost", title: "Lost" },
  { fate: "kept", title: "Stays" },
  { fate: "new", title: "New" },
]);

/** The picture for a thing is chosen by the words that name it; the first that fits. */
const PICTURES = /** @type {[RegExp, string][]} */ ([
  [/network|wi-?fi|password/i, "network"],
  [/thing|dashboard/i, "dashboard"],
  [/device in the cloud|device of this board|cloud device|old(er)? device/i, "cloud"],
  [/certificate/i, "certificate"],
  [/secret key|private key|\bkey\b/i, "key"],
  [/identity|hardware/i, "identity"],
  [/memory|storage|partition|data/i, "storage"],
  [/sketch|program/i, "sketch"],
  [/cloud|device/i, "cloud"],
]);

/** Name of the drawing for a thing. */
export function pictureOf(/** @type {string} */ what) {
  return PICTURES.find(([words]) => words.test(what))?.[1] ?? "other";
}

/**
 * The groups that have something in them, lost things first.
 *
 * @param {Fate[]} fates
 */
export function grouped(fates) {
  return GROUPS.map(({ fate, title }) => ({ fate, title, things: fates.filter((each) => each.fate === fate) })).filter(
    ({ things }) => things.length,
  );
}

/** With a capital at its head, unless it begins with a name such as `esp32-24a1`. */
export function headed(/** @type {string} */ text) {
  if (/^\S*[-_.\d]/.test(text)) return text;
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
