/** A board with Blynk's firmware: its network, its token, its name; over a link, or in the network of its own. */

import { View, fill, focusOn, h, say } from "../lib/dom.js";
import { BLYNK_KINDS, consoleLink, withoutAccount } from "../lib/clouds.js";
import { WAITS } from "../lib/lights.js";
import { kindSchemas } from "../lib/networks.js";
import { go } from "../lib/router.js";
import { isReading } from "../lib/store.js";
import { ago, duration } from "../lib/text.js";
import { lightGuide, lightLine } from "../parts/board-light.js";
import { ChoiceList } from "../parts/choice-list.js";
import { CloudAccount } from "../parts/cloud-account.js";
import { ErrorCard } from "../parts/error-card.js";
import { KnownDevice } from "../parts/known-device.js";
import { NetworkPicker } from "../parts/network-picker.js";
import { SchemaFields } from "../parts/schema-fields.js";
import { TokenField } from "../parts/token-field.js";

const CLOUD = "blynk";

const TOKENS = [
  { id: "make", label: "Let Mooring ask Blynk for one", detail: "It makes a token for this board. The device appears with the board's first login." },
  { id: "paste", label: "Paste one", detail: "Of a device that is in the console already." },
];
const NETWORKS = [
  { id: "ask", label: "Choose it when the board has looked", detail: "Mooring asks then, with the networks that the board itself hears." },
  { id: "type", label: "Type it now", detail: "Nothing more is asked, if all goes well." },
];
const FIXED = "A fixed address instead of DHCP: over Bluetooth, or the board's own network";
const address = (/** @type {string} */ title, description = "") => ({ type: "string", title, description, default: "", "x-group": FIXED });
/** In place of DHCP; the console of the firmware has no setting for it. */
const ADDRESS = {
  ip: address("Address", "As in 192.168.1.50."),
  netmask: address("Netmask", "As in 255.255.255.0."),
  gateway: address("Gateway"),
  dns: address("DNS server"),
  dns2: address("Second DNS server"),
};
/** Names of devices that wait. */
const OFFERED = 8;
const WHERE = "In the console open the device, then Device info. The three lines with #define can be pasted as they are.";

export class BlynkForm extends View {
  /** @type {NetworkPicker|null} */ #picker = null;
  /** @type {SchemaFields|null} */ #fields = null;
  #sending = false;
  #offered = false;
  #done = false;

