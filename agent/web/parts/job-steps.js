/** The steps of a job as a list; the step that asks opens in place. */

import { View, h, keyed, say, set } from "../lib/dom.js";
import { headed } from "../lib/fates.js";
import { NO_RETURN } from "../lib/jobwords.js";
import { ended } from "../lib/store.js";
import { duration, percent } from "../lib/text.js";
import { JobQuestion } from "./job-question.js";

/** @typedef {import("../types.js").Job} Job */
/** @typedef {import("../types.js").Step} Step */

const MARKS = /** @type {Record<string, string>} */ ({ running: "", asking: "?", done: "✓", failed: "✕", skipped: "–" });
const SPOKEN = /** @type {Record<string, string>} */ ({
  pending: "not yet begun",
  running: "under way",
  asking: "needs you",
  done: "done",
  failed: "failed",
  skipped: "left out",
});

export class JobSteps extends View {
  /** @type {Job|null} */ #job = null;
  /** @type {JobQuestion|null} */ #question = null;

  /** @param {import("../app.js").App} app */
  constructor(app) {
    super();
    this.app = app;
    this.list = h("ol.steps");
    this.append(this.list);
  }

  connectedCallback() {
    this.onLeave(this.app.ticker.follow(() => this.#times()));
  }

  /** @param {Job} job */
  show(job) {
    this.#job = job;
    keyed(this.list, job.steps, (step) => step.id, row, (item, step) => this.#update(item, step));
    this.#ask(job);
    this.#times();
  }

  /** @param {any} item @param {Step} step */
  #update(item, step) {
    const number = (this.#job?.steps.indexOf(step) ?? 0) + 1;
    item.dataset.state = step.state;
    set(item, "aria-current", step.state === "running" || step.state === "asking" ? "step" : null);
    say(item.querySelector(".dot"), MARKS[step.state] ?? String(number));
    const [name, warning] = named(step);
    say(item.querySelector(".name"), name);
    if (warning) say(item.querySelector(".no-return"), warning);
    say(item.querySelector(".spoken"), `, ${SPOKEN[step.state]}`);
    // While it runs, its message is the line above it.
    const message = step.message ?? "";
    say(item.querySelector(".message"), warning && message.startsWith(warning) ? "" : message);
    const meter = item.querySelector("progress");
    const known = step.state === "running" && typeof step.progress === "number";
    meter.hidden = !known;
    if (known) meter.value = step.progress;
    set(meter, "aria-label", `Progress of ${name}`);
    say(item.querySelector(".share"), known ? percent(/** @type {number} */ (step.progress)) : "");
  }

  #times() {
    const job = this.#job;
    if (!job) return;
    const now = Date.now() / 1000;
    for (const step of job.steps) {
      const item = this.list.querySelector(`[data-key="${CSS.escape(step.id)}"]`);
      const running = !ended(job) && typeof step.started_at === "number" && typeof step.seconds !== "number";
      const seconds = running ? now - /** @type {number} */ (step.started_at) : step.seconds;
      const open = step.state !== "pending" && step.state !== "skipped" && typeof seconds === "number";
      if (item) say(/** @type {Element} */ (item.querySelector(".time")), open ? duration(seconds) : "");
    }
  }

  /** @param {Job} job */
  #ask(job) {
    const question = job.state === "asking" ? job.question : null;
    if (this.#question?.question.id === question?.id) return;
    this.#question?.remove();
    this.#question = null;
    const ready = this.app.store.networkSchema || !question?.actions.some(({ needs }) => needs === "network");
    if (!question || !ready) return;
    // Between two steps it stands at the one that was left.
    const left = job.steps.findLast(({ state }) => state !== "pending")?.id ?? "";
    const at = (/** @type {string} */ step) => this.list.querySelector(`[data-key="${CSS.escape(step)}"]`);
    const place = at(question.step) ?? at(left) ?? this.list.lastElementChild;
    this.#question = new JobQuestion(this.app, job, question);
    (place ?? this).append(this.#question);
    if (this.isConnected) this.#question.focusFirst();
  }
}

/**
 * The name of a step; for the step from which there is no way back also the line that says so.
 *
 * @param {Step} step
 * @returns {[string, string]}
 */
function named(step) {
  if (step.id !== NO_RETURN) return [step.name, ""];
  const [name, ...rest] = step.name.split(" — ");
  return [name, headed(rest.join(" — ") || "from here the old sketch is gone")];
}

/** @param {Step} step */
function row(step) {
  return h(
    "li",
    {},
    step.id === NO_RETURN ? h("p.no-return.small", {}) : null,
    h("span.dot", { "aria-hidden": "true" }),
    h("div.what", {}, h("span.name", { dir: "auto" }), h("span.spoken"), h("p.message.soft.small", { dir: "auto" })),
    h("span.time.soft.small"),
    h("div.meter", {}, h("progress", { max: "1", hidden: true }), h("span.share.soft.small", { "aria-hidden": "true" })),
  );
}

customElements.define("job-steps", JobSteps);
