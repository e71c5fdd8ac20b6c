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

/** Have the browser save a text, or bytes, as a file. @param {string} name @param {string|Uint8Array<ArrayBuffer>} content */
export function download(name, content) {
  const type = typeof content === "string" ? "text/plain;charset=utf-8" : "application/octet-stream";
  const url = URL.createObjectURL(new Blob([content], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}

/** The bytes that Base64 means. @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
