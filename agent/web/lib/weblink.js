/** Addresses that came from a device, and may be opened. Pure. */

/**
 * The address of a web page, or empty: nothing but http and https, and no account in it.
 *
 * @param {unknown} text
 */
export function webAddress(text) {
  if (typeof text !== "string" || !URL.canParse(text)) return "";
  const { protocol, username, password, href } = new URL(text);
  return /^https?:$/.test(protocol) && !username && !password ? href : "";
}

/** True for an address of the computer that shows it. @param {string} address From `webAddress`. */
export function isHere(address) {
  const { hostname } = new URL(address);
  return /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
