/** Devices of Blynk whose boards are not here: tended by name, made before their board, claimed by a QR code. */

import { View, fill, focusOn, foreign, h, keyed, say } from "../lib/dom.js";
import { count } from "../lib/text.js";
import { CloudDevice } from "./cloud-device.js";
import { ErrorCard } from "./error-card.js";
import { ownField } from "./field.js";

/** @typedef {{id: number, name: string, template: string, firmware: string, activated: boolean}} BlynkDevice */
/** @typedef {{ends: string, claimed: boolean, device: number}} StaticToken */

/** From so many on they can be searched. */
const MANY = 8;
const ROWS = 20;

export class BlynkElsewhere extends View {
  /** @type {BlynkDevice[]} */ #devices = [];
  #shown = ROWS;
  #open = 0;

  /** @param {import("../app.js").App} app */
  constructor(app) {
    super();
    this.app = app;
    this.told = h("p.soft.small", { role: "status" });
    this.filter = h("input", { type: "search", "aria-label": "Search the devices", placeholder: "Search", autocomplete: "off", spellcheck: "false" });
    this.filter.addEventListener("input", () => this.#drawDevices());
    this.list = h("ul.cloud-rows");
    this.more = h("button.quiet", { type: "button", hidden: true }, "Show more");
    this.more.addEventListener("click", () => {
      this.#shown += ROWS;
      this.#drawDevices();
    });
    this.tokens = h("ul.cloud-rows");
    this.counted = h("p.soft.small", { role: "status" });
    this.append(
      this.#folded("Devices: another network over the air, and more", () => this.#fetch(), this.told, this.filter, this.list, h("div.row", {}, this.more)),
      this.#folded("Make a device before its board", () => undefined, this.#maker()),
      this.#folded("Static tokens: devices that were prepared with a QR code", () => this.#fetchTokens(), ...this.#statics()),
    );
  }

  /** @param {string} title @param {() => unknown} open @param {...(Element|null)} content */
  #folded(title, open, ...content) {
    const details = h("details.more.elsewhere-board", {}, h("summary", {}, title), ...content);
    details.addEventListener("toggle", () => details.open && open());
    return details;
  }

  // --- devices ---

