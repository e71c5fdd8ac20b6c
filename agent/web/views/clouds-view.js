/** The clouds, the accounts with which boards are registered there, and what they gave to boards. */

import { takesAccount, withoutAccount } from "../lib/clouds.js";
import { View, fill, h, keyed } from "../lib/dom.js";
import { headed } from "../lib/fates.js";
import { BlynkElsewhere } from "../parts/blynk-elsewhere.js";
import { SignIn } from "../parts/cloud-picker.js";
import { ErrorCard } from "../parts/error-card.js";
import { NrfElsewhere } from "../parts/nrf-elsewhere.js";
import { VaultList } from "./vault-list.js";

/** @typedef {import("../types.js").CloudInfo} CloudInfo */

export class CloudsView extends View {
  /** @param {import("../app.js").App} app @param {string} part `vault`: what a link leads to; empty: the top. */
  constructor(app, part) {
    super();
    this.app = app;
    this.wanted = part;
    this.list = h("div.stack");
    this.vault = new VaultList(app);
    this.append(h("h1", {}, "Clouds"), this.list, h("section.sheet.vault-sheet", {}, this.vault));
  }

  connectedCallback() {
    this.watch(this.app.store, "clouds", () => this.#draw());
    this.#draw();
    // The frame of the page goes to its heading first.
    if (this.wanted === "vault") setTimeout(() => this.vault.focus());
  }

  #draw() {
    const clouds = this.app.store.clouds.filter(takesAccount);
    keyed(this.list, clouds, (cloud) => cloud.id, () => h("section.sheet"), (sheet, cloud) => this.#update(sheet, cloud));
  }

  /** @param {any} sheet @param {CloudInfo} cloud */
  #update(sheet, cloud) {
    const key = JSON.stringify([cloud.signed_in, cloud.account, cloud.title]);
    if (sheet.dataset.state === key) return;
    const focused = sheet.contains(document.activeElement);
    sheet.dataset.state = key;
    fill(sheet, h("h2", {}, cloud.title), ...(cloud.signed_in ? this.#signedIn(cloud) : [...without(cloud), new SignIn(this.app, cloud)]));
    if (focused) sheet.querySelector("input, button")?.focus();
  }

  /** @param {CloudInfo} cloud */
  #signedIn(cloud) {
    const titles = cloud.account_schema.properties ?? {};
    const known = Object.entries(cloud.account ?? {}).filter(([, value]) => value);
    const rows = known.flatMap(([name, value]) => [h("dt", {}, titles[name]?.title ?? headed(name)), h("dd", {}, value)]);
    const outcome = h("div");
    const button = h("button.quiet", { type: "button" }, "Sign out");
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        this.app.memory.keepDraft(`account ${cloud.id}`, { ...cloud.account });
        await this.app.store.account("clouds.logout", { cloud: cloud.id });
        this.app.announcer.say(`Signed out of ${cloud.title}.`);
      } catch (error) {
        fill(outcome, new ErrorCard(/** @type {any} */ (error)));
        button.disabled = false;
      }
    });
    const note = "Signing out removes the account from this computer. Boards that are set up go on working.";
    const warning = cloud.warning ? [h("p.hint", {}, cloud.warning)] : [];
    const elsewhere = cloud.id === "nrf" ? new NrfElsewhere(this.app, cloud) : cloud.id === "blynk" ? new BlynkElsewhere(this.app) : null;
    return [h("p", {}, "You are signed in."), ...warning, h("dl", {}, ...rows), h("p.soft.small", {}, note), h("div.row", {}, button), outcome, elsewhere];
  }
}

/** What can be done without an account, where one can. @param {CloudInfo} cloud */
function without(cloud) {
  return cloud.needs_account ? [] : [h("p", {}, withoutAccount(cloud))];
}

customElements.define("clouds-view", CloudsView);
