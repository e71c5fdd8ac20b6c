/** What a board says on its serial port, and a line to answer. */

import { download } from "../lib/copies.js";
import { View, fill, freshId, h, say, set } from "../lib/dom.js";
import { Scrollback, SerialText } from "../lib/serialtext.js";
import { count, size } from "../lib/text.js";
import { ErrorCard } from "../parts/error-card.js";
import { LogPane } from "../parts/log-pane.js";

/** 1200 is missing on purpose: it restarts many boards into their loader. */
const BAUDS = [300, 2400, 4800, 9600, 19200, 38400, 57600, 74880, 115200, 230400, 460800, 921600];

/** Characters kept; older ones go, and the page says how many. */
const KEPT = 400_000;
const BLOCK = 4_000;

const ENDINGS = /** @type {Record<string, string>} */ ({ "New line": "\n", "Carriage return": "\r", Both: "\r\n", None: "" });

export class SerialMonitor extends View {
  /** @type {import("../client/serial.js").SerialChannel|null} */ #channel = null;
  /** @type {"closed"|"opening"|"open"|"waiting"} */ #state = "closed";
  #text = new SerialText();
  #kept = new Scrollback(KEPT, BLOCK);
  #received = 0;
  #dropped = 0;
  /** Grows with each opening, so that a late answer of an earlier one is recognised. */
  #turn = 0;

