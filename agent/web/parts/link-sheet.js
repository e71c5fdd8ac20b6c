/** Boards and the places of their devices, as a list to save and as codes to print. No secret is in it. */

import { View, fill, foreign, h, keyed, say } from "../lib/dom.js";
import { download } from "../lib/copies.js";
import { deviceOf, tableOf } from "../lib/wall.js";
import { isHere, webAddress } from "../lib/weblink.js";
import { pageLink } from "./page-link.js";
import { QrCode } from "./qr-code.js";

/** @typedef {import("../types.js").Job} Job */

export class LinkSheet extends View {
  /** @type {Job[]} */ #jobs = [];
  #made = "";

  /**
   * @param {import("../app.js").App} app
   * @param {string} group
   * @param {(job: Job) => {name: string, socket: string}} board What a board is called and where it is.
   */
  constructor(app, group, board) {
    super();
    this.app = app;
    this.group = group;
    this.board = board;
    this.folded = h("span");
    this.cards = h("ul.link-cards");
    this.note = h("p.soft.small", { hidden: true });
    this.more = h("details.more", {}, h("summary", {}, this.folded), this.note, this.cards);
    const save = h("button.quiet", { type: "button" }, "Save the list (CSV)");
    const print = h("button.quiet", { type: "button" }, "Print the list");
    this.told = h("span.soft.small", { role: "status" });
    save.addEventListener("click", () => this.#save());
    print.addEventListener("click", () => this.#print());
    this.more.addEventListener("toggle", () => this.#draw());
    this.append(h("div.row", {}, save, print, this.told), this.more);
    this.hidden = true;
  }

  /** @param {Job[]} jobs */
  show(jobs) {
    this.#jobs = jobs;
    const ready = jobs.filter(deviceOf);
    this.hidden = !ready.length;
    say(this.folded, `Links and QR codes (${ready.length})`);
    this.#draw();
  }

  #draw() {
    if (!this.more.open) return;
    const ready = this.#jobs.filter(deviceOf);
    const key = ready.map(({ id }) => id).join(" ");
    if (key === this.#made) return;
    this.#made = key;
    keyed(this.cards, ready, ({ id }) => id, (job) => this.#card(job), () => {});
    const links = ready.map(({ result }) => webAddress(result?.link));
    const note = links.every((link) => !link)
      ? "With an administrator in the account, the links to the devices stand here."
      : links.some((link) => link && isHere(link))
        ? "The links lead to this computer: a telephone does not get there."
        : "";
    say(this.note, note);
    this.note.hidden = !note;
  }

  /** @param {Job} job */
  #card(job) {
    const device = deviceOf(job);
    const { name, socket } = this.board(job);
    const link = webAddress(job.result?.link);
    const place = [name === device ? "" : name, socket].filter(Boolean).join(" · ");
    return h(
      "li",
      {},
      link ? new QrCode(link, `QR code of the link to ${device}`) : null,
      h("div", {}, h("p.device", {}, foreign(device)), h("p.soft.small", {}, place), link ? h("p.small", {}, pageLink(link)) : null),
    );
  }

  #save() {
    // Spreadsheets read a file without this mark as if it were of another age.
    download(`mooring-${this.group}.csv`, `\ufeff${tableOf(this.#jobs, this.board)}`);
    say(this.told, "Saved to your downloads.");
  }

  #print() {
    this.more.open = true;
    fill(this.told);
    this.#draw();
    print();
  }
}

customElements.define("link-sheet", LinkSheet);
