/** Entries of the vault in words. Pure. */

import { credentialsName } from "./enrol.js";
import { dateTime } from "./text.js";

/** @typedef {import("../types.js").VaultEntry} VaultEntry */

/** @typedef {{look: "ok"|"unseen"|"gone"|"bad", word: string}} Shown */

const STATES = /** @type {Record<string, Shown>} */ ({
  pending: { look: "unseen", word: "not seen yet" },
  proven: { look: "ok", word: "works" },
  earlier: { look: "gone", word: "earlier" },
});

/** @param {VaultEntry} entry @returns {Shown} */
export function vaultState(entry) {
  const empty = entry.state === "pending" && !entry.credentials;
  if (empty) return { look: "unseen", word: "no answer yet" };
  if (entry.problem || !entry.state) return { look: "bad", word: "cannot be read" };
  return STATES[entry.state] ?? { look: "gone", word: entry.state };
}

/** What the state of an entry means, and since when. @param {VaultEntry} entry */
export function vaultWords(entry) {
  const since = (/** @type {number|null|undefined} */ at) => (at ? dateTime(at) : "an unknown time");
  if (entry.problem) return `${entry.problem[0].toUpperCase()}${entry.problem.slice(1)}.`;
  if (entry.state === "proven") return `The board was seen to work with it, ${since(entry.proven_at)}.`;
  if (entry.state === "earlier") return `The board worked with it before it got newer ones, ${since(entry.proven_at)}.`;
  return `Kept ${since(entry.made_at)}; nobody has seen the board work with it.`;
}

/** The name of an entry: its device, or its id where the file cannot be read. @param {VaultEntry} entry */
export function vaultName(entry) {
  return entry.device || `entry ${entry.id}`;
}

/** Kind, board and server of an entry. @param {VaultEntry} entry */
export function vaultPlace(entry) {
  return [credentialsName(entry.credentials), entry.board_name, entry.server].filter(Boolean).join(" · ");
}

/** What erasing an entry means. @param {VaultEntry} entry */
export function forgetWords(entry) {
  const after = "Neither the board nor the cloud is touched, but these credentials can never be put on a board again.";
  if (entry.state === "proven") return `The board works with these. ${after}`;
  if (entry.state === "pending") return `The cloud may know this device already. ${after}`;
  return after;
}

/** Those that people look for: the words are in device, board, server or id. @param {VaultEntry[]} entries @param {string} words */
export function filtered(entries, words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const text = (/** @type {VaultEntry} */ entry) => `${entry.id} ${vaultName(entry)} ${vaultPlace(entry)} ${vaultState(entry).word}`.toLowerCase();
  return entries.filter((entry) => wanted.every((word) => text(entry).includes(word)));
}
