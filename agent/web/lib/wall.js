/** Jobs that were begun together: which they are, how far, what they ask alike, what came of them. Pure. */

import { COSTS, GIVE_UP } from "./answers.js";
import { enrolWords, givesFile } from "./enrol.js";
import { ended } from "./store.js";
import { webAddress } from "./weblink.js";

/** @typedef {import("../types.js").Job} Job */
/** @typedef {import("../types.js").Question} Question */

/**
 * The newest job of each board in a group, in the order in which the boards were begun.
 *
 * @param {Iterable<Job>} jobs
 * @param {string} group
 * @returns {Job[]}
 */
export function jobsOf(jobs, group) {
  const own = [...jobs].filter((job) => job.request?.group === group).sort(older);
  return [...new Map(own.map((job) => [job.board, job])).values()];
}

/** @param {Job} a @param {Job} b Of one moment the one with the lower number. */
function older(a, b) {
  return a.created_at - b.created_at || a.id.localeCompare(b.id, "en", { numeric: true });
}

/**
 * The groups that there are, the newest first.
 *
 * @param {Iterable<Job>} jobs
 * @returns {string[]}
 */
export function groupsOf(jobs) {
  const begun = [...jobs].filter((job) => job.request?.group).sort((a, b) => older(b, a));
  return [...new Set(begun.map((job) => String(job.request?.group)))];
}

/** How many jobs are where. @param {Job[]} jobs */
export function tally(jobs) {
  const at = (/** @type {string[]} */ ...states) => jobs.filter(({ state }) => states.includes(state)).length;
  return {
    total: jobs.length,
    done: at("done"),
    unseen: jobs.filter(({ state, result }) => state === "done" && !result?.connected && !givesFile(result?.delivery)).length,
    asking: at("asking"),
    running: at("running"),
    failed: at("failed", "interrupted"),
    stopped: at("cancelled"),
    share: jobs.length ? jobs.filter(ended).length / jobs.length : 0,
  };
}

/** The same in words. @param {ReturnType<typeof tally>} counts */
export function tallyWords({ total, done, unseen, asking, running, failed, stopped }) {
  return [
    `${done} of ${total} done${unseen ? `, ${unseen === done ? "" : `${unseen} `}not seen connected yet` : ""}`,
    asking && `${asking} ${asking === 1 ? "needs" : "need"} you`,
    failed && `${failed} failed`,
    stopped && `${stopped} stopped`,
    running && `${running} under way`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/**
 * Jobs that ask the same, so that one answer does for all of them.
 *
 * @param {Job[]} jobs
 * @returns {Map<string, Job[]>} By what they ask.
 */
export function alike(jobs) {
  /** @type {Map<string, Job[]>} */
  const found = new Map();
  for (const job of jobs) {
    if (job.state !== "asking" || !job.question) continue;
    const key = askedBy(job.question);
    found.set(key, [...(found.get(key) ?? []), job]);
  }
  return found;
}

/** What a question is about, whichever board it is about. @param {Question} question */
export function askedBy({ step, error, title, network, actions, choices = [] }) {
  const ways = actions.map(({ id, needs }) => `${id} ${needs ?? ""}`);
  // Titles of errors and of decisions name the device; those of other questions tell them apart.
  const what = error?.code ?? (ways.some((way) => way.startsWith("overwrite")) ? "" : title);
  return JSON.stringify([step, what, network?.ssid ?? "", ways, choices.map(({ id }) => id)]);
}

/**
 * The question as it is put once for several boards: without answers that are for one board only.
 *
 * @param {Job[]} jobs That ask alike.
 * @returns {Question}
 */
export function common(jobs) {
  const question = /** @type {Question} */ (jobs[0].question);
  if (jobs.length === 1) return question;
  const all = jobs.map((job) => /** @type {Question} */ (job.question));
  const text = (/** @type {"title"|"meaning"|"reason"|"safe"} */ field) => shared(all.map((each) => each[field] ?? ""));
  const actions = question.actions
    .filter(({ id, needs }) => needs !== "name" && !COSTS[id] && id !== "administrator")
    .map((action) => ({ ...action, label: shared(all.map((each) => each.actions.find(({ id }) => id === action.id)?.label ?? "")) }));
  return { ...question, actions, title: text("title"), meaning: text("meaning"), reason: text("reason"), safe: text("safe") };
}

/**
 * What several sentences have in common: words that differ become “…”.
 *
 * @param {string[]} texts
 */
export function shared(texts) {
  if (texts.every((text) => text === texts[0])) return texts[0];
  const all = texts.map((text) => text.split(" "));
  const least = Math.min(...all.map((words) => words.length));
  const same = (/** @type {(words: string[]) => string|undefined} */ at) => all.every((words) => at(words) === at(all[0]));
  let before = 0;
  while (before < least && same((words) => words[before])) before += 1;
  let behind = 0;
  while (behind < least - before && same((words) => words.at(-1 - behind))) behind += 1;
  return [...all[0].slice(0, before), "…", ...all[0].slice(all[0].length - behind)].join(" ");
}

/** An answer that boards which ask the same later can be given without a person. @param {Record<string, any>} answer */
export function repeats(answer) {
  return !GIVE_UP.has(answer.action) && Boolean(answer.password ?? answer.network);
}

/**
 * Why a job is where it is, in one line.
 *
 * @param {Job} job
 */
export function reasonOf(job) {
  if (job.state === "asking") return job.question?.title ?? "";
  if (job.state === "done") return enrolWords(job.result ?? {}).says;
  if (job.state === "cancelled") return "Stopped.";
  return job.error?.title ?? "";
}

/** The device that became of a board; empty while there is none. @param {Job} job */
export function deviceOf(job) {
  return job.state === "done" ? String(job.result?.device ?? "") : "";
}

const COLUMNS = ["board", "socket", "device", "hardware_id", "state", "link", "error"];

/**
 * The list of boards and devices for a spreadsheet; no secret is in it.
 *
 * @param {Job[]} jobs
 * @param {(job: Job) => {name: string, socket: string}} board
 */
export function tableOf(jobs, board) {
  const rows = jobs.map((job) => {
    const { name, socket } = board(job);
    const error = job.state === "done" ? "" : reasonOf(job);
    return [name, socket, deviceOf(job), String(job.result?.hardware_id ?? ""), job.state, webAddress(job.result?.link), error];
  });
  return [COLUMNS, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** One cell, which no spreadsheet takes for a formula. @param {string} text */
function cell(text) {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n']/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
