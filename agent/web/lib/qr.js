/**
 * QR codes of short texts, such as addresses: bytes, correction level M, versions 1 to 15. Pure.
 *
 * Names and numbers are those of ISO/IEC 18004. Up to 412 bytes fit.
 */

/** Correction codewords of a block and number of blocks at level M, by version (table 9). */
const BLOCKS = [
  [0, 0], [10, 1], [16, 1], [26, 1], [18, 2], [24, 2], [16, 4], [18, 4],
  [22, 4], [22, 5], [26, 5], [30, 5], [22, 8], [22, 9], [24, 9], [24, 10],
];

const LEVEL_M = 0;
const BYTE_MODE = 0b0100;

/** Masks as functions of row and column (table 10): true turns a module over. */
const MASKS = [
  (/** @type {number} */ r, /** @type {number} */ c) => (r + c) % 2 === 0,
  (/** @type {number} */ r) => r % 2 === 0,
  (/** @type {number} */ _, /** @type {number} */ c) => c % 3 === 0,
  (/** @type {number} */ r, /** @type {number} */ c) => (r + c) % 3 === 0,
  (/** @type {number} */ r, /** @type {number} */ c) => (Math.floor(r / 2) + Math.floor(c / 3)) % 2 === 0,
  (/** @type {number} */ r, /** @type {number} */ c) => ((r * c) % 2) + ((r * c) % 3) === 0,
  (/** @type {number} */ r, /** @type {number} */ c) => (((r * c) % 2) + ((r * c) % 3)) % 2 === 0,
  (/** @type {number} */ r, /** @type {number} */ c) => (((r + c) % 2) + ((r * c) % 3)) % 2 === 0,
];

/**
 * The modules of a text, row by row without the quiet zone around them; null if it is too long.
 *
 * @param {string} text
 * @returns {{version: number, mask: number, rows: boolean[][]}|null}
 */
export function qrCode(text) {
  const bytes = new TextEncoder().encode(text);
  const version = BLOCKS.findIndex((_, v) => v > 0 && headBits(v) + 8 * bytes.length <= 8 * dataCodewords(v));
  if (version < 1) return null;
  const { rows, fixed } = frame(version);
  place(rows, fixed, interleaved(codewords(bytes, version), version));
  const tried = MASKS.map((_, mask) => masked(rows, fixed, mask));
  const costs = tried.map(penalty);
  const mask = costs.indexOf(Math.min(...costs));
  return { version, mask, rows: tried[mask] };
}

// --- how much fits ---

/** Bits of mode and length. @param {number} version */
function headBits(version) {
  return 4 + (version < 10 ? 8 : 16);
}

/** Modules that are not part of a pattern. @param {number} version */
function freeModules(version) {
  const count = version < 2 ? 0 : Math.floor(version / 7) + 2;
  const aligned = count ? (25 * count - 10) * count - 55 : 0;
  return (16 * version + 128) * version + 64 - aligned - (version < 7 ? 0 : 36);
}

/** @param {number} version */
function dataCodewords(version) {
  const [correction, blocks] = BLOCKS[version];
  return Math.floor(freeModules(version) / 8) - correction * blocks;
}

// --- the bits ---

/** @param {Uint8Array} bytes @param {number} version @returns {number[]} */
function codewords(bytes, version) {
  const room = dataCodewords(version);
  /** @type {number[]} */ const bits = [];
  const put = (/** @type {number} */ value, /** @type {number} */ length) => {
    for (let at = length - 1; at >= 0; at -= 1) bits.push((value >> at) & 1);
  };
  put(BYTE_MODE, 4);
  put(bytes.length, headBits(version) - 4);
  bytes.forEach((byte) => put(byte, 8));
  put(0, Math.min(4, 8 * room - bits.length));
  put(0, (8 - (bits.length % 8)) % 8);
  const words = Array.from({ length: bits.length / 8 }, (_, at) => bits.slice(8 * at, 8 * at + 8).reduce((word, bit) => word * 2 + bit, 0));
  for (let pad = 0xec; words.length < room; pad ^= 0xec ^ 0x11) words.push(pad);
  return words;
}

/** Product in the field of 256 elements modulo x⁸+x⁴+x³+x²+1. @param {number} a @param {number} b */
function times(a, b) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) product = (product << 1) ^ ((product >> 7) * 0x11d) ^ (((b >> bit) & 1) * a);
  return product;
}

/** Reed–Solomon remainder. @param {number[]} data @param {number} degree */
function correctionOf(data, degree) {
  let generator = [1];
  for (let power = 0, root = 1; power < degree; power += 1, root = times(root, 2)) {
    generator = [...generator, 0].map((each, at) => each ^ (at ? times(generator[at - 1], root) : 0));
  }
  const rest = Array(degree).fill(0);
  for (const word of data) {
    const factor = word ^ rest[0];
    rest.shift();
    rest.push(0);
    for (let at = 0; at < degree; at += 1) rest[at] ^= times(generator[at + 1], factor);
  }
  return rest;
}

/** Data and correction of all blocks, one codeword of each in turn. @param {number[]} words @param {number} version */
function interleaved(words, version) {
  const [degree, count] = BLOCKS[version];
  const short = Math.floor(words.length / count);
  const long = words.length % count; // So many blocks at the end have one more.
  let at = 0;
  const blocks = Array.from({ length: count }, (_, number) => {
    const length = short + (number >= count - long ? 1 : 0);
    at += length;
    return words.slice(at - length, at);
  });
  const inTurn = (/** @type {number[][]} */ lists) =>
    Array.from({ length: Math.max(...lists.map((list) => list.length)) }, (_, place) => lists.flatMap((list) => (place < list.length ? [list[place]] : []))).flat();
  return [...inTurn(blocks), ...inTurn(blocks.map((block) => correctionOf(block, degree)))];
}

