/**
 * A console for the interface of the Arduino Create Agent: what a page hears, and a line to say something.
 *
 * For people who write or mend such pages. It is a page like theirs (Socket.IO 2 over a WebSocket) and
 * needs nothing from outside this computer.
 */

import { h, say } from "./lib/dom.js";
import { Scrollback, SerialText } from "./lib/serialtext.js";
import { LogPane } from "./parts/log-pane.js";

/** Characters kept; older ones go. */
const KEPT = 400_000;
const BLOCK = 4_000;
/** Between two tries to connect. */
const AGAIN_MS = 2000;
/** The agent lets go of a page that it has not heard of for 85 seconds. */
const PING_MS = 25_000;
const PAST = 100;

const COMMANDS = [
  "list",
  "open PORT 9600 timed",
  "send PORT text",
  "close PORT",
  "version",
  "hostname",
  "killupload",
];

export class PagesConsole extends HTMLElement {
  /** @type {WebSocket|null} */ #socket = null;
  #kept = new Scrollback(KEPT, BLOCK);
  /** @type {string[]} */ #past = [];
  #at = 0;
  #connected = false;

  connectedCallback() {
    this.pane = new LogPane(this.#kept, "What a page hears");
    this.state = h("p", { role: "status" }, "Connecting to the agent…");
    this.line = h("input", { type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false", list: "commands", id: "line" });
    this.line.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#key(event));
    this.button = h("button.primary", { type: "submit", disabled: true }, "Send");
    const sender = h("form.send", {}, h("div.labelled", {}, h("label", { for: "line" }, "Command"), this.line), this.button);
    sender.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#say();
    });
    const clear = h("button.quiet", { type: "button", onclick: () => this.#clear() }, "Clear");
    this.append(
      h(
        "main.console",
        {},
        h("h1", {}, "Console for pages"),
        h("p.soft", {}, "What a web page made for the Arduino Create Agent hears of Mooring, and what it can say. ", h("a", { href: "/" }, "The agent's own page")),
        this.state,
        this.pane,
        h("datalist", { id: "commands" }, ...COMMANDS.map((value) => h("option", { value }))),
        sender,
        h("div.row.tools", {}, clear),
      ),
    );
    this.#connect();
    setInterval(() => this.#packet("2"), PING_MS);
  }

  #connect() {
    const socket = new WebSocket(`ws://${location.host}/socket.io/?EIO=3&transport=websocket`);
    socket.addEventListener("message", ({ data }) => this.#hear(String(data)));
    socket.addEventListener("close", () => {
      this.#show(false);
      setTimeout(() => this.#connect(), AGAIN_MS);
    });
    this.#socket = socket;
  }

  #show(/** @type {boolean} */ connected) {
    if (connected && !this.#connected) this.#log("· connected");
    if (!connected && this.#connected) this.#log("· disconnected");
    this.#connected = connected;
    this.button.disabled = !connected;
    say(this.state, connected ? "Connected." : "Not connected: the agent has ended, or the interface is switched off in its settings.");
  }

  /** One packet: `40` is the welcome, `42[…]` an event. */
  #hear(/** @type {string} */ packet) {
    if (packet === "40") this.#show(true);
    if (!packet.startsWith("42")) return;
    const [name, text] = JSON.parse(packet.slice(2));
    if (name === "message") this.#log(`< ${text}`);
  }

  #packet(/** @type {string} */ packet) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(packet);
  }

  #say() {
    const text = this.line.value;
    if (!text || !this.#connected) return;
    this.#log(`> ${text}`);
    this.#packet(`42${JSON.stringify(["command", text])}`);
    if (this.#past.at(-1) !== text) this.#past.push(text);
    if (this.#past.length > PAST) this.#past.shift();
    this.#at = this.#past.length;
    this.line.value = "";
  }

  /** Arrows bring back what was said before. */
  #key(/** @type {KeyboardEvent} */ event) {
    const step = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
    if (!step || !this.#past.length) return;
    event.preventDefault();
    this.#at = Math.min(Math.max(this.#at + step, 0), this.#past.length);
    this.line.value = this.#past[this.#at] ?? "";
  }

  #log(/** @type {string} */ text) {
    // A board says what it likes; nothing of it hides or acts.
    this.#kept.add(new SerialText().decode(new TextEncoder().encode(`${text}\n`)));
    this.pane?.refresh();
  }

  #clear() {
    this.#kept.clear();
    this.pane?.refresh();
  }
}

customElements.define("pages-console", PagesConsole);
document.body.append(new PagesConsole());
