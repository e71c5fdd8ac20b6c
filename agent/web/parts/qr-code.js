/** A QR code of an address, for a telephone; dark on light in both colour schemes, as readers want it. */

import { View } from "../lib/dom.js";
import { qrCode } from "../lib/qr.js";
import { svg } from "./drawing.js";

/** Modules of empty space around a code (ISO/IEC 18004, 6.3.8). */
const QUIET = 4;

export class QrCode extends View {
  /** @param {string} text @param {string} label What it is a code of, for people who do not see it. */
  constructor(text, label) {
    super();
    const code = qrCode(text);
    this.hidden = code === null;
    if (!code) return;
    const size = code.rows.length + 2 * QUIET;
    const runs = code.rows.flatMap((row, y) => darkRuns(row).map(([x, length]) => `M${x + QUIET} ${y + QUIET}h${length}v1h-${length}z`));
    const drawing = { viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": label, "shape-rendering": "crispEdges" };
    this.append(svg("svg", drawing, svg("path", { d: runs.join("") })));
  }
}

/** Where dark modules begin in a row, and how many. @param {boolean[]} row @returns {[number, number][]} */
function darkRuns(row) {
  const text = row.map(Number).join("");
  return [...text.matchAll(/1+/g)].map((run) => [run.index, run[0].length]);
}

customElements.define("qr-code", QrCode);
