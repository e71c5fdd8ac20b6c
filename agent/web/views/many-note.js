/** Beside the list of boards: those that are set up together, and the way to do so. */

import { isNrf } from "../lib/clouds.js";
import { View, fill, h, say } from "../lib/dom.js";
import { enrols } from "../lib/enrol.js";
import { hasSerial, isImprov } from "../lib/ports.js";
import { href } from "../lib/router.js";
import { ended } from "../lib/store.js";
import { groupsOf, jobsOf, tally, tallyWords } from "../lib/wall.js";

/** A group that has ended is shown for this long. */
const FRESH_S = 3600;

export class ManyNote extends View {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    super();
    this.app = app;
    this.together = h("a", {});
    this.words = h("span.soft");
    this.line = h("p.together", { hidden: true }, this.together, this.words);
    this.begin = h("p", { hidden: true }, h("a.button.quiet", { href: href("many") }));
    this.append(this.line, this.begin);
  }

  connectedCallback() {
    for (const topic of ["boards", "jobs", "clouds"]) this.watch(this.app.store, topic, () => this.#draw());
    this.#draw();
  }

  #draw() {
    const { store } = this.app;
    const [group] = groupsOf(store.jobs.values());
    const jobs = group ? jobsOf(store.jobs.values(), group) : [];
    const fresh = jobs.some((job) => !ended(job) || (job.ended_at ?? 0) > Date.now() / 1000 - FRESH_S);
    this.line.hidden = !fresh;
    if (fresh) {
      this.together.setAttribute("href", href("wall", group));
      say(this.together, "Boards set up together");
      say(this.words, `: ${tallyWords(tally(jobs))}`);
    }
    const cloud = store.clouds.find(enrols);
    const able = [...store.boards.values()].filter((board) => hasSerial(board) && !isImprov(board) && !isNrf(board));
    this.begin.hidden = !cloud || able.length < 2;
    if (cloud) fill(/** @type {Element} */ (this.begin.firstElementChild), `Set up many boards with ${cloud.title}`);
  }
}

customElements.define("many-note", ManyNote);
