/** One board: what it is, and what can be done with it. */

import { View, fill, focusOn, foreign, h, keyed, say, set } from "../lib/dom.js";
import { CLOUD_PARTS, allowed, mayBeImprov, partFor, partLabel, partsOf, unknownWords, unsure } from "../lib/boardparts.js";
import { isSilent, kindOf, stateOf } from "../lib/boardstate.js";
import { knownDevice, hasOwnForm, isBlynk, isNrf } from "../lib/clouds.js";
import { isEnrolment } from "../lib/enrol.js";
import { READING_KINDS } from "../lib/jobwords.js";
import { isImprov, onlyInAir, talks, twinOf, where } from "../lib/ports.js";
import { delivers, updates } from "../lib/procedures.js";
import { go, href } from "../lib/router.js";
import { ended, isReading, slow } from "../lib/store.js";
import { older } from "../lib/text.js";
import { BlinkButton } from "../parts/blink-button.js";
import { boardDrawing, chip, links, updateChip, updateLinks } from "../parts/drawing.js";
import { ErrorCard } from "../parts/error-card.js";
import { LinkChoice } from "../parts/link-choice.js";
import { SameBoard } from "../parts/same-board.js";
import { AbsentBoard } from "./absent-board.js";
import { BlynkForm } from "./blynk-form.js";
import { BoardFactsList } from "./board-facts.js";
import { EnrolForm } from "./enrol-form.js";
import { EraseForm } from "./erase-form.js";
import { NrfForm } from "./nrf-form.js";
import { SerialMonitor } from "./serial-monitor.js";
import { SetupForm } from "./setup-form.js";
import { UpdateForm } from "./update-form.js";
import { WriteForm } from "./write-form.js";

/** @typedef {import("../types.js").Board} Board */

const ASK_IMPROV = "If its firmware speaks Improv Wi-Fi, as ESPHome, Tasmota and WLED do, it can be put on a network. ";

const WORK = /** @type {Record<string, string>} */ ({
  asking: "This board needs you. ",
  running: "A job is at work on this board. ",
});

export class BoardView extends View {
  #part = "";
  #shownPart = "";
  #drawn = false;

  /** @param {import("../app.js").App} app @param {string} id */
  constructor(app, id) {
    super();
    this.app = app;
    this.id_ = id;
    this.name = foreign("");
    this.picture = h("span.picture");
    this.under = h("span.soft");
    this.links = links();
    this.chip = chip({ look: "ready", word: "" });
    this.facts = new BoardFactsList(app, id);
    this.notice = h("div");
    this.actions = h("nav.actions", { "aria-label": "What to do with this board" });
    this.cable = h("p.soft.small.cable", { hidden: true }, "Writing a sketch and the serial monitor need a cable.");
    this.panel = h("div.panel");
    this.missing = new AbsentBoard();
    this.sheet = h(
      "section.sheet.board",
      {},
      h("div.board-head", {}, this.picture, h("div", {}, h("h1", {}, this.name), h("p.under-name", {}, this.under, this.links)), this.chip),
      this.facts,
      new LinkChoice(app, id),
      new SameBoard(app, id),
      this.notice,
      h("div.actions-row", {}, this.actions, new BlinkButton(app, id)),
      this.cable,
    );
    this.append(h("a.back", { href: href("boards") }, "‹ All boards"), this.sheet, this.missing, this.panel);
  }

  get pageTitle() {
    return this.board?.name ?? "Board";
  }

  /** @returns {Board|undefined} */
  get board() {
    return this.app.store.boards.get(this.id_);
  }

