/** Boards that open a Wi-Fi network of their own: looked for when a person asks, and never by itself. */

import { View, fill, foreign, h, say } from "../lib/dom.js";
import { WAITS } from "../lib/lights.js";
import { foundWords, strengthDbm } from "../lib/points.js";
import { href } from "../lib/router.js";
import { duration } from "../lib/text.js";
import { lightGuide, lightLine } from "./board-light.js";
import { signal, symbol } from "./drawing.js";
import { ErrorCard } from "./error-card.js";

/** @typedef {import("../types.js").Point} Point */

/** An adapter looks through all channels in some ten seconds; the system may be busy. */
const LIMIT_MS = 45_000;

/** From so many on they stand closer, and can be searched. */
const CROWD = 8;

export class PointFinder extends View {
  #began = 0;

  /** @param {import("../app.js").App} app @param {string} [device] The one whose board is looked for. */
  constructor(app, device = "") {
    super();
    this.app = app;
    this.device = device;
    this.button = h("button.quiet", { type: "button" }, "Look for boards that open a network of their own");
    this.button.addEventListener("click", () => void this.#look());
    this.told = h("p", { role: "status" });
    this.elapsed = h("span.soft.small.number", { "aria-hidden": "true" });
    this.filter = h("input", { type: "search", "aria-label": "Search these networks", placeholder: "Search: its last four symbols", autocomplete: "off", spellcheck: "false", hidden: true });
    this.filter.addEventListener("input", () => this.#sift());
    this.found = h("ul.points");
    this.others = h("div");
    this.append(
      h("h2", {}, "It opens a network of its own"),
      h("p.soft", {}, "Boards with Blynk's firmware do, while they wait to be set up. This computer listens for some seconds; it stays in its network."),
      device ? h("p.hint", {}, "The board of ", h("bdi", { dir: "auto" }, device), " is looked for: choose only its own network.") : "",
      lightLine(WAITS, "Its light then shows: "),
      h("div.row", {}, this.button, this.elapsed),
      this.told,
      this.filter,
      this.found,
      this.others,
      lightGuide(this.app),
    );
  }

  connectedCallback() {
    this.onLeave(this.app.ticker.follow(() => this.#time()));
  }

  #time() {
    const seconds = Math.floor(Date.now() / 1000 - this.#began);
    say(this.elapsed, this.#began && seconds ? duration(seconds).replace(".0 s", " s") : "");
  }

  async #look() {
    if (this.#began) return;
    this.#began = Date.now() / 1000;
    this.button.setAttribute("aria-disabled", "true");
    say(this.told, "Listening…");
    fill(this.others);
    try {
      const { points } = await this.app.agent.call("wifi.points", {}, { timeoutMs: LIMIT_MS });
      this.#show(points);
    } catch (error) {
      say(this.told, "");
      fill(this.others, new ErrorCard(/** @type {any} */ (error)));
      this.app.announcer.say(/** @type {any} */ (error).title);
    } finally {
      this.#began = 0;
      this.#time();
      say(this.button, "Look again");
      this.button.removeAttribute("aria-disabled");
    }
  }

  /** Of many only those with what was typed in their names. */
  #sift() {
    const wanted = this.filter.hidden ? "" : this.filter.value.trim().toLowerCase();
    for (const item of this.found.querySelectorAll("li")) item.hidden = !item.textContent.toLowerCase().includes(wanted);
  }

  /** @param {Point[]} points */
  #show(points) {
    const boards = points.filter(({ looks_like }) => looks_like);
    const rest = points.filter(({ looks_like }) => !looks_like);
    say(this.told, foundWords(points));
    const row = (/** @type {Point} */ point) => card(point, this.device);
    fill(this.found, ...boards.map(row));
    this.found.classList.toggle("crowd", boards.length >= CROWD);
    this.filter.hidden = boards.length < CROWD;
    this.#sift();
    const words = "A board may have a name that its maker chose. Choose nothing that you do not know.";
    fill(
      this.others,
      boards.length ? null : h("p.soft", {}, "If its light does not flash blue, hold the board's button for ten seconds, then release it. Bring the board nearer."),
      rest.length ? h("details.more", {}, h("summary", {}, "Other open networks"), h("p.soft.small", {}, words), h("ul.points", {}, ...rest.map(row))) : null,
    );
  }
}

/** @param {Point} point @param {string} device */
function card({ access_point, name, strength, looks_like, product = "" }, device) {
  const kind = looks_like ? ["Blynk board", product && !name.includes(product) ? `, ${product}` : ""].join("") : "open network";
  const look = looks_like ? "a.button.quiet" : "a.small";
  return h(
    "li",
    {},
    symbol("access-point", 40, 32),
    h("div", {}, h("strong", {}, foreign(name)), h("p.soft.small", { dir: "auto" }, kind)),
    signal(strengthDbm(strength)),
    h(look, { href: href("point", access_point, ...(device ? [device] : [])), "aria-label": `Set up ${name}` }, "Set it up"),
  );
}

customElements.define("point-finder", PointFinder);
