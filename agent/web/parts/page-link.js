/** A link to a page of a device, opened beside this one and without a way back into it. */

import { foreign, h } from "../lib/dom.js";

/** @param {string} address From {@link import("../lib/weblink.js").webAddress}; nothing else. */
export function pageLink(address) {
  return h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, foreign(address));
}
