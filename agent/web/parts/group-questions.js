/** What the jobs of a group ask: each question once for all that ask it. */

import { View, focusOn, foreign, h, keyed, say } from "../lib/dom.js";
import { href } from "../lib/router.js";
import { count } from "../lib/text.js";
import { alike, common, repeats } from "../lib/wall.js";
import { JobQuestion } from "./job-question.js";

/** @typedef {import("../types.js").Job} Job */

/** @typedef {{answer: Record<string, any>, given: Set<string>}} Standing An answer for boards that ask later, and who had it. */

export class GroupQuestions extends View {
  /** @type {Job[]} */ #jobs = [];
  /** @type {Map<string, Standing>} */ #standing = new Map();
  #rounds = 0;
  /** @type {Map<string, number>} Grows with each answer, so that the question is put anew. */ #round = new Map();

  /** @param {import("../app.js").App} app @param {(job: Job) => string} nameOf What a board is called. */
  constructor(app, nameOf) {
    super();
    this.app = app;
    this.nameOf = nameOf;
    this.list = h("div.group-questions");
    this.append(this.list);
  }

  /** @param {Job[]} jobs Of the group, whatever they do. */
  show(jobs) {
    this.#jobs = jobs;
    const ready = Boolean(this.app.store.networkSchema);
    const asked = ready ? [...alike(jobs)].filter(([key, asking]) => this.#open(key, asking).length) : [];
    const first = !this.list.childElementCount && asked.length > 0;
    const held = this.list.contains(document.activeElement);
    keyed(
      this.list,
      asked,
      ([key, asking]) => `${key} ${this.#round.get(key) ?? 0} ${common(asking).actions.length}`,
      ([key, asking]) => this.#card(key, asking),
      (card, [, asking]) => this.#update(card, asking),
    );
    const lost = held && !this.list.contains(document.activeElement);
    // Nobody is torn away from a form or a list; who waits at the top of the page is brought here.
    const idle = !document.activeElement || document.activeElement === document.body || document.activeElement.matches("h1");
    if (lost && !this.list.childElementCount) focusOn(this.closest("section")?.querySelector("h1"));
    else if (lost || (first && idle)) /** @type {JobQuestion|null} */ (this.list.querySelector("job-question"))?.focusFirst();
  }

  /** Jobs that wait for a person: those with a standing answer get it. @param {string} key @param {Job[]} asking */
  #open(key, asking) {
    const standing = this.#standing.get(key);
    if (!standing) return asking;
    const late = asking.filter(({ id }) => !standing.given.has(id));
    if (late.length) void this.#give(late, standing.answer, standing).catch(() => this.#standing.delete(key));
    return asking.filter((job) => !late.includes(job));
  }

  /** @param {string} key @param {Job[]} asking */
  #card(key, asking) {
    const question = common(asking);
    const repeat = h("input", { type: "checkbox", checked: true });
    const send = (/** @type {Record<string, any>} */ answer) => this.#answer(key, answer, repeat.checked);
    const card = new JobQuestion(this.app, asking[0], question, send);
    const fewer = question.actions.length < (asking[0].question?.actions.length ?? 0);
    const able = question.actions.some(({ needs }) => needs === "password" || needs === "network");
    return h(
      "div.group-question",
      {},
      h("h2.who"),
      h("ul.askers"),
      card,
      fewer ? h("p.soft.small", {}, "Answers that are for one board only, such as another name, are at each of them.") : null,
      able && this.#jobs.length > 1 ? h("label.check.repeat.small", {}, repeat, "Give the same answer to boards that ask this later") : null,
    );
  }

  /** @param {HTMLElement} card @param {Job[]} asking */
  #update(card, asking) {
    const who = /** @type {HTMLElement} */ (card.querySelector(".who"));
    /** @type {JobQuestion} */ (card.querySelector("job-question")).retell(common(asking));
    const titles = new Set(asking.map(({ question }) => question?.title));
    say(who, asking.length === 1 ? `${this.nameOf(asking[0])} asks` : `${count(asking.length, "board")} ask the same: one answer does for all`);
    keyed(
      /** @type {HTMLElement} */ (card.querySelector(".askers")),
      titles.size > 1 ? asking : [], // Where all say the same, the tiles below do.
      ({ id }) => id,
      (job) => h("li", {}, h("a", { href: href("job", job.id) }, foreign("")), h("span.soft.small")),
      (item, job) => {
        say(item.querySelector("bdi"), this.nameOf(job));
        say(item.querySelector("span"), job.question?.title ?? "");
      },
    );
  }

  /** @param {string} key @param {Record<string, any>} answer @param {boolean} later */
  async #answer(key, answer, later) {
    const asking = alike(this.#jobs).get(key) ?? [];
    const standing = { answer, given: new Set(/** @type {string[]} */ ([])) };
    await this.#give(asking, answer, standing);
    if (later && repeats(answer)) this.#standing.set(key, standing);
    else this.#standing.delete(key);
    this.#rounds += 1;
    this.#round.set(key, this.#rounds);
    if (asking.length > 1) this.app.announcer.say(`Answered for ${count(asking.length, "board")}.`);
    this.show(this.#jobs.map((job) => this.app.store.jobs.get(job.id) ?? job));
  }

  /** Fails only if nobody took the answer. @param {Job[]} jobs @param {Record<string, any>} answer @param {Standing} standing */
  async #give(jobs, answer, standing) {
    const calls = jobs.map((job) => {
      standing.given.add(job.id);
      return this.app.agent.call("jobs.answer", { job: job.id, answer, question: job.question?.id });
    });
    const ends = await Promise.allSettled(calls);
    const failed = ends.find(({ status }) => status === "rejected");
    if (failed && ends.every(({ status }) => status === "rejected")) throw /** @type {PromiseRejectedResult} */ (failed).reason;
  }
}

customElements.define("group-questions", GroupQuestions);
