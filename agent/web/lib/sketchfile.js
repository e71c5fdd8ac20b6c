/** Files with a sketch, as far as a page can judge them before the agent does. Pure. */

import { size } from "./text.js";

/** Endings of sketch files. */
export const ENDINGS = [".bin", ".elf", ".uf2"];

/** The agent takes no larger upload. */
export const UPLOAD_MAX = 16 * 1024 * 1024;

/**
 * What is wrong with a chosen file; null if it may be tried.
 *
 * @param {string} name
 * @param {number} bytes
 * @returns {import("../types.js").ErrorReport|null}
 */
export function problemOf(name, bytes) {
  const meaning = "Nothing was sent to the board.";
  const report = { meaning, retryable: false, facts: {} };
  if (!ENDINGS.some((ending) => name.toLowerCase().endsWith(ending))) {
    const title = `“${name}” is not a sketch that can be written.`;
    const remedy = "Choose a .bin, .elf or .uf2 file: what the Arduino IDE makes with “Export Compiled Binary”.";
    return { ...report, code: "file-type", title, remedy };
  }
  if (!bytes) {
    return { ...report, code: "file-empty", title: `“${name}” is empty.`, remedy: "Export the sketch again and choose the new file." };
  }
  if (bytes > UPLOAD_MAX) {
    const title = `“${name}” is too large: ${size(bytes)}, and ${size(UPLOAD_MAX)} is the most.`;
    return { ...report, code: "file-large", title, remedy: "No board has room for it. Choose the sketch itself, without debug data." };
  }
  return null;
}

/** True if a typed text names this model, with or without its maker. @param {string} text @param {string} model */
export function namesModel(text, model) {
  const plain = (/** @type {string} */ name) => name.trim().toLowerCase().replace(/^arduino\s+/, "").replace(/\s+/g, " ");
  return plain(text) !== "" && plain(text) === plain(model);
}