// --- the modules ---

/** The patterns that every code of a version has, and which modules they take. @param {number} version */
function frame(version) {
  const size = 17 + 4 * version;
  const rows = Array.from({ length: size }, () => /** @type {boolean[]} */ (Array(size).fill(false)));
  const fixed = rows.map((row) => [...row]);
  const set = (/** @type {number} */ r, /** @type {number} */ c, /** @type {boolean} */ dark) => {
    if (r < 0 || c < 0 || r >= size || c >= size) return;
    rows[r][c] = dark;
    fixed[r][c] = true;
  };
  for (let at = 0; at < size; at += 1) {
    set(6, at, at % 2 === 0);
    set(at, 6, at % 2 === 0);
  }
  const square = (/** @type {number} */ row, /** @type {number} */ column, /** @type {number} */ reach, /** @type {number[]} */ dark) => {
    for (let r = -reach; r <= reach; r += 1) {
      for (let c = -reach; c <= reach; c += 1) set(row + r, column + c, dark.includes(Math.max(Math.abs(r), Math.abs(c))));
    }
  };
  const far = size - 7;
  for (const row of centres(version)) {
    for (const column of centres(version)) {
      const atFinder = (row === 6 && column === 6) || (row === 6 && column === far) || (row === far && column === 6);
      if (!atFinder) square(row, column, 2, [0, 2]);
    }
  }
  for (const [row, column] of [[3, 3], [3, size - 4], [size - 4, 3]]) square(row, column, 4, [0, 1, 3]);
  formatModules(size).forEach(([r, c]) => set(r, c, false));
  set(size - 8, 8, true);
  if (version >= 7) {
    const bits = (version << 12) | remainder(version, 12, 0x1f25);
    for (let bit = 0; bit < 18; bit += 1) {
      const [a, b] = [Math.floor(bit / 3), size - 11 + (bit % 3)];
      set(a, b, Boolean((bits >> bit) & 1));
      set(b, a, Boolean((bits >> bit) & 1));
    }
  }
  return { rows, fixed };
}

/** Rows and columns of the alignment patterns (annex E). @param {number} version @returns {number[]} */
function centres(version) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = Math.ceil((4 * version + 4) / (2 * count - 2)) * 2;
  return [6, ...Array.from({ length: count - 1 }, (_, at) => 4 * version + 10 - step * (count - 2 - at))];
}

/** Where the 15 bits of the format are, twice, the lowest bit first. @param {number} size @returns {number[][]} */
function formatModules(size) {
  const near = Array.from({ length: 15 }, (_, bit) => (bit < 6 ? [bit, 8] : bit < 8 ? [bit + 1, 8] : bit === 8 ? [8, 7] : [8, 14 - bit]));
  const far = Array.from({ length: 15 }, (_, bit) => (bit < 8 ? [8, size - 1 - bit] : [size - 15 + bit, 8]));
  return [...near, ...far];
}

/** Check bits of a short number. @param {number} value @param {number} length @param {number} polynomial */
function remainder(value, length, polynomial) {
  let rest = value;
  for (let bit = 0; bit < length; bit += 1) rest = (rest << 1) ^ ((rest >> (length - 1)) * polynomial);
  return rest;
}

/** Put codewords where nothing else is, two columns at a time, up and down. @param {boolean[][]} rows @param {boolean[][]} fixed @param {number[]} words */
function place(rows, fixed, words) {
  const size = rows.length;
  let bit = 0;
  for (let right = size - 1, up = true; right > 0; right -= right === 8 ? 3 : 2, up = !up) {
    for (let step = 0; step < size; step += 1) {
      const row = up ? size - 1 - step : step;
      for (const column of [right, right - 1]) {
        if (fixed[row][column]) continue;
        rows[row][column] = Boolean(((words[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
        bit += 1;
      }
    }
  }
}

/** @param {boolean[][]} rows @param {boolean[][]} fixed @param {number} mask */
function masked(rows, fixed, mask) {
  const turned = rows.map((row, r) => row.map((dark, c) => dark !== (!fixed[r][c] && MASKS[mask](r, c))));
  const data = (LEVEL_M << 3) | mask;
  const bits = ((data << 10) | remainder(data, 10, 0x537)) ^ 0x5412;
  formatModules(rows.length).forEach(([r, c], at) => (turned[r][c] = Boolean((bits >> at % 15) & 1)));
  return turned;
}

/** How hard a code is to read (7.8.3); the mask with the least is taken. @param {boolean[][]} rows */
function penalty(rows) {
  const size = rows.length;
  const columns = rows.map((_, c) => rows.map((row) => row[c]));
  let cost = 0;
  let dark = 0;
  for (const line of [...rows, ...columns]) {
    const text = line.map(Number).join("");
    for (const [run] of text.matchAll(/0{5,}|1{5,}/g)) cost += run.length - 2;
    cost += 40 * [...text.matchAll(/(?=10111010000|00001011101)/g)].length;
  }
  rows.forEach((row, r) =>
    row.forEach((on, c) => {
      dark += Number(on);
      const next = rows[r + 1];
      if (c + 1 < size && next && on === row[c + 1] && on === next[c] && on === next[c + 1]) cost += 3;
    }),
  );
  return cost + 10 * Math.floor(Math.abs((dark * 20) / (size * size) - 10));
}