  /** @param {import("../app.js").App} app @param {string} board */
  constructor(app, board) {
    super();
    this.app = app;
    this.board = board;
    this.baud = select(BAUDS.map(String), String(app.memory.baud));
    this.baud.addEventListener("change", () => this.#rebaud());
    this.toggle = h("button.quiet", { type: "button" }, "Close port");
    this.toggle.addEventListener("click", () => (this.#channel || this.#state === "waiting" ? this.#close() : this.#open()));
    this.pane = new LogPane(this.#kept, "What the board says");
    this.pause = h("button.quiet", { type: "button", "aria-pressed": "false" }, "Pause");
    this.pause.addEventListener("click", () => this.#pause());
    this.follow = h("input", { type: "checkbox", checked: true });
    this.follow.addEventListener("change", () => (this.pane.follow = this.follow.checked));
    this.pane.addEventListener("follow", () => (this.follow.checked = this.pane.follow));
    const clear = h("button.quiet", { type: "button", onclick: () => this.#clear() }, "Clear");
    const save = h("button.quiet", { type: "button", onclick: () => this.#save() }, "Save log");
    this.status = h("p.monitor-status.soft.small");
    this.problem = h("div", { role: "status" });
    this.line = h("input", { type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
    this.ending = select(Object.keys(ENDINGS), "New line");
    this.send = h("button.primary", { type: "submit" }, "Send");
    const sender = h("form.send", {}, labelled("Send a line", this.line), labelled("Line end", this.ending), this.send);
    sender.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.#write();
    });
    this.append(
      h(
        "section.sheet.monitor",
        {},
        h("div.monitor-head", {}, h("h2", {}, "Serial monitor"), labelled("Baud", this.baud), this.toggle),
        this.problem,
        this.pane,
        h("div.row.tools", {}, h("label.check", {}, this.follow, "Scroll along"), this.pause, clear, save),
        this.status,
        sender,
      ),
    );
  }

  connectedCallback() {
    this.watch(this.app.store, "boards", () => this.#retry());
    this.watch(this.app.store, "jobs", () => this.#retry());
    this.onLeave(() => this.#close());
    void this.#open();
  }

  async #open() {
    const turn = ++this.#turn;
    this.#state = "opening";
    fill(this.problem);
    this.#show();
    const callbacks = {
      data: (/** @type {Uint8Array} */ bytes) => this.#data(bytes),
      dropped: (/** @type {number} */ bytes) => ((this.#dropped += bytes), this.#show()),
      refused: (/** @type {number} */ bytes) => this.#note(`${count(bytes, "byte")} not sent: the board reads too slowly`),
      closed: (/** @type {any} */ error) => turn === this.#turn && this.#closed(error),
    };
    await this.app.store.quit(this.board);
    if (turn !== this.#turn) return;
    try {
      const channel = await this.app.agent.openSerial(this.board, Number(this.baud.value), callbacks);
      if (turn !== this.#turn) return void channel.close();
      this.#channel = channel;
      this.#state = "open";
      this.#text = new SerialText();
    } catch (error) {
      if (turn === this.#turn) this.#failed(/** @type {any} */ (error));
    }
    this.#show();
  }

  #close() {
    this.#turn += 1;
    void this.#channel?.close();
    this.#channel = null;
    this.#state = "closed";
    this.#show();
  }

  /** The port was lost: it is opened again as soon as that can work. @param {any} error */
  #closed(error) {
    this.#channel = null;
    if (!error) return;
    this.#note(error.title);
    this.#state = "waiting";
    this.#show();
    this.app.announcer.say(`Serial monitor: ${error.title}`);
  }

  /** @param {any} error */
  #failed(error) {
    this.#state = error.retryable && error.code !== "port-busy" ? "waiting" : "closed";
    fill(this.problem, new ErrorCard(error, { context: { board: this.board } }));
  }

  #retry() {
    const board = this.app.store.boards.get(this.board);
    if (this.#state === "waiting" && board?.state === "ready" && this.app.agent.state === "connected") void this.#open();
  }

  #rebaud() {
    this.app.memory.baud = Number(this.baud.value);
    if (!this.#channel) return;
    this.#close();
    void this.#open();
  }

  /** @param {Uint8Array} bytes */
  #data(bytes) {
    this.#received += bytes.length;
    this.#kept.add(this.#text.decode(bytes));
    this.pane.refresh();
    this.#show();
  }

  /** A line of the page itself among those of the board. @param {string} text */
  #note(text) {
    this.#kept.add(`\n— ${text} —\n`);
    this.pane.refresh();
  }

  async #write() {
    if (!this.#channel) return;
    try {
      await this.#channel.write(this.line.value + ENDINGS[this.ending.value]);
      this.line.value = "";
      fill(this.problem);
    } catch (error) {
      fill(this.problem, new ErrorCard(/** @type {any} */ (error)));
    }
    this.line.focus();
  }

  #pause() {
    this.pane.paused = !this.pane.paused;
    set(this.pause, "aria-pressed", String(this.pane.paused));
    say(this.pause, this.pane.paused ? "Go on" : "Pause");
    this.#show();
  }

  #clear() {
    this.#kept.clear();
    this.#received = this.#dropped = 0;
    this.pane.refresh();
    this.#show();
  }

  #save() {
    const stamp = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
    download(`${this.board}-${stamp}.log`, this.#kept.text());
  }

  #due = false;

  /** Show the state, at most once per frame. */
  #show() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      say(this.toggle, this.#state === "closed" ? "Open port" : "Close port");
      this.send.disabled = this.#state !== "open";
      const states = { closed: "Closed", opening: "Opening…", open: "Open", waiting: "Waiting for the board" };
      const parts = [states[this.#state], `${size(this.#received)} received`];
      if (this.#dropped) parts.push(`${size(this.#dropped)} lost, because this page was too slow`);
      if (this.#kept.lost) parts.push(`the oldest ${size(this.#kept.lost)} no longer kept`);
      if (this.pane.paused) parts.push("paused, still receiving");
      say(this.status, parts.join(" · "));
      this.status.classList.toggle("lossy", this.#dropped > 0);
    });
  }
}

/** @param {string[]} values @param {string} chosen */
function select(values, chosen) {
  const element = h("select", {}, ...values.map((value) => h("option", { value }, value)));
  element.value = chosen;
  return element;
}

/** @param {string} text @param {HTMLElement} input */
function labelled(text, input) {
  input.id ||= freshId("serial");
  return h("div.labelled", {}, h("label", { for: input.id }, text), input);
}

customElements.define("serial-monitor", SerialMonitor);
