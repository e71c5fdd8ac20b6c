/** What was done, on which board, and how it ended. */

import { View, foreign, h, keyed, say, set } from "../lib/dom.js";
import { jobState } from "../lib/boardstate.js";
import { href } from "../lib/router.js";
import { ended } from "../lib/store.js";
import { dateTime, duration } from "../lib/text.js";
import { chip, updateChip } from "../parts/drawing.js";

/** @typedef {import("../types.js").Job} Job */

export class JournalView extends View {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super();
    this.app = app;
    this.readings = h("input", { type: "checkbox" });
    this.readings.addEventListener("change", () => this.#draw());
    this.empty = h("p.soft");
    this.list = h("ul.journal");
    const choice = h("label.check", {}, this.readings, "Show when boards were read, too");
    this.append(h("section.sheet", {}, h("div.job-head", {}, h("h1", {}, "Journal"), choice), this.empty, this.list));
  }

  connectedCallback() {
    this.watch(this.app.store, "jobs", () => this.#draw());
    this.onLeave(this.app.ticker.follow(() => this.#open && this.#draw()));
    this.#draw();
  }

  /** A job is under way, so that a time has to tick. */
  #open = false;

  #draw() {
    const { store } = this.app;
    this.#open = [...store.jobs.values()].some((job) => !ended(job));
    const all = [...store.jobs.values()].sort((a, b) => b.created_at - a.created_at);
    const jobs = this.readings.checked ? all : store.work();
    say(this.empty, jobs.length ? "" : "Nothing was done yet. What you do with boards is listed here.");
    this.empty.hidden = jobs.length > 0;
    keyed(this.list, jobs, (job) => job.id, row, update);
  }
}

function row() {
  const state = chip({ look: "ready", word: "" });
  return h("li", {}, h("a", {}, h("span.what", {}, foreign(""), h("span.soft.small.when")), h("span.soft.small.time"), state));
}

/** @param {any} item @param {Job} job */
function update(item, job) {
  set(item.firstElementChild, "href", href("job", job.id));
  say(item.querySelector("bdi"), job.title);
  const board = job.board_name && !job.title.includes(job.board_name) ? ` · ${job.board_name}` : "";
  const more = job.error?.title ?? (job.kind === "flash" ? (job.result?.sketch ?? job.request?.sketch) : "");
  say(item.querySelector(".when"), `${dateTime(job.created_at)}${board}${more ? ` · ${more}` : ""}`);
  const until = job.ended_at ?? Date.now() / 1000;
  say(item.querySelector(".time"), duration(until - job.created_at));
  updateChip(item.querySelector(".chip"), jobState(job));
}

customElements.define("journal-view", JournalView);
