/**
 * What boards of one kind have in common when a cloud gives them credentials: network, kind of credentials, and
 * the way to the board. Fires `picked`.
 */

import { View, fill, h, say } from "../lib/dom.js";
import { AUTO, DELIVERIES, credentialChoices, givesFile } from "../lib/enrol.js";
import { kindSchemas, kindsFor } from "../lib/networks.js";
import { ChoiceList } from "./choice-list.js";
import { NetworkPicker } from "./network-picker.js";

/** What is the same for the next board, as the memory of the page names it. */
const DRAFT = "enrol";

const NETWORK_CHOICES = [
  { id: "give", label: "Give it a network", detail: "It gets name and password with its credentials." },
  { id: "keep", label: "Leave its network as it is", detail: "For a board that is online already, or has its network built in." },
];
const MANY_CHOICES = [
  { id: "give", label: "Give them a network", detail: "The same for all: they get name and password with their credentials." },
  { id: "keep", label: "Leave their networks as they are", detail: "For boards that are online already, or have their network built in." },
];

export class EnrolSettings extends View {
  /** @type {NetworkPicker|null} */ #picker = null;
  /** @type {ChoiceList|null} */ #credentials = null;

  /**
   * @param {import("../app.js").App} app
   * @param {string} board Its id; empty: for several boards, of whatever model.
   * @param {Record<string, any>} [before] What was chosen elsewhere, if nothing was on this page.
   */
  constructor(app, board, before = {}) {
    super();
    this.suggested = before;
    this.app = app;
    this.board = board;
    const draft = this.#draft;
    this.network = new ChoiceList("Network", board ? NETWORK_CHOICES : MANY_CHOICES, { chosen: draft.keeps ? "keep" : "give" });
    this.picked = h("div.given-network");
    this.delivery = new ChoiceList(board ? "How the board gets its settings" : "How the boards get their settings", DELIVERIES, { chosen: draft.delivery ?? AUTO });
    this.kinds = h("div");
    this.chosen = h("span");
    const more = h("details.more.choices-made", {}, h("summary", {}, this.chosen), this.kinds, this.delivery);
    for (const list of [this.network, this.delivery]) list.addEventListener("picked", () => this.#arrange());
    this.append(h("div", {}, this.network, this.picked), more);
  }

  connectedCallback() {
    this.watch(this.app.store, "clouds", () => this.#draw());
    this.#draw();
  }

  /** What was chosen for the last board. */
  get #draft() {
    const draft = this.app.memory.draft(DRAFT);
    return "keeps" in draft ? draft : this.suggested;
  }

  /** The cloud whose kinds of credentials are offered. @type {import("../types.js").CloudInfo|null} */
  #cloud = null;

  set cloud(/** @type {import("../types.js").CloudInfo} */ cloud) {
    this.#cloud = cloud;
    this.#draw();
  }

  /** The boards are left alone, and the settings end in a file for each. */
  get file() {
    return givesFile(this.delivery.value);
  }

  get #giving() {
    return this.network.value === "give" ? this.#picker : null;
  }

  /** What people call the network; empty if the boards keep theirs. */
  get label() {
    return this.#giving?.label ?? "";
  }

  /** The settings as `jobs.start` takes them. */
  get request() {
    const delivery = this.delivery.value;
    return {
      credentials: this.#credentials?.value,
      ...(this.#giving ? { network: this.#giving.value } : {}),
      ...(delivery === AUTO ? {} : { delivery }),
    };
  }

  /** Show what is wrong and go there; true if nothing is. */
  check() {
    if (!this.#giving || this.#giving.check()) return true;
    this.app.announcer.say("The network is not complete. Leave it as it is, or type its name.");
    return false;
  }

  /** Show what the agent says of a field; false if it is none of these. @param {string} field @param {string} problem */
  showProblem(field, problem) {
    const name = field.replace(/^network\./, "");
    return Boolean(name && this.#giving?.showProblem(name, problem, true));
  }

  /** What was typed and chosen stays for the next time; passwords only in the memory of networks. */
  keep() {
    if (!this.#picker) return;
    const { memory } = this.app;
    this.#picker.remember();
    memory.keepDraft(DRAFT, {
      keeps: this.network.value === "keep",
      network: this.#picker.draft,
      delivery: this.delivery.value,
      credentials: this.#credentials?.value,
    });
  }

  #draw() {
    const schema = this.app.store.networkSchema;
    if (!this.#cloud || !schema) return;
    if (!this.#picker) this.#drawNetwork(schema);
    if (!this.#credentials) this.#drawKinds(this.#cloud);
    this.#arrange();
  }

  /** @param {import("../types.js").CloudInfo} cloud */
  #drawKinds(cloud) {
    const choices = credentialChoices(cloud.device_schema);
    const usual = cloud.device_schema.properties?.credentials?.default;
    this.#credentials = new ChoiceList("Credentials", choices, { chosen: this.#draft.credentials ?? usual });
    this.#credentials.addEventListener("picked", () => this.#arrange());
    const note = "A device that was prepared on the server has its own, whatever is chosen here: the server's answer counts.";
    fill(this.kinds, this.#credentials, h("p.soft.small", {}, note));
  }

  /** @param {import("../types.js").Schema} schema */
  #drawNetwork(schema) {
    const { store, memory } = this.app;
    const model = store.model(store.boards.get(this.board)?.model);
    const kinds = kindsFor(model, [...kindSchemas(schema).keys()]);
    const seen = store.reading(this.board)?.networks ?? [];
    const values = this.#draft.network;
    const typed = !seen.length;
    this.#picker = new NetworkPicker({ schema, kinds, memory, preferred: memory.network, typed, values });
    if (seen.length) this.#picker.show(seen);
    fill(this.picked, this.#picker);
  }

  /** Show what the choices need, and say what is chosen where it is folded away. */
  #arrange() {
    this.picked.hidden = this.network.value !== "give";
    const way = DELIVERIES.find(({ id }) => id === this.delivery.value) ?? DELIVERIES[0];
    const kinds = credentialChoices(this.#cloud?.device_schema ?? {});
    const kind = kinds.find(({ id }) => id === this.#credentials?.value);
    const answers = this.board ? "the way to the board as it answers" : "the way to each board as it answers";
    say(this.chosen, `${kind?.label ?? "Credentials"} · ${way.id === AUTO ? answers : way.label}`);
    this.dispatchEvent(new CustomEvent("picked"));
  }
}

/** The account that is used, and the way to change it. @param {import("../types.js").CloudInfo} cloud */
export function usedAccount(cloud) {
  const { server = "", admin_user: administrator } = cloud.account ?? {};
  const who = administrator ? `, administrator ${administrator}` : "";
  return h("p.account", {}, h("bdi", {}, server), h("span.soft", {}, who), " ", h("a", { href: "#/clouds" }, "Change"));
}

customElements.define("enrol-settings", EnrolSettings);
