/** What changed, in a sentence for people who do not see it change. */

import { READING_KINDS, stageOf } from "../lib/jobwords.js";
import { onlyInAir } from "../lib/ports.js";
import { ended } from "../lib/store.js";
import { jobsOf, tally, tallyWords } from "../lib/wall.js";

/** @typedef {import("../types.js").Board} Board */

/** Boards in the air come one after the other when the page begins to look; they are said together. */
const GATHER_MS = 2_000;

/** Jobs that were begun together change all the time; what they are at is said so often at most. */
const TOGETHER_MS = 5_000;

export class NewsReader {
  /** @type {Map<string, string>} */ #said = new Map();
  #found = 0;

  /** @param {import("../app.js").App} app */
  constructor(app) {
    this.app = app;
    this.quiet = true;
  }

  /** @param {{appeared?: Board[], left?: Board[]}} changes */
  boards({ appeared = [], left = [] }) {
    const plugged = appeared.filter((board) => !onlyInAir(board));
    // The list that is there when the page opens is no news.
    if (this.quiet) this.quiet = false;
    else {
      if (plugged.length === 1) this.app.announcer.say(`${plugged[0].name} was plugged in.`);
      else if (plugged.length) this.app.announcer.say(`${plugged.length} boards were plugged in.`);
      this.#inAir(appeared.filter(onlyInAir));
    }
    // One that is not heard for a while may only be behind somebody.
    const gone = left.filter((board) => !onlyInAir(board)).length;
    if (gone) this.app.announcer.say(gone === 1 ? "A board is gone." : `${gone} boards are gone.`);
  }

  /** @param {Board[]} boards */
  #inAir(boards) {
    if (!boards.length) return;
    this.#found += boards.length;
    if (this.#found > boards.length) return;
    setTimeout(() => {
      const words = this.#found === 1 ? `${boards[0].name} was found` : `${this.#found} boards were found`;
      this.#found = 0;
      this.app.announcer.say(`${words} over Bluetooth.`);
    }, GATHER_MS);
  }

  /** @type {Set<string>} */ #groups = new Set();

  /** @param {string} group */
  #together(group) {
    if (this.#groups.has(group)) return;
    this.#groups.add(group);
    setTimeout(() => {
      this.#groups.delete(group);
      const { announcer, store } = this.app;
      announcer.say(`${tallyWords(tally(jobsOf(store.jobs.values(), group)))}.`);
    }, TOGETHER_MS);
  }

  /** @param {import("../types.js").Job|null} job */
  job(job) {
    if (!job || READING_KINDS.has(job.kind)) return;
    const key = `${job.state} ${job.question?.id ?? ""} ${stageOf(job) === "without"}`;
    if (this.#said.get(job.id) === key) return;
    this.#said.set(job.id, key);
    const group = job.request?.group;
    if (group) this.#together(String(group));
    else this.app.announcer.say(sentence(job));
    if (ended(job)) this.#said.delete(job.id);
  }
}

/** @param {import("../types.js").Job} job */
function sentence(job) {
  if (job.state === "asking") return `${job.title}: ${job.question?.title ?? "needs you"} ${job.question?.meaning ?? ""}`;
  if (job.state === "done") return `${job.title}: done.`;
  if (job.state === "failed") return `${job.title}: failed. ${job.error?.title ?? ""}`;
  if (job.state === "cancelled") return `${job.title}: cancelled.`;
  if (job.state === "interrupted") return `${job.title}: interrupted.`;
  if (stageOf(job) === "without") return `${job.title}: from here the old sketch is gone.`;
  return "";
}
