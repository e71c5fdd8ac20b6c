/** A board that is known by nothing but the Wi-Fi network that it has opened. */

import { View, fill, h } from "../lib/dom.js";
import { pointName } from "../lib/points.js";
import { href } from "../lib/router.js";
import { symbol } from "../parts/drawing.js";
import { BlynkForm } from "./blynk-form.js";

const WHAT = "Nothing else leads to this board: Mooring has to take this computer into its network for a short while. You are asked before it does, and told what goes away meanwhile. You may also join by hand.";

const WORDS = /** @type {Record<string, string>} */ ({
  asking: "This board needs you. ",
  running: "A job is at work on this board. ",
  done: "It was set up here. ",
});

export class PointView extends View {
  #known = "";

  /** @param {import("../app.js").App} app @param {string} point As `wifi.points` calls it. @param {string} [device] That it is known to be. */
  constructor(app, point, device = "") {
    super();
    this.app = app;
    this.point = point;
    this.subpage = "";
    this.last = h("div");
    this.append(
      h("a.back", { href: href("missing") }, "‹ A board is missing?"),
      h(
        "section.sheet.board",
        {},
        h("div.board-head", {}, symbol("access-point", 56, 40), h("div", {}, h("h1", {}, h("bdi", { dir: "auto" }, this.pageTitle)), h("p.soft", {}, "A board's own Wi-Fi network"))),
        h("p.soft", {}, WHAT),
        this.last,
      ),
      h("div.panel", {}, new BlynkForm(app, { point, device })),
    );
  }

  get pageTitle() {
    return pointName(this.point);
  }

  connectedCallback() {
    this.watch(this.app.store, "jobs", () => this.#draw());
    this.#draw();
  }

  /** The job that was begun here last. */
  #draw() {
    const job = this.app.store.work().find(({ request }) => request?.access_point === this.point);
    const key = job ? `${job.id} ${job.state}` : "";
    if (key === this.#known) return;
    this.#known = key;
    const link = job && h("a", { href: href("job", job.id) }, "See the steps");
    const words = WORDS[job?.state ?? ""] ?? "";
    fill(this.last, words ? h("p.hint", {}, words, link) : null);
  }
}

customElements.define("point-view", PointView);
