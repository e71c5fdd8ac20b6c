/** The choice of a cloud, with the sign-in in place where one is needed. Fires `picked`. */

import { View, fill, freshId, h } from "../lib/dom.js";
import { hasOwnForm, sourceOf } from "../lib/clouds.js";
import { SchemaFields } from "./schema-fields.js";
import { ErrorCard } from "./error-card.js";

/** @typedef {import("../types.js").CloudInfo} CloudInfo */

export class CloudPicker extends View {
  #chosen = "";
  #group = freshId("cloud");
  /** @type {SchemaFields|null} */ #account = null;
  #shownFor = "";

  /**
   * @param {import("../app.js").App} app
   * @param {boolean} [registered] Offer only clouds that give the board an identity.
   */
  constructor(app, registered = false) {
    super();
    this.app = app;
    this.registered = registered;
    this.list = h("div.choices");
    this.signIn = h("div.sign-in");
    this.append(h("fieldset", {}, h("legend", {}, "Cloud"), this.list), this.signIn);
    this.list.addEventListener("change", (/** @type {any} */ event) => {
      this.#chosen = event.target.value;
      this.#arrange();
      this.dispatchEvent(new CustomEvent("picked"));
    });
  }

  connectedCallback() {
    this.watch(this.app.store, "clouds", () => this.#draw());
    this.#draw();
  }

  /** @returns {CloudInfo|undefined} */
  get cloud() {
    return this.app.store.clouds.find((cloud) => cloud.id === this.#chosen);
  }

  /** True if nothing more is needed; otherwise goes to what is. */
  ready() {
    if (this.cloud && !needsSignIn(this.cloud)) return true;
    if (this.#account) this.#account.focusFirst();
    else this.list.querySelector("input")?.focus();
    return false;
  }

  #draw() {
    const clouds = this.app.store.clouds.filter((cloud) => !hasOwnForm(cloud) && (cloud.needs_account || !this.registered));
    if (!clouds.some((cloud) => cloud.id === this.#chosen)) {
      const known = [this.app.memory.cloud, clouds.find((cloud) => cloud.needs_account)?.id, clouds[0]?.id];
      this.#chosen = known.find((id) => clouds.some((cloud) => cloud.id === id)) ?? "";
    }
    const focused = this.list.contains(document.activeElement);
    fill(this.list, ...clouds.map((cloud) => this.#row(cloud)));
    if (focused) /** @type {HTMLElement|null} */ (this.list.querySelector("input:checked"))?.focus();
    this.#arrange();
    this.dispatchEvent(new CustomEvent("picked"));
  }

  /** @param {CloudInfo} cloud */
  #row(cloud) {
    const radio = h("input", { type: "radio", name: this.#group, value: cloud.id, checked: cloud.id === this.#chosen });
    const note = !cloud.needs_account ? "network only" : cloud.signed_in ? "signed in" : "not signed in";
    return h("label", {}, radio, h("span", {}, cloud.title), h("span.soft.small", {}, note));
  }

  #arrange() {
    const cloud = this.cloud;
    const needed = cloud && needsSignIn(cloud) ? cloud.id : "";
    if (needed === this.#shownFor) return;
    this.#shownFor = needed;
    this.#account = null;
    if (!cloud || !needed) return fill(this.signIn);
    const form = new SignIn(this.app, cloud);
    this.#account = form.fields;
    fill(this.signIn, form);
  }
}

function needsSignIn(/** @type {CloudInfo} */ cloud) {
  return cloud.needs_account && !cloud.signed_in;
}

/** The fields of an account with the button that checks and stores it. */
export class SignIn extends View {
  /** @param {import("../app.js").App} app @param {CloudInfo} cloud */
  constructor(app, cloud) {
    super();
    this.app = app;
    this.cloud = cloud;
    this.fields = new SchemaFields(cloud.account_schema, { values: { ...app.memory.draft(this.#draft), ...cloud.account } });
    this.label = cloud.needs_account ? "Sign in" : "Use this account";
    this.button = h("button.quiet", { type: "button" }, this.label);
    this.outcome = h("div");
    this.button.addEventListener("click", () => this.submit());
    this.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.target instanceof HTMLInputElement)) return;
      event.preventDefault(); // The form around this is another question.
      void this.submit();
    });
    this.append(
      this.#about(),
      this.fields,
      h("div.row", {}, this.button),
      this.outcome,
    );
  }

  /** What becomes of an account, and where its parts are found. */
  #about() {
    const { title } = this.cloud;
    const source = sourceOf(this.cloud);
    const kept = `Your account of ${title}. It is checked, then kept in this computer's keyring.`;
    if (!source) return h("p.soft.small", {}, kept);
    const link = h("a", { href: source.link, target: "_blank", rel: "noopener noreferrer" }, source.label);
    return h("div.about-account", {}, h("p", {}, source.text, " ", link), h("p.soft.small", {}, kept));
  }

  get #draft() {
    return `account ${this.cloud.id}`;
  }

  connectedCallback() {
    this.onLeave(() => this.#keep());
  }

  /** What is no secret need not be typed again after a look at another page. */
  #keep() {
    const open = this.fields.fields.filter(({ shape }) => shape.type !== "password");
    this.app.memory.keepDraft(this.#draft, Object.fromEntries(open.map(({ shape, raw }) => [shape.name, raw])));
  }

  async submit() {
    if (this.button.disabled || !this.fields.check()) return;
    this.button.disabled = true;
    this.button.textContent = "Checking the account…";
    fill(this.outcome);
    try {
      await this.app.store.account("clouds.login", { cloud: this.cloud.id, account: this.fields.values });
      const info = this.app.store.clouds.find(({ id }) => id === this.cloud.id);
      this.app.announcer.say(info?.signed_in ? `Signed in to ${this.cloud.title}.` : `${this.cloud.title}: the server is kept.`);
      this.dispatchEvent(new CustomEvent("signed-in", { bubbles: true }));
    } catch (error) {
      const { facts } = /** @type {any} */ (error);
      const known = facts?.field && this.fields.showProblem(String(facts.field), String(facts.problem));
      if (known) this.fields.field(String(facts.field))?.focus();
      else fill(this.outcome, new ErrorCard(/** @type {any} */ (error)));
      this.app.announcer.say(/** @type {any} */ (error).title);
    } finally {
      this.button.disabled = false;
      this.button.textContent = this.label;
    }
  }
}

customElements.define("cloud-picker", CloudPicker);
customElements.define("sign-in", SignIn);
