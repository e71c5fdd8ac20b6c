/** A command for a terminal, and the button that copies it. */

import { toClipboard } from "../lib/copies.js";
import { h } from "../lib/dom.js";

/** @param {string} command */
export function copyCommand(command) {
  return h("span.row.copied", {}, h("code.command", { dir: "ltr" }, command), ...copyButton(command, "Copy command"));
}

/** A button that copies a text, and the place where it says so. @param {string} text @param {string} label */
export function copyButton(text, label) {
  const said = h("span.soft.small", { role: "status" });
  const button = h("button.quiet", { type: "button" }, label);
  button.addEventListener("click", async () => {
    said.textContent = (await toClipboard(text)) ? "Copied." : "The browser did not allow it.";
  });
  return [button, said];
}