  async #fetch() {
    say(this.told, "Asking Blynk…");
    this.filter.hidden = true;
    try {
      this.#devices = (await this.app.agent.call("blynk.devices")).devices;
      this.#drawDevices();
    } catch (error) {
      this.#failed(this.list, error);
      say(this.told, "");
    }
  }

  #drawDevices() {
    const wanted = this.filter.value.trim().toLowerCase();
    const found = this.#devices.filter(({ id, name, template }) => `${name} ${id} ${template}`.toLowerCase().includes(wanted));
    this.filter.hidden = this.#devices.length < MANY;
    const all = count(this.#devices.length, "device");
    say(this.told, this.#devices.length ? (found.length === this.#devices.length ? all : `${found.length} of ${all}`) : "The organisation has no device.");
    this.more.hidden = found.length <= this.#shown;
    keyed(this.list, found.slice(0, this.#shown), ({ id }) => String(id), () => this.#row(), (row, device) => this.#update(row, device));
  }

  #row() {
    const open = h("button.link", { type: "button", "aria-expanded": "false" });
    open.append(foreign(""));
    return h("li", {}, h("div.entry", {}, open, h("span.soft.small")), h("div.tended"));
  }

  /** @param {any} row @param {BlynkDevice} device */
  #update(row, device) {
    const open = row.querySelector("button.link");
    const about = [`device ${device.id}`, device.template, device.firmware && `firmware ${device.firmware}`, device.activated ? "" : "waits for its board"];
    say(open.firstElementChild, device.name || String(device.id));
    say(row.querySelector("span.soft"), about.filter(Boolean).join(" · "));
    open.onclick = () => {
      this.#open = this.#open === device.id ? 0 : device.id;
      this.#drawDevices();
    };
    const opened = this.#open === device.id;
    open.setAttribute("aria-expanded", String(opened));
    const place = row.querySelector(".tended");
    if (opened === Boolean(place.firstChild)) return;
    fill(place, opened ? new CloudDevice(this.app, { cloud: "blynk", board: "", device: { device: device.name, device_id: device.id }, named: true }) : null);
  }

  // --- one before its board ---

  #maker() {
    const name = ownField({ name: "name", title: "Name", description: "At most 50 letters, digits, blanks, apostrophes, underscores and hyphens.", required: true });
    const template = ownField({ name: "template", title: "Template", description: "As in TMPLdemo00000.", required: true });
    const make = h("button.primary", { type: "submit" }, "Make the device");
    const outcome = h("div");
    const note = h("p.soft.small", {}, "Its token goes into the vault. Set its board up with the same name, and the board gets it.");
    const form = h("form", { novalidate: true }, name.element, template.element, note, outcome, h("div.row", {}, make));
    const submit = async () => {
      if (make.disabled || !filled(name, template)) return;
      make.disabled = true;
      fill(outcome);
      try {
        const { device, entry } = await this.app.agent.call("blynk.create", { name: name.raw.trim(), template: template.raw.trim() });
        name.text = "";
        this.#done(outcome, `${device.name} (${device.id}) is there and waits for its board.`, entry);
      } catch (error) {
        this.#refused(outcome, error, { name, template, template_id: template });
      } finally {
        make.disabled = false;
      }
    };
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void submit();
    });
    return form;
  }

  // --- static tokens ---

  #statics() {
    const code = ownField({ name: "code", title: "Text of the QR code", type: "password", description: "It begins with sqr_. Whoever has it can claim the device.", required: true });
    const claim = h("button.primary", { type: "submit" }, "Claim the device");
    const outcome = h("div");
    const form = h("form", { novalidate: true }, code.element, outcome, h("div.row", {}, claim));
    const submit = async () => {
      if (claim.disabled || !filled(code)) return;
      claim.disabled = true;
      fill(outcome);
      try {
        const { device, entry } = await this.app.agent.call("blynk.claim", { code: code.raw.trim() });
        code.text = "";
        this.#done(outcome, `${device.name || device.id} is yours.`, entry);
        await this.#fetchTokens();
      } catch (error) {
        this.#refused(outcome, error, { code });
      } finally {
        claim.disabled = false;
      }
    };
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void submit();
    });
    return [form, this.counted, this.tokens];
  }

  async #fetchTokens() {
    say(this.counted, "Asking Blynk…");
    try {
      const tokens = /** @type {StaticToken[]} */ ((await this.app.agent.call("blynk.static_tokens")).tokens);
      const free = tokens.filter(({ claimed }) => !claimed).length;
      say(this.counted, tokens.length ? `${tokens.length} prepared, ${free} without an owner.` : "The organisation has prepared none.");
      fill(this.tokens, ...tokens.map((token) => this.#token(token)));
    } catch (error) {
      say(this.counted, "");
      this.#failed(this.tokens, error);
    }
  }

  /** @param {StaticToken} token */
  #token({ ends, claimed, device }) {
    const acts = h("div");
    const row = h("li", {}, h("div.entry", {}, h("code", {}, `…${ends}`), h("span.soft.small", {}, claimed ? `claimed · device ${device}` : "waits for its owner"), acts));
    if (!claimed) return row;
    const give = h("button.link", { type: "button", "aria-label": `Give back the device ${device}…` }, "Give back…");
    give.addEventListener("click", () => row.append(this.#giving(device, give)));
    acts.append(give);
    return row;
  }

  /** @param {number} device @param {HTMLButtonElement} from */
  #giving(device, from) {
    from.hidden = true;
    const start = h("button.danger", { type: "button" }, "Give it back");
    const back = h("button.quiet", { type: "button" }, "Keep it");
    const outcome = h("div");
    const words = `The device ${device} leaves its owner with all that it sent, and whoever has its code can claim it; this cannot be undone.`;
    const sure = h("div.sure", { role: "group", "aria-label": "Give back" }, h("p", {}, words), h("div.row", {}, back, start), outcome);
    back.addEventListener("click", () => {
      sure.remove();
      from.hidden = false;
      from.focus();
    });
    start.addEventListener("click", async () => {
      start.disabled = true;
      try {
        await this.app.agent.call("blynk.unclaim", { device });
        this.app.announcer.say("It waits for an owner again.");
        await this.#fetchTokens();
        focusOn(this.counted);
      } catch (error) {
        start.disabled = false;
        this.#failed(outcome, error);
      }
    });
    setTimeout(() => back.focus());
    return sure;
  }

  // --- both ---

  /** @param {Element} place @param {string} words @param {string} entry */
  #done(place, words, entry) {
    const kept = entry ? `Its token is in the vault, entry ${entry}.` : "Blynk did not tell its token: copy it from the console.";
    fill(place, h("div.outcome.good", {}, h("p.online", { dir: "auto" }, words), h("p", {}, kept)));
    this.app.announcer.say(words);
  }

  /** @param {Element} place @param {any} error @param {Record<string, import("./field.js").FieldInput>} fields */
  #refused(place, error, fields) {
    const { field, problem } = error.facts ?? {};
    const wrong = fields[String(field ?? "")];
    if (!wrong) return this.#failed(place, error);
    this.app.announcer.say(error.title);
    wrong.showProblem(String(problem));
    wrong.focus();
  }

  /** @param {Element} place @param {any} error */
  #failed(place, error) {
    const card = new ErrorCard(error, { context: { version: this.app.agent.info?.version } });
    fill(place, card);
    focusOn(card);
    this.app.announcer.say(error.title);
  }
}

/** True if nothing is empty; else the first that is says so. @param {...import("./field.js").FieldInput} fields */
function filled(...fields) {
  for (const field of fields) field.showProblem(field.raw.trim() ? "" : "is needed");
  const first = fields.find((field) => !field.raw.trim());
  first?.focus();
  return !first;
}

customElements.define("blynk-elsewhere", BlynkElsewhere);
