/** One open serial port of a board, as a page sees it. */

import { gone } from "./errors.js";

/** Bytes of one binary message to a board, well below the agent's limit. */
const SERIAL_CHUNK = 4096;

/**
 * @typedef {object} SerialCallbacks
 * @property {(bytes: Uint8Array) => void} [data] What the board sent; copy it to keep it.
 * @property {(count: number) => void} [dropped] Bytes lost because this page was too slow.
 * @property {(count: number) => void} [refused] Bytes not sent because the board reads too slowly.
 * @property {(error: import("./errors.js").MooringError|null) => void} [closed] Once; null after `close()`.
 */

/** An open serial port; made by `Mooring.openSerial`. */
export class SerialChannel {
  #agent;
  #send;
  #open = true;

  /**
   * @param {{call: (method: string, params: object) => Promise<any>}} agent
   * @param {number} id
   * @param {SerialCallbacks} callbacks
   * @param {(bytes: Uint8Array<ArrayBuffer>) => void} send
   */
  constructor(agent, id, callbacks, send) {
    this.#agent = agent;
    this.#send = send;
    this.id = id;
    this.callbacks = callbacks;
  }

  /**
   * Send text, or bytes, to the board.
   *
   * @param {string|Uint8Array} data Text is answered by the agent; bytes are sent without an answer.
   */
  async write(data) {
    if (!this.#open) throw gone();
    if (typeof data === "string") {
      await this.#agent.call("serial.write", { channel: this.id, text: data });
      return;
    }
    for (let at = 0; at < data.length; at += SERIAL_CHUNK) {
      const part = data.subarray(at, at + SERIAL_CHUNK);
      const message = new Uint8Array(part.length + 1);
      message[0] = this.id;
      message.set(part, 1);
      this.#send(message);
    }
  }

  /** Release the port; may be called again. */
  async close() {
    if (!this.#open) return;
    this.end(null);
    await this.#agent.call("serial.close", { channel: this.id }).catch(() => {});
  }

  /** Called by the connection: the channel is over. @param {import("./errors.js").MooringError|null} error */
  end(error) {
    if (!this.#open) return;
    this.#open = false;
    this.callbacks.closed?.(error);
  }
}
