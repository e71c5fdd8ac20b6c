/** Numbers, times and names as people read them. Pure. */

/** Bytes of a text on the wire. */
export function byteLength(/** @type {string} */ text) {
  return new TextEncoder().encode(text).length;
}

/** The bytes of a text as hex digits. */
export function hexOf(/** @type {string} */ text) {
  return [...new TextEncoder().encode(text)].map((b) => b.toString(16).padStart(2, "0")).join("");
}

/** A duration: “0.4 s”, “12 s”, “3 min 5 s”. */
export function duration(/** @type {number} */ seconds) {
  const s = Math.max(0, seconds);
  if (s < 0.05) return "< 0.1 s";
  if (s < 9.95) return `${s.toFixed(1)} s`;
  if (s < 59.5) return `${Math.round(s)} s`;
  const whole = Math.round(s);
  return whole < 3600
    ? `${Math.floor(whole / 60)} min ${whole % 60} s`
    : `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** How long ago: “just now”, “20 seconds ago”, “3 min ago”, “2 h ago”, then the date. */
export function ago(/** @type {number} */ unixSeconds, now = Date.now() / 1000) {
  const s = Math.max(0, now - unixSeconds);
  if (s < 5) return "just now";
  if (s < 60) return `${Math.floor(s / 5) * 5} seconds ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
  return dateTime(unixSeconds);
}

/** Date and time in the person's own format. */
export function dateTime(/** @type {number} */ unixSeconds) {
  const format = { dateStyle: "medium", timeStyle: "short" };
  return new Date(unixSeconds * 1000).toLocaleString(undefined, /** @type {any} */ (format));
}

/** “1 board”, “3 boards”. */
export function count(/** @type {number} */ number, /** @type {string} */ noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** “−45 dBm”, with a real minus sign. */
export function dbm(/** @type {number} */ rssi) {
  return `${rssi < 0 ? "−" : ""}${Math.abs(rssi)} dBm`;
}

/** A size: “512 bytes”, “12 kB”, “3.4 MB”. */
export function size(/** @type {number} */ bytes) {
  if (bytes < 1000) return count(bytes, "byte");
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** “50 %”. */
export function percent(/** @type {number} */ share) {
  return `${Math.round(Math.min(1, Math.max(0, share)) * 100)} %`;
}

/** True for a version that comes before another one, number by number. @param {string} version @param {string} than */
export function older(version, than) {
  const [ours, theirs] = [version, than].map((text) => text.split(".").map((part) => parseInt(part, 10) || 0));
  const index = theirs.findIndex((number, place) => number !== (ours[place] ?? 0));
  return index >= 0 && (ours[index] ?? 0) < theirs[index];
}

/** A port's address without what all have in common: `ttyACM0` for `/dev/ttyACM0`. */
export function shortAddress(/** @type {string} */ address) {
  const volume = address.match(/^(?:\/media|\/run\/media|\/Volumes)\/(?:.*\/)?([^/]+)\/?$/);
  return volume ? volume[1] : address.replace(/^(\/dev\/|usb:|[a-z]+:\/\/)/, "");
}
