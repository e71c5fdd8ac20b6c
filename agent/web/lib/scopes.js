/** What a page may do, in words for people. Pure. */

/** @typedef {import("../types.js").Scope} Scope */

/** @type {Record<Scope, {symbol: string, title: string, detail: string, brief: string}>} */
const WORDS = {
  boards: {
    symbol: "thing-board",
    title: "See your boards",
    detail: "Which boards are connected, what runs on them, which Wi-Fi networks they can hear.",
    brief: "see your boards",
  },
  serial: {
    symbol: "thing-serial",
    title: "Read what they send, and send them text",
    detail: "Everything that goes over their serial ports.",
    brief: "use their serial ports",
  },
  flash: {
    symbol: "thing-sketch",
    title: "Replace the program on them",
    detail: "What was on a board before is lost.",
    brief: "replace their programs",
  },
  provision: {
    symbol: "thing-network",
    title: "Set them up: their network and their cloud",
    detail: "It may also change or erase both. Devices are made in your cloud account; the account itself stays hidden.",
    brief: "set them up",
  },
};

/** All of them, in the order in which people read them. */
export const SCOPES = /** @type {Scope[]} */ (Object.keys(WORDS));

/** @param {Scope} scope */
export const scopeWords = (scope) => WORDS[scope] ?? { symbol: "thing-board", title: scope, detail: "", brief: scope };

/** What a page may, in one line: “may see your boards and set them up”. @param {Scope[]} scopes */
export function inBrief(scopes) {
  const parts = SCOPES.filter((scope) => scopes.includes(scope)).map((scope) => WORDS[scope].brief);
  const last = parts.pop();
  return parts.length ? `${parts.join(", ")} and ${last}` : (last ?? "nothing");
}

/**
 * The parts of an origin, so that the host can stand out; the host is never shortened.
 *
 * @param {string} url
 * @returns {{scheme: string, host: string, port: string, here: boolean}} `here`: a page of this computer.
 */
export function originParts(url) {
  const found = url.match(/^([a-z]+:\/\/)(\[[^\]]*\]|[^:]*)(:\d+)?$/);
  if (!found) return { scheme: "", host: url, port: "", here: false };
  const [, scheme, host, port = ""] = found;
  return { scheme, host, port, here: ["localhost", "127.0.0.1", "[::1]"].includes(host) };
}
