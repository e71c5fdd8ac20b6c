/** How a person joins a board's own network: its name, and a QR code for those who do it with a camera. */

import { View, foreign, h } from "../lib/dom.js";
import { pointName } from "../lib/points.js";
import { QrCode } from "./qr-code.js";

export class ByHand extends View {
  /** @param {Partial<import("../types.js").Joining>} guide */
  constructor({ access_point = "", qr = null, address = "" }) {
    super();
    const name = pointName(access_point);
    const code = qr ? new QrCode(qr, `QR code with which a computer joins the network ${name}`) : null;
    this.append(
      code ?? "",
      h(
        "ol.by-hand",
        {},
        h("li", {}, "In the Wi-Fi menu of this computer choose ", h("strong", {}, foreign(name)), ". It has no password."),
        h("li", {}, "Stay in it when the system says that it has no Internet."),
        h("li", {}, `Mooring goes on by itself as soon as the board answers${address ? ` at ${address}` : ""}.`),
        h("li", {}, "Choose your own network again when the job is over."),
      ),
    );
  }
}

customElements.define("by-hand", ByHand);
