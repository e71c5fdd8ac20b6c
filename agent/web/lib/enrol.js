/** Clouds that give a board credentials of its own, in words. Pure. */

/** @typedef {import("../types.js").CloudInfo} CloudInfo */
/** @typedef {import("../types.js").Choice} Choice */
/** @typedef {import("../types.js").Job} Job */
/** @typedef {import("../types.js").DeviceLook} DeviceLook */
/** @typedef {import("../types.js").ProfileLook} ProfileLook */

const ENROL_CLOUDS = new Set(["thingsboard"]);

/** Id of “no choice of the person's own”, which is left out of a request. */
export const AUTO = "auto";

/** True for a cloud that gives credentials to boards. @param {CloudInfo|undefined} cloud */
export function enrols(cloud) {
  return ENROL_CLOUDS.has(cloud?.id ?? "");
}

/** True for a job that gives a board its credentials. @param {Job} job */
export function isEnrolment(job) {
  return job.kind === "restore" || (job.kind === "provision" && ENROL_CLOUDS.has(job.request?.cloud));
}

/** True for a job after which the vault may hold something else. @param {Job} job */
export function changesVault(job) {
  return isEnrolment(job) || job.kind === "remove" || job.request?.cloud === "blynk";
}

/**
 * What was removed with a device, as lines.
 *
 * @param {Record<string, any>} result
 * @returns {string[]}
 */
export function removedWords(result) {
  const deleted = /** @type {Record<string, string>} */ ({
    administrator: "The device and its history are deleted in the cloud.",
    person: "You deleted the device in the cloud.",
    absent: "The cloud had no such device any more.",
  })[result.deleted];
  const gone = result.forgotten?.length ?? 0;
  return [
    ...(deleted ? [deleted] : []),
    result.erased ? "Its settings are erased on the board." : "Nothing was changed on a board.",
    ...(gone ? [gone === 1 ? "Its entry in the vault is erased." : `Its ${gone} entries in the vault are erased.`] : []),
  ];
}

/** What each kind of credentials is good for. */
const CREDENTIALS = /** @type {Record<string, string>} */ ({
  access_token: "One secret word, made here. Works over MQTT, HTTP and CoAP.",
  mqtt_basic: "Client id, user name and password, made here. MQTT only.",
  certificate: "A key made here, which only the board gets. Needs an encrypted connection.",
});

/** The kinds that a device schema offers. @param {import("../types.js").Schema} schema @returns {Choice[]} */
export function credentialChoices(schema) {
  const kinds = /** @type {{const: string, title: string}[]} */ (schema.properties?.credentials?.oneOf ?? []);
  return kinds.map(({ const: id, title }) => ({ id, label: title, detail: CREDENTIALS[id] ?? "" }));
}

/** How settings can reach a board. @type {Choice[]} */
export const DELIVERIES = [
  { id: AUTO, label: "As the board answers", detail: "Mooring asks the board, takes what changes the least, and says what it was." },
  { id: "console", label: "Serial console of the sketch", detail: "The sketch takes settings line by line. Nothing is written over." },
  { id: "repl", label: "File on the board", detail: "MicroPython and CircuitPython." },
  { id: "nvs", label: "Settings area of an ESP32 (NVS)", detail: "Written beside the sketch, which stays." },
  { id: "header", label: "Header file for your sketch", detail: "Nothing is put on the board: you build the file into your sketch." },
  { id: "image", label: "NVS image as a file", detail: "Nothing is put on the board: you flash it with a tool of your own." },
];

/** Ways that end with a file, with the board left alone. */
export function givesFile(/** @type {unknown} */ delivery) {
  return delivery === "header" || delivery === "image";
}

/** How a delivery is called. */
export function deliveryName(/** @type {unknown} */ delivery) {
  return DELIVERIES.find(({ id }) => id === delivery && id !== AUTO)?.label ?? "";
}

/** How credentials are called that somebody has. */
export function credentialsName(/** @type {unknown} */ kind) {
  const names = /** @type {Record<string, string>} */ ({ access_token: "access token", mqtt_basic: "MQTT login", certificate: "certificate" });
  return names[String(kind)] ?? "";
}

/** What a profile does with a name that nobody has. @param {ProfileLook} profile @returns {string} */
function free({ name, strategy }) {
  const profile = `Your profile ${name}`;
  return {
    create: `${profile} makes it.`,
    prepared: `${profile} takes only devices that were prepared there, and refuses it.`,
    chain: `${profile} makes devices by a chain of certificates, not on request.`,
    off: `In your profile ${name} provisioning is switched off.`,
    unknown: "",
  }[strategy];
}

/**
 * The strategy of a profile in one sentence.
 *
 * @param {ProfileLook|null} profile Null: nobody knows it.
 * @param {string} otherwise What is said then.
 */
export function profileWords(profile, otherwise) {
  const { name = "", strategy = "unknown" } = profile ?? {};
  return (
    {
      create: `Your profile ${name} makes a device under a name that nobody has, and refuses one that exists.`,
      prepared: `Your profile ${name} takes devices that were prepared there: each gives its stored credentials once, to the board that has its name. Other names are refused.`,
      chain: `Your profile ${name} makes devices by a chain of certificates, when a board connects; a request is refused.`,
      off: `In your profile ${name} provisioning is switched off: every request is refused.`,
      unknown: otherwise,
    }[strategy] ?? otherwise
  );
}

/**
 * What a name means that was looked up.
 *
 * @param {DeviceLook|null} device Null: nobody has the name.
 * @param {string} name
 * @param {ProfileLook|null} [profile] In which the account makes devices, if that is known.
 * @returns {{good: boolean, text: string}}
 */
export function lookWords(device, name, profile = null) {
  if (!device && profile) return { good: profile.strategy === "create", text: `Nobody has the name ${name} yet. ${free(profile)}`.trim() };
  if (!device) {
    return { good: true, text: `Nobody has the name ${name} yet. A profile that creates devices makes it; one that takes prepared devices only refuses it.` };
  }
  const where = device.profile ? ` in the profile ${device.profile}` : "";
  const other = device.ours ? "" : " That is not the profile of your key.";
  const text = {
    create: `${name} exists already${where}, which only creates devices: the server refuses it. The job then asks whether it is this board.`,
    prepared: device.used_up
      ? `${name} was prepared${where} and has given its credentials to a board before. The job asks whether the administrator frees it; its history stays.`
      : `${name} is prepared${where}: it gives its credentials once, to this board.`,
    chain: `${name} exists${where}, whose devices prove themselves with a chain of certificates. They are not made by a request.`,
    off: `${name} exists${where}, where provisioning is switched off.`,
    unknown: `${name} exists already${where}.`,
  }[device.strategy];
  return { good: device.strategy === "prepared" && !device.used_up && device.ours, text: text + other };
}

/**
 * How a board that got its credentials is announced: words, and the name behind them.
 *
 * @param {Record<string, any>} result
 * @returns {{words: string, name: string, says: string}} `says`: who has seen it, or that nobody has.
 */
export function enrolWords(result) {
  const name = String(result.device ?? "");
  if (givesFile(result.delivery)) return { words: "Registered as ", name, says: "The board was not touched. It connects when it has the file." };
  if (result.connected === "board") return { words: "Connected as ", name, says: "The board says that it is connected." };
  if (result.connected === "server") return { words: "Connected as ", name, says: "The server has seen it." };
  return { words: "Has its settings as ", name, says: "Nobody has seen it connected yet." };
}
