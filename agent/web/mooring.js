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
 * @typedef {import("./client/obstacles.js").State} State
 * @typedef {import("./client/obstacles.js").Reason} Reason
 * @typedef {import("./client/consent.js").Scope} Scope
 */

import { Calls } from "./client/calls.js";
import { Questions } from "./client/consent.js";
import { MooringError, gone } from "./client/errors.js";
import { Gate, PROBE_MS, answers, blocksLoopback, isAgent } from "./client/find.js";
import { loopbackPermission, openSocket, usualOrigins } from "./client/find.js";
import { Topics } from "./client/follow.js";
import { obstacle } from "./client/obstacles.js";
import { Pulse } from "./client/pulse.js";
import { SerialChannel } from "./client/serial.js";
import { sendFile } from "./client/upload.js";

export { MooringError, SerialChannel, loopbackPermission };

/** Version of the interface that this client speaks. */
export const PROTOCOL = 1;

/** A call that the agent answers from memory. */
const SIGN_METHOD = "agent.info";

/** Pauses between attempts; the last one repeats. */
const RETRY_MS = [200, 400, 800, 1_500];
/** The last pause when nine ports have to be tried. */
const RETRY_FAR_MS = 4_000;

/** A connection to the agent of this computer. */
export class Mooring extends EventTarget {
  /** @type {string[]} */ #origins;
  /** @type {WebSocket|null} */ #socket = null;
  #calls = new Calls();
  /** @type {Map<number, SerialChannel>} */ #channels = new Map();
  #topics = new Topics({
    subscribe: (method, topic) => this.call(method, topic === "boards" ? this.#looking() : {}),
    stale: () => this.#drop(),
  });
  #pulse = new Pulse({
    ask: () => this.call(SIGN_METHOD).catch(() => {}),
    silent: () => this.#become("absent", "silent"),
    dead: () => this.#drop(),
  });
  #gate = new Gate();
  #running = false;
  /** The person has just done something, so the browser may ask. */ #clicked = false;
  /** This page has been let in before. */ #allowed = false;
  #air = false;
  #hurry = false;
  /** @type {string[]} Agents that do not let this page in. */ #closed = [];
  #questions = new Questions((consent) => {
    this.consent = consent;
    this.dispatchEvent(new CustomEvent("consent", { detail: consent }));
  });
  #wake = () => {};
  #ended = () => {};

  /** @param {{origins?: string[]}} [options] `origins`: where to look, instead of the usual places. */
  constructor(options = {}) {
    super();
    this.#origins = options.origins ?? usualOrigins();
    /** @type {State} */ this.state = "connecting";
    /** @type {Reason} Why the state is "absent" or "refused", as far as a page can know. */
    this.reason = "";
    /** @type {MooringError|null} The same in sentences for people; null while nothing is wrong. */
    this.problem = null;
    /** @type {import("./client/consent.js").Consent|null} How the last question stands; see `ask`. */
    this.consent = null;
    /** Address of the agent found, such as `http://127.0.0.1:8991`. */
    this.origin = "";
    /** @type {import("./types.js").AgentInfo|null} */ this.info = null;
  }

  /**
   * Look for the agent, now and whenever it is lost; resolves at the first connection.
   *
   * Never rejects: watch the event `state` to learn that the agent is absent or refuses. Where the
   * browser would ask the person first, it waits for a call from a click, and says so.
   *
   * @returns {Promise<void>}
   */
  connect() {
    if (!this.#running) {
      this.#running = true;
      this.#noteClick();
      void this.#run();
    } else this.retry();
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
    this.#noteClick();
    this.#hurry = true;
    this.#wake();
  }

  /**
   * Have the person asked whether this page may use the boards, or may do more with them.
   *
   * The agent shows the question for two minutes at most. Events `consent` and `agent.consent` tell
   * how it stands. Once it is allowed, the page is connected by itself.
   *
   * @param {{wants?: Scope[], signal?: AbortSignal}} [options] `signal` takes the question back.
   * @returns {Promise<{may: Scope[], once: boolean}>} What the page may do now; rejects with a
   *   {@link MooringError}, such as code `origin-silenced` after a no.
   */
  async ask({ wants = ["boards"], signal } = {}) {
    const allowed = await this.#questions.ask(await this.#whomToAsk(), wants, signal);
    if (this.state === "connected") await this.#mayMore();
    else this.retry();
    return allowed;
  }

  /** Address of the agent's own page, for a plain link: that works in every browser. */
  get ownPage() {
    return `${this.#closed[0] ?? (this.origin || this.#origins[0])}/`;
  }

  /** End the connection for good. */
  close() {
    this.#running = false;
    this.#questions.close();
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
    return this.#calls.call(this.#socket, method, params, options);
  }

  /**
   * Follow the boards, the jobs or the agent itself, across reconnections.
   *
   * @param {import("./client/follow.js").Topic} topic
   * @param {import("./client/follow.js").Followed} callbacks
   * @returns {() => void} Call it to stop.
   */
  follow(topic, callbacks) {
    const entry = this.#topics.add(topic, callbacks);
    if (this.state === "connected") this.#topics.subscribe(topic, [entry]);
    return () => this.#topics.remove(entry);
  }

  /**
   * Have the agent look for boards over Bluetooth too while a person looks at them; false ends that.
   *
   * An agent without Bluetooth goes on without it.
   */
  attend(/** @type {boolean} */ looking) {
    if (looking === this.#air) return;
    this.#air = looking;
    if (this.state === "connected") this.#topics.renew(["boards"]);
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
    const mayAsk = this.#clicked;
    this.#clicked = this.#hurry = false;
    if (mayAsk && (this.reason === "unasked" || this.reason === "unanswered")) this.#become("connecting");
    const hindered = await this.#gate.hindrance(this.#origins, mayAsk);
    if (hindered) return ["refused", hindered];
    const present = await Promise.all(this.#origins.map((origin) => answers(origin)));
    /** @type {[State, Reason]} */
    let outcome = blocksLoopback() ? ["refused", "browser"] : ["absent", ""];
    const closed = [];
    for (const origin of this.#origins.filter((_, index) => present[index])) {
      const socket = await openSocket(origin, "/rpc");
      if (!socket) {
        if (!(await isAgent(origin))) continue;
        closed.push(origin);
        outcome = ["refused", this.#allowed ? "revoked" : "origin"];
        continue;
      }
      this.#attach(socket);
      try {
        this.info = await this.call("agent.info", {}, { timeoutMs: PROBE_MS });
        if (this.info?.protocol === PROTOCOL) {
          this.origin = origin;
          this.#allowed = true;
          return "connected";
        }
        outcome = ["refused", "version"];
      } catch {
        outcome = ["absent", "silent"];
      }
      this.#drop();
    }
    this.#closed = closed;
    return outcome;
  }

  /** @param {WebSocket} socket */
  #attach(socket) {
    this.#socket = socket;
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = () => this.#socket === socket && this.#drop();
  }

  /** Serve one connection until it ends. */
  async #live() {
    const socket = this.#socket;
    const over = new Promise((resolve) => (this.#ended = () => resolve(undefined)));
    if (!socket || socket.readyState !== WebSocket.OPEN) return;
    this.#pulse.start();
    this.#become("connected");
    this.#topics.renew();
    await over;
    this.#pulse.stop();
    if (this.#running) this.#become("connecting");
  }

  /** @param {string|ArrayBuffer} data */
  #receive(data) {
    this.#pulse.heard();
    if (this.state === "absent" && this.reason === "silent") this.#become("connected");
    if (typeof data !== "string") {
      const bytes = new Uint8Array(data);
      this.#channels.get(bytes[0])?.callbacks.data?.(bytes.subarray(1));
      return;
    }
    const message = JSON.parse(data);
    if (message.method) this.#notify(message.method, message.params ?? {});
    else this.#calls.settle(message);
  }

  /** @param {string} method @param {any} params */
  #notify(method, params) {
    const channel = this.#channels.get(params.channel);
    if (method === "serial.dropped") channel?.callbacks.dropped?.(params.count);
    if (method === "serial.refused") channel?.callbacks.refused?.(params.count);
    if (method === "serial.closed") channel?.end(params.error ? new MooringError(params.error) : null);
    if (method === "agent.changed") this.info = params;
    this.#topics.notify(method, params);
    this.dispatchEvent(new CustomEvent(method, { detail: params }));
  }

  /** Over what boards are looked for. */
  #looking() {
    return this.info?.capabilities.includes("ble") ? { ble: this.#air } : {};
  }

  /** Agents at which a question makes sense. @returns {Promise<string[]>} */
  async #whomToAsk() {
    if (!this.#running) void this.connect();
    while (this.state === "connecting") {
      await new Promise((resolve) => this.addEventListener("state", resolve, { once: true }));
    }
    if (this.state === "connected") return [this.origin];
    if (this.reason === "origin" || this.reason === "revoked") return this.#closed;
    throw this.problem ?? gone();
  }

  /** The person allowed more than before. */
  async #mayMore() {
    this.info = await this.call(SIGN_METHOD);
    this.#topics.renewBarred();
  }

  #noteClick() {
    this.#clicked ||= navigator.userActivation?.isActive ?? true;
  }

  /** Forget the connection; everything that waits for it learns so. */
  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.#calls.failAll();
    for (const channel of [...this.#channels.values()]) channel.end(gone());
    this.#ended();
  }

  /** @param {State} state @param {Reason} [reason] */
  #become(state, reason = "") {
    if (this.state === state && this.reason === reason) return;
    this.state = state;
    this.reason = reason;
    this.problem = obstacle(state, reason, this.ownPage);
    this.dispatchEvent(new CustomEvent("state", { detail: { state, reason } }));
  }

  /** Wait, but not while the person looks at a page that could try again. @param {number} ms */
  async #pause(ms) {
    if (this.#hurry) return;
    const over = new AbortController();
    const seen = () => document.visibilityState === "visible" && this.#wake();
    await new Promise((resolve) => {
      this.#wake = () => resolve(undefined);
      const timer = setTimeout(this.#wake, ms);
      over.signal.addEventListener("abort", () => clearTimeout(timer));
      document.addEventListener("visibilitychange", seen, { signal: over.signal });
    });
    over.abort();
  }
}
