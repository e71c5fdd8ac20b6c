/** The vault: what clouds gave to boards, without the secrets; put on a board again, or forgotten. */

import { View, fill, focusOn, foreign, h, keyed, say } from "../lib/dom.js";
import { changesVault } from "../lib/enrol.js";
import { hasSerial, where } from "../lib/ports.js";
import { go } from "../lib/router.js";
import { ended } from "../lib/store.js";
import { count } from "../lib/text.js";
import { filtered, forgetWords, vaultName, vaultPlace, vaultState, vaultWords } from "../lib/vault.js";
import { ChoiceList } from "../parts/choice-list.js";
import { chip, updateChip } from "../parts/drawing.js";
import { ErrorCard } from "../parts/error-card.js";

/** @typedef {import("../types.js").VaultEntry} VaultEntry */

/** Entries from which on there is something to filter. */
const MANY = 9;
/** Rows that are drawn at once; the filter reaches all of them. */
const ROWS = 60;

const KEY_IN_FILE = "The key of the vault is in a file, because this computer has no keyring that could hold it: who can read all of your files can read the credentials.";

export class VaultList extends View {
  /** @type {VaultEntry[]} */ #entries = [];
  /** Id of the entry at which something is asked. */ #open = "";
  #shown = ROWS;

  /** @param {import("../app.js").App} app */
  constructor(app) {
    super();
    this.app = app;
    this.heading = h("h2", {}, "Vault");
    this.empty = h("p", {}, "Nothing is kept yet. What a cloud gives to a board is kept here before the board gets it.");
    this.file = h("p.hint", { hidden: true }, KEY_IN_FILE);
    this.filter = h("input", { type: "search", placeholder: "Filter", "aria-label": "Filter the vault", autocomplete: "off" });
    this.filter.addEventListener("input", () => this.#draw());
    this.told = h("span.soft.small", { role: "status" });
    this.bar = h("div.filter", { hidden: true }, this.filter, this.told);
    this.list = h("ul.vault");
    this.more = h("button.quiet", { type: "button", hidden: true }, "Show more");
    this.more.addEventListener("click", () => {
      this.#shown += ROWS;
      this.#draw();
    });
    this.outcome = h("div");
    const note = "What clouds gave to your boards, encrypted on this computer. The credentials themselves are never shown on a page.";
    this.append(this.heading, h("p.soft", {}, note), this.file, this.empty, this.bar, this.list, h("div.row", {}, this.more), this.outcome);
  }

  connectedCallback() {
    const { store, agent } = this.app;
    this.watch(agent, "state", () => agent.state === "connected" && void this.#fetch());
    this.watch(store, "jobs", (event) => event.detail && changesVault(event.detail) && ended(event.detail) && void this.#fetch());
    this.watch(store, "clouds", () => this.#draw());
    this.watch(store, "boards", () => this.#open.startsWith("restore ") && this.#draw());
    if (agent.state === "connected") void this.#fetch();
  }

  /** Go there, because a link named it. */
  focus() {
    focusOn(this.heading);
  }

  async #fetch() {
    try {
      this.#take(await this.app.agent.call("vault.list"));
      fill(this.outcome);
    } catch (error) {
      if (/** @type {any} */ (error).code !== "agent-gone") fill(this.outcome, new ErrorCard(/** @type {any} */ (error)));
    }
  }

  /** @param {import("../types.js").VaultList} listed */
  #take({ entries, key_in_file }) {
    this.#entries = entries;
    this.file.hidden = !key_in_file;
    this.#draw();
  }

  #draw() {
    const found = filtered(this.#entries, this.filter.value);
    this.empty.hidden = this.#entries.length > 0;
    this.bar.hidden = this.#entries.length < MANY;
    const all = count(this.#entries.length, "entry").replace(/entrys$/, "entries");
    say(this.told, found.length === this.#entries.length ? all : `${found.length} of ${all}`);
    this.more.hidden = found.length <= this.#shown;
    keyed(this.list, found.slice(0, this.#shown), (entry) => entry.id, row, (item, entry) => this.#update(item, entry));
  }

  /** @param {any} item @param {VaultEntry} entry */
  #update(item, entry) {
    say(item.querySelector("bdi"), vaultName(entry));
    say(item.querySelector(".place"), vaultPlace(entry));
    say(item.querySelector(".state"), vaultWords(entry));
    updateChip(item.querySelector(".chip"), vaultState(entry));
    const asks = this.#open.endsWith(` ${entry.id}`) ? this.#open.split(" ")[0] : "";
    const key = asks === "restore" ? `restore ${this.#boards(entry).map(({ id }) => id)}` : `${asks} ${entry.problem} ${entry.state} ${this.#signedIn(entry)}`;
    if (item.dataset.asks === key) return;
    const held = item.contains(document.activeElement);
    const before = (item.dataset.asks ?? "").split(" ")[0];
    item.dataset.asks = key;
    const place = item.querySelector(".acts");
    if (asks === "forget") fill(place, this.#forgetting(entry));
    else if (asks === "restore") fill(place, this.#restoring(entry));
    else fill(place, this.#buttons(entry));
    // Into what is asked, and back to where it was asked for.
    if (held) (place.querySelector(`input:checked, [data-what="${before}"]`) ?? place.querySelector("input, button"))?.focus();
  }

  /** What its cloud is called, if somebody is signed in there; else empty. @param {VaultEntry} entry */
  #signedIn(entry) {
    const cloud = this.app.store.clouds.find(({ id }) => id === entry.cloud);
    return cloud?.signed_in ? cloud.title : "";
  }

  /** @param {VaultEntry} entry */
  #buttons(entry) {
    const button = (/** @type {string} */ label, /** @type {string} */ what) => {
      const made = h("button.link", { type: "button", "data-what": what, "aria-label": `${label}: ${vaultName(entry)}` }, label);
      made.addEventListener("click", () => this.#ask(`${what} ${entry.id}`));
      return made;
    };
    const can = (/** @type {string} */ kind) => this.app.agent.info?.capabilities.includes(kind);
    const restores = !entry.problem && entry.cloud !== "blynk" && can("restore"); // A set-up of such a board goes on from here.
    const cloud = this.#signedIn(entry);
    const removes = entry.device && cloud && can("remove");
    const outcome = h("div");
    const row = h(
      "div.row",
      {},
      restores ? button("Put it on a board again", "restore") : null,
      button("Forget", "forget"),
      removes ? this.#remover(entry, cloud, outcome) : null,
    );
    return [row, outcome];
  }

  /** Starts the job that removes a device; before it changes anything it says what is lost. @param {VaultEntry} entry @param {string} title @param {Element} outcome Where an error is shown. */
  #remover(entry, title, outcome) {
    const label = `Remove the device from ${title}…`;
    const button = h("button.link", { type: "button", "aria-label": `${label}: ${vaultName(entry)}` }, label);
    button.addEventListener("click", async () => {
      button.disabled = true;
      const board = this.app.store.boards.has(entry.board) ? entry.board : "";
      const request = { kind: "remove", board, cloud: entry.cloud, name: entry.device, attended: true };
      try {
        go("job", (await this.app.agent.call("jobs.start", request)).job);
      } catch (error) {
        button.disabled = false;
        fill(outcome, new ErrorCard(/** @type {any} */ (error)));
        this.app.announcer.say(/** @type {any} */ (error).title);
      }
    });
    return button;
  }

  /** @param {string} what */
  #ask(what) {
    this.#open = what;
    this.#draw();
  }

  /** @param {VaultEntry} entry */
  #forgetting(entry) {
    const erase = h("button.danger", { type: "button" }, "Erase it for good");
    const back = h("button.quiet", { type: "button" }, "Keep it");
    const outcome = h("div");
    back.addEventListener("click", () => this.#ask(""));
    erase.addEventListener("click", async () => {
      erase.disabled = true;
      try {
        this.#take(await this.app.agent.call("vault.forget", { entry: entry.id }));
        this.app.announcer.say(`${vaultName(entry)} is erased from the vault.`);
        this.focus();
      } catch (error) {
        erase.disabled = false;
        fill(outcome, new ErrorCard(/** @type {any} */ (error)));
        this.app.announcer.say(/** @type {any} */ (error).title);
      }
    });
    return h("div.sure", {}, h("p", {}, forgetWords(entry)), h("div.row", {}, back, erase), outcome);
  }

  /** Boards that can get it, that which had it first. @param {VaultEntry} entry */
  #boards(entry) {
    const here = [...this.app.store.boards.values()].filter(hasSerial);
    return here.sort((a, b) => Number(b.id === entry.board) - Number(a.id === entry.board));
  }

  /** @param {VaultEntry} entry */
  #restoring(entry) {
    const boards = this.#boards(entry);
    const back = h("button.quiet", { type: "button" }, "Back");
    back.addEventListener("click", () => this.#ask(""));
    if (!boards.length) return h("div.restore", {}, h("p", {}, "Plug the board in."), h("div.row", {}, back));
    const choices = boards.map((board) => ({
      id: board.id,
      label: board.name,
      detail: board.id === entry.board ? `${where(board)} · had it` : where(board),
    }));
    const list = new ChoiceList("On which board?", choices, { chosen: entry.board });
    const put = h("button.primary", { type: "submit" }, "Put it there");
    const outcome = h("div");
    const note = "The server is asked first whether it still takes these credentials. The board keeps its network.";
    const form = h("form.restore", { novalidate: true }, list, h("p.soft.small", {}, note), outcome, h("div.row", {}, put, back));
    form.addEventListener("submit", async (/** @type {Event} */ event) => {
      event.preventDefault();
      if (!list.check("Choose a board first.")) return;
      put.disabled = true;
      try {
        await this.app.store.quit(list.value);
        const { job } = await this.app.agent.call("jobs.start", { kind: "restore", board: list.value, entry: entry.id, attended: true });
        this.#open = "";
        go("job", job);
      } catch (error) {
        put.disabled = false;
        fill(outcome, new ErrorCard(/** @type {any} */ (error)));
        this.app.announcer.say(/** @type {any} */ (error).title);
      }
    });
    return form;
  }
}

function row() {
  const state = chip({ look: "ready", word: "" });
  return h("li", {}, h("div.entry", {}, h("strong", {}, foreign("")), state, h("span.place.soft.small", { dir: "auto" }), h("span.state.soft.small")), h("div.acts"));
}

customElements.define("vault-list", VaultList);
