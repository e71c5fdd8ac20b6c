/** Text that leaves the page: to the clipboard, or as a file. */

import { h } from "./dom.js";

/** A browser has taken a download over well before this. */
const KEPT_MS = 10_000;

/** @param {string} text @returns {Promise<boolean>} False if the browser did not allow it. */
export async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Have the browser save a text as a file. @param {string} name @param {string} text */
export function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}
