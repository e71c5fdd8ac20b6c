/**
 * What the page knows of the agent: boards, jobs, models, clouds, and what was read from boards.
 *
 * Events: `boards`, `jobs`, `clouds`, `info`, `readings`, `bluetooth`. Everything is renewed at
 * reconnection.
 */

import { ownCloud } from "./clouds.js";
import { READING_KINDS, stageOf } from "./jobwords.js";
import { bothWays } from "./ports.js";

/** @typedef {import("../types.js").Board} Board */
/** @typedef {import("../types.js").Job} Job */

/**
 * @typedef {object} Reading What is known of a board from a session with it.
 * @property {"reading"|"scanning"|"known"|"failed"} state
 * @property {number} startedAt Unix seconds.
 * @property {import("../types.js").BoardFacts|null} facts
 * @property {import("../types.js").NetworkOption[]} networks
 * @property {number} scannedAt Unix seconds.
 * @property {string} [cloud] Whose firmware was asked, where that was chosen.
 * @property {import("../mooring.js").MooringError|null} error
 */

/** Errors of a reading that say: the sketch on the board does not speak provisioning 2.0. */
export const OTHER_SKETCH = /^board-(silent|no-list|other|wrong-sketch|answer-missing)$/;

/** Seconds after which a board that is read has usually said something. */
const SLOW_S = 6;

/** Pause before something that failed without a reason is asked again. */
const AGAIN_MS = 2_000;

/** Ended jobs that the page keeps at hand. */
const JOBS_KEPT = 200;

/** Boards that have left of which the page still knows what they were: twice a full room. */
const LEFT_KEPT = 64;

export class Store extends EventTarget {
  /** @type {Map<string, Board>} */ boards = new Map();
  /** @type {Map<string, Board>} Boards that have left, as they were then. */ left = new Map();
  /** @type {Map<string, Job>} */ jobs = new Map();
  /** @type {Map<string, import("../types.js").Model>} */ models = new Map();
  /** @type {import("../types.js").CloudInfo[]} */ clouds = [];
  /** @type {import("../types.js").Schema|null} */ networkSchema = null;
  /** @type {Map<string, Reading>} */ readings = new Map();
  /** @type {import("../types.js").Bluetooth|null} Null: the agent never uses it. */ bluetooth = null;
  /** @type {Map<string, import("../types.js").Via>} What a person chose for a board that is here both ways. */
  vias = new Map();
  /** The list of boards has arrived at least once. */
  loaded = false;

