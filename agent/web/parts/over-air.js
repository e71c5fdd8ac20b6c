/** Another network for a board that is online: it is sent back to its configuration mode, and what comes next. */

import { offlineWords, sentBackWords } from "../lib/deviceacts.js";
import { View, fill, focusOn, h } from "../lib/dom.js";
import { WAITS } from "../lib/lights.js";
import { href } from "../lib/router.js";
import { lightLine } from "./board-light.js";
import { ErrorCard } from "./error-card.js";

export class OverAir extends View {
  /** @param {import("../app.js").App} app @param {{device: Record<string, any>, board: string}} what `board`: its id, if it is here on a cable or in the air. */
  constructor(app, { device, board }) {
    super();
    this.app = app;
    this.device = device;
    this.board = board;
    this.name_ = String(device.device || device.device_id);
    this.place = h("div.sure", { role: "group", "aria-label": "Change network over the air" });
    this.append(this.place);
  }

  connectedCallback() {
    void this.#look();
  }

  async #look() {
    fill(this.place, h("p", { role: "status" }, "Asking Blynk whether it is online…"), h("div.row", {}, this.#back()));
    focusOn(this.place);
    try {
      const { online, board } = await this.app.agent.call("blynk.device", { device: this.device.device_id });
      this.#comes(board);
      if (online) this.#ask();
      else this.#offline();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** The board that the vault knows as this device, if it can be reached from here. @param {string} board */
  #comes(board) {
    if (!this.board && (board.startsWith("ble-") || this.app.store.boards.has(board))) this.board = board;
  }

  #ask() {
    const send = h("button.danger", { type: "button" }, "Send it back");
    send.addEventListener("click", () => void this.#send(send));
    fill(this.place, h("p", { dir: "auto" }, sentBackWords(this.name_)), h("div.row", {}, send, this.#back()));
    send.focus();
  }

  #offline() {
    const again = h("button.quiet", { type: "button" }, "Ask again");
    again.addEventListener("click", () => void this.#look());
    const cable = this.board && !this.board.startsWith("ble-");
    const words = cable ? h("p", { dir: "auto" }, `${this.name_} is offline, so it cannot be told over the air.`) : h("p", { dir: "auto" }, offlineWords(this.name_));
    fill(this.place, words, cable ? null : lightLine(WAITS, "Its light then shows: "), this.#next(""), h("div.row", {}, again, this.#back()));
    again.focus();
  }

  /** @param {HTMLButtonElement} button */
  async #send(button) {
    button.disabled = true;
    try {
      const { entry, access_point: point, board } = await this.app.agent.call("blynk.reconfigure", { device: this.device.device_id });
      this.#comes(board);
      this.#sent(point, Boolean(entry));
    } catch (error) {
      this.#failed(error);
    }
  }

  /** @param {string} point @param {boolean} kept */
  #sent(point, kept) {
    const told = `${this.name_} was told.`;
    fill(
      this.place,
      h("p", {}, h("strong", { dir: "auto" }, told)),
      lightLine(WAITS, "Within half a minute its light shows: "),
      this.#next(point),
      kept ? null : h("p.hint", {}, "Blynk does not tell the token of this device. Copy it from the console: with a new one the board would become another device."),
    );
    focusOn(this.place);
    this.app.announcer.say(told);
  }

  /** How it goes on. @param {string} point Its own network, if that is known. */
  #next(point) {
    if (this.board) {
      const again = h("a.button.primary", { href: href("board", this.board, "blynk") }, "Set it up again");
      // Where the form stands below, it is only folded up.
      again.addEventListener("click", (event) => this.dispatchEvent(new CustomEvent("again", { bubbles: true, cancelable: true })) || event.preventDefault());
      return h("div", {}, h("p", {}, this.board.startsWith("ble-") ? "Then it is heard over Bluetooth: give it its network there." : "It is here: give it its network over this link."), h("div.row", {}, again));
    }
    // Under its name the device's own token is used again.
    const place = point ? href("point", point, this.name_) : href("missing", "", this.name_);
    const words = point ? ["Then it opens its own network ", h("bdi", { dir: "auto" }, point), "."] : ["Then it opens a network of its own; choose it in the list. "];
    return h(
      "div",
      {},
      h("p", {}, ...words, " Newer boards are heard over Bluetooth instead, and appear among the boards by themselves."),
      h("div.row", {}, h("a.button.primary", { href: place }, point ? "Give it its network" : "Look for its network"), h("a.button.quiet", { href: href("boards") }, "All boards")),
    );
  }

  #back() {
    const back = h("button.quiet", { type: "button" }, "Back");
    back.addEventListener("click", () => this.dispatchEvent(new CustomEvent("left")));
    return back;
  }

  /** @param {any} error */
  #failed(error) {
    const card = new ErrorCard(error);
    fill(this.place, card, h("div.row", {}, this.#back()));
    focusOn(card);
    this.app.announcer.say(error.title);
  }
}

customElements.define("over-air", OverAir);
