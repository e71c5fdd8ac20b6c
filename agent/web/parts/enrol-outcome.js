/** How a job ended that gave a board its credentials: who has seen it, where its device is, what to do with a file. */

import { credentialsName, deliveryName, enrolWords, givesFile } from "../lib/enrol.js";
import { h } from "../lib/dom.js";
import { hasSerial } from "../lib/ports.js";
import { href } from "../lib/router.js";
import { isHere, webAddress } from "../lib/weblink.js";
import { pageLink } from "./page-link.js";
import { QrCode } from "./qr-code.js";
import { SecretFile } from "./secret-file.js";

/** @typedef {import("../types.js").Job} Job */

const AGAIN = "Mooring forgets the file after an hour, or when the agent ends. The credentials stay in the vault: set the board up again with the same name, and the file is made again.";

/** What becomes of each kind of file. @type {Record<string, import("./secret-file.js").FileWords>} */
const FILES = {
  header: {
    todo: ["Put it into the folder of your sketch, beside the file that has setup().", "Build the sketch with it, and upload it to the board."],
    hint: `It holds the credentials: keep it out of version control. ${AGAIN}`,
  },
  image: {
    todo: ["Flash it at the offset of the settings area, 0x9000 in the usual tables.", "On a board that was in use it takes away what its sketch had kept there."],
    hint: `It holds the credentials. ${AGAIN}`,
    saveAs: "mooring_nvs.bin",
  },
};

/** @param {import("../app.js").App} app @param {Job} job One that is done. @returns {HTMLElement} */
export function enrolOutcome(app, job) {
  const result = job.result ?? {};
  const { words, name, says } = enrolWords(result);
  const file = givesFile(result.delivery);
  const files = (result.files ?? []).map((/** @type {string} */ each) => new SecretFile(app, job, each, FILES[result.delivery]));
  const board = app.store.boards.get(job.board);
  const unseen = !file && !result.connected;
  return h(
    `div.outcome.${unseen ? "unseen" : "good"}`,
    {},
    h("p.online", {}, words, h("bdi", { dir: "auto" }, name)),
    unseen && result.notes?.length ? null : h("p", {}, says), // The notes say more about it.
    ...files,
    device(app, job),
    ...(result.notes ?? []).map((/** @type {string} */ note) => h("p", { dir: "auto" }, note)),
    facts(result),
    otherWays(result),
    h(
      "div.row",
      {},
      job.board ? h("a.button.quiet", { href: href("board", job.board) }, "Back to the board") : null,
      board && hasSerial(board) ? h("a.button.quiet", { href: href("board", job.board, "monitor") }, "Serial monitor") : null,
    ),
  );
}

/** The link to the device, also for a telephone. @param {import("../app.js").App} app @param {Job} job */
function device({ store }, job) {
  const result = job.result ?? {};
  const address = webAddress(result.link);
  const cloud = store.clouds.find(({ id }) => id === result.cloud);
  const title = cloud?.title ?? "its cloud";
  if (!address) {
    if (!cloud?.signed_in || cloud.account?.admin_user) return null;
    return h("p.soft.small", {}, `With an administrator in the account of ${title}, the link to the device stands here.`);
  }
  const here = isHere(address) ? h("p.soft.small", {}, "It leads to this computer: a telephone does not get there.") : null;
  return h(
    "div.device-link",
    {},
    new QrCode(address, `QR code of the link to ${result.device}`),
    h("div", {}, h("p", {}, `Its place in ${title}:`), h("p", {}, pageLink(address)), here),
  );
}

/** @param {Record<string, any>} result */
function facts(result) {
  const way = [deliveryName(result.delivery), result.delivery_reason].filter(Boolean).join(". ");
  const rows = /** @type {[string, any][]} */ ([
    ["Credentials", credentialsName(result.credentials)],
    ["Way to the board", way],
    ["Network", result.network],
    ["Hardware id", result.hardware_id],
    ["In the vault", result.entry ? h("a", { href: href("clouds", "vault") }, `entry ${result.entry}`) : ""],
  ]);
  const cells = rows.filter(([, value]) => value).flatMap(([term, value]) => [h("dt", {}, term), h("dd", { dir: "auto" }, value)]);
  return cells.length ? h("dl.small", {}, ...cells) : null;
}

/** What else the board was asked for, and what it said. @param {Record<string, any>} result */
function otherWays(result) {
  const others = (result.ways ?? []).filter((/** @type {any} */ way) => way.kind !== result.delivery);
  if (!others.length || givesFile(result.delivery)) return null;
  const cells = others.flatMap((/** @type {any} */ { label, why }) => [h("dt", {}, label), h("dd", { dir: "auto" }, why)]);
  return h("details.more.small", {}, h("summary", {}, "Other ways to the board"), h("dl.stacked", {}, ...cells));
}
