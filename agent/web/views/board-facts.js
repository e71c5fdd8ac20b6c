/** What a board is: from its port at once, from a session with it when it was read. */

import { View, fill, h, say } from "../lib/dom.js";
import { ago, duration } from "../lib/text.js";
import { ErrorCard } from "../parts/error-card.js";

/** Rows that only a session can fill; they keep their place while it runs. */
const READ = ["Unique id", "Sketch", "Wi-Fi firmware", "Library"];

export class BoardFactsList extends View {
  #shown = "";

  /** @param {import("../app.js").App} app @param {string} id */
  constructor(app, id) {
    super();
    this.app = app;
    this.board = id;
    this.rows = new Map([...READ, "Port"].map((term) => [term, h("dd", { dir: "auto" }, "–")]));
    const list = h("dl", {}, ...[...this.rows].flatMap(([term, value]) => [h("dt", {}, term), value]));
    this.status = h("span.soft.small");
    this.button = h("button.link", { type: "button" }, "Read the board");
    this.button.addEventListener("click", () => this.app.store.read(id));
    this.error = h("div");
    this.append(list, h("p.reading", {}, this.status, this.button), this.error);
  }

  connectedCallback() {
    const { store, ticker } = this.app;
    for (const topic of ["boards", "readings", "jobs"]) this.watch(store, topic, () => this.#draw());
    this.onLeave(ticker.follow(() => this.#times()));
    this.#draw();
  }

  #draw() {
    const { store } = this.app;
    const board = store.boards.get(this.board);
    if (!board) return;
    const reading = store.reading(this.board);
    const facts = reading?.facts;
    const waiting = reading?.state === "reading" ? "…" : "–";
    this.#fill("Unique id", facts?.uhwid ?? board.uhwid ?? "", waiting);
    const sketch = facts?.application_sketch
      ? "your own sketch, with network settings"
      : facts?.sketch_version && `provisioning ${facts.sketch_version}`;
    this.#fill("Sketch", sketch ?? "", waiting);
    this.#fill("Wi-Fi firmware", facts?.wifi_firmware ?? "", waiting);
    this.#fill("Library", facts?.library_version ?? "", waiting);
    this.#fill("Port", board.ports.map(portText).join(", "), "none now");
    this.button.hidden = reading?.state === "reading" || reading?.state === "scanning" || board.state !== "ready";
    say(this.button, facts ? "Read again" : "Read the board");
    this.#times();
    this.#problem(reading?.state === "failed" ? reading : undefined);
  }

  /** @param {string} term @param {string} value @param {string} otherwise */
  #fill(term, value, otherwise) {
    const cell = this.rows.get(term);
    say(cell, value || otherwise);
  }

  #times() {
    const reading = this.app.store.reading(this.board);
    const now = Date.now() / 1000;
    if (reading?.state === "reading") say(this.status, `Reading the board… ${duration(now - reading.startedAt)}`);
    else if (reading?.state === "scanning") say(this.status, `Looking for networks… ${duration(now - reading.startedAt)}`);
    else if (reading?.facts) {
      const online = reading.facts.online ? "It may be online. " : "";
      say(this.status, `${online}Read ${ago(reading.startedAt)}.`);
    } else say(this.status, reading ? "" : "Not read yet.");
  }

  /** @param {import("../lib/store.js").Reading|undefined} reading */
  #problem(reading) {
    const key = reading ? `${reading.startedAt}` : "";
    if (key === this.#shown) return;
    this.#shown = key;
    if (!reading?.error) return fill(this.error);
    const retry = h("button.quiet", { type: "button" }, "Try again");
    retry.addEventListener("click", () => this.app.store.read(this.board));
    const context = { board: this.board, version: this.app.agent.info?.version };
    fill(this.error, new ErrorCard(reading.error, { actions: [retry], context }));
    this.app.announcer.say(reading.error.title);
  }
}

/** @param {import("../types.js").Port} port */
function portText(port) {
  return port.serial_number ? `${port.address} · serial number ${port.serial_number}` : port.address;
}

customElements.define("board-facts", BoardFactsList);
