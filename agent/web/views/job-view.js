/** A job: its steps with their times, what it asks, and how it ended. */

import { View, fill, focusOn, h, say } from "../lib/dom.js";
import { jobState } from "../lib/boardstate.js";
import { networkLabel } from "../lib/networks.js";
import { href } from "../lib/router.js";
import { ended } from "../lib/store.js";
import { dateTime, duration } from "../lib/text.js";
import { chip, updateChip } from "../parts/drawing.js";
import { ErrorCard } from "../parts/error-card.js";
import { JobSteps } from "../parts/job-steps.js";

/** @typedef {import("../types.js").Job} Job */

export class JobView extends View {
  #cancelling = false;
  #ending = "";

  /** @param {import("../app.js").App} app @param {string} id */
  constructor(app, id) {
    super();
    this.app = app;
    this.id_ = id;
    this.subpage = "";
    this.heading = h("h1", { dir: "auto" }, "Job");
    this.route = h("p.soft.route");
    this.chip = chip({ look: "run", word: "" });
    this.steps = new JobSteps(app);
    this.end = h("div.end");
    this.cancel = h("button.quiet", { type: "button", hidden: true }, "Cancel");
    this.cancel.addEventListener("click", () => this.#cancel());
    this.when = h("p.soft.small");
    this.append(
      h("a.back", { href: href("boards") }, "‹ All boards"),
      h(
        "section.sheet.job",
        {},
        h("div.job-head", {}, h("div", {}, this.heading, this.route), this.chip),
        this.steps,
        this.end,
        h("div.row", {}, this.cancel),
        this.when,
      ),
    );
  }

  get pageTitle() {
    return this.job?.title ?? "Job";
  }

  /** @returns {Job|undefined} */
  get job() {
    return this.app.store.jobs.get(this.id_);
  }

  connectedCallback() {
    const { store, agent } = this.app;
    this.watch(store, "jobs", (event) => (!event.detail || event.detail.id === this.id_) && this.#draw());
    this.watch(store, "clouds", () => this.#draw());
    this.watch(agent, "state", () => agent.state === "connected" && void this.#fetch());
    this.#draw();
    if (!this.job) void this.#fetch();
  }

  async #fetch() {
    await this.app.store.job(this.id_).catch((error) => {
      if (error.code !== "agent-gone" && !this.job) fill(this.end, new ErrorCard(error));
    });
  }

  #draw() {
    const job = this.job;
    if (!job) return;
    if (this.heading.textContent !== job.title) {
      say(this.heading, job.title);
      document.title = `${job.title} · Mooring`;
    }
    fill(this.route, ...this.#way(job));
    updateChip(this.chip, jobState(job));
    this.steps.show(job);
    this.#drawEnd(job);
    this.cancel.hidden = ended(job);
    this.cancel.disabled = this.#cancelling;
    say(this.cancel, this.#cancelling ? "Cancelling…" : "Cancel");
    const took = job.ended_at ? ` · took ${duration(job.ended_at - job.created_at)}` : "";
    say(this.when, `Started ${dateTime(job.created_at)}${took}`);
  }

  /** From the board to its network to its cloud. @param {Job} job */
  #way(job) {
    const { store } = this.app;
    const board = store.boards.get(job.board);
    const name = store.model(board?.model)?.name ?? board?.name ?? job.board_name ?? job.board;
    const cloud = store.clouds.find((entry) => entry.id === job.request?.cloud);
    const first = board ? h("a", { href: href("board", job.board) }, h("bdi", {}, name)) : h("bdi", {}, name);
    const rest = [networkLabel(job.request?.network), cloud && cloud.needs_account ? cloud.title : ""];
    return [first, ...rest.filter(Boolean).flatMap((part) => [" → ", h("bdi", {}, part)])];
  }

  /** @param {Job} job */
  #drawEnd(job) {
    const key = ended(job) ? `${job.state} ${job.ended_at}` : "";
    if (key === this.#ending) return;
    const first = this.#ending === "";
    this.#ending = key;
    if (!key) return fill(this.end);
    this.#cancelling = false;
    fill(this.end, this.#outcome(job));
    // Whoever answered or cancelled here wants to know how it went.
    if (first && this.contains(document.activeElement)) focusOn(this.end.firstElementChild);
  }

  /** @param {Job} job */
  #outcome(job) {
    if (job.state === "done") return this.#good(job);
    const again = h("a.button.quiet", { href: href("board", job.board, partOf(job.kind)) }, "Start again");
    if (job.state === "cancelled") {
      return h("div.outcome", {}, h("p", {}, "Cancelled. What this job had claimed was given back."), h("div.row", {}, again));
    }
    const steps = job.steps.map(({ id, state, seconds, message }) => ({ id, state, seconds, message }));
    const context = { job: job.id, kind: job.kind, board: job.board, steps, version: this.app.agent.info?.version };
    if (!job.error) return h("div.outcome", {}, h("p", {}, "This job did not finish."), again);
    return new ErrorCard(job.error, { actions: [again], context });
  }

  /** @param {Job} job */
  #good(job) {
    const name = job.result?.device || job.board_name;
    const words = {
      provision: job.request?.cloud === "none" ? "On the network" : "Online as ",
      configure: "On its new network",
      forget: "The network is erased",
      identify: "The board was read",
      networks: "The board looked for networks",
    }[job.kind];
    const named = words.endsWith("as ") ? h("bdi", {}, name) : null;
    const links = [
      h("a.button.quiet", { href: href("board", job.board) }, "Back to the board"),
      h("a.button.quiet", { href: href("board", job.board, "monitor") }, "Serial monitor"),
    ];
    return h("div.outcome.good", {}, h("p.online", {}, words, named), h("div.row", {}, ...links));
  }

  async #cancel() {
    this.#cancelling = true;
    this.#draw();
    await this.app.agent.call("jobs.cancel", { job: this.id_ }).catch((error) => {
      this.#cancelling = false;
      fill(this.end, new ErrorCard(error));
      this.#draw();
    });
  }
}

/** The form to start a job of this kind again. @param {string} kind */
function partOf(kind) {
  return /** @type {Record<string, string>} */ ({ provision: "setup", configure: "network", forget: "erase" })[kind] ?? "";
}

customElements.define("job-view", JobView);
