/** Where a device is in its cloud: its id to copy, a link, and the same as a QR code for a telephone. */

import { h } from "../lib/dom.js";
import { isHere, webAddress } from "../lib/weblink.js";
import { copyButton } from "./copy-command.js";
import { pageLink } from "./page-link.js";
import { QrCode } from "./qr-code.js";

/** The id of a device, and the button that copies it. @param {string} id */
export function deviceId(id) {
  return h("p.device-id", {}, h("span.soft", {}, "Device id"), h("code", { dir: "ltr" }, id), ...copyButton(id, "Copy"));
}

/** The link to a device, also for a telephone. @param {string} link @param {string} name Of the device. @param {string} cloud Title of the cloud. */
export function devicePlace(link, name, cloud) {
  const address = webAddress(link);
  if (!address) return null;
  const here = isHere(address) ? h("p.soft.small", {}, "It leads to this computer: a telephone does not get there.") : null;
  return h(
    "div.device-link",
    {},
    new QrCode(address, `QR code of the link to ${name}`),
    h("div", {}, h("p", {}, `Its place in ${cloud}:`), h("p", {}, pageLink(address)), here),
  );
}
