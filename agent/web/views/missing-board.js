/** “A board is missing?”: how to bring its Bluetooth back, and whether it has come. */

import { View, fill, foreign, freshId, h, keyed, say, set } from "../lib/dom.js";
import { isSilent } from "../lib/boardstate.js";
import { airPort, airTail, isImprov } from "../lib/ports.js";
import { href } from "../lib/router.js";
import { duration } from "../lib/text.js";
import { isButton, links, symbol, updateLinks } from "../parts/drawing.js";
import { HoldGuide } from "../parts/hold-guide.js";
import { PointFinder } from "../parts/point-finder.js";

/** @typedef {import("../types.js").Board} Board */
/** @typedef {import("../types.js").Model} Model */

/** Values beside the ids of models. */
const DEVICE = "improv";
const OTHER = "other";

/** A board that was reset is back and heard within this time. */
const LATE_S = 40;

export class MissingBoard extends View {
  #kind = "";
  #since = 0;
  /** @type {Set<string>} Boards of this kind that were heard when the person asked. */ #before = new Set();
  #found = "";
  #listed = "";

  /** @param {import("../app.js").App} app @param {string} kind Id of a model, if that is known. @param {string} [device] Of Blynk, whose board is looked for. */
  constructor(app, kind, device = "") {
    super();
    this.app = app;
    this.subpage = "";
    this.wanted = kind;
    const id = freshId("kind");
    this.select = h("select", { id });
    this.select.addEventListener("change", () => this.#choose(this.select.value));
    this.guide = h("div.guide");
    this.here = h("p.soft.here", { hidden: true });
    this.words = h("span");
    this.elapsed = h("span.soft", { "aria-hidden": "true" });
    this.listening = h("p.listening", { hidden: true }, symbol("link-ble", 16, 16), this.words, this.elapsed);
    this.late = h("ul.tips", { hidden: true }, ...TIPS.map((tip) => h("li", {}, tip)));
    this.come = h("ul.come");
    this.append(
      h("a.back", { href: href("boards") }, "‹ All boards"),
      h(
        "section.sheet.missing-board",
        {},
        h("h1", {}, "A board is missing?"),
        h("p.soft", {}, "Most boards switch their Bluetooth off once they have a network. It comes back by hand."),
        h("div.field", {}, h("label", { for: id }, "Which board is it?"), this.select),
        this.here,
        this.guide,
        this.listening,
        this.come,
        this.late,
      ),
      h("section.sheet.missing-board", {}, new PointFinder(app, device)),
    );
  }

  get pageTitle() {
    return "A board is missing?";
  }

  connectedCallback() {
    const { store, ticker } = this.app;
    for (const topic of ["boards", "bluetooth", "clouds"]) this.watch(store, topic, () => this.#draw());
    this.onLeave(ticker.follow(() => this.#time()));
    this.#draw();
  }

  #draw() {
    this.#options();
    this.#look();
    this.#time();
  }

  /** The models that can be set up over Bluetooth, once they are known. */
  #options() {
    const models = [...this.app.store.models.values()].filter(({ ble }) => ble);
    const key = models.map(({ id }) => id).join();
    if (!models.length || key === this.#listed) return;
    this.#listed = key;
    const named = models.map(({ id, name }) => h("option", { value: id }, name));
    const device = h("option", { value: DEVICE }, "A device with Improv Wi-Fi: ESPHome, Tasmota, WLED …");
    const other = h("option", { value: OTHER }, "Another board");
    fill(this.select, h("option", { value: "" }, "Choose…"), ...named, device, other);
    const known = this.wanted === DEVICE || models.some(({ id }) => id === this.wanted);
    this.#choose(this.#kind || (known ? this.wanted : ""));
  }

  /** @param {string} kind */
  #choose(kind) {
    this.select.value = kind;
    if (kind === this.#kind) return;
    this.#kind = kind;
    this.#since = Date.now() / 1000;
    this.#found = "";
    this.#before = new Set(this.#heard().map(({ id }) => id));
    fill(this.guide, ...this.#guide());
    this.#draw();
  }

  /** @returns {Board[]} Boards of the chosen kind that are in the air now. */
  #heard() {
    const boards = [...this.app.store.boards.values()].filter(airPort);
    if (this.#kind === DEVICE) return boards.filter(isImprov);
    return boards.filter(({ model }) => model === this.#kind);
  }

  #guide() {
    const model = this.app.store.model(this.#kind);
    if (model) return guideOf(this.app, model);
    if (this.#kind === DEVICE) return [h("p", {}, "Give it power. A device that has no network yet listens for some minutes; switch it off and on again to begin anew.")];
    if (this.#kind === OTHER) return [h("p", {}, "It cannot be set up over Bluetooth. Connect it with a USB cable; it appears by itself.")];
    return [];
  }

  /** Whether it has come, and what was here before. */
  #look() {
    const heard = this.#heard();
    for (const id of this.#before) if (!heard.some((board) => board.id === id)) this.#before.delete(id);
    const known = heard.filter((board) => this.#before.has(board.id) && !isSilent(board, this.app.store));
    const come = heard.filter(({ id }) => !this.#before.has(id));
    this.here.hidden = !known.length;
    const places = known.flatMap((board) => [h("a", { href: href("board", board.id) }, foreign(nameOf(board))), ", "]).slice(0, -1);
    const before = known.length === 1 ? "One of these is heard already: " : `${known.length} of these are heard already: `;
    const key = known.map(nameOf).join();
    if (this.here.dataset.key !== key) {
      this.here.dataset.key = key;
      fill(this.here, before, ...places, ".");
    }
    keyed(this.come, come, ({ id }) => id, row, update);
    const latest = come.at(-1)?.id ?? "";
    if (latest && latest !== this.#found) this.app.announcer.say(`There it is: ${come.at(-1)?.name}.`);
    this.#found = latest;
  }

  #time() {
    const { store } = this.app;
    const waits = Boolean(this.#kind) && this.#kind !== OTHER && !this.#found;
    const seconds = Date.now() / 1000 - this.#since;
    const problem = store.bluetooth?.problem;
    this.listening.hidden = !waits;
    this.late.hidden = !waits || Boolean(problem) || seconds < LATE_S;
    this.listening.classList.toggle("deaf", !store.bluetooth || Boolean(problem));
    if (!waits) return;
    if (!store.bluetooth) say(this.words, "Mooring is set to use no Bluetooth, so it cannot hear the board.");
    else if (problem) say(this.words, `${problem.title} ${problem.remedy}`);
    else say(this.words, "Listening…");
    say(this.elapsed, store.bluetooth && !problem ? whole(seconds) : "");
  }
}

/** @param {number} seconds */
function whole(seconds) {
  return seconds < 1 ? "" : duration(Math.floor(seconds)).replace(".0 s", " s");
}

const TIPS = [
  "Does its LED pulse? If not, hold the input again, a little longer.",
  "Bring the board nearer: into the same room, away from metal.",
  "A board that a phone is connected to is not heard here.",
  "A board on a cable may be talked to over that instead.",
];

/** What to do at the board. @param {import("../app.js").App} app @param {Model} model */
function guideOf(app, model) {
  const input = model.reconfiguration;
  const old = model.min_wifi_firmware;
  const firmware = old ? h("p.soft.small", {}, `Boards with Wi-Fi firmware older than ${old} cannot do this: update it over a cable first.`) : null;
  if (!input?.available || !input.pin) return [h("p", {}, input?.procedure ?? ""), firmware];
  const how = isButton(input.pin) ? "Press and hold its user button" : `Connect its pin ${input.pin} to GND and hold it there`;
  const led = input.led ?? "LED";
  return [
    h(
      "ol.by-hand",
      {},
      h("li", {}, "Give the board power."),
      h("li", {}, `${how} for ${input.hold_seconds ?? 3} seconds: the ${led} comes on, and goes dark when it was long enough.`),
      h("li", {}, "Let go. The board restarts, and its LED pulses: now it can be heard."),
    ),
    new HoldGuide(app, input),
    h("p.soft.small", {}, "Its network settings are erased. Its sketch and its cloud identity stay."),
    firmware,
  ];
}

/** What tells a board from others of its kind. @param {Board} board */
function nameOf(board) {
  const port = airPort(board);
  return port ? `${board.name} ${airTail(port)}` : board.name;
}

function row() {
  return h("li.outcome.good", {}, h("span.online", {}, "There it is"), h("a.button.primary", {}, foreign("")), links());
}

/** @param {any} item @param {Board} board */
function update(item, board) {
  const link = item.querySelector("a");
  set(link, "href", href("board", board.id));
  say(link.firstElementChild, nameOf(board));
  updateLinks(item.querySelector(".links"), board);
}

customElements.define("missing-board", MissingBoard);
