/** A board becomes a device of a cloud that gives it credentials: account, name, network, the way to the board. */

import { View, fill, focusOn, h, say } from "../lib/dom.js";
import { AUTO, DELIVERIES, credentialChoices, enrols, givesFile, lookWords, profileWords } from "../lib/enrol.js";
import { kindSchemas, kindsFor } from "../lib/networks.js";
import { go, href } from "../lib/router.js";
import { ChoiceList } from "../parts/choice-list.js";
import { SignIn } from "../parts/cloud-picker.js";
import { ErrorCard } from "../parts/error-card.js";
import { ownField } from "../parts/field.js";
import { NetworkPicker } from "../parts/network-picker.js";

/** Pause in typing after which the cloud is asked for the name. */
const LOOK_MS = 450;

/** What is the same for the next board, as the memory of the page names it. */
const DRAFT = "enrol";

const NETWORK_CHOICES = [
  { id: "give", label: "Give it a network", detail: "It gets name and password with its credentials." },
  { id: "keep", label: "Leave its network as it is", detail: "For a board that is online already, or has its network built in." },
];

export class EnrolForm extends View {
  /** @type {NetworkPicker|null} */ #picker = null;
  /** @type {Promise<import("../types.js").ProfileLook|null>|null} */ #profile = null;
  #drawn = "";
  #timer = 0;
  #asked = 0;
  #sending = false;
  #done = false;

