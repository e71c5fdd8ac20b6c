/** A job: its steps with their times, what it asks, and how it ended. */

import { View, fill, focusOn, h, say } from "../lib/dom.js";
import { jobState } from "../lib/boardstate.js";
import { ownCloud, takesAccount } from "../lib/clouds.js";
import { cancelMeaning, stageOf } from "../lib/jobwords.js";
import { networkLabel } from "../lib/networks.js";
import { href } from "../lib/router.js";
import { ended } from "../lib/store.js";
import { dateTime, duration } from "../lib/text.js";
import { lightGuide } from "../parts/board-light.js";
import { chip, updateChip } from "../parts/drawing.js";
import { ErrorCard } from "../parts/error-card.js";
import { jobOutcome } from "../parts/job-outcome.js";
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
    this.chip.hidden = true; // Until it is known how far the job is.
    this.steps = new JobSteps(app);
    this.end = h("div.end");
    this.lights = h("div");
    this.cancel = h("button.quiet", { type: "button", hidden: true }, "Cancel");
    this.cancel.addEventListener("click", () => (this.#costly ? this.#ask(true) : void this.#cancel()));
    this.meaning = h("span.soft.small.meaning");
    this.sure = this.#sure();
    this.when = h("p.soft.small");
    this.append(
      h("a.back", { href: href("boards") }, "‹ All boards"),
      h(
        "section.sheet.job",
        {},
        h("div.job-head", {}, h("div", {}, this.heading, this.route), this.chip),
        this.steps,
        this.lights,
        this.end,
        h("div.row", {}, this.cancel, this.meaning),
        this.sure,
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
      if (error.code === "agent-gone" || this.job) return;
      const actions = [h("a.button.quiet", { href: href("journal") }, "Open the journal")];
      fill(this.end, new ErrorCard(error, { actions }));
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
    this.chip.hidden = false;
    this.steps.show(job);
    this.#drawLights(job);
    this.#drawEnd(job);
    const over = ended(job);
    if (over || !this.#costly) this.sure.hidden = true;
    this.cancel.hidden = over || !this.sure.hidden;
    this.cancel.disabled = this.#cancelling;
    say(this.cancel, this.#cancelling ? "Cancelling…" : "Cancel");
    say(this.meaning, this.cancel.hidden || this.#cancelling ? "" : cancelMeaning(job));
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
    const rest = [networkLabel(job.request?.network), cloud && takesAccount(cloud) ? cloud.title : ""];
    const air = { ble: " over Bluetooth", ap: " in the network of its own" }[String(job.request?.via)] ?? "";
    const group = job.request?.group;
    const others = group ? [" · ", h("a", { href: href("wall", group) }, "together with others")] : [];
    return [first, air, ...rest.filter(Boolean).flatMap((part) => [" → ", h("bdi", {}, part)]), ...others];
  }

  /** Beside a board that has a light which says how far it is. @param {Job} job */
  #drawLights(job) {
    const done = job.state === "done" || job.state === "cancelled";
    const shown = ownCloud(job) === "blynk" && job.kind !== "remove" && !done;
    if (shown !== Boolean(this.lights.childElementCount)) fill(this.lights, shown ? lightGuide(this.app) : null);
  }

  /** @param {Job} job */
  #drawEnd(job) {
    // What is said of an account needs the clouds, which may be known a moment later than the job.
    const key = ended(job) ? `${job.state} ${job.ended_at} ${this.app.store.clouds.length > 0}` : "";
    if (key === this.#ending) return;
    const first = this.#ending === "";
    this.#ending = key;
    if (!key) return fill(this.end);
    this.#cancelling = false;
    fill(this.end, jobOutcome(this.app, job));
    // Whoever answered or cancelled here wants to know how it went.
    if (first && this.contains(document.activeElement)) focusOn(this.end.firstElementChild);
  }

  /** The board has no sketch now, so that stopping is asked for twice. */
  get #costly() {
    return Boolean(this.job) && stageOf(/** @type {Job} */ (this.job)) === "without";
  }

  #sure() {
    const stop = h("button.danger", { type: "button" }, "Stop, and leave the board without a sketch");
    const back = h("button.quiet", { type: "button" }, "Go on");
    stop.addEventListener("click", () => (this.#ask(false), void this.#cancel()));
    back.addEventListener("click", () => this.#ask(false));
    const text = "The old sketch is gone and the new one is not there yet. The board would wait in its bootloader until a sketch is written.";
    return h("div.sure", { role: "group", "aria-label": "Stop now?", hidden: true }, h("p", {}, text), h("div.row", {}, back, stop));
  }

  #ask(/** @type {boolean} */ open) {
    this.sure.hidden = !open;
    this.#draw();
    if (open) this.sure.querySelector("button")?.focus();
    else this.cancel.focus();
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

customElements.define("job-view", JobView);
