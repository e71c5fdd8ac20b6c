/**
 * The client of the Mooring agent for web pages: this module and the folder `client`, nothing else.
 *
 *     import { Mooring } from "./mooring.js";
 *     const agent = new Mooring();
 *     agent.addEventListener("state", () => show(agent.state, agent.reason));
 *     await agent.connect();
 *     agent.follow("boards", { snapshot: ({ boards }) => …, change: (changes) => … });
 *     const { job } = await agent.call("jobs.start", { kind: "provision", board, … });
 *
 * On the agent's own page it talks to that agent; elsewhere it looks on ports 8991 to 8999 of this
 * computer. It reconnects by itself and renews what is followed. The shapes are in `types.js`,
 * the methods in the agent's `/openrpc.json`, a longer introduction in `docs/pages.md`.
 *
 * @typedef {"connecting"|"connected"|"absent"|"refused"|"closed"} State
 * @typedef {""|"silent"|"origin"|"permission"|"version"} Reason
 */

import { MooringError, abandoned, gone, late, reported, tooMany } from "./client/errors.js";
import { PROBE_MS, answers, loopbackPermission, openSocket, usualOrigins } from "./client/find.js";
import { SerialChannel } from "./client/serial.js";
import { sendFile } from "./client/upload.js";

export { MooringError, SerialChannel, loopbackPermission };

/** Version of the interface that this client speaks. */
export const PROTOCOL = 1;

/** An answer for which the agent needs no board and no cloud. */
const CALL_MS = 15_000;
/** A board may scan and join a network twice before it answers; the firmware allows 200 s. */
const SLOW_CALL_MS = 240_000;
const SLOW_CALLS = new Set([
  "board.identify",
  "board.networks",
  "board.procedure",
  "clouds.login",
  "serial.open",
]);

/** Calls under way at once; the agent refuses more from one page. */
const PENDING_MAX = 32;

// A page may promise to say within two seconds that the agent is gone: these three add up to less.
const TICK_MS = 200;
/** After this much silence the agent is asked for a sign of life. */
const SILENCE_MS = 700;
/** The sign of life normally takes a millisecond. */
const SIGN_MS = 800;
/** A call that the agent answers from memory. */
const SIGN_METHOD = "agent.info";
/** A connection that shows no sign of life for this long is given up. */
const DEAD_MS = 10_000;

/** Pauses between attempts; the last one repeats. */
const RETRY_MS = [200, 400, 800, 1_500];
/** The last pause when nine ports have to be tried. */
const RETRY_FAR_MS = 4_000;

const TOPICS = /** @type {const} */ ({
  boards: { method: "boards.subscribe", notification: "boards.changed" },
  jobs: { method: "jobs.subscribe", notification: "job.changed" },
});

/** A connection to the agent of this computer. */
export class Mooring extends EventTarget {
  /** @type {string[]} */ #origins;
  /** @type {WebSocket|null} */ #socket = null;
  /** @type {Map<number, {settle: (message: any) => void, fail: (error: MooringError) => void}>} */
  #pending = new Map();
  /** @type {Map<number, SerialChannel>} */ #channels = new Map();
  /** @type {Set<{topic: keyof typeof TOPICS, snapshot?: Function, change?: Function}>} */
  #followed = new Set();
  #nextId = 1;
  #running = false;
  #heardAt = 0;
  #askedAt = 0;
  #air = false;
  #wake = () => {};
  #ended = () => {};

  /** @param {{origins?: string[]}} [options] `origins`: where to look, instead of the usual places. */
  constructor(options = {}) {
    super();
    this.#origins = options.origins ?? usualOrigins();
    /** @type {State} */ this.state = "connecting";
    /** @type {Reason} Why the state is "absent" or "refused", as far as a page can know. */
    this.reason = "";
    /** Address of the agent found, such as `http://127.0.0.1:8991`. */
    this.origin = "";
    /** @type {import("./types.js").AgentInfo|null} */ this.info = null;
  }

  /**
   * Look for the agent, now and whenever it is lost; resolves at the first connection.
   *
   * Never rejects: watch the event `state` to learn that the agent is absent or refuses.
   *
   * @returns {Promise<void>}
   */
  connect() {
    if (!this.#running) {
      this.#running = true;
      void this.#run();
    }
    if (this.state === "connected") return Promise.resolve();
    return new Promise((resolve) => {
      const check = () => {
        if (this.state !== "connected") return;
        this.removeEventListener("state", check);
        resolve();
      };
      this.addEventListener("state", check);
    });
  }

  /** Try at once instead of after the pause, for a button “Try now”. */
  retry() {
    this.#wake();
  }

  /** End the connection for good. */
  close() {
    this.#running = false;
    this.#drop();
    this.#wake();
    this.#become("closed");
  }

