/** What a board is: from its port at once, from a session with it when it was read. */

import { OTHER_SKETCH } from "../lib/store.js";
import { View, fill, h, say } from "../lib/dom.js";
import { isBlynk, isNrf } from "../lib/clouds.js";
import { modemWords } from "../lib/cloudwords.js";
import { ago, duration } from "../lib/text.js";
import { isImprov, onlyInAir, portsText, talks } from "../lib/ports.js";
import { updates } from "../lib/procedures.js";
import { webAddress } from "../lib/weblink.js";
import { ErrorCard } from "../parts/error-card.js";
import { pageLink } from "../parts/page-link.js";

/** Rows that only a session can fill; they keep their place while it runs. */
const READ = ["Unique id", "Sketch", "Wi-Fi firmware", "Library"];
/** The same of a device with firmware of its own. */
const READ_DEVICE = ["Device", "Firmware", "Its page"];
/** The same of a board with a modem. */
const READ_MODEM = ["Modem", "SIM card", "Device id", "Claimed"];

export class BoardFactsList extends View {
  #shown = "";

  /** @param {import("../app.js").App} app @param {string} id */
  constructor(app, id) {
    super();
    this.app = app;
    this.board = id;
    this.rows = new Map([...READ, ...READ_DEVICE, ...READ_MODEM, "Port"].map((term) => [term, h("dd", { dir: "auto" }, "–")]));
    const list = h("dl", {}, ...[...this.rows].flatMap(([term, value]) => [h("dt", {}, term), value]));
    this.status = h("span.soft.small");
    this.button = h("button.link", { type: "button" }, "Read the board");
    this.button.addEventListener("click", () => this.app.store.read(id));
    this.error = h("div");
    this.line = h("p.reading", {}, this.status, this.button);
    this.append(list, this.line, this.error);
  }

  connectedCallback() {
    const { store, ticker } = this.app;
    for (const topic of ["boards", "readings", "jobs"]) this.watch(store, topic, () => this.#draw());
    this.watch(this.app.decisions, "decisions", () => this.#draw());
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
    const silent = !onlyInAir(board) && reading?.state === "failed" && OTHER_SKETCH.test(reading.error?.code ?? "");
    this.#fill("Sketch", sketchOf(board, facts) || (silent ? "none that speaks provisioning 2.0" : ""), waiting);
    this.#fill("Wi-Fi firmware", facts?.wifi_firmware ?? "", waiting);
    this.#fill("Library", facts?.library_version ?? "", waiting);
    this.#fill("Port", portsText(board.ports), "none now");
    this.#device(facts);
    const loader = board.state === "bootloader";
    const modem = isNrf(board);
    const readable = (talks(board) || modem) && !loader;
    const device = isImprov(board);
    this.#modem(facts?.modem, waiting);
    const unread = !reading && Boolean(board.provisioning.installed);
    for (const term of READ) this.#hide(term, !readable || silent || unread || device || modem);
    for (const term of READ_MODEM) this.#hide(term, !modem || !reading);
    for (const term of READ_DEVICE) this.#hide(term, !device || unread || this.rows.get(term)?.textContent === "");
    this.#hide("Sketch", device || modem || (!readable && !loader && !board.provisioning.installed));
    this.line.hidden = !readable;
    this.button.hidden = reading?.state === "reading" || reading?.state === "scanning" || board.state !== "ready";
    say(this.button, facts ? "Read again" : device ? "Read the device" : "Read the board");
    this.#times();
    this.#problem(reading?.state === "failed" ? reading : undefined);
  }

  /** What a board with a modem says of itself. @param {import("../types.js").ModemFacts|null|undefined} modem @param {string} waiting */
  #modem(modem, waiting) {
    const words = modem ? /** @type {Record<string, string>} */ (modemWords(modem)) : {};
    for (const term of READ_MODEM) this.#fill(term, words[term] ?? "", waiting);
  }

  /** What a device says of itself. @param {import("../types.js").BoardFacts|null|undefined} facts */
  #device(facts) {
    const { name = "", hardware = "", firmware = "", version = "" } = facts?.device ?? {};
    this.#fill("Device", [name, hardware].filter(Boolean).join(" · "), "");
    this.#fill("Firmware", [firmware, version].filter(Boolean).join(" "), "");
    const page = webAddress(facts?.redirect);
    const cell = /** @type {HTMLElement} */ (this.rows.get("Its page"));
    if (cell.textContent !== page) fill(cell, page ? pageLink(page) : "");
  }

  /** @param {string} term @param {string} value @param {string} otherwise */
  #fill(term, value, otherwise) {
    const cell = this.rows.get(term);
    say(cell, value || otherwise);
  }

  /** @param {string} term @param {boolean} hidden */
  #hide(term, hidden) {
    const cell = /** @type {HTMLElement} */ (this.rows.get(term));
    const title = /** @type {HTMLElement} */ (cell.previousElementSibling);
    cell.hidden = title.hidden = hidden;
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
    const board = this.app.store.boards.get(this.board);
    const procedure = board && reading && !reading.cloud ? this.app.decisions.about(board).decision?.procedure : "";
    // Said where the update is offered, and no reason to worry.
    const expected = OTHER_SKETCH.test(reading?.error?.code ?? "") && updates(procedure) && !onlyInAir(board);
    const key = reading ? `${reading.startedAt} ${expected}` : "";
    if (key === this.#shown) return;
    this.#shown = key;
    if (!reading?.error || expected) return fill(this.error);
    const retry = h("button.quiet", { type: "button" }, "Try again");
    const { cloud } = reading;
    retry.addEventListener("click", () => (cloud ? this.app.store.scan(this.board, cloud) : this.app.store.read(this.board)));
    const context = { board: this.board, version: this.app.agent.info?.version };
    fill(this.error, new ErrorCard(reading.error, { actions: [retry], context }));
    this.app.announcer.say(reading.error.title);
  }
}

/** What runs on the board, as far as that is known. @param {import("../types.js").Board} board @param {import("../types.js").BoardFacts|null} [facts] */
function sketchOf(board, facts) {
  if (board.state === "bootloader") return "none runs: the board is in its bootloader";
  if (facts?.application_sketch) return "your own sketch, with network settings";
  if (isBlynk(board)) return "firmware of Blynk";
  if (facts?.sketch_version) return `provisioning ${facts.sketch_version}`;
  return board.provisioning.installed === "1.0" ? "provisioning 1.0" : "";
}

customElements.define("board-facts", BoardFactsList);
