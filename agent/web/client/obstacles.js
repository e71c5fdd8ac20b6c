/** Why there is no connection, as errors that people can act on. */

import { MooringError } from "./errors.js";

/** @typedef {"connecting"|"connected"|"absent"|"refused"|"closed"} State */
/**
 * @typedef {""|"silent"|"origin"|"revoked"|"version"|"insecure"|"permission"|"unasked"|"unanswered"|"browser"} Reason
 */

/** @type {Record<string, {code: string, title: string, meaning: string, remedy: string, retryable?: boolean}>} */
const OBSTACLES = {
  absent: {
    code: "agent-absent",
    title: "Mooring is not running on this computer.",
    meaning: "No program answers where the agent would be.",
    remedy: "Start Mooring, or install it; this page connects by itself.",
    retryable: true,
  },
  silent: {
    code: "agent-silent",
    title: "Mooring does not answer.",
    meaning: "It is running, but busy or stopped.",
    remedy: "Wait a moment; this page goes on by itself when it answers.",
    retryable: true,
  },
  origin: {
    code: "origin-unknown",
    title: "Nobody has allowed this page to use your boards yet.",
    meaning: "Mooring is running, and lets in only the pages that you allowed.",
    remedy: "Have this page ask, and answer the question that Mooring shows.",
    retryable: true,
  },
  revoked: {
    code: "origin-revoked",
    title: "This page may no longer use your boards.",
    meaning: "It was allowed, and that has ended or was taken back.",
    remedy: "Have this page ask again, or allow it in the settings of Mooring.",
    retryable: true,
  },
  version: {
    code: "agent-version",
    title: "This page and Mooring do not understand each other.",
    meaning: "They speak different versions of the interface.",
    remedy: "Reload the page; if that does not help, update Mooring.",
  },
  insecure: {
    code: "page-insecure",
    title: "This page cannot be allowed, because it came over http.",
    meaning: "Anybody on the way could have changed it.",
    remedy: "Open it with https, or use the agent's own page.",
  },
  permission: {
    code: "browser-refused",
    title: "The browser does not let this page connect to programs on your computer.",
    meaning: "Somebody answered “Block” to its question, or an administrator decided so. Whether Mooring is running cannot be seen.",
    remedy: "Allow it in the browser: the symbol beside the address, “Site settings”, “Apps on device” or “Local network access”. Or use the agent's own page.",
    retryable: true,
  },
  unasked: {
    code: "browser-asks",
    title: "The browser may ask whether this page may connect to programs on your computer.",
    meaning: "Mooring is such a program. Only a click lets the browser ask.",
    remedy: "Go on, and answer “Allow”.",
    retryable: true,
  },
  unanswered: {
    code: "browser-unanswered",
    title: "This page could not reach Mooring.",
    meaning: "Either the browser's question was not answered, or Mooring is not running.",
    remedy: "Start Mooring, try again, and answer “Allow” if the browser asks.",
    retryable: true,
  },
  browser: {
    code: "browser-unable",
    title: "This browser does not let web pages connect to programs on your computer.",
    meaning: "It offers no setting for it. Whether Mooring is running cannot be seen.",
    remedy: "Use the agent's own page, which works in every browser, or open this page in Chrome, Edge or Firefox.",
  },
};

/**
 * What keeps a page from its agent; null where nothing does.
 *
 * @param {State} state
 * @param {Reason} reason
 * @param {string} ownPage Address of the agent's own page, for a link: `facts.own_page`.
 */
export function obstacle(state, reason, ownPage) {
  if (state !== "absent" && state !== "refused") return null;
  const report = { ...OBSTACLES[reason || state], facts: { own_page: ownPage, page: location.origin } };
  if (reason === "permission" && self !== top) {
    report.remedy = "Open this page by itself: the page around it does not pass the permission on (<iframe allow=\"loopback-network\">).";
  }
  return new MooringError(report);
}
