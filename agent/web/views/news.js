/** What changed, in a sentence for people who do not see it change. */

import { READING_KINDS, stageOf } from "../lib/jobwords.js";
import { ended } from "../lib/store.js";

export class NewsReader {
  /** @type {Map<string, string>} */ #said = new Map();

  /** @param {import("../app.js").App} app */
  constructor(app) {
    this.app = app;
    this.quiet = true;
  }

  /** @param {{appeared?: import("../types.js").Board[], vanished?: string[]}} changes */
  boards({ appeared = [], vanished = [] }) {
    // The list that is there when the page opens is no news.
    if (this.quiet) this.quiet = false;
    else if (appeared.length === 1) this.app.announcer.say(`${appeared[0].name} was plugged in.`);
    else if (appeared.length) this.app.announcer.say(`${appeared.length} boards were plugged in.`);
    if (vanished.length) {
      this.app.announcer.say(vanished.length === 1 ? "A board is gone." : `${vanished.length} boards are gone.`);
    }
  }

  /** @param {import("../types.js").Job|null} job */
  job(job) {
    if (!job || READING_KINDS.has(job.kind)) return;
    const key = `${job.state} ${job.question?.id ?? ""} ${stageOf(job) === "without"}`;
    if (this.#said.get(job.id) === key) return;
    this.#said.set(job.id, key);
    this.app.announcer.say(sentence(job));
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
