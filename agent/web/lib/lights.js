/** What the light of a board with Blynk's firmware says, in words and as a drawing. Pure. */

/**
 * @typedef {object} Light One thing that the light says; as in the agent's `protocols/blynk/leds.py`.
 * @property {string} state
 * @property {string} meaning
 * @property {string} colour Of {@link COLOURS}.
 * @property {number[]} [rhythm] Milliseconds on, off, on, off …, and from the start again.
 * @property {number} [breath] Brighter and darker once in so many milliseconds, instead of a rhythm.
 */

/** How the colours of such a board are drawn. @type {Record<string, string>} */
export const COLOURS = {
  blue: "#0d36ff",
  green: "#00ff00",
  turquoise: "#2effb9",
  magenta: "#a700ff",
  red: "#ff1008",
  white: "#ffffe7",
  yellow: "#ffff00",
};

const WAITING = "It waits for its settings: now it can be set up.";
const UPDATE = "It installs new firmware: do not unplug it.";
const ERROR = "It could not go online; it restarts by itself in some seconds.";
const HELD = "The button is held: hold it until the light changes to reset the board.";
const RELEASE = "Release the button now, and the board forgets its settings.";

/** By generation of the firmware. @type {Record<1|2, Light[]>} */
export const LIGHTS = {
  1: [
    { state: "waiting", meaning: WAITING, colour: "blue", rhythm: [50, 500] },
    { state: "configuring", meaning: "Somebody is setting it up.", colour: "blue", rhythm: [200, 200] },
    { state: "joining", meaning: "It joins the network.", colour: "turquoise", rhythm: [50, 500] },
    { state: "connecting", meaning: "It connects to Blynk.", colour: "turquoise", rhythm: [100, 100] },
    { state: "running", meaning: "It is online.", colour: "turquoise", breath: 5000 },
    { state: "update", meaning: UPDATE, colour: "magenta", rhythm: [50, 50] },
    { state: "error", meaning: ERROR, colour: "red", rhythm: [80, 100, 80, 1000] },
    { state: "held", meaning: HELD, colour: "white", breath: 1000 },
    { state: "release", meaning: RELEASE, colour: "white", rhythm: [100, 100] },
  ],
  2: [
    { state: "idle", meaning: "Nobody has set it up for a while, so it cannot be reached: restart it, or reset it.", colour: "yellow", rhythm: [50, 2000] },
    { state: "waiting", meaning: WAITING, colour: "blue", rhythm: [50, 500] },
    { state: "connecting", meaning: "It joins the network or connects to Blynk.", colour: "green", rhythm: [50, 500] },
    { state: "running", meaning: "It is online.", colour: "turquoise", breath: 5000 },
    { state: "update", meaning: UPDATE, colour: "magenta", breath: 5000 },
    { state: "error", meaning: ERROR, colour: "red", rhythm: [80, 100, 80, 1000] },
    { state: "held", meaning: HELD, colour: "white", breath: 1000 },
    { state: "release", meaning: RELEASE, colour: "white", rhythm: [50, 200] },
  ],
};

/** Seconds for which the button is held at least; what counts is that it is then released. */
export const RESET_HOLD_S = 10;
/** Who holds it longer resets nothing, with newer firmware. */
export const CANCEL_HOLD_S = 20;

/** The light of a board that waits for its settings. */
export const WAITS = LIGHTS[1][0];

/** How a light looks, as a person would say it. @param {Light} light */
export function lookOf({ colour, rhythm = [], breath = 0 }) {
  if (breath) return `${colour}, ${breath > 2000 ? "slowly" : "quickly"} getting brighter and darker`;
  if (rhythm.length > 2) return `${colour}, two short flashes and a pause`;
  const [on, off] = rhythm;
  if (off >= 1000) return `${colour}, a short flash every ${Math.round((on + off) / 1000)} s`;
  if (off > 2 * on) return `${colour}, short flashes`;
  return `${colour}, blinking ${on >= 200 ? "slowly" : "fast"}`;
}

/** A flash is drawn at least so long apart from the next: more than three in a second can do harm (WCAG 2.3.1). */
const FLASH_MS = 334;
/** Shorter flashes than this are not seen on a screen. */
const SEEN_MS = 50;
const DARK = 0.12;

/** @typedef {{duration: number, frames: {offset: number, opacity: number, easing: string}[]}} Motion For `Element.animate`. */

/** How a light is drawn. @param {Light} light @returns {Motion} */
export function motionOf({ rhythm = [], breath = 0 }) {
  if (breath) {
    const frames = [0, 0.5, 1].map((offset) => ({ offset, opacity: offset === 0.5 ? 1 : DARK, easing: "ease-in-out" }));
    return { duration: breath, frames };
  }
  // A long pause makes up for two flashes that are near each other.
  const flashes = rhythm.length / 2;
  const whole = rhythm.reduce((sum, part) => sum + part, 0);
  const stretch = Math.max(1, (FLASH_MS * flashes) / whole);
  const parts = rhythm.map((part) => Math.max(SEEN_MS, part * stretch));
  const duration = parts.reduce((sum, part) => sum + part, 0);
  let at = 0;
  const frames = parts.map((part, index) => {
    const frame = { offset: at / duration, opacity: index % 2 ? DARK : 1, easing: "steps(1, end)" };
    at += part;
    return frame;
  });
  return { duration, frames: [...frames, { offset: 1, opacity: 1, easing: "linear" }] };
}

/** @typedef {{light: Light, firmware: ""|"older"|"newer"}} Shown `firmware`: which one says so, if not both. */

/** All that the light can say, each thing once. @returns {Shown[]} */
export function allLights() {
  const same = (/** @type {Light} */ a, /** @type {Light} */ b) => a.state === b.state && lookOf(a) === lookOf(b) && a.meaning === b.meaning;
  const older = LIGHTS[1].map((light) => ({ light, firmware: LIGHTS[2].some((other) => same(light, other)) ? "" : "older" }));
  const newer = LIGHTS[2].filter((light) => !LIGHTS[1].some((other) => same(light, other))).map((light) => ({ light, firmware: "newer" }));
  const all = /** @type {Shown[]} */ ([...older, ...newer]);
  const places = ["waiting", "configuring", "joining", "connecting", "running", "error", "idle", "update", "held", "release"];
  return all.sort((a, b) => places.indexOf(a.light.state) - places.indexOf(b.light.state));
}
