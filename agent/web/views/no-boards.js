/** What a person sees before the first board. */

import { toClipboard } from "../lib/copies.js";
import { h } from "../lib/dom.js";
import { href } from "../lib/router.js";
import { symbol } from "../parts/drawing.js";

const DEMO = "mooring demo";

/** @param {boolean} air Boards are looked for over Bluetooth too. */
export function noBoards(air) {
  const copied = h("span.soft.small", { role: "status" });
  const copy = h("button.quiet", { type: "button" }, "Copy command");
  copy.addEventListener("click", async () => {
    copied.textContent = (await toClipboard(DEMO)) ? "Copied." : "The browser did not allow it.";
  });
  return h(
    "section.sheet.no-boards",
    {},
    symbol("generic", 84, 60),
    h("h2", {}, "No board yet"),
    h("p", {}, "Plug a board into this computer with a USB cable. It appears here by itself."),
    air && h("p", {}, "Or give it power anywhere in the room: a board whose LED pulses is waiting for Bluetooth, and appears here too."),
    h(
      "ul",
      {},
      h("li", {}, "Some cables only charge. Try another cable if nothing happens."),
      h("li", {}, "Plug it in directly rather than through a hub."),
      h("li", {}, "Close other programs that use the board, such as an IDE's serial monitor."),
    ),
    h("p", {}, h("a", { href: href("doctor") }, "My board is not here"), ": the doctor looks what on this computer keeps it away."),
    h("h2", {}, "Try a simulated board"),
    h("p", {}, "No board at hand? This command starts Mooring with a simulated board and a simulated cloud:"),
    h("p.row", {}, h("code.command", {}, DEMO), copy, copied),
  );
}
