/** Signal strength in words and bars. Pure. */

/** dBm from which a Wi-Fi network has 4, 3, 2 bars; below the last it has one. */
const WIFI = [-55, -67, -78];
/** The same for a board over Bluetooth: on the desk, in the room, next door. Such links carry further. */
const AIR = [-60, -72, -84];
const WORDS = ["weak", "fair", "good", "strong"];

/** 1 to 4. @param {number} rssi @param {boolean} [air] A board over Bluetooth, not a network. */
export function bars(rssi, air = false) {
  const step = (air ? AIR : WIFI).findIndex((limit) => rssi >= limit);
  return step < 0 ? 1 : 4 - step;
}

/** “strong”, “good”, “fair” or “weak”. @param {number} rssi @param {boolean} [air] */
export function strength(rssi, air = false) {
  return WORDS[bars(rssi, air) - 1];
}
