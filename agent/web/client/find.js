/** Finding the agent from a page: where to look, who answers, what the browser allows. */

/** Where an agent may be found when this page is not its own. */
const PORTS = Array.from({ length: 9 }, (_, index) => 8991 + index);

/** Longest wait for a port of this computer to accept a request. */
export const PROBE_MS = 1_500;

/** Where this page looks for the agent: at its own origin if that is one, else on all ports. */
export function usualOrigins() {
  const own = ["127.0.0.1", "localhost", "[::1]"].includes(location.hostname);
  if (own && PORTS.includes(Number(location.port))) return [location.origin];
  return PORTS.map((port) => `http://127.0.0.1:${port}`);
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
  for (const name of ["loopback-network", "local-network-access"]) {
    try {
      const status = await navigator.permissions.query(/** @type {any} */ ({ name }));
      return status.state;
    } catch {
      // This browser does not know the name.
    }
  }
  return "unknown";
}

/** True if any server answers at this origin; its answer itself stays closed to foreign pages. */
export async function answers(/** @type {string} */ origin) {
  try {
    const signal = AbortSignal.timeout(PROBE_MS);
    await fetch(`${origin}/`, { method: "HEAD", mode: "no-cors", cache: "no-store", signal });
    return true;
  } catch {
    return false;
  }
}

/** @param {string} origin @returns {Promise<WebSocket|null>} null if it was refused. */
export function openSocket(origin) {
  return new Promise((resolve) => {
    try {
      const socket = new WebSocket(`${origin.replace(/^http/, "ws")}/rpc`);
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
