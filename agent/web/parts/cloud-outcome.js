/** How a job with a board of nRF Cloud or Blynk ended well: its device, what was done, where to go. */

import { ownCloud } from "../lib/clouds.js";
import { cloudDone, cloudFacts } from "../lib/cloudwords.js";
import { h } from "../lib/dom.js";
import { hasSerial } from "../lib/ports.js";
import { href } from "../lib/router.js";
import { CloudDevice } from "./cloud-device.js";

/** @typedef {import("../types.js").Job} Job */

/** @param {import("../app.js").App} app @param {Job} job One that is done. @returns {HTMLElement|null} Null: it is not of these. */
export function cloudOutcome(app, job) {
  const cloud = ownCloud(job);
  const told = cloud ? cloudDone(job) : null;
  if (!told) return null;
  const result = job.result ?? {};
  const { words, name, says, seen } = told;
  return h(
    `div.outcome.${seen ? "good" : "unseen"}`,
    {},
    h("p.online", {}, words, name ? h("bdi", { dir: "auto" }, name) : null),
    ...says.map((text) => h("p", { dir: "auto" }, text)),
    device(app, job, cloud),
    ...(result.notes ?? []).map((/** @type {string} */ note) => h("p", { dir: "auto" }, note)),
    facts(job),
    commands(result.commands ?? []),
    links(app, job),
  );
}

/** @param {import("../app.js").App} app @param {Job} job @param {string} cloud */
function device(app, job, cloud) {
  const result = job.result ?? {};
  if (job.kind === "remove" || !result.device_id) return null;
  return new CloudDevice(app, { cloud, board: job.board, device: result });
}

/** @param {Job} job */
function facts(job) {
  const cells = cloudFacts(job).flatMap(([term, value, link]) => [h("dt", {}, term), h("dd", { dir: "auto" }, link ? h("a", { href: link }, value) : value)]);
  return cells.length ? h("dl.small", {}, ...cells) : null;
}

/** What the board was told to do, folded away. @param {{name: string, status: string}[]} all */
function commands(all) {
  if (!all.length) return null;
  const cells = all.flatMap(({ name, status }) => [h("dt", {}, name), h("dd", {}, status.toLowerCase().replaceAll("_", " "))]);
  return h("details.more.small", {}, h("summary", {}, "What the board did"), h("dl", {}, ...cells));
}

/** @param {import("../app.js").App} app @param {Job} job */
function links(app, job) {
  const board = app.store.boards.get(job.board);
  return h(
    "div.row",
    {},
    job.board ? h("a.button.quiet", { href: href("board", job.board) }, "Back to the board") : h("a.button.quiet", { href: href("boards") }, "All boards"),
    board && hasSerial(board) ? h("a.button.quiet", { href: href("board", job.board, "monitor") }, "Serial monitor") : null,
  );
}
