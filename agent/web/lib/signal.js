/** Signal strength in words and bars. Pure. */

/** dBm from which a signal has 4, 3, 2 bars; below the last it has one. */
const STEPS = [-55, -67, -78];
const WORDS = ["weak", "fair", "good", "strong"];

/** 1 to 4. */
export function bars(/** @type {number} */ rssi) {
  const step = STEPS.findIndex((limit) => rssi >= limit);
  return step < 0 ? 1 : 4 - step;
}

/** “strong”, “good”, “fair” or “weak”. */
export function strength(/** @type {number} */ rssi) {
  return WORDS[bars(rssi) - 1];
}
