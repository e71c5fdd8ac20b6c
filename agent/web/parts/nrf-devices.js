/** The boards of a team in nRF Cloud: which are there, new keys for each and how it is given up. */

import { View, fill, focusOn, foreign, h, keyed, say } from "../lib/dom.js";
import { count } from "../lib/text.js";
import { CloudDevice } from "./cloud-device.js";
import { ErrorCard } from "./error-card.js";

/** @typedef {{id: string, name: string, imei: string, claimed: boolean, onboarded: boolean|null, link: string, tags: string[]}} TeamDevice */

/** From so many on they can be searched. */
const MANY = 8;
const ROWS = 20;

export class NrfDevices extends View {
  /** @type {TeamDevice[]} */ #devices = [];
  #shown = ROWS;
  #open = "";

  /** @param {import("../app.js").App} app */
  constructor(app) {
    super();
    this.app = app;
    this.told = h("p.soft.small", { role: "status" });
    this.filter = h("input", { type: "search", "aria-label": "Search the devices", placeholder: "Name, device id, IMEI or tag", autocomplete: "off", spellcheck: "false" });
    this.filter.addEventListener("input", () => {
      this.#shown = ROWS;
      this.#draw();
    });
    this.list = h("ul.cloud-rows");
    this.outcome = h("div");
    this.more = h("button.quiet", { type: "button", hidden: true }, "Show more");
    this.more.addEventListener("click", () => {
      this.#shown += ROWS;
      this.#draw();
    });
    this.append(this.told, this.filter, this.outcome, this.list, h("div.row", {}, this.more));
    this.filter.hidden = true;
  }

  /** Ask for them, each time they come into view. */
  async fetch() {
    say(this.told, "Asking nRF Cloud…");
    fill(this.outcome);
    try {
      const devices = /** @type {TeamDevice[]} */ ((await this.app.agent.call("nrf.devices")).devices);
      // What people gave a name comes first, then what is there.
      this.#devices = devices.sort((one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name));
      this.#draw();
    } catch (error) {
      say(this.told, "");
      const card = new ErrorCard(/** @type {any} */ (error), { context: { version: this.app.agent.info?.version } });
      fill(this.outcome, card);
      focusOn(card);
    }
  }

  #draw() {
    const wanted = this.filter.value.trim().toLowerCase();
    const found = this.#devices.filter(({ id, name, imei, tags }) => [id, name, imei, ...tags].join(" ").toLowerCase().includes(wanted));
    this.filter.hidden = this.#devices.length < MANY;
    const all = count(this.#devices.length, "device");
    const missing = this.#devices.filter(({ onboarded }) => onboarded === false).length;
    const told = missing ? `${all}, ${missing} not online yet` : all;
    say(this.told, this.#devices.length ? (found.length === this.#devices.length ? told : `${found.length} of ${all}`) : "Your team has claimed no board.");
    this.more.hidden = found.length <= this.#shown;
    keyed(this.list, found.slice(0, this.#shown), ({ id }) => id, () => this.#row(), (row, device) => this.#update(row, device));
  }

  #row() {
    const open = h("button.link", { type: "button", "aria-expanded": "false" });
    open.append(foreign(""));
    return h("li", {}, h("div.entry", {}, open, h("span.soft.small")), h("div.tended"));
  }

  /** @param {any} row @param {TeamDevice} device */
  #update(row, device) {
    const open = row.querySelector("button.link");
    say(open.firstElementChild, device.name || device.id);
    say(row.querySelector("span.soft"), about(device));
    open.onclick = () => {
      this.#open = this.#open === device.id ? "" : device.id;
      this.#draw();
    };
    const opened = this.#open === device.id;
    open.setAttribute("aria-expanded", String(opened));
    const place = row.querySelector(".tended");
    if (opened === Boolean(place.firstChild)) return;
    fill(place, opened ? this.#tended(device) : null);
  }

  /** @param {TeamDevice} device */
  #tended({ id, name, link, claimed }) {
    if (!claimed) return h("p.soft.small", {}, "It came by a certificate of its own, without a claim: it is tended in the portal, or over its cable.");
    return new CloudDevice(this.app, { cloud: "nrf", board: "", device: { device: name, device_id: id, link } });
  }
}

/** @param {TeamDevice} device */
const rank = ({ name, onboarded }) => (name ? 0 : onboarded ? 1 : 2);

/** @param {TeamDevice} device */
function about({ imei, onboarded, claimed, tags }) {
  const place = onboarded === false ? "claimed, not online yet" : onboarded === null ? "claimed" : claimed ? "" : "not claimed";
  return [place, imei && `IMEI ${imei}`, tags.join(", ")].filter(Boolean).join(" · ");
}

customElements.define("nrf-devices", NrfDevices);
