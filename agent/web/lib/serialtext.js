/** Bytes of a board as text that can be shown: nothing hidden, nothing that acts. Pure. */

/** C0 controls except tab and newline, DEL, C1 controls, and what reorders or hides text. */
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** What ASCII calls its control characters. */
const NAMES = (
  "NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI " +
  "DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US"
).split(" ");

/** A character made visible: `⟨ESC⟩`, or `⟨U+202E⟩` for a direction override. */
function shown(/** @type {string} */ char) {
  const code = char.charCodeAt(0);
  const name = code === 0x7f ? "DEL" : NAMES[code];
  return `⟨${name ?? `U+${code.toString(16).toUpperCase().padStart(4, "0")}`}⟩`;
}

/** Decodes a stream of chunks: UTF-8 and line ends may be cut anywhere. */
export class SerialText {
  #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #heldReturn = false;

  /** The text of the next chunk, with `\n` as the only line end. */
  decode(/** @type {Uint8Array} */ bytes) {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (!text) return "";
    if (this.#heldReturn) text = `\r${text}`;
    this.#heldReturn = text.endsWith("\r");
    if (this.#heldReturn) text = text.slice(0, -1);
    return text.replace(/\r\n/g, "\n").replace(UNSEEN, shown);
  }

  /** What is left at the end of the stream. */
  finish() {
    const text = this.#decoder.decode() + (this.#heldReturn ? "\r" : "");
    this.#heldReturn = false;
    return text.replace(UNSEEN, shown);
  }
}

/** The newest text in blocks that end at line ends, within a bound; counts what it let go. */
export class Scrollback {
  /** @type {string[]} */ blocks = [];
  /** Number of the first block, counted from the beginning of time. */
  first = 0;
  /** Characters kept. */
  length = 0;
  /** Characters that are no longer kept. */
  lost = 0;

  /** @param {number} limit Characters kept. @param {number} blockSize Characters per block. */
  constructor(limit, blockSize) {
    this.limit = limit;
    this.blockSize = blockSize;
  }

  add(/** @type {string} */ text) {
    this.length += text.length;
    let open = (this.blocks.pop() ?? "") + text;
    while (open.length > this.blockSize) {
      // A line longer than a block is the only thing that is ever cut elsewhere.
      const cut = open.lastIndexOf("\n", this.blockSize - 1) + 1 || this.blockSize;
      this.blocks.push(open.slice(0, cut));
      open = open.slice(cut);
    }
    this.blocks.push(open);
    while (this.length > this.limit && this.blocks.length > 1) {
      const oldest = /** @type {string} */ (this.blocks.shift());
      this.length -= oldest.length;
      this.lost += oldest.length;
      this.first += 1;
    }
  }

  clear() {
    this.first += this.blocks.length;
    this.blocks = [];
    this.length = 0;
    this.lost = 0;
  }

  text() {
    return this.blocks.join("");
  }
}
