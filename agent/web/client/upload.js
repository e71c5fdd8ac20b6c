/** Sending a file for a board: its bytes in order, and proof that they have arrived. */

/** Bytes of one binary message, well below the agent's limit. */
const MESSAGE = 65_536;
/** Bytes that may be under way: enough to keep the agent busy, little for the memory of a page. */
const UNDER_WAY = 8 * MESSAGE;

/**
 * @param {Uint8Array} bytes
 * @param {number} number First byte of each message.
 * @param {(message: Uint8Array<ArrayBuffer>) => void} send
 * @param {() => Promise<any>} arrived Resolves when the agent has everything that was sent before.
 * @param {(done: number, total: number) => void} [onProgress]
 */
export async function sendFile(bytes, number, send, arrived, onProgress) {
  for (let at = 0; at < bytes.length; ) {
    const stop = Math.min(at + UNDER_WAY, bytes.length);
    for (; at < stop; at += MESSAGE) {
      const part = bytes.subarray(at, Math.min(at + MESSAGE, stop));
      const message = new Uint8Array(part.length + 1);
      message[0] = number;
      message.set(part, 1);
      send(message);
    }
    await arrived();
    onProgress?.(stop, bytes.length);
  }
}
