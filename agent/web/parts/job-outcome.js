/** How a job ended, and where to go from there. */

import { h } from "../lib/dom.js";
import { ownCloud } from "../lib/clouds.js";
import { isEnrolment, removedWords } from "../lib/enrol.js";
import { cancelled, doneWords, partOf, stageOf } from "../lib/jobwords.js";
import { hasSerial } from "../lib/ports.js";
import { href } from "../lib/router.js";
import { size } from "../lib/text.js";
import { webAddress } from "../lib/weblink.js";
import { cloudOutcome } from "./cloud-outcome.js";
import { enrolOutcome } from "./enrol-outcome.js";
import { ErrorCard } from "./error-card.js";
import { pageLink } from "./page-link.js";
import { SecretFile } from "./secret-file.js";

/** @typedef {import("../types.js").Job} Job */

/** Code of the error that a file does not fit the board. */
const REFUSED = "flash-image";

/** @param {import("../app.js").App} app @param {Job} job One that ended. @returns {HTMLElement} */
export function jobOutcome(app, job) {
  if (job.state === "done") return cloudOutcome(app, job) ?? (isEnrolment(job) ? enrolOutcome(app, job) : good(app, job));
  const actions = [way(job), ...clouds(job)].filter(Boolean);
  const stopped = job.state === "cancelled" && (!job.error || job.error.code === "flash-stopped");
  if (stopped) return h("div.outcome", {}, h("p", {}, cancelled(job)), h("div.row", {}, ...actions));
  if (!job.error) return h("div.outcome", {}, h("p", {}, "This job did not finish."), h("div.row", {}, ...actions));
  const steps = job.steps.map(({ id, state, seconds, message }) => ({ id, state, seconds, message }));
  const context = { job: job.id, kind: job.kind, board: job.board, steps, version: app.agent.info?.version };
  return new ErrorCard(job.error, { actions, context });
}

/** Back to where such a job begins. @param {Job} job */
function way(job) {
  const point = job.request?.access_point;
  if (!job.board && point) return h("a.button.quiet", { href: href("point", String(point)) }, again(job));
  if (job.kind === "restore" || (job.kind === "remove" && !job.board) || (job.kind === "remove" && !ownCloud(job))) return h("a.button.quiet", { href: href("clouds", "vault") }, "Back to the vault");
  if (!job.board) return null; // A file without a board is ordered with a command.
  return h("a.button.quiet", { href: href("board", job.board, partOf(job)) }, again(job));
}

/** @param {Job} job */
function again(job) {
  if (job.error?.code === REFUSED) return "Choose another file, or write it anyway";
  const without = job.kind === "start" || (job.kind === "flash" && stageOf(job) !== "before");
  return without ? "Write a sketch" : "Start again";
}

/** @param {Job} job */
function clouds(job) {
  return job.error?.code === "cloud-not-signed-in" ? [h("a.button.quiet", { href: href("clouds") }, "Sign in")] : [];
}

/** @param {import("../app.js").App} app @param {Job} job */
function good(app, job) {
  const { words, name } = doneWords(job);
  const result = job.result ?? {};
  const files = (result.files ?? []).map((/** @type {string} */ file) => new SecretFile(app, job, file));
  const setup = result.prepared ? [h("a.button.primary", { href: href("board", job.board, "setup") }, "Set it up now")] : [];
  const links = [
    ...setup,
    ...wakes(app, job),
    job.kind === "remove" ? way(job) : h("a.button.quiet", { href: href("board", job.board) }, isDevice(result) ? "Back to the device" : "Back to the board"),
    ...(job.kind !== "remove" && cabled(app, job) ? [h("a.button.quiet", { href: href("board", job.board, "monitor") }, "Serial monitor")] : []),
  ];
  const page = webAddress(result.redirect);
  return h(
    "div.outcome.good",
    {},
    h("p.online", {}, words, name ? h("bdi", { dir: "auto" }, name) : null),
    ...files,
    page ? h("p", {}, "It goes on at its own page: ", pageLink(page)) : null,
    ...(job.kind === "remove" ? removedWords(result) : []).map((text) => h("p", {}, text)),
    ...remarks(result).map((text) => h("p", { dir: "auto" }, text)),
    facts(job.kind, result),
    h("div.row", {}, ...links),
  );
}

/** There is a serial port to watch, or there was one. @param {import("../app.js").App} app @param {Job} job */
function cabled({ store }, job) {
  const board = store.boards.get(job.board);
  return board ? hasSerial(board) : job.request?.via !== "ble";
}

/** The way back to a board that has switched its Bluetooth off, which its notes say. @param {import("../app.js").App} app @param {Job} job */
function wakes({ store }, job) {
  if (job.request?.via !== "ble" || !job.result?.notes?.length) return [];
  const board = store.boards.get(job.board) ?? store.left.get(job.board);
  const model = board?.model ?? [...store.models.keys()].find((id) => job.board.startsWith(`${id}-`));
  return model ? [h("a.button.quiet", { href: href("missing", model) }, "How its Bluetooth comes back")] : [];
}

/** Of a device with Improv Wi-Fi, which says of itself what it is. */
function isDevice(/** @type {Record<string, any>} */ result) {
  return result.procedure === "improv";
}

/** What a person should know besides. @param {Record<string, any>} result @returns {string[]} */
function remarks(result) {
  const deleted = new Set(result.deleted ?? []);
  const devices = result.old_devices ?? [];
  return [
    ...(result.notes ?? []),
    ...devices.map((/** @type {any} */ { id, name }) =>
      deleted.has(id) ? `The old device “${name}” was deleted.` : `The old device “${name}” is still in your account.`,
    ),
  ];
}

/** What is worth knowing of a sketch that was written, of a board that was prepared, of a new device. */
const WRITTEN = /** @type {Row[]} */ ([["sketch", "Sketch"], ["version", "Version"], ["bytes", "Size", size], ["sha256", "SHA-256"]]);
const PREPARED = /** @type {Row[]} */ ([["sketch_version", "Sketch", (value) => `provisioning ${value}`], ["wifi_firmware", "Wi-Fi firmware"]]);
const IMPROV = /** @type {Row[]} */ ([["name", "Name"], ["hardware", "Hardware"], ["firmware", "Firmware"], ["version", "Version"]]);
const DEVICE = /** @type {Row[]} */ ([["device_id", "Device id"], ["eui", "Device EUI"], ["app_eui", "App EUI"]]);

/** @typedef {[key: string, title: string, words?: (value: any) => string]} Row */

/** @param {Job["kind"]} kind @param {Record<string, any>} result */
function facts(kind, result) {
  if (isDevice(result)) return list(IMPROV, result.device ?? {});
  const rows = kind === "flash" ? WRITTEN : result.prepared ? PREPARED : result.files ? DEVICE : [];
  return list(rows, result);
}

/** @param {Row[]} rows @param {Record<string, any>} result */
function list(rows, result) {
  const known = rows.filter(([key]) => result[key] !== undefined && result[key] !== null && result[key] !== "");
  if (!known.length) return null;
  const cells = known.flatMap(([key, title, words = String]) => [h("dt", {}, title), h("dd", { dir: "auto" }, words(result[key]))]);
  return h("dl.small", {}, ...cells);
}