  /**
   * Call a method of the agent.
   *
   * @param {string} method
   * @param {Record<string, any>} [params]
   * @param {{timeoutMs?: number, signal?: AbortSignal}} [options]
   * @returns {Promise<any>} The result; rejects with a {@link MooringError}.
   */
  call(method, params = {}, options = {}) {
    const limit = options.timeoutMs ?? (SLOW_CALLS.has(method) ? SLOW_CALL_MS : CALL_MS);
    return new Promise((resolve, reject) => {
      if (!this.#socket || this.#socket.readyState !== WebSocket.OPEN) return reject(gone());
      if (this.#pending.size >= PENDING_MAX) return reject(tooMany(PENDING_MAX));
      if (options.signal?.aborted) return reject(abandoned(method));
      const id = this.#nextId++;
      const finish = () => {
        clearTimeout(timer);
        this.#pending.delete(id);
        options.signal?.removeEventListener("abort", abort);
      };
      const fail = (/** @type {MooringError} */ error) => (finish(), reject(error));
      const abort = () => fail(abandoned(method));
      const timer = setTimeout(() => fail(late(method, limit)), limit);
      options.signal?.addEventListener("abort", abort);
      const settle = (/** @type {any} */ message) => {
        finish();
        if (message.error) reject(reported(message.error));
        else resolve(message.result);
      };
      this.#pending.set(id, { settle, fail });
      this.#socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  /**
   * Follow the boards or the jobs, across reconnections.
   *
   * @param {keyof typeof TOPICS} topic
   * @param {{snapshot?: Function, change?: Function}} callbacks `snapshot` gets everything, at
   *   the start and after each reconnection; `change` gets each notification after it.
   * @returns {() => void} Call it to stop.
   */
  follow(topic, callbacks) {
    const entry = { topic, ...callbacks };
    this.#followed.add(entry);
    if (this.state === "connected") this.#subscribe(topic, [entry]);
    return () => void this.#followed.delete(entry);
  }

  /**
   * Have the agent look for boards over Bluetooth too while a person looks at them; false ends that.
   *
   * An agent without Bluetooth goes on without it.
   */
  attend(/** @type {boolean} */ looking) {
    if (looking === this.#air) return;
    this.#air = looking;
    if (this.state === "connected") this.#subscribe("boards", this.#following("boards"));
  }

  /**
   * Open the serial port of a board.
   *
   * @param {string} board
   * @param {number} baud
   * @param {import("./client/serial.js").SerialCallbacks} callbacks
   * @returns {Promise<SerialChannel>} Rejects with code `port-busy` if something else uses the port.
   */
  async openSerial(board, baud, callbacks) {
    const { channel } = await this.call("serial.open", { board, baud });
    const closed = (/** @type {MooringError|null} */ error) => {
      this.#channels.delete(channel);
      callbacks.closed?.(error);
    };
    const serial = new SerialChannel(this, channel, { ...callbacks, closed }, (bytes) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) throw gone();
      this.#socket.send(bytes);
    });
    this.#channels.set(channel, serial);
    return serial;
  }

  /**
   * Send a file for a board; `flash.start` takes its number as `image`, and uses the file up.
   *
   * The agent keeps it as long as this connection lasts; `flash.drop` forgets it earlier.
   *
   * @param {string} name Its ending counts: `.bin`, `.elf`, `.uf2`.
   * @param {Blob|ArrayBuffer|Uint8Array} file At most 16 MiB.
   * @param {(done: number, total: number) => void} [onProgress] Bytes that have arrived.
   * @returns {Promise<number>} Rejects with code `input` if it is empty or too large.
   */
  async uploadImage(name, file, onProgress) {
    const buffer = file instanceof Blob ? await file.arrayBuffer() : file;
    const bytes = buffer instanceof Uint8Array ? buffer : new Uint8Array(buffer);
    const socket = this.#socket;
    const { image } = await this.call("flash.offer", { name, size: bytes.length });
    const send = (/** @type {Uint8Array<ArrayBuffer>} */ message) => {
      // The number means nothing to the connection that may have come after a break.
      if (!socket || this.#socket !== socket) throw gone();
      socket.send(message);
    };
    await sendFile(bytes, image, send, () => this.call(SIGN_METHOD), onProgress);
    if (this.#socket !== socket) throw gone();
    return image;
  }

  async #run() {
    for (let tries = 0; this.#running; ) {
      const outcome = await this.#attempt();
      if (!this.#running) return;
      if (outcome === "connected") {
        tries = 0;
        await this.#live();
        continue;
      }
      this.#become(...outcome);
      const last = this.#origins.length > 1 ? RETRY_FAR_MS : /** @type {number} */ (RETRY_MS.at(-1));
      await this.#pause(RETRY_MS[tries++] ?? last);
    }
  }

  /** @returns {Promise<"connected"|[State, Reason]>} */
  async #attempt() {
    const foreign = !this.#origins.includes(location.origin);
    if (foreign && (await loopbackPermission()) === "denied") return ["refused", "permission"];
    const present = await Promise.all(this.#origins.map(answers));
    /** @type {[State, Reason]} */
    let outcome = ["absent", ""];
    for (const origin of this.#origins.filter((_, index) => present[index])) {
      const socket = await openSocket(origin);
      if (!socket) {
        outcome = ["refused", "origin"];
        continue;
      }
      this.#attach(socket);
      try {
        this.info = await this.call("agent.info", {}, { timeoutMs: PROBE_MS });
        if (this.info?.protocol === PROTOCOL) {
          this.origin = origin;
          return "connected";
        }
        outcome = ["refused", "version"];
      } catch {
        outcome = ["absent", "silent"];
      }
      this.#drop();
    }
    return outcome;
  }

  /** @param {WebSocket} socket */
  #attach(socket) {
    this.#socket = socket;
    this.#heardAt = performance.now();
    this.#askedAt = 0;
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = () => this.#socket === socket && this.#drop();
  }

  /** Serve one connection until it ends. */
  async #live() {
    const socket = this.#socket;
    const over = new Promise((resolve) => (this.#ended = () => resolve(undefined)));
    if (!socket || socket.readyState !== WebSocket.OPEN) return;
    const watch = setInterval(() => this.#watch(), TICK_MS);
    this.#tickedAt = performance.now();
    this.#become("connected");
    for (const topic of /** @type {(keyof typeof TOPICS)[]} */ (Object.keys(TOPICS))) {
      this.#subscribe(topic, this.#following(topic));
    }
    await over;
    clearInterval(watch);
    if (this.#running) this.#become("connecting");
  }

  #tickedAt = 0;

  /** Notice an agent that keeps its connection but no longer answers. */
  #watch() {
    const now = performance.now();
    const slept = now - this.#tickedAt > 4 * TICK_MS;
    this.#tickedAt = now;
    if (slept) return; // This page was held up, not the agent.
    if (!this.#askedAt) {
      if (now - this.#heardAt < SILENCE_MS) return;
      this.#askedAt = now;
      this.call(SIGN_METHOD).catch(() => {});
    } else if (now - this.#askedAt > DEAD_MS) {
      this.#drop();
    } else if (now - this.#askedAt > SIGN_MS) {
      this.#become("absent", "silent");
    }
  }

  /** @param {string|ArrayBuffer} data */
  #receive(data) {
    this.#heardAt = performance.now();
    this.#askedAt = 0;
    if (this.state === "absent" && this.reason === "silent") this.#become("connected");
    if (typeof data !== "string") {
      const bytes = new Uint8Array(data);
      this.#channels.get(bytes[0])?.callbacks.data?.(bytes.subarray(1));
      return;
    }
    const message = JSON.parse(data);
    if (message.method) this.#notify(message.method, message.params ?? {});
    else this.#pending.get(message.id)?.settle(message);
  }

  /** @param {string} method @param {any} params */
  #notify(method, params) {
    const channel = this.#channels.get(params.channel);
    if (method === "serial.dropped") channel?.callbacks.dropped?.(params.count);
    if (method === "serial.refused") channel?.callbacks.refused?.(params.count);
    if (method === "serial.closed") channel?.end(params.error ? new MooringError(params.error) : null);
    for (const entry of this.#followed) {
      if (TOPICS[entry.topic].notification === method) entry.change?.(params);
    }
    this.dispatchEvent(new CustomEvent(method, { detail: params }));
  }

  /** @param {keyof typeof TOPICS} topic */
  #following(topic) {
    return [...this.#followed].filter((entry) => entry.topic === topic);
  }

  /** @param {keyof typeof TOPICS} topic @param {{snapshot?: Function}[]} entries */
  #subscribe(topic, entries) {
    if (!entries.length) return;
    const params = topic === "boards" && this.info?.capabilities.includes("ble") ? { ble: this.#air } : {};
    this.call(TOPICS[topic].method, params).then(
      (result) => entries.forEach((entry) => entry.snapshot?.(result)),
      // A lost connection subscribes again by itself; anything else would leave the page stale.
      (error) => error.code !== "agent-gone" && this.#drop(),
    );
  }

  /** Forget the connection; everything that waits for it learns so. */
  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
    for (const { fail } of [...this.#pending.values()]) fail(gone());
    for (const channel of [...this.#channels.values()]) channel.end(gone());
    this.#ended();
  }

  /** @param {State} state @param {Reason} [reason] */
  #become(state, reason = "") {
    if (this.state === state && this.reason === reason) return;
    this.state = state;
    this.reason = reason;
    this.dispatchEvent(new CustomEvent("state", { detail: { state, reason } }));
  }

  /** Wait, but not while the person looks at a page that could try again. @param {number} ms */
  async #pause(ms) {
    const seen = () => document.visibilityState === "visible" && this.#wake();
    await new Promise((resolve) => {
      this.#wake = () => resolve(undefined);
      setTimeout(this.#wake, ms);
      document.addEventListener("visibilitychange", seen);
    });
    document.removeEventListener("visibilitychange", seen);
  }
}