  /** @param {import("../mooring.js").Mooring} agent */
  constructor(agent) {
    super();
    this.agent = agent;
    agent.follow("boards", {
      snapshot: (/** @type {any} */ result) => {
        this.#air(result.bluetooth ?? null);
        this.#allBoards(result.boards);
      },
      change: (/** @type {any} */ changes) => this.#someBoards(changes),
    });
    agent.follow("jobs", {
      snapshot: () => this.#insist(() => this.#allJobs()),
      change: (/** @type {any} */ change) => this.putJob(change.snapshot),
    });
    const told = (/** @type {any} */ info) => this.#info(info);
    agent.follow("agent", { snapshot: told, change: told });
    agent.addEventListener("bluetooth.changed", (/** @type {any} */ event) => this.#air(event.detail));
    agent.addEventListener("state", () => {
      this.#changed("info");
      this.#insist(() => this.#background());
    });
  }

  /** Jobs that change something on a board, newest first. */
  work() {
    return [...this.jobs.values()]
      .filter((job) => !READING_KINDS.has(job.kind))
      .sort((a, b) => b.created_at - a.created_at);
  }

  /** The newest job that changes something on this board. @param {string} board */
  lastWork(board) {
    return this.work().find((job) => job.board === board);
  }

  /** The job under way on this board, whatever it does. @param {string} board */
  active(board) {
    const jobs = [...this.jobs.values()].filter((job) => job.board === board && !ended(job));
    return jobs.find((job) => !READING_KINDS.has(job.kind)) ?? jobs[0];
  }

  /** @param {string|null|undefined} id */
  model(id) {
    return id ? this.models.get(id) : undefined;
  }

  /** @param {string} board What was read from it since it was plugged in. */
  reading(board) {
    return this.readings.get(board);
  }

  /** What a request says of the link: nothing unless a person chose one and there is a choice. @param {string} board */
  over(board) {
    const via = this.vias.get(board);
    return via && bothWays(this.boards.get(board)) ? { via } : {};
  }

  /** Read a board: versions, identity, networks. @param {string} board */
  async read(board) {
    await this.#session(board, "reading", async (reading) => {
      const facts = await this.agent.call("board.identify", { board, ...this.over(board) });
      return { ...reading, facts, networks: facts.networks ?? [], scannedAt: Date.now() / 1000 };
    });
  }

  /** Have a board look for networks again. @param {string} board @param {string} [cloud] Whose firmware it has, where that matters. */
  async scan(board, cloud = "") {
    const over = { board, ...this.over(board) };
    await this.#session(board, "scanning", async (reading) => {
      const result = cloud ? await this.#result({ kind: "networks", cloud, ...over }) : await this.agent.call("board.networks", over);
      return { ...reading, networks: result.networks, scannedAt: result.scanned_at ?? Date.now() / 1000 };
    }, cloud);
  }

  /** What comes of a job that asks nothing. @param {Record<string, any>} request @returns {Promise<Record<string, any>>} */
  async #result(request) {
    const { job } = await this.agent.call("jobs.start", { attended: false, ...request });
    let known = this.jobs.get(job) ?? (await this.job(job));
    while (!ended(known)) {
      await new Promise((resolve) => this.addEventListener("jobs", resolve, { once: true }));
      known = this.jobs.get(job) ?? (await this.job(job));
    }
    if (known.state !== "done") throw known.error ?? { code: "cancelled", title: "It was stopped.", meaning: "", remedy: "" };
    return known.result ?? {};
  }

  /** Resolves when no session of this page is talking to the board. @param {string} board */
  async rest(board) {
    while (isReading(this.readings.get(board))) {
      await new Promise((resolve) => this.addEventListener("readings", resolve, { once: true }));
    }
  }

  /** Give up a session of this page with the board, because something else is to be done. @param {string} board */
  async quit(board) {
    const job = this.active(board);
    if (!isReading(this.readings.get(board))) return;
    if (job && READING_KINDS.has(job.kind)) {
      this.#quitting.add(board);
      await this.agent.call("jobs.cancel", { job: job.id }).catch(() => {});
    }
    await this.rest(board);
    this.#quitting.delete(board);
  }

  /** @type {Set<string>} */ #quitting = new Set();

  /** Fetch a job that the page does not have. @param {string} id @returns {Promise<Job>} */
  async job(id) {
    const job = await this.agent.call("jobs.get", { job: id });
    this.putJob(job);
    return job;
  }

  /** Take over a newer state of a job. @param {Job} job */
  putJob(job) {
    this.jobs.set(job.id, job);
    if (ended(job) && !READING_KINDS.has(job.kind) && (stageOf(job) || ownCloud(job))) this.readings.delete(job.board); // It was about another sketch, or another device.
    if (this.jobs.size > JOBS_KEPT) {
      const oldest = [...this.jobs.values()]
        .filter(ended)
        .sort((a, b) => a.created_at - b.created_at)[0];
      if (oldest) this.jobs.delete(oldest.id);
    }
    this.#changed("jobs", job);
  }

  /** Sign in to a cloud or out of it; what the agent says then replaces what the page knew. */
  async account(/** @type {"clouds.login"|"clouds.logout"} */ method, /** @type {object} */ params) {
    const info = await this.agent.call(method, /** @type {any} */ (params));
    this.clouds = this.clouds.map((cloud) => (cloud.id === info.id ? info : cloud));
    this.#changed("clouds");
    return info;
  }

  /** @param {import("../types.js").AgentInfo} info */
  #info(info) {
    this.agent.info = info;
    this.#changed("info");
  }

  /** @param {import("../types.js").Bluetooth|null} bluetooth */
  #air(bluetooth) {
    this.bluetooth = bluetooth;
    this.#changed("bluetooth");
  }

  /** @param {Board[]} boards */
  #allBoards(boards) {
    const before = this.boards;
    this.#remember([...before.values()]);
    this.boards = new Map(boards.map((board) => [board.id, board]));
    for (const id of this.readings.keys()) {
      if (this.boards.get(id)?.first_seen !== before.get(id)?.first_seen) this.readings.delete(id);
    }
    this.#changed("readings");
    this.loaded = true;
    this.#changed("boards", { appeared: boards.filter((board) => !before.has(board.id)) });
  }

  /** @param {Board[]} boards */
  #remember(boards) {
    for (const board of boards) this.left.set(board.id, board);
    for (const id of [...this.left.keys()].slice(0, -LEFT_KEPT)) this.left.delete(id);
  }

  /** @param {import("../types.js").BoardChanges} changes */
  #someBoards({ appeared = [], changed = [], vanished = [] }) {
    // A job may hold a board that is gone: it vanishes without a port, and is remembered with it.
    const losing = changed.filter(({ ports }) => !ports.length).flatMap(({ id }) => this.boards.get(id) ?? []);
    this.#remember(losing.filter(({ ports }) => ports.length));
    const left = vanished.flatMap((id) => {
      const board = this.boards.get(id);
      return (board && !board.ports.length && this.left.get(id)) || (board ?? []);
    });
    this.#remember(left);
    for (const id of vanished) {
      this.boards.delete(id);
      this.readings.delete(id);
    }
    for (const board of appeared) this.readings.delete(board.id);
    for (const board of [...appeared, ...changed]) this.boards.set(board.id, board);
    this.#changed("readings");
    this.#changed("boards", { appeared, left });
  }

  async #allJobs() {
    const { jobs } = await this.agent.call("jobs.list", { limit: JOBS_KEPT });
    this.jobs = new Map(jobs.map((/** @type {Job} */ job) => [job.id, job]));
    this.#changed("jobs", null);
  }

  /** Do what needs the connection; reconnection does it anew. @param {() => Promise<void>} load */
  #insist(load) {
    if (this.agent.state !== "connected") return;
    load().catch((error) => {
      if (error.code !== "agent-gone") setTimeout(() => this.#insist(load), AGAIN_MS);
    });
  }

  /** What changes rarely. */
  async #background() {
    const [models, clouds, schema] = await Promise.all([
      this.agent.call("models.list"),
      this.agent.call("clouds.list"),
      this.agent.call("networks.schema"),
    ]);
    this.models = new Map(models.models.map((/** @type {any} */ model) => [model.id, model]));
    this.clouds = clouds.clouds;
    this.networkSchema = schema;
    this.#changed("clouds");
    this.#changed("boards", {});
  }

  /**
   * One conversation with a board at a time.
   *
   * @param {string} board
   * @param {"reading"|"scanning"} state
   * @param {(reading: Reading) => Promise<Reading>} talk
   * @param {string} [cloud] Whose firmware is asked, where that was chosen.
   */
  async #session(board, state, talk, cloud = "") {
    const known = this.readings.get(board);
    if (isReading(known)) return;
    const startedAt = Date.now() / 1000;
    /** @type {Reading} */
    const blank = { state, startedAt, facts: null, networks: [], scannedAt: 0, error: null };
    const begun = { ...(known ?? blank), state, startedAt, cloud, error: null };
    this.readings.set(board, begun);
    this.#changed("readings", board);
    const outcome = await talk(begun).then(
      (reading) => ({ ...reading, state: /** @type {const} */ ("known") }),
      (error) => ({ ...begun, state: /** @type {const} */ ("failed"), error }),
    );
    if (this.readings.get(board) !== begun) return; // The board was unplugged meanwhile.
    if (outcome.state === "failed" && this.#quitting.has(board) && !known) this.readings.delete(board);
    else this.readings.set(board, outcome);
    this.#changed("readings", board);
  }

  /** @param {string} topic @param {any} [detail] */
  #changed(topic, detail) {
    this.dispatchEvent(new CustomEvent(topic, { detail }));
  }
}

/** True if a session of this page with the board is under way. @param {Reading|undefined} reading */
export function isReading(reading) {
  return reading?.state === "reading" || reading?.state === "scanning";
}

/** True if a board takes longer to say its first word than those that speak 2.0. @param {Reading|undefined} reading */
export function slow(reading) {
  return reading?.state === "reading" && !reading.facts && Date.now() / 1000 - reading.startedAt > SLOW_S;
}

/** True if nothing more will happen to a job. */
export function ended(/** @type {Job} */ job) {
  return job.state !== "running" && job.state !== "asking";
}
