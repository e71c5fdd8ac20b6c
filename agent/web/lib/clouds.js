/** What clouds are, and which of them a board can be set up with, in words. Pure. */

/** @typedef {import("../types.js").Board} Board */
/** @typedef {import("../types.js").CloudInfo} CloudInfo */
/** @typedef {import("../types.js").Job} Job */

/** Clouds whose boards are set up in a way of their own, each with a form of its own. */
const OWN_FORM = new Set(["thingsboard", "nrf", "blynk"]);

/** Kinds of network that boards with Blynk's firmware are given from here. */
export const BLYNK_KINDS = ["wifi", "ethernet"];

/** Models with a modem whose identity only nRF Cloud knows. */
const NRF_MODEL = /^(thingy91|nrf91)/;

/** Models for which there is firmware of Blynk; of others nobody can tell by their port. */
const BLYNK_MODEL = /^(esp(32|8266)|nano_esp32|wio_terminal|uno_r4_wifi|mkr_wifi_1010|nano_33_iot|nano_rp2040_connect|pico_w)/;

/** True for a cloud that is not chosen in the form for all boards. @param {CloudInfo|undefined} cloud */
export function hasOwnForm(cloud) {
  return OWN_FORM.has(cloud?.id ?? "");
}

/** True for a cloud that people can have an account of. @param {CloudInfo} cloud */
export function takesAccount(cloud) {
  return cloud.needs_account || Object.keys(cloud.account_schema.properties ?? {}).length > 0;
}

/** Whatever a board may be. @param {Board} board */
function models(board) {
  return board.model ? [board.model] : (board.candidates ?? []);
}

/** True for a board that nothing but nRF Cloud can give an identity. @param {Board|undefined} board */
export function isNrf(board) {
  if (!board) return false;
  return board.provisioning.installed === "nrf" || (models(board).length > 0 && models(board).every((id) => NRF_MODEL.test(id)));
}

/** True for a board that said it has the firmware of Blynk. @param {Board|undefined} board */
export function isBlynk(board) {
  return board?.provisioning.installed === "blynk";
}

/** True for a board that may have the firmware of Blynk, as far as its port tells. @param {Board} board */
export function mayBeBlynk(board) {
  if (isNrf(board) || board.provisioning.installed === "improv") return false;
  return isBlynk(board) || !models(board).length || models(board).some((id) => BLYNK_MODEL.test(id));
}

/**
 * The clouds with forms of their own that are offered for a board; the first fits best.
 *
 * @param {Board} board
 * @param {CloudInfo[]} clouds
 * @param {{free: boolean, cable: boolean}} known `free`: nothing else can be done with it.
 * @returns {string[]}
 */
export function formsFor(board, clouds, { free, cable }) {
  const cloud = (/** @type {string} */ id) => clouds.find((each) => each.id === id);
  if (isNrf(board)) return cloud("nrf") && cable ? ["nrf"] : [];
  if (isBlynk(board)) return cloud("blynk") ? ["blynk"] : [];
  if (!cable) return [];
  const offered = (/** @type {string} */ id, /** @type {boolean} */ alone) => Boolean(cloud(id) && (cloud(id)?.signed_in || alone));
  const blynk = mayBeBlynk(board) && offered("blynk", !board.provisioning.supported.length);
  return [...(offered("thingsboard", free) ? ["thingsboard"] : []), ...(blynk ? ["blynk"] : [])];
}

/** @typedef {{text: string, link: string, label: string}} Source Where what an account needs is found. */

/** @type {Record<string, Source>} */
const SOURCES = {
  nrf: {
    text: "The API key of one team: boards are claimed for it.",
    link: "https://nrfcloud.com/#/account",
    label: "Open your account there",
  },
  blynk: {
    text: "If your plan has the platform interface, make an OAuth client in the console (Developer Zone, OAuth 2.0): then Mooring asks for a token by itself.",
    link: "https://blynk.cloud/dashboard/",
    label: "Open Blynk.Console",
  },
};

/** Where the parts of an account are found; null: the cloud's own words suffice. @param {CloudInfo} cloud @returns {Source|null} */
export function sourceOf(cloud) {
  return SOURCES[cloud.id] ?? null;
}

/** What an account is good for, where one can do without. @param {CloudInfo} cloud */
export function withoutAccount(cloud) {
  const server = cloud.account?.server;
  return `Without an OAuth client you paste the token of each device${server ? `; it belongs to ${server}` : ""}.`;
}

/** Where people see the devices of an account; empty: nobody knows. @param {CloudInfo} cloud */
export function consoleLink(cloud) {
  const server = cloud.account?.server ?? "";
  return /^[a-z0-9.-]*blynk\.cloud$/.test(server) ? `https://${server}/dashboard/` : "";
}

/** The cloud of a job that is done in a way of its own; empty: none. @param {Job} job */
export function ownCloud(job) {
  const cloud = job.request?.cloud ?? job.result?.cloud ?? "";
  return cloud === "nrf" || cloud === "blynk" ? cloud : "";
}

/**
 * The device that a board is in such a cloud, as the newest of its jobs tells; null: none, or it was removed.
 *
 * @param {Job[]} jobs Newest first.
 * @param {string} board
 * @param {string} cloud
 * @returns {Record<string, any>|null} The result of that job.
 */
export function deviceOf(jobs, board, cloud) {
  const own = jobs.filter((job) => job.board === board && job.state === "done" && ownCloud(job) === cloud);
  const last = own.find(({ kind, result }) => kind === "remove" || result?.device_id || result?.device);
  return last && last.kind !== "remove" ? (last.result ?? null) : null;
}

/**
 * The same where no job tells: a board that was read says whether the team has it, and whether it has been online.
 *
 * @param {import("./store.js").Store} store
 * @param {string} board
 * @param {string} cloud
 * @returns {Record<string, any>|null}
 */
export function knownDevice(store, board, cloud) {
  const modem = cloud === "nrf" ? store.reading(board)?.facts?.modem : null;
  const read = modem?.claimed && modem.onboarded !== false && modem.device_id ? { device_id: modem.device_id, link: modem.link } : null;
  return deviceOf(store.work(), board, cloud) ?? read;
}

/** Texts that a person typed with commas between. @param {string} text */
export function listed(text) {
  return [...new Set(text.split(",").map((part) => part.trim()).filter(Boolean))];
}

/** What was pasted in the place of a token, told without showing it. @param {string} text */
export function pastedWords(text) {
  if (!/#\s*define/.test(text)) return "";
  const template = text.match(/BLYNK_TEMPLATE_ID\s+"([^"]{1,40})"/)?.[1];
  if (!/BLYNK_AUTH_TOKEN\s+"/.test(text)) return "These lines have no BLYNK_AUTH_TOKEN.";
  return template ? `The token is taken from these lines, and the template ${template}.` : "The token is taken from these lines.";
}