  /** Which of the board's panels is open; empty: the one that fits. */
  set subpage(/** @type {string} */ part) {
    this.#part = part;
    if (this.#drawn) this.#draw();
  }

  connectedCallback() {
    const { store, ticker, decisions } = this.app;
    for (const topic of ["boards", "jobs", "readings", "clouds"]) this.watch(store, topic, () => this.#draw());
    this.watch(store, "info", () => this.#state());
    this.watch(decisions, "decisions", () => this.#draw());
    this.onLeave(ticker.follow(() => this.#tick()));
    this.#drawn = true;
    this.#draw();
  }

  #draw() {
    const { store } = this.app;
    const board = this.board;
    this.missing.hidden = Boolean(board) || !store.loaded;
    this.sheet.hidden = !board;
    if (!board) {
      const twin = store.loaded && twinOf(store.left.get(this.id_), store.boards.values());
      if (twin) return location.replace(href("board", twin.id, ...(this.#part ? [this.#part] : [])));
      this.missing.last = store.left.get(this.id_) ?? null;
      if (this.#shownPart !== "monitor") this.#open("");
      return;
    }
    const model = store.model(board.model);
    if (this.name.textContent !== board.name) {
      say(this.name, board.name);
      document.title = `${board.name} · Mooring`;
    }
    const kind = kindOf(board, model?.name);
    updateLinks(this.links, board);
    say(this.under, kind === board.name ? where(board) : `${kind} · ${where(board)}`);
    const family = model?.drawing ?? "generic";
    if (this.picture.dataset.family !== family) {
      this.picture.dataset.family = family;
      fill(this.picture, boardDrawing(model, 84, 60));
    }
    this.#state();
    this.#readUnasked(board);
    const procedure = this.#procedure(board);
    const parts = this.#parts(board, procedure);
    this.#notice(board, procedure);
    const part = allowed(board, this.#part) || this.#fitting(board, parts);
    this.#links(board, parts, procedure, part);
    this.cable.hidden = !onlyInAir(board) || isImprov(board) || isBlynk(board);
    this.#open(part);
  }

  #state() {
    if (this.board) updateChip(this.chip, stateOf(this.board, this.app.store, Date.now() / 1000));
  }

  #slow = false;

  /** What only time changes. */
  #tick() {
    this.#state();
    const late = slow(this.app.store.reading(this.id_));
    if (late === this.#slow) return;
    this.#slow = late;
    this.#draw();
  }

  /** A person who opens an idle board that provisioning knows wants to see what it is. */
  #readUnasked(/** @type {Board} */ board) {
    const { store, agent } = this.app;
    const { installed } = board.provisioning;
    if (store.reading(board.id) || store.active(board.id) || agent.state !== "connected") return;
    const modem = isNrf(board) && (board.model || installed); // Others may be something else.
    if (modem && board.state === "ready") return void store.read(board.id);
    // What runs is known, or does not matter for what the person wants. One that is connected is not disturbed.
    const last = store.lastWork(board.id);
    if ((last?.state === "done" && isEnrolment(last)) || this.#usual) return;
    if (installed === "1.0" || ["update", "device", "nrf", "blynk", "write", "provisioning", "monitor"].includes(this.#part)) return;
    if (board.state === "ready" && talks(board) && !isSilent(board, store)) void store.read(board.id);
  }

  /**
   * The way to set this board up; empty while that is not known.
   *
   * A board that speaks 2.0 is read first: before that the agent could only guess.
   *
   * @param {Board} board
   */
  #procedure(board) {
    const { supported, installed } = board.provisioning;
    const able = supported.includes("2.0");
    if (!board.model || known(board) || board.state === "bootloader" || (able && installed !== "1.0" && this.#unread(board))) return "";
    return this.app.decisions.about(board).decision?.procedure ?? (able && installed === "1.0" ? "migrate" : "");
  }

  /** What the board runs is being found out, or nobody has tried. @param {Board} board */
  #unread(board) {
    const reading = this.app.store.reading(board.id);
    return !reading || (isReading(reading) && !reading.facts);
  }

  /** @param {Board} board @param {string} procedure */
  #parts(board, procedure) {
    const { clouds } = this.app.store;
    return partsOf(board, { procedure, reading: this.app.store.reading(board.id), clouds });
  }

  /** The part of the cloud in which the last board was set up; empty: that was one of the usual. */
  get #usual() {
    const { store, memory } = this.app;
    const cloud = store.clouds.find((each) => hasOwnForm(each) && each.id === memory.cloud);
    return cloud && (cloud.signed_in || !cloud.needs_account) ? partFor(cloud.id) : "";
  }

  /** Of which cloud it is a device, that can be tended here; empty: of none. */
  get #deviceOf() {
    return ["nrf", "blynk"].find((cloud) => knownDevice(this.app.store, this.id_, cloud)) ?? "";
  }

  /** The panel for a person who did not choose one. @param {Board} board @param {string[]} parts */
  #fitting(board, parts) {
    const { store } = this.app;
    if (this.#shownPart === "monitor" || parts.includes(this.#shownPart)) return this.#shownPart;
    const job = store.active(board.id);
    if (job && !READING_KINDS.has(job.kind)) return "none";
    const last = store.lastWork(board.id);
    const settled = last?.state === "done" && ["provision", "configure", "migrate"].includes(last.kind) && !last.result?.prepared;
    // In the air it would not be if somebody had not reset it.
    const again = onlyInAir(board) && board.first_seen > (last?.ended_at ?? 0);
    if (parts.includes(partFor(this.#deviceOf))) return partFor(this.#deviceOf);
    if (settled && !again) return "none";
    if (parts.includes(this.#usual)) return this.#usual;
    if (known(board)) return parts.find((part) => CLOUD_PARTS[part]) ?? "none"; // There is no other cloud for it.
    const first = (board.model || isImprov(board)) && parts.find((part) => ["setup", "update", "network"].includes(part));
    const signed = (/** @type {string} */ part) => store.clouds.some(({ id, signed_in }) => id === CLOUD_PARTS[part] && signed_in);
    return first || parts.find(signed) || "none";
  }

  /** @param {Board} board @param {string[]} parts @param {string} procedure @param {string} part */
  #links(board, parts, procedure, part) {
    keyed(
      this.actions,
      parts,
      (name) => name,
      (name) => h("a.button.quiet", { href: href("board", board.id, name) }),
      (link, name) => {
        say(link, partLabel(board, name, { procedure, clouds: this.app.store.clouds, device: CLOUD_PARTS[name] === this.#deviceOf }));
        set(link, "aria-current", name === part ? "true" : null);
      },
    );
  }

  /** What a person should know before choosing. @param {Board} board @param {string} procedure */
  #notice(board, procedure) {
    const job = this.app.store.active(this.id_);
    const work = job && !ended(job) && !READING_KINDS.has(job.kind) ? job : null;
    const text = work ? WORK[work.state] : this.#remark(board, procedure);
    const asks = !work && mayBeImprov(board);
    const key = `${work?.id} ${text} ${asks}`;
    if (this.notice.dataset.key === key) return;
    this.notice.dataset.key = key;
    const link = work && h("a", { href: href("job", work.id) }, "See the steps");
    const waits = !work && board.state === "bootloader" && board.model;
    const start = waits ? ["If it has one, ", this.#starter(board), " or press its reset button once."] : [];
    fill(
      this.notice,
      text ? h("p.hint", {}, text, link, ...start) : null,
      asks ? h("p.soft.asks", {}, ASK_IMPROV, this.#asker(board)) : null,
    );
  }

  /** Asks a board that nothing better is known of; opening its port may restart it. @param {Board} board */
  #asker(board) {
    const button = h("button.link", { type: "button" }, "Ask it");
    button.addEventListener("click", () => {
      button.disabled = true;
      void this.app.store.read(board.id).then(() => (button.disabled = false));
    });
    return button;
  }

  /** Leaves the bootloader, without anything being written. @param {Board} board */
  #starter(board) {
    const button = h("button.link", { type: "button" }, "start it");
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        const { job } = await this.app.agent.call("jobs.start", { kind: "start", board: board.id, attended: true });
        go("job", job);
      } catch (error) {
        button.disabled = false;
        this.notice.append(new ErrorCard(/** @type {any} */ (error), { context: { board: board.id } }));
        this.app.announcer.say(/** @type {any} */ (error).title);
      }
    });
    return button;
  }

  /** @param {string} part */
  #open(part) {
    if (part === this.#shownPart) return;
    const chosen = this.#shownPart !== "" && part === this.#part;
    this.#shownPart = part;
    const panel = this.#make(part);
    fill(this.panel, panel);
    if (chosen && panel) focusOn(this.panel.querySelector("h2"));
  }

  /** @param {string} part */
  #make(part) {
    if (part === "setup") return new SetupForm(this.app, this.id_, "provision");
    if (part === "update") return new UpdateForm(this.app, this.id_);
    if (part === "device") return new EnrolForm(this.app, this.id_);
    if (part === "nrf") return new NrfForm(this.app, this.id_);
    if (part === "blynk") return new BlynkForm(this.app, { board: this.id_ });
    if (part === "write") return new WriteForm(this.app, this.id_);
    if (part === "provisioning") return new WriteForm(this.app, this.id_, true);
    if (part === "network") return new SetupForm(this.app, this.id_, "configure");
    if (part === "erase") return new EraseForm(this.app, this.id_);
    if (part === "monitor") return new SerialMonitor(this.app, this.id_);
    return null;
  }

  /** Why less can be done with this board than with others. @param {Board} board @param {string} procedure */
  #remark(board, procedure) {
    if (board.state === "bootloader") {
      return "This board is in its bootloader: no sketch runs on it, and it waits for one. ";
    }
    if (unsure(board)) return "Mooring cannot tell which of several kinds this board is.";
    if (!board.model && !isImprov(board) && !known(board)) return unknownWords(this.app.store.clouds);
    if (onlyInAir(board) && (updates(procedure) || delivers(procedure))) {
      return `${this.app.decisions.about(board).decision?.reason ?? ""} Connect it with a cable to update it.`;
    }
    const [firmware, needed] = [this.app.store.reading(board.id)?.facts?.wifi_firmware, this.app.store.model(board.model)?.min_wifi_firmware];
    if (onlyInAir(board) && firmware && needed && older(firmware, needed)) {
      return `Its Wi-Fi firmware is ${firmware}; over Bluetooth it takes ${needed} or newer. Update it over a cable with the firmware updater of the Arduino IDE.`;
    }
    if (procedure === "unsupported") return this.app.decisions.about(board).decision?.reason ?? "";
    return "";
  }
}

/** True for a board with a cloud of its own. @param {Board} board */
function known(board) {
  return isNrf(board) || isBlynk(board);
}

customElements.define("board-view", BoardView);
