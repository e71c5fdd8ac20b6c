/** The account that a form uses, or the sign-in in its place. Fires `account` when that changes; `within`: the focus was there. */

import { View, fill, h } from "../lib/dom.js";
import { SignIn } from "./cloud-picker.js";

/** @typedef {import("../types.js").CloudInfo} CloudInfo */

export class CloudAccount extends View {
  #drawn = "";

  /** @param {import("../app.js").App} app @param {string} cloud Its id. @param {(cloud: CloudInfo) => (Node|string)[]} words Whose account it is. */
  constructor(app, cloud, words) {
    super();
    this.app = app;
    this.cloudId = cloud;
    this.words = words;
  }

  connectedCallback() {
    this.watch(this.app.store, "clouds", () => this.#draw());
    this.#draw();
  }

  /** @returns {CloudInfo|undefined} */
  get cloud() {
    return this.app.store.clouds.find(({ id }) => id === this.cloudId);
  }

  /** Nothing more is needed of the person. */
  get ready() {
    return Boolean(this.cloud && (this.cloud.signed_in || !this.cloud.needs_account));
  }

  focus() {
    this.querySelector("input")?.focus();
  }

  #draw() {
    const { cloud } = this;
    if (!cloud) return;
    const key = JSON.stringify([cloud.signed_in, cloud.account]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    const within = this.contains(document.activeElement);
    const change = h("a", { href: "#/clouds" }, "Change");
    fill(this, this.ready ? h("p.account", {}, ...this.words(cloud), " · ", change) : new SignIn(this.app, cloud));
    this.dispatchEvent(new CustomEvent("account", { detail: { within } }));
  }
}

customElements.define("cloud-account", CloudAccount);
