/** Boards of nRF Cloud that are not here: claimed by the token that somebody read, or tended as devices. */

import { View, fill, focusOn, h } from "../lib/dom.js";
import { listed } from "../lib/clouds.js";
import { go } from "../lib/router.js";
import { ErrorCard } from "./error-card.js";
import { ownField } from "./field.js";
import { NrfDevices } from "./nrf-devices.js";
import { TokenField } from "./token-field.js";

const TOKEN = "The attestation token that the board printed, or that another computer read. Until the board is claimed it is a secret: whoever has it can claim the board.";

export class NrfElsewhere extends View {
  /** @param {import("../app.js").App} app @param {import("../types.js").CloudInfo} cloud */
  constructor(app, cloud) {
    super();
    this.app = app;
    const usual = cloud.device_schema.properties?.tags?.default ?? "";
    this.token = new TokenField({ title: "Attestation token", description: TOKEN });
    this.tags = ownField({ name: "tags", title: "Tags", description: "With commas between." }, { value: app.memory.draft("nrf").tags ?? usual });
    this.claim = h("button.primary", { type: "submit" }, "Claim the board");
    this.outcome = h("div");
    const claim = h("form", { novalidate: true }, this.token.element, this.tags.element, this.outcome, h("div.row", {}, this.claim));
    claim.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.#claim();
    });
    const devices = new NrfDevices(app);
    const tend = h("details.more.elsewhere-board", {}, h("summary", {}, "Your team's devices: new keys, or release them"), devices);
    tend.addEventListener("toggle", () => tend.open && void devices.fetch());
    this.append(
      h("details.more.elsewhere-board", {}, h("summary", {}, "A board that is not here: claim it by its token"), claim),
      tend,
    );
  }

  async #claim() {
    if (this.claim.disabled || !this.token.check()) return;
    this.claim.disabled = true;
    fill(this.outcome);
    try {
      const request = { kind: "provision", board: "", cloud: "nrf", attended: true, token: this.token.value, tags: listed(this.tags.raw) };
      const { job } = await this.app.agent.call("jobs.start", request);
      this.token.clear();
      go("job", job);
    } catch (error) {
      this.#failed(/** @type {any} */ (error));
    } finally {
      this.claim.disabled = false;
    }
  }

  /** @param {any} error */
  #failed(error) {
    const { field, problem } = error.facts ?? {};
    const name = String(field ?? "").replace(/\W.*$/, "");
    this.app.announcer.say(error.title);
    if (name === "token") return this.token.showProblem(String(problem));
    if (name === "tags") return this.tags.showProblem(String(problem)), this.tags.focus();
    const card = new ErrorCard(error, { context: { version: this.app.agent.info?.version } });
    fill(this.outcome, card);
    focusOn(card);
  }
}

customElements.define("nrf-elsewhere", NrfElsewhere);
