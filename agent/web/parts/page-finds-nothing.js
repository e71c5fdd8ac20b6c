/** What a person does whose web page does not find the agent: the agent cannot see what browsers refuse. */

import { h } from "../lib/dom.js";

/** Each is a sign that the person sees, and what helps. */
const CASES = /** @type {const} */ ([
  ["It stands here under “Not let in”.", "Press Allow beside it."],
  [
    "It stands nowhere here, in Chrome or Edge.",
    "The browser did not let it reach this computer. Press the symbol beside the page's address, “Site settings”, allow “Apps on device” or “Local network access”, and load the page again.",
  ],
  ["It stands nowhere here, in Brave.", "Switch Shields off for the page, and load it again."],
  ["It stands nowhere here, in Safari.", "Safari lets no page reach this computer. Use Chrome, Edge or Firefox."],
  ["Its address begins with http.", "Open it with https."],
  ["It finds an agent, but the boards are missing or busy.", "Another agent may be running: ask the doctor, below, and quit the other one."],
]);

/** Folded away until somebody needs it. @returns {HTMLElement} */
export function pageFindsNothing() {
  const cases = CASES.map(([sign, mend]) => h("li", {}, h("strong", {}, sign), ` ${mend}`));
  return h("details.more", {}, h("summary", {}, "A page does not find Mooring"), h("ul.cases", {}, ...cases));
}