  /** @param {import("../app.js").App} app @param {string} board */
  constructor(app, board) {
    super();
    this.app = app;
    this.board = board;
    const draft = this.#draft;
    this.heading = h("h2", {}, "Set up");
    this.account = h("div");
    this.name = ownField(
      { name: "name", title: "Device name", description: this.#usual, maxBytes: undefined },
      { value: app.memory.draft(this.#formName).name },
    );
    this.name.input.addEventListener("input", () => this.#soon());
    this.look = h("p.look", { role: "status" });
    this.network = new ChoiceList("Network", NETWORK_CHOICES, { chosen: draft.keeps ? "keep" : "give" });
    this.network.addEventListener("picked", () => this.#arrange());
    this.picked = h("div.given-network");
    this.delivery = new ChoiceList("How the board gets its settings", DELIVERIES, { chosen: draft.delivery ?? AUTO });
    this.delivery.addEventListener("picked", () => this.#arrange());
    /** @type {ChoiceList|null} */ this.credentials = null;
    this.kinds = h("div");
    this.chosen = h("span");
    this.more = h("details.more.choices-made", {}, h("summary", {}, this.chosen), this.kinds, this.delivery);
    this.button = h("button.primary", { type: "submit" }, "Set up");
    this.outcome = h("div");
    this.rest = h("div.rest", {}, h("div", {}, this.name.element, this.look), h("div", {}, this.network, this.picked), this.more, this.outcome, h("div.row", {}, this.button));
    const form = h("form", { novalidate: true }, this.account, this.rest);
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.#submit();
    });
    this.append(h("section.sheet.setup.enrol", {}, this.heading, form));
  }

  connectedCallback() {
    for (const topic of ["clouds", "boards"]) this.watch(this.app.store, topic, () => this.#draw());
    this.onLeave(() => clearTimeout(this.#timer));
    this.onLeave(() => this.#keep());
    this.#draw();
    this.#soon();
  }

  get #formName() {
    return `${DRAFT} ${this.board}`;
  }

  /** What was chosen for the last board. */
  get #draft() {
    return this.app.memory.draft(DRAFT);
  }

  /** How the device is called without a name. */
  get #usual() {
    const model = this.app.store.boards.get(this.board)?.model?.replaceAll("_", "-");
    const made = model ? `${model}-… with` : "made of what kind of board it is and";
    return `Left empty: ${made} the hardware id of the board, the same name each time.`;
  }

  get #cloud() {
    return this.app.store.clouds.find(enrols);
  }

  #draw() {
    const cloud = this.#cloud;
    const schema = this.app.store.networkSchema;
    if (!cloud || !schema) return;
    if (!this.#picker) this.#drawNetwork(schema);
    const key = JSON.stringify([cloud.signed_in, cloud.account]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#profile = null; // It may be another account.
    say(this.heading, `Set up with ${cloud.title}`);
    const within = this.account.contains(document.activeElement);
    fill(this.account, ...(cloud.signed_in ? signedIn(cloud) : [new SignIn(this.app, cloud)]));
    this.rest.hidden = !cloud.signed_in;
    if (!this.credentials) this.#drawKinds(cloud);
    if (within && cloud.signed_in) this.name.focus();
    this.#arrange();
    this.#soon();
  }

  /** @param {import("../types.js").CloudInfo} cloud */
  #drawKinds(cloud) {
    const choices = credentialChoices(cloud.device_schema);
    const usual = cloud.device_schema.properties?.credentials?.default;
    this.credentials = new ChoiceList("Credentials", choices, { chosen: this.#draft.credentials ?? usual });
    this.credentials.addEventListener("picked", () => this.#arrange());
    const note = "A device that was prepared on the server has its own, whatever is chosen here: the server's answer counts.";
    fill(this.kinds, this.credentials, h("p.soft.small", {}, note));
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
    const kind = kinds.find(({ id }) => id === this.credentials?.value);
    say(this.chosen, `${kind?.label ?? "Credentials"} · ${way.id === AUTO ? "the way to the board as it answers" : way.label}`);
    say(this.button, givesFile(way.id) ? "Register it and make the file" : "Set up");
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#find(), LOOK_MS);
  }

  /** What the name means: what an administrator sees, or what the profile may do. */
  async #find() {
    const cloud = this.#cloud;
    const name = this.name.input.value.trim();
    const asked = ++this.#asked;
    if (!cloud?.signed_in) return;
    const usual = cloud.device_schema.description ?? "";
    let words = { good: true, text: usual };
    if (cloud.account?.admin_user) {
      const { agent } = this.app;
      this.#profile ??= agent.call("clouds.profile", { cloud: cloud.id }).then(({ profile }) => profile, () => null);
      const found = name ? await agent.call("clouds.device", { cloud: cloud.id, name }).catch(() => null) : null;
      const profile = await this.#profile;
      words = found ? lookWords(found.device, name, profile) : { good: !["off", "chain"].includes(profile?.strategy ?? ""), text: profileWords(profile, usual) };
    }
    if (asked !== this.#asked) return;
    say(this.look, words.text);
    this.look.classList.toggle("told", !words.good);
  }

  async #submit() {
    const cloud = this.#cloud;
    const picker = this.network.value === "give" ? this.#picker : null;
    if (this.#sending || !cloud) return;
    if (!cloud.signed_in) return this.account.querySelector("input")?.focus();
    this.name.showProblem(this.name.problem);
    if (this.name.problem) return this.name.focus();
    if (picker && !picker.check()) {
      return this.app.announcer.say("The network is not complete. Leave it as it is, or type its name.");
    }
    this.#sending = true;
    this.button.disabled = true;
    fill(this.outcome);
    try {
      await this.#start(cloud, picker);
    } catch (error) {
      this.#failed(/** @type {any} */ (error));
    } finally {
      this.#sending = false;
      this.button.disabled = false;
    }
  }

  /** @param {import("../types.js").CloudInfo} cloud @param {NetworkPicker|null} picker */
  async #start(cloud, picker) {
    const { agent, memory, store } = this.app;
    await store.quit(this.board);
    const name = this.name.input.value.trim();
    const delivery = this.delivery.value;
    const { job } = await agent.call("jobs.start", {
      kind: "provision",
      board: this.board,
      attended: true,
      cloud: cloud.id,
      credentials: this.credentials?.value,
      ...(name ? { name } : {}),
      ...(picker ? { network: picker.value } : {}),
      ...(delivery === AUTO ? {} : { delivery }),
    });
    picker?.remember();
    memory.cloud = cloud.id;
    this.#keep();
    memory.forgetDraft(this.#formName);
    this.#done = true;
    go("job", job);
  }

  /** What was typed and chosen stays for the next time; passwords only in the memory of networks. */
  #keep() {
    if (this.#done || !this.#picker) return;
    const { memory } = this.app;
    this.#picker.remember();
    memory.keepDraft(this.#formName, { name: this.name.input.value });
    memory.keepDraft(DRAFT, {
      keeps: this.network.value === "keep",
      network: this.#picker.draft,
      delivery: this.delivery.value,
      credentials: this.credentials?.value,
    });
  }

  /** @param {any} error */
  #failed(error) {
    const { field, problem } = error.facts ?? {};
    const name = String(field ?? "").replace(/^network\./, "");
    this.app.announcer.say(error.title);
    if (name === "name") return this.name.showProblem(String(problem)), this.name.focus();
    if (name && this.network.value === "give" && this.#picker?.showProblem(name, String(problem), true)) return;
    const card = new ErrorCard(error, { context: { board: this.board, version: this.app.agent.info?.version } });
    fill(this.outcome, card);
    focusOn(card);
  }
}

/** The account that is used, and the way to change it. @param {import("../types.js").CloudInfo} cloud */
function signedIn(cloud) {
  const { server = "", admin_user: administrator } = cloud.account ?? {};
  const who = administrator ? `, administrator ${administrator}` : "";
  return [h("p.account", {}, h("bdi", {}, server), h("span.soft", {}, who), " ", h("a", { href: href("clouds") }, "Change"))];
}

customElements.define("enrol-form", EnrolForm);
