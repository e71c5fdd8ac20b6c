/** Finding the agent from a page: where to look, who answers, what the browser allows. */

/** Where an agent may be found when this page is not its own. */
const PORTS = Array.from({ length: 9 }, (_, index) => 8991 + index);

/** Longest wait for a port of this computer to accept a request. */
export const PROBE_MS = 1_500;

/** A person reads the browser's question and answers it. */
const BROWSER_ASKS_MS = 120_000;

/** Nobody answers a question within this time: there was none. */
const TOO_QUICK_MS = 300;

const LOCAL_NAMES = ["127.0.0.1", "localhost", "[::1]"];

/** This page comes from this computer: browsers let it talk to the agent without a permission. */
const local = () => LOCAL_NAMES.includes(location.hostname);

/** Where this page looks for the agent: at its own origin if that is one, else on all ports. */
export function usualOrigins() {
  if (local() && PORTS.includes(Number(location.port))) return [location.origin];
  return PORTS.map((port) => `http://127.0.0.1:${port}`);
}

/** @returns {Promise<PermissionStatus|null>} null: the browser has no such permission. */
async function permission() {
  for (const name of ["loopback-network", "local-network-access"]) {
    try {
      return await navigator.permissions.query(/** @type {any} */ ({ name }));
    } catch {
      // This browser does not know the name.
    }
  }
  return null;
}

/**
 * What the browser thinks of connections to this computer.
 *
 * Public pages in Chromium need a permission. If this says "prompt", explain first and call
 * `connect()` from a click. "unknown": the browser has no such permission.
 *
 * @returns {Promise<"granted"|"denied"|"prompt"|"unknown">}
 */
export async function loopbackPermission() {
  return (await permission())?.state ?? "unknown";
}

/** What the browser wants to know before it lets a page look for the agent. */
export class Gate {
  /** The browser has been seen to let this page through without a question. */
  #open = remembered();
  /** The person has been asked and has not answered. */
  #unanswered = false;

  /**
   * What keeps the page from looking for the agent; empty: nothing that is known.
   *
   * @param {string[]} origins
   * @param {boolean} mayAsk Have the browser ask the person, if that is what it takes.
   * @returns {Promise<""|"insecure"|"permission"|"unasked"|"unanswered">}
   */
  async hindrance(origins, mayAsk) {
    if (local()) return "";
    if (!isSecureContext) return "insecure";
    const state = await loopbackPermission();
    if (state === "denied") return "permission";
    if (state !== "prompt" || this.#open) return "";
    if (!mayAsk) return this.#unanswered ? "unanswered" : "unasked";
    return this.#ask(origins);
  }

  /** Reach for the agent so that the browser asks. @param {string[]} origins */
  async #ask(origins) {
    const beganAt = performance.now();
    const status = await permission();
    const over = new AbortController();
    const answered = new Promise((resolve) => {
      status?.addEventListener("change", () => resolve(false), { once: true, signal: over.signal });
    });
    const tried = Promise.all(origins.map((origin) => answers(origin, BROWSER_ASKS_MS)));
    const reached = await Promise.race([answered, tried.then((each) => each.includes(true))]);
    over.abort();
    const state = await loopbackPermission();
    if (state === "denied") return "permission";
    if (state === "granted") return "";
    // Firefox has the permission, and lets pages through without it unless a person changed that.
    this.#open = reached || performance.now() - beganAt < TOO_QUICK_MS;
    if (reached) remember();
    this.#unanswered = !this.#open;
    return this.#open ? "" : "unanswered";
  }
}

/** The place where it is remembered that no question comes before the agent in this browser. */
const REMEMBERED = "mooring.reached";

function remembered() {
  try {
    return localStorage.getItem(REMEMBERED) !== null;
  } catch {
    return false; // Storage is blocked.
  }
}

function remember() {
  try {
    localStorage.setItem(REMEMBERED, "1");
  } catch {
    // It costs a click at the next visit.
  }
}

/**
 * True if this browser blocks the agent like any insecure content of a secure page.
 *
 * WebKit does, and has no permission for it; to the page it looks as if nothing listened.
 */
export function blocksLoopback() {
  return !local() && location.protocol === "https:" && navigator.vendor.startsWith("Apple");
}

/** True if any server answers at this origin; its answer itself stays closed to foreign pages. */
export async function answers(/** @type {string} */ origin, limit_ms = PROBE_MS) {
  try {
    const signal = AbortSignal.timeout(limit_ms);
    await fetch(`${origin}/`, { method: "HEAD", mode: "no-cors", cache: "no-store", signal });
    return true;
  } catch {
    return false;
  }
}

/** @param {string} origin @param {string} path @returns {Promise<WebSocket|null>} null if it was refused. */
export function openSocket(origin, path) {
  return new Promise((resolve) => {
    try {
      const socket = new WebSocket(`${origin.replace(/^http/, "ws")}${path}`);
      const timer = setTimeout(() => socket.close(), PROBE_MS);
      const settle = (/** @type {WebSocket|null} */ found) => (clearTimeout(timer), resolve(found));
      socket.binaryType = "arraybuffer";
      socket.onopen = () => settle(socket);
      socket.onclose = () => settle(null);
    } catch {
      resolve(null); // The browser forbids it, for example as mixed content.
    }
  });
}

/**
 * True if what refused this page is an agent, and no other program at its place.
 *
 * An agent lets everybody ask; a question for nothing is put to nobody.
 */
export async function isAgent(/** @type {string} */ origin) {
  const socket = await openSocket(origin, "/ask?wants=");
  if (socket) socket.onclose = null;
  socket?.close();
  return socket !== null;
}
