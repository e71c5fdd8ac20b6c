/** A form for a board; if the board is a device of the cloud already, that stands first and the form is folded away. */

import { View, fill, focusOn, h } from "../lib/dom.js";
import { knownDevice } from "../lib/clouds.js";
import { CloudDevice } from "./cloud-device.js";

export class KnownDevice extends View {
  #known = "";

  /** @param {import("../app.js").App} app @param {{cloud: string, board: string, heading: Element, form: HTMLElement}} what */
  constructor(app, { cloud, board, heading, form }) {
    super();
    this.app = app;
    this.cloud = cloud;
    this.board = board;
    this.heading = heading;
    this.device = h("div");
    this.again = h("details.more.unfolded", { open: true }, h("summary", {}, "Set it up again"), form);
    this.again.addEventListener("toggle", () => this.again.open && this.dispatchEvent(new CustomEvent("unfolded")));
    this.addEventListener("again", (event) => {
      event.preventDefault();
      this.again.open = true;
      focusOn(this.again.querySelector("summary"));
    });
    this.append(this.device, h("section.sheet.setup.enrol", {}, heading, this.again));
    this.#draw(); // Who makes it asks at once whether it is unfolded.
  }

  connectedCallback() {
    for (const topic of ["jobs", "readings"]) this.watch(this.app.store, topic, () => this.#draw());
    this.#draw();
  }

  /** The person sees the form. */
  get unfolded() {
    return this.again.open;
  }

  #draw() {
    const { cloud, board } = this;
    const device = board ? knownDevice(this.app.store, board, cloud) : null;
    const key = device ? JSON.stringify([device.device_id, device.device]) : "";
    if (key === this.#known) return;
    this.#known = key;
    /** @type {HTMLElement} */ (this.heading).hidden = Boolean(device);
    this.again.open = !device;
    this.again.classList.toggle("unfolded", !device);
    fill(this.device, device ? h("section.sheet.known-device", {}, new CloudDevice(this.app, { cloud, board, device, heading: true })) : null);
  }
}

customElements.define("known-device", KnownDevice);
