/** Requests under way on one connection: JSON-RPC 2.0, each with a limit, all together bounded. */

import { abandoned, gone, late, reported, tooMany } from "./errors.js";

/** An answer for which the agent needs no board and no cloud. */
const CALL_MS = 15_000;
/** A board may scan and join a network twice before it answers; the firmware allows 200 s. */
const SLOW_CALL_MS = 240_000;
const SLOW_CALLS = new Set([
  "board.identify",
  "board.networks",
  "board.procedure",
  "clouds.login",
  "doctor.run",
  "serial.open",
]);

/** Calls under way at once; the agent refuses more from one page. */
const PENDING_MAX = 32;

/** @typedef {{timeoutMs?: number, signal?: AbortSignal}} CallOptions */

export class Calls {
  /** @type {Map<number, {settle: (message: any) => void, fail: (error: import("./errors.js").MooringError) => void}>} */
  #pending = new Map();
  #nextId = 1;

  /**
   * @param {WebSocket|null} socket
   * @param {string} method
   * @param {Record<string, any>} params
   * @param {CallOptions} options
   * @returns {Promise<any>}
   */
  call(socket, method, params, options) {
    const limit = options.timeoutMs ?? (SLOW_CALLS.has(method) ? SLOW_CALL_MS : CALL_MS);
    return new Promise((resolve, reject) => {
      if (socket?.readyState !== WebSocket.OPEN) return reject(gone());
      if (this.#pending.size >= PENDING_MAX) return reject(tooMany(PENDING_MAX));
      if (options.signal?.aborted) return reject(abandoned(method));
      const id = this.#nextId++;
      const finish = () => {
        clearTimeout(timer);
        this.#pending.delete(id);
        options.signal?.removeEventListener("abort", abort);
      };
      const fail = (/** @type {import("./errors.js").MooringError} */ error) => (finish(), reject(error));
      const abort = () => fail(abandoned(method));
      const timer = setTimeout(() => fail(late(method, limit)), limit);
      options.signal?.addEventListener("abort", abort);
      const settle = (/** @type {any} */ message) => {
        finish();
        if (message.error) reject(reported(message.error));
        else resolve(message.result);
      };
      this.#pending.set(id, { settle, fail });
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  /** An answer has come. @param {{id: number}} message */
  settle(message) {
    this.#pending.get(message.id)?.settle(message);
  }

  /** The connection is gone, and with it every answer. */
  failAll() {
    for (const { fail } of [...this.#pending.values()]) fail(gone());
  }
}
