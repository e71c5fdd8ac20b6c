/** What a job does, how far it is and what stopping it means, in words. Pure. */

import { ownCloud } from "./clouds.js";
import { isEnrolment } from "./enrol.js";

/** @typedef {import("../types.js").Job} Job */
/** @typedef {import("../types.js").Step} Step */

/** Kinds of job that change nothing; they are shown as a state of the board, not as work. */
export const READING_KINDS = new Set(["identify", "networks", "blink"]);

/** Fit for the chip that shows a job under way. */
const DOING = /** @type {Record<string, string>} */ ({
  identify: "reading",
  networks: "scanning",
  provision: "setting up",
  configure: "changing network",
  forget: "erasing",
  flash: "flashing",
  migrate: "updating",
  start: "starting",
  blink: "blinking",
  restore: "putting back",
  remove: "removing",
  renew: "renewing keys",
});

/** Where a job that writes a sketch is: the old sketch there, no sketch, the new sketch there. */
export const STAGES = /** @type {const} */ (["before", "without", "after"]);

/** The step from which the old sketch is gone. */
export const NO_RETURN = "enter";

/** The step under way. @param {Job} job @returns {Step|undefined} */
export function currentStep(job) {
  return job.steps.find((step) => step.state === "asking" || step.state === "running");
}

/** What a job does, in one or two words. */
export function doing(/** @type {Job} */ job) {
  return DOING[job.kind] ?? job.kind;
}

/**
 * How far a job is, 0 to 1; null if that cannot be said. While a sketch is written, how far that is.
 *
 * @param {Job} job
 */
export function shareOf(job) {
  const step = currentStep(job);
  if (step?.id === "write") return step.progress ?? null;
  if (job.steps.length < 2) return null;
  const done = job.steps.filter(({ state }) => state === "done" || state === "skipped").length;
  return (done + (step?.progress ?? 0)) / job.steps.length;
}

/**
 * Which sketch the board has, for a job that writes one; null for other jobs.
 *
 * @param {Job} job
 * @returns {typeof STAGES[number]|null}
 */
export function stageOf(job) {
  const enter = job.steps.find(({ id }) => id === NO_RETURN);
  const write = job.steps.find(({ id }) => id === "write");
  if (!enter && !write) return null;
  if (write?.state === "done") return "after";
  const begun = [enter, write].some((step) => step && step.state !== "pending" && step.state !== "skipped");
  return begun ? "without" : "before";
}

/** What cancelling a job means now. */
export function cancelMeaning(/** @type {Job} */ job) {
  const stage = stageOf(job);
  if (stage === "before") return "If you cancel now, the board keeps its sketch: nothing was written yet.";
  if (stage === "without") {
    return "The old sketch is gone. If you cancel now, the board waits in its bootloader until a sketch is written.";
  }
  if (stage === "after") return "The new sketch is on the board. Cancelling ends the set-up, not the sketch.";
  return "";
}

/** What a cancelled job left. */
export function cancelled(/** @type {Job} */ job) {
  const stage = stageOf(job);
  if (stage === "before") return "Cancelled. The board was not changed.";
  if (stage === "without") return "Cancelled. The old sketch is gone: write one before you use the board.";
  if (stage === "after") return "Cancelled. The new sketch is on the board; what this job had claimed was given back.";
  if (isEnrolment(job) || ownCloud(job) || job.kind === "remove") return "Cancelled. Nothing was changed, neither in the cloud nor on the board.";
  return "Cancelled. What this job had claimed was given back.";
}

/** The part of the board's page where a job of this kind starts. @param {Job} job */
export function partOf(job) {
  if (isEnrolment(job)) return "device";
  if (ownCloud(job) && ["provision", "renew"].includes(job.kind)) return ownCloud(job);
  if (job.kind === "provision" && job.request?.procedure && job.request.procedure !== "provision-2.0") return "update";
  const parts = { provision: "setup", configure: "network", forget: "erase", flash: "write", migrate: "update", start: "write" };
  return /** @type {Record<string, string>} */ (parts)[job.kind] ?? "";
}

/**
 * How a job that is done is announced: words, and a name behind them.
 *
 * @param {Job} job
 * @returns {{words: string, name: string}}
 */
export function doneWords(job) {
  const result = job.result ?? {};
  const device = typeof result.device === "string" ? result.device : "";
  const name = device || job.board_name || "";
  if (result.prepared) return { words: "Ready for provisioning 2.0", name: "" };
  if (result.files?.length) return { words: "Set up as ", name };
  const words = /** @type {Record<string, string>} */ ({
    provision: job.request?.cloud === "none" ? "On the network" : "Online as ",
    migrate: job.request?.cloud === "none" ? "Updated, and on the network" : "Updated, and online as ",
    configure: "On its new network",
    forget: "The network is erased",
    flash: "The sketch is on the board",
    start: "Its sketch runs",
    identify: "The board was read",
    networks: "The board looked for networks",
    blink: "It showed itself",
    restore: "Set up again as ",
    remove: job.request?.cloud === "nrf" ? "Released: " : "Removed for good: ",
    renew: job.request?.cloud === "blynk" ? "A new token for " : "New keys for ",
  })[job.kind];
  return { words: words ?? "Done", name: words?.endsWith(" ") ? name : "" };
}
