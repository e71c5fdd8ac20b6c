/** What can be done with a device that is in its cloud, and what it means. Pure. */

/**
 * @typedef {object} Act
 * @property {"renew"|"remove"|"reconfigure"|"clear"} kind Of the job; the last two are none.
 * @property {string} label
 * @property {string} begin On the button that begins it.
 * @property {string} words What it means, said before.
 * @property {string} [done] What is told afterwards, where it is not a job.
 */

/**
 * @param {string} cloud
 * @param {{here: boolean, client: boolean}} known `here`: its board is plugged in; `client`: the account can do it.
 * @returns {Act[]}
 */
export function actsOf(cloud, { here, client }) {
  if (!client) return [];
  return cloud === "nrf" ? nrfActs(here) : cloud === "blynk" ? blynkActs(here) : [];
}

/** @param {boolean} here @returns {Act[]} */
function nrfActs(here) {
  const told = here ? "It is told over the cable" : "It is not plugged in, so it is told over the air, as soon as it is online";
  return [
    {
      kind: "renew",
      label: "New keys…",
      begin: "Make new keys",
      words: `The board makes a new key for the cloud and forgets the one that it has; the device, its name and its history stay. ${told}, and is offline for a minute or so meanwhile.`,
    },
    {
      kind: "remove",
      label: "Release…",
      begin: "See what is lost",
      words: "Your team gives the board up, so that another can claim it. What is lost with it is looked up first and shown to you; nothing happens before you agree.",
    },
  ];
}

/** @param {boolean} here @returns {Act[]} */
function blynkActs(here) {
  /** @type {Act[]} */
  const renew = [
    {
      kind: "renew",
      label: "New token…",
      begin: "Make a new token",
      words: "Blynk makes a new token for the same device, and the board gets it; the device, its id and its data stay. The old token ends at once. The board needs its network again with it: have the password at hand.",
    },
  ];
  const removed = "The device and its data are deleted in Blynk. What is lost with it is looked up first and shown to you; nothing happens before you agree.";
  return [
    ...(here ? renew : []),
    { kind: "reconfigure", label: "Change network over the air…", begin: "Send it back", words: "" },
    { kind: "clear", label: "Erase its data…", begin: "Erase its data for good", words: "All that the device ever sent is erased in Blynk; this cannot be undone. The device, its token and its board stay as they are.", done: "Its data are erased." },
    { kind: "remove", label: "Remove…", begin: "See what is lost", words: removed },
  ];
}

/** Before a board is sent back to its configuration mode. @param {string} name */
export function sentBackWords(name) {
  return `${name} leaves its network at once, and is offline until somebody near it gives it another one: it cannot be called back. The device, its data and its token stay.`;
}

/** A board that hears nothing. @param {string} name */
export function offlineWords(name) {
  return `${name} is offline, so it cannot be told. At the board: hold its button for at least ten seconds, then release it. It forgets its settings, and its light flashes blue.`;
}
