/** The state of a board in words, colour and shape. Pure. */

import { isBlynk, isNrf, ownCloud } from "./clouds.js";
import { enrolWords, givesFile, isEnrolment } from "./enrol.js";
import { currentStep, doing, shareOf } from "./jobwords.js";
import { isImprov, onlyInAir, where } from "./ports.js";
import { percent } from "./text.js";
import { ended } from "./store.js";

/** A board counts as just plugged in, or just found, for this long. */
const NEW_S = 60;

/**
 * @typedef {object} Shown
 * @property {"ask"|"run"|"ok"|"bad"|"new"|"gone"|"busy"|"wait"|"unseen"|"ready"} look Colour and shape.
 * @property {string} word
 * @property {string} detail One line that says more.
 */

/**
 * @param {import("../types.js").Board} board
 * @param {import("./store.js").Store} store
 * @param {number} now Unix seconds.
 * @returns {Shown}
 */
export function stateOf(board, store, now) {
  const job = store.active(board.id);
  if (job) return working(job);
  const detail = `${dated(board)}${where(board)}`;
  if (board.state === "unreachable") return { look: "gone", word: "gone", detail: board.ports.length ? "its cable is out" : "not connected now" };
  if (board.state === "busy") {
    return { look: "busy", word: "in use", detail: board.holder ? `by ${board.holder}` : detail };
  }
  if (board.state === "bootloader") return { look: "wait", word: "in bootloader", detail: `no sketch runs · ${detail}` };
  const last = store.lastWork(board.id);
  if (last && (last.ended_at ?? 0) > board.first_seen) {
    if (last.state === "failed" || last.state === "interrupted") {
      return { look: "bad", word: "problem", detail: last.error?.title ?? detail };
    }
    if (last.state === "done" && isEnrolment(last)) return enrolled(last.result ?? {}, detail);
    if (last.state === "done" && last.result?.files) {
      return { look: "ok", word: "set up", detail: "online with your own sketch" };
    }
    if (last.state === "done" && ownCloud(last) && last.kind === "provision" && !last.result?.connected) {
      return { look: "unseen", word: "not seen yet", detail: "its cloud waits for it" };
    }
    const alone = last.request?.cloud === "none";
    if (last.state === "done" && (last.kind === "configure" || (last.kind === "provision" && alone))) {
      return { look: "ok", word: "on its network", detail };
    }
    if (last.state === "done" && ["provision", "migrate", "renew"].includes(last.kind) && !last.result?.prepared) {
      return { look: "ok", word: "online", detail };
    }
  }
  if (store.agent.info?.paused) return { look: "ready", word: "not used now", detail };
  if (now - board.first_seen < NEW_S) return { look: "new", word: onlyInAir(board) ? "just found" : "just plugged in", detail };
  return { look: "ready", word: "ready", detail };
}

/** A board that got credentials of a cloud. @param {Record<string, any>} result @param {string} detail @returns {Shown} */
function enrolled(result, detail) {
  if (givesFile(result.delivery)) return { look: "ok", word: "registered", detail: "its settings are in a file" };
  if (result.connected) return { look: "ok", word: "online", detail };
  return { look: "unseen", word: "not seen yet", detail: enrolWords(result).says };
}

/** The same for a line that has little room: the name matters more. @param {Shown} shown */
export function brief(shown) {
  const detail = shown.detail.replace(/^(no sketch runs · |provisioning (?=1))/, "").replace(/(^|· )(USB|simulated) /, "$1");
  return { ...shown, detail, word: shown.look === "new" ? "new" : shown.word };
}

/** @param {import("../types.js").Job} job @returns {Shown} */
function working(job) {
  const step = currentStep(job);
  if (job.state === "asking") {
    return { look: "ask", word: "needs you", detail: job.question?.title ?? step?.name ?? "" };
  }
  const share = shareOf(job);
  return {
    look: "run",
    word: share === null ? doing(job) : `${doing(job)} ${percent(share)}`,
    detail: step?.name ?? "",
  };
}

/**
 * True for a board that switched its Bluetooth off at the end of a job; it stays listed for some
 * seconds, until its silence is noticed.
 *
 * @param {import("../types.js").Board} board
 * @param {import("./store.js").Store} store
 */
export function isSilent(board, store) {
  const last = store.lastWork(board.id);
  const parted = last?.state === "done" && last.request?.via === "ble" && last.result?.notes?.length;
  return Boolean(parted) && onlyInAir(board) && (last?.ended_at ?? 0) > board.first_seen;
}

/** What kind of thing a board is. @param {import("../types.js").Board} board @param {string} [model] Its name. */
export function kindOf(board, model) {
  return model ?? board.model ?? (isNrf(board) ? "nRF91 board" : isBlynk(board) ? "Blynk board" : isImprov(board) ? "Wi-Fi device" : "Unknown board");
}

/** What makes a board one that can be updated. @param {import("../types.js").Board} board */
function dated({ state, provisioning: { installed, supported } }) {
  return state === "ready" && installed === "1.0" && supported.includes("2.0") ? "provisioning 1.0 · " : "";
}

/** A job that was begun together with others: where it is, or what came of its board. @param {import("../types.js").Job} job @returns {Shown} */
export function tileOf(job) {
  if (job.state === "asking") return working(job);
  if (!ended(job)) {
    const share = shareOf(job);
    const begun = job.steps.some(({ state }) => state === "done");
    return { look: "run", word: share === null ? "under way" : percent(share), detail: currentStep(job)?.name ?? (begun ? "Finishing" : "") };
  }
  if (job.state === "done" && isEnrolment(job)) return enrolled(job.result ?? {}, "");
  if (job.state === "done" && ownCloud(job)) return enrolled(job.result ?? {}, "");
  const { look, word } = jobState(job);
  return { look: /** @type {Shown["look"]} */ (look), word, detail: "" };
}

/** The state of a job as words and look. */
export function jobState(/** @type {import("../types.js").Job} */ job) {
  const words = {
    running: ["run", "running"],
    asking: ["ask", "needs you"],
    done: ["ok", "done"],
    failed: ["bad", "failed"],
    cancelled: ["gone", "cancelled"],
    interrupted: ["bad", "interrupted"],
  }[job.state];
  return { look: words[0], word: words[1], over: ended(job) };
}
