/** The network of a board that a person joins with the computer: its name, and the same as a QR code. */

import { View, foreign, h } from "../lib/dom.js";
import { WAITS } from "../lib/lights.js";
import { pointName } from "../lib/points.js";
import { lightLine } from "./board-light.js";
import { copyButton } from "./copy-command.js";
import { QrCode } from "./qr-code.js";

export class ByHand extends View {
  /** @param {Partial<import("../types.js").Joining>} point */
  constructor({ name = "", qr = null }) {
    super();
    const shown = pointName(name);
    const code = qr ? new QrCode(qr, `QR code with which a computer joins the network ${shown}`) : null;
    this.append(
      code ?? "",
      h(
        "div.by-hand-words",
        {},
        h("p.row", {}, h("strong", {}, foreign(shown)), ...(shown === name ? copyButton(shown, "Copy name") : [])),
        code ? h("p.soft.small", {}, "The code says the same, for a computer with a camera that does not show this page itself.") : null,
        lightLine(WAITS, "While the board waits, its light shows: "),
      ),
    );
  }
}

customElements.define("by-hand", ByHand);
