/** The boards that are set up together: how far each is, what they ask, what came of them. */

import { View, fill, focusOn, h, keyed, say, set } from "../lib/dom.js";
import { tileOf } from "../lib/boardstate.js";
import { begin, groupDraft } from "../lib/begin.js";
import { previewOf } from "../lib/many.js";
import { networkLabel } from "../lib/networks.js";
import { where } from "../lib/ports.js";
import { href } from "../lib/router.js";
import { ended } from "../lib/store.js";
import { count, dateTime, duration, hexOf } from "../lib/text.js";
import { deviceOf, jobsOf, reasonOf, tally, tallyWords } from "../lib/wall.js";
import { chip, updateChip } from "../parts/drawing.js";
import { ErrorCard } from "../parts/error-card.js";
import { GroupQuestions } from "../parts/group-questions.js";
import { LinkSheet } from "../parts/link-sheet.js";
import { callName } from "../parts/long-name.js";

/** @typedef {import("../types.js").Job} Job */
/** @typedef {import("../lib/begin.js").Refused} Refused */

/** As many as the agent lists. */
const LIST_MAX = 500;

export class WallView extends View {
  #due = false;
  #busy = false;
  /** The boards are of several kinds. */
  #mixed = false;

  /** @param {import("../app.js").App} app @param {string} group */
  constructor(app, group) {
    super();
    this.app = app;
    this.group = group;
    this.heading = h("h1", { dir: "auto" }, "Boards set up together");
    this.way = h("p.soft.route");
    this.counts = h("p.tally");
    this.meter = h("progress", { max: "1", value: "0", "aria-label": "Progress of all boards" });
    this.when = h("span.soft.small.time");
    this.questions = new GroupQuestions(app, (job) => this.#called(job));
    this.refused = h("ul.refused");
    this.again = h("button.primary", { type: "button", hidden: true });
    this.again.addEventListener("click", () => void this.#again());
    this.halt = h("button.quiet", { type: "button", hidden: true }, "Stop those under way");
    this.halt.addEventListener("click", () => this.#ask(true));
    this.sure = this.#sure();
    this.outcome = h("div");
    this.tiles = h("ul.tiles", { "aria-label": "Boards" });
    this.links = new LinkSheet(app, group, (job) => this.#place(job));
    const more = h("a.button.quiet", { href: href("many", group) }, "Set up more boards");
    this.append(
      h("a.back-to", { href: href("boards") }, "‹ All boards"),
      h(
        "section.sheet.wall",
        {},
        h("div.job-head", {}, h("div", {}, this.heading, this.way), this.when),
        h("div.total", {}, this.counts, this.meter),
        this.questions,
        this.refused,
        this.tiles,
        this.outcome,
        h("div.row", {}, this.again, more, this.halt),
        this.sure,
        this.links,
      ),
    );
  }

  get pageTitle() {
    return this.heading.textContent;
  }

  connectedCallback() {
    const { store, agent, ticker } = this.app;
    for (const topic of ["jobs", "boards", "clouds"]) this.watch(store, topic, () => this.#soon());
    this.watch(agent, "state", () => agent.state === "connected" && void this.#fetch());
    this.onLeave(ticker.follow(() => this.#time()));
    this.#draw();
    if (agent.state === "connected" && !this.#jobs.length) void this.#fetch();
  }

  /** @type {Job[]} Those that the page does not have at hand. */ #old = [];

  get #jobs() {
    const jobs = new Map(this.#old.map((job) => [job.id, job]));
    for (const job of this.app.store.jobs.values()) if (job.request?.group === this.group) jobs.set(job.id, job);
    return jobsOf(jobs.values(), this.group);
  }

  /** Jobs of long ago are not at hand. */
  async #fetch() {
    const { agent } = this.app;
    try {
      const { jobs } = await agent.call("jobs.list", { limit: LIST_MAX });
      this.#old = jobsOf(jobs, this.group);
      if (!this.#old.length) say(this.counts, "The journal has no jobs of this group any more.");
      this.#soon();
    } catch (error) {
      if (/** @type {any} */ (error).code !== "agent-gone") fill(this.outcome, new ErrorCard(/** @type {any} */ (error)));
    }
  }

  #soon() {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      if (this.isConnected) this.#draw();
    });
  }

  /** What this page keeps of the group. @returns {{common?: Record<string, any>, refused?: Refused[]}} */
  get #draft() {
    return this.app.memory.draft(groupDraft(this.group));
  }

  /** Boards that could not even begin, and have not begun since. */
  get #refused() {
    const begun = new Map(this.#jobs.map((job) => [job.board, job]));
    return (this.#draft.refused ?? []).filter(({ board, at = 0 }) => (begun.get(board)?.created_at ?? 0) <= at);
  }

  #draw() {
    const jobs = this.#jobs;
    if (!jobs.length && !this.#refused.length) return;
    const missing = this.#refused.length;
    const counts = tally(jobs);
    counts.total += missing;
    const { store } = this.app;
    const request = jobs[0]?.request ?? this.#draft.common ?? {};
    const cloud = store.clouds.find(({ id }) => id === request.cloud);
    const title = `${count(counts.total, "board")} with ${cloud?.title ?? "their cloud"}`;
    if (this.heading.textContent !== title) {
      say(this.heading, title);
      document.title = `${title} · Mooring`;
    }
    const network = networkLabel(request.network);
    fill(this.way, network ? ["On the network ", h("bdi", { dir: "auto" }, network)] : "Each on the network that it has");
    say(this.counts, tallyWords(counts) + (missing ? ` · ${missing} did not begin` : ""));
    this.meter.value = counts.share;
    this.questions.show(jobs);
    this.#drawRefused();
    this.#mixed = new Set(jobs.map((job) => this.#place(job).name)).size > 1;
    keyed(this.tiles, jobs, ({ board }) => board, tile, (item, job) => this.#tile(item, job));
    this.#drawButtons(jobs);
    this.links.show(jobs);
    this.#time();
  }

  /** @param {any} item @param {Job} job */
  #tile(item, job) {
    const state = tileOf(job);
    set(item.firstElementChild, "href", href("job", job.id));
    item.dataset.look = state.look;
    callName(item.querySelector("bdi"), this.#called(job));
    const { name, socket } = this.#place(job);
    const here = this.app.store.boards.get(job.board)?.ports.length ? socket : "unplugged";
    say(item.querySelector(".place"), this.#mixed ? `${here} · ${name}` : here);
    const bad = ["failed", "interrupted", "asking"].includes(job.state);
    // Its name stands above.
    say(item.querySelector(".why"), bad ? reasonOf(job) : ended(job) ? "" : state.detail.replace(this.#called(job), "it"));
    updateChip(item.querySelector(".chip"), state);
  }

  #drawRefused() {
    keyed(
      this.refused,
      this.#refused,
      ({ board }) => board,
      () => h("li", {}, h("b", {}, h("bdi")), h("span")),
      (item, { board, error }) => {
        const job = this.#jobs.find((each) => each.board === board);
        say(item.querySelector("bdi"), job ? this.#called(job) : (this.app.store.boards.get(board)?.name ?? board));
        say(item.querySelector("span"), ` did not begin: ${error.title} ${error.remedy}`);
      },
    );
  }

  /** @param {Job[]} jobs */
  #drawButtons(jobs) {
    const failed = jobs.filter(isBad).length + this.#refused.length;
    const held = document.activeElement === this.again;
    this.again.hidden = !failed;
    this.again.disabled = this.#busy;
    if (held && this.again.hidden) focusOn(this.heading);
    say(this.again, `Try ${count(failed, "board")} again`);
    const open = jobs.filter((job) => !ended(job)).length;
    if (!open) this.sure.hidden = true;
    this.halt.hidden = !open || !this.sure.hidden;
  }

  #time() {
    const jobs = this.#jobs;
    if (!jobs.length) return;
    const begun = Math.min(...jobs.map(({ created_at }) => created_at));
    const over = jobs.every(ended) ? Math.max(...jobs.map(({ ended_at }) => ended_at ?? 0)) : Date.now() / 1000;
    const took = over - begun;
    say(this.when, `${dateTime(begun)} · ${took < 3600 || !jobs.every(ended) ? duration(took) : "several times"}`);
  }

  /** What a board is called: its device, or what that will be. @param {Job} job */
  #called(job) {
    const board = this.app.store.boards.get(job.board) ?? this.app.store.left.get(job.board);
    const name = job.request?.name;
    if (deviceOf(job)) return deviceOf(job);
    return name && board ? previewOf(String(name), board, 0) : String(name ?? job.board_name ?? job.board);
  }

  /** What it is and where. @param {Job} job */
  #place(job) {
    const { store } = this.app;
    const here = store.boards.get(job.board);
    const board = here?.ports.length ? here : (store.left.get(job.board) ?? here);
    const name = store.model(board?.model)?.name ?? job.board_name ?? job.board;
    return { name, socket: board?.ports.length ? where(board) : "" };
  }

  /** Those that failed once more: with what this page knows, else with the form. */
  async #again() {
    const { common } = this.#draft;
    if (!common) return (location.hash = href("many", this.group));
    const { app } = this;
    const { network } = common;
    const password = network && app.memory.password(network.ssid_hex || hexOf(network.ssid ?? ""));
    const request = { ...common, ...(network ? { network: { ...network, ...(password ? { password } : {}) } } : {}) };
    const orders = [
      ...this.#refused.map(({ board, request: { name } }) => ({ board, name })),
      ...this.#jobs.filter(isBad).map(({ board, request: before }) => ({ board, name: before?.name })),
    ].map(({ board, name }) => ({ board, request: { ...request, ...(name ? { name } : {}) } }));
    this.#busy = true;
    this.#draw();
    const refused = await begin(app, this.group, orders);
    app.memory.keepDraft(groupDraft(this.group), { common, refused });
    app.announcer.say(refused.length ? `${count(refused.length, "board")} did not begin.` : `Begun again: ${count(orders.length, "board")}.`);
    this.#busy = false;
    this.#draw();
  }

  #sure() {
    const stop = h("button.danger", { type: "button" }, "Stop them all");
    const back = h("button.quiet", { type: "button" }, "Go on");
    stop.addEventListener("click", () => (this.#ask(false), void this.#stop()));
    back.addEventListener("click", () => this.#ask(false));
    const text = "Boards that are done stay so. A device that was made already stays in the cloud, and its credentials in the vault: try the board again, and it gets them.";
    return h("div.sure", { role: "group", "aria-label": "Stop those under way?", hidden: true }, h("p", {}, text), h("div.row", {}, back, stop));
  }

  #ask(/** @type {boolean} */ open) {
    this.sure.hidden = !open;
    this.#drawButtons(this.#jobs);
    if (open) this.sure.querySelector("button")?.focus();
    else if (!this.halt.hidden) this.halt.focus();
    else focusOn(this.heading);
  }

  async #stop() {
    const open = this.#jobs.filter((job) => !ended(job));
    const calls = open.map(({ id }) => this.app.agent.call("jobs.cancel", { job: id }));
    const failed = (await Promise.allSettled(calls)).find(({ status }) => status === "rejected");
    if (failed) fill(this.outcome, new ErrorCard(/** @type {any} */ (failed).reason));
  }
}

/** One that can be tried again. @param {Job} job */
function isBad({ state }) {
  return state === "failed" || state === "interrupted" || state === "cancelled";
}

function tile() {
  const state = chip({ look: "ready", word: "" });
  return h("li", {}, h("a", {}, h("span.name", {}, h("bdi", { dir: "auto" })), h("span.place.soft.small"), state, h("span.why.small", { dir: "auto" })));
}

customElements.define("wall-view", WallView);