  /** @param {import("../app.js").App} app @param {{board?: string, point?: string, device?: string}} where Id of a board, or the network that one has opened; the device that it is known to be. */
  constructor(app, { board = "", point = "", device = "" }) {
    super();
    this.app = app;
    this.board = board;
    this.point = point;
    this.device = device;
    this.account = new CloudAccount(app, CLOUD, accountWords);
    this.account.addEventListener("account", () => this.#draw());
    this.source = new ChoiceList("Token", device ? [ownToken(device), TOKENS[1]] : TOKENS, { chosen: "make" });
    this.source.addEventListener("picked", () => this.#arrange());
    this.token = new TokenField({ title: "Token", description: WHERE });
    this.when = new ChoiceList("Network", NETWORKS, { chosen: app.memory.draft(this.#formName).when ?? "ask" });
    this.when.addEventListener("picked", () => this.#arrange());
    this.scanned = h("span.soft");
    this.again = h("button.link", { type: "button" }, "Look again");
    this.again.addEventListener("click", () => app.store.scan(board, CLOUD));
    this.network = h("div");
    this.fields = h("div");
    this.waiting = h("p.soft.small.waiting", { hidden: true });
    this.button = h("button.primary", { type: "submit" }, "Set up");
    this.outcome = h("div");
    const waits = point ? null : h("div.hint-light", {}, lightLine(WAITS, "It can be set up while its light shows: "));
    this.form = h(
      "form",
      { novalidate: true },
      waits,
      device ? h("p.hint", {}, "It stays the device ", h("bdi", { dir: "auto" }, device), ", with its data: leave its name below as it is.") : null,
      this.account,
      point ? this.when : h("p.scan", {}, this.scanned, this.again),
      this.network,
      h("div", {}, this.source, this.token.element),
      this.fields,
      this.waiting,
      this.outcome,
      h("div.row", {}, this.button),
      lightGuide(app),
    );
    this.form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.#submit();
    });
    this.heading = h("h2", {}, "Set up with Blynk");
    this.known = new KnownDevice(app, { cloud: CLOUD, board, heading: this.heading, form: this.form });
    this.known.addEventListener("unfolded", () => this.#look());
    this.append(this.known);
  }

  connectedCallback() {
    const { store, ticker } = this.app;
    for (const topic of ["clouds", "readings", "boards"]) this.watch(store, topic, () => this.#draw());
    this.onLeave(ticker.follow(() => this.#scanStatus()));
    this.onLeave(() => this.#keep());
    this.#draw();
    this.#look();
  }

  /** Devices that were made or claimed before their boards: their tokens wait in the vault. */
  async #offerWaiting() {
    if (this.#offered || this.device || !this.#client || this.app.agent.state !== "connected") return;
    this.#offered = true;
    /** @type {import("../types.js").VaultEntry[]} */
    const entries = await this.app.agent.call("vault.list").then(({ entries }) => entries, () => []);
    const names = entries.filter(({ cloud, board, state }) => cloud === CLOUD && !board && state === "pending").map(({ device }) => device);
    const buttons = names.slice(0, OFFERED).map((name) => {
      const button = h("button.link", { type: "button" }, h("bdi", { dir: "auto" }, name));
      button.addEventListener("click", () => {
        const field = this.#fields?.field("name");
        if (!field) return;
        field.raw = name;
        field.focus();
      });
      return button;
    });
    this.waiting.hidden = !buttons.length;
    fill(this.waiting, "Made before their boards; under such a name the board gets that token: ", ...buttons.flatMap((button) => [button, " "]));
  }

  get #formName() {
    return `blynk ${this.board || this.point}`;
  }

  /** Whoever opens this form says that the board has such firmware, so that it may be asked. */
  #look() {
    const { store, agent } = this.app;
    const board = store.boards.get(this.board);
    const reading = store.reading(this.board);
    const asked = reading?.cloud === CLOUD;
    // One that is online already is not disturbed, unless somebody wants to set it up again.
    if (!board || asked || !this.known.unfolded || store.active(this.board) || board.state !== "ready" || agent.state !== "connected") return;
    void store.scan(this.board, CLOUD);
  }

  #draw() {
    const { store, memory } = this.app;
    const { cloud } = this.account;
    if (cloud && !this.#fields) {
      this.#fields = new SchemaFields(deviceFields(cloud.device_schema), { values: memory.draft(this.#formName).device ?? (this.device ? { name: this.device } : undefined) });
      fill(this.fields, this.#fields);
    }
    if (cloud) say(this.heading, `Set up with ${cloud.title}`);
    if (!this.#picker && store.networkSchema) this.#drawNetworks(store.networkSchema);
    const reading = store.reading(this.board);
    if (!this.point) this.#picker?.show(reading?.networks ?? [], isReading(reading));
    this.#scanStatus();
    this.#arrange();
    void this.#offerWaiting();
  }

  /** @param {import("../types.js").Schema} schema */
  #drawNetworks(schema) {
    const { memory } = this.app;
    const draft = memory.draft(this.#formName);
    const kinds = BLYNK_KINDS.filter((kind) => kindSchemas(schema).has(kind));
    const typed = Boolean(this.point);
    this.#picker = new NetworkPicker({ schema, kinds, memory, preferred: draft.network ?? memory.network, typed, values: draft.typed ?? null });
    fill(this.network, this.#picker);
  }

  /** Show what the choices need. */
  #arrange() {
    const makes = this.#client;
    this.source.hidden = !makes;
    this.token.element.hidden = makes && this.source.value === "make";
    this.network.hidden = Boolean(this.point) && this.when.value === "ask";
  }

  /** The account can have tokens made. */
  get #client() {
    return Boolean(this.account.cloud?.signed_in);
  }

  get #pastes() {
    return !this.#client || this.source.value === "paste";
  }

  #scanStatus() {
    if (this.point) return;
    const reading = this.app.store.reading(this.board);
    const busy = isReading(reading);
    this.again.hidden = busy;
    say(this.again, reading ? "Look again" : "Let it look for networks");
    if (reading && busy) return say(this.scanned, `The board looks for networks… ${duration(Date.now() / 1000 - reading.startedAt)}`);
    if (!reading) return say(this.scanned, "");
    if (reading.state === "failed") return say(this.scanned, "The board did not answer as one with Blynk's firmware.");
    const found = (this.#picker?.list.childElementCount ?? 1) - 1;
    say(this.scanned, `The board found ${found === 1 ? "1 network" : `${found} networks`} ${ago(reading.scannedAt)}.`);
  }

  get #typesNetwork() {
    return !this.point || this.when.value === "type";
  }

  async #submit() {
    const picker = this.#picker;
    if (this.#sending || !picker) return;
    if (this.#typesNetwork && !picker.check()) {
      this.app.announcer.say(picker.value ? "The network settings are not complete." : "Choose a network first.");
      if (!picker.value) fill(this.outcome, h("p.field-error", {}, "Choose a network first."));
      return;
    }
    if (this.#pastes && !this.token.check()) return;
    if (!this.#fields?.check()) return;
    this.#sending = true;
    this.button.disabled = true;
    fill(this.outcome);
    try {
      await this.#start();
    } catch (error) {
      this.#failed(/** @type {any} */ (error));
    } finally {
      this.#sending = false;
      this.button.disabled = false;
    }
  }

  async #start() {
    const { agent, memory, store } = this.app;
    if (this.board) await store.quit(this.board);
    const { job } = await agent.call("jobs.start", {
      kind: "provision",
      board: this.board,
      attended: true,
      cloud: CLOUD,
      ...(this.point ? { access_point: this.point } : store.over(this.board)),
      ...(this.#typesNetwork ? { network: this.#picker?.value } : {}),
      ...(this.#pastes ? { token: this.token.value } : {}),
      ...named(this.#fields?.values ?? {}),
    });
    this.token.clear();
    memory.cloud = CLOUD;
    this.#keep();
    this.#done = true;
    go("job", job);
  }

  /** What was typed stays for the next time this form opens; never the token. */
  #keep() {
    if (this.#done || !this.#picker) return;
    this.#picker.remember();
    this.app.memory.keepDraft(this.#formName, {
      network: this.#picker.networkKey,
      typed: this.#picker.draft,
      when: this.when.value,
      device: this.#fields?.values,
    });
  }

  /** @param {any} error */
  #failed(error) {
    const { field, problem } = error.facts ?? {};
    const name = String(field ?? "").replace(/^(network|address)\./, "").replace(/^template$/, "template_id");
    this.app.announcer.say(error.title);
    if (name === "token" && this.#pastes) return this.token.showProblem(String(problem));
    if (name && this.#fields?.showProblem(name, String(problem))) return this.#fields.field(name)?.focus();
    if (name && this.#typesNetwork && this.#picker?.showProblem(name, String(problem), true)) return;
    const card = new ErrorCard(error, { context: { board: this.board || this.point, version: this.app.agent.info?.version } });
    fill(this.outcome, card);
    focusOn(card);
  }
}

/** @param {string} device */
function ownToken(device) {
  return { id: "make", label: `Use that of ${device}`, detail: "It is in the vault; the device, its id and its data stay." };
}

/** The name first; the template, which the firmware mostly says, folded away. @param {import("../types.js").Schema} schema */
function deviceFields({ properties = {} }) {
  const { name, template_id } = properties;
  return { type: "object", properties: { name, ...ADDRESS, template_id: { ...template_id, "x-group": "Another template than that of the firmware" } } };
}

/** As `jobs.start` takes it. @param {Record<string, any>} values */
function named({ name, template_id, ...values }) {
  const given = Object.keys(ADDRESS).map((part) => [part, values[part]?.trim() ?? ""]).filter(([, value]) => value);
  const whole = { ip: "", netmask: "", gateway: "", ...Object.fromEntries(given) };
  return {
    ...(name?.trim() ? { name: name.trim() } : {}),
    ...(template_id?.trim() ? { template: template_id.trim() } : {}),
    ...(given.length ? { address: whole } : {}),
  };
}

/** Whose account it is, or that there is none. @param {import("../types.js").CloudInfo} cloud */
function accountWords(cloud) {
  const place = consoleLink(cloud);
  const link = place ? [" ", h("a", { href: place, target: "_blank", rel: "noopener noreferrer" }, "Open the console")] : [];
  if (!cloud.signed_in) return [withoutAccount(cloud), ...link];
  return [h("bdi", {}, cloud.account?.server ?? ""), h("span.soft", {}, `, client ${cloud.account?.client_id ?? ""}`)];
}

customElements.define("blynk-form", BlynkForm);
