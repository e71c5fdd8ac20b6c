/** What can be done with a device that is in its cloud, and what it means. Pure. */

/**
 * @typedef {object} Act
 * @property {"renew"|"remove"} kind Of the job.
 * @property {string} label
 * @property {string} begin On the button that begins it.
 * @property {string} words What it means, said before.
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
  const words = "The device and its data are deleted in Blynk. What is lost with it is looked up first and shown to you; nothing happens before you agree.";
  return [...(here ? renew : []), { kind: "remove", label: "Remove…", begin: "See what is lost", words }];
}
