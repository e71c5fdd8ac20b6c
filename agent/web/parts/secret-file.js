/**
 * A file with secrets that a job made: to be downloaded, copied or looked at.
 *
 * Its text is fetched with the first click and stays in this element; the agent forgets it soon.
 */

import { View, fill, freshId, h, say, set } from "../lib/dom.js";
import { download, toClipboard } from "../lib/copies.js";
import { ErrorCard } from "./error-card.js";

export class SecretFile extends View {
  /** @type {string|null} */ #text = null;

  /** @param {import("../app.js").App} app @param {import("../types.js").Job} job @param {string} name */
  constructor(app, job, name) {
    super();
    this.app = app;
    this.job = job.id;
    this.name = name;
    const id = freshId("file");
    this.told = h("span.soft.small", { role: "status" });
    this.shown = h("pre.file-text", { id, hidden: true, tabindex: "0", dir: "ltr" });
    this.problem = h("div");
    this.look = this.#button("Show", (text) => this.#show(text));
    set(this.look, "aria-expanded", "false");
    set(this.look, "aria-controls", id);
    const save = this.#button("Download", (text) => (download(name, text), say(this.told, "Saved to your downloads.")), "primary");
    const copy = this.#button("Copy", async (text) => {
      say(this.told, (await toClipboard(text)) ? "Copied." : "The browser did not allow it.");
    });
    this.append(
      h("p.file-ready", {}, h("code", {}, name), " is ready"),
      h(
        "ol.todo",
        {},
        h("li", {}, "Put it into the folder of your sketch, in place of the one that is there."),
        h("li", {}, "Upload your sketch with your IDE. The board comes online with it."),
      ),
      h("div.row", {}, save, copy, this.look, this.told),
      this.shown,
      this.problem,
      h("p.hint", {}, "Save it now: the key in it is told only once. Mooring forgets the file after an hour, or when the agent ends, and the cloud does not tell the key again."),
    );
  }

  /** @param {string} label @param {(text: string) => any} use @param {string} [look] */
  #button(label, use, look = "quiet") {
    const button = h(`button.${look}`, { type: "button" }, label);
    button.addEventListener("click", async () => {
      button.disabled = true;
      const text = await this.#fetch();
      button.disabled = false;
      button.focus();
      if (text !== null) await use(text);
    });
    return button;
  }

  async #fetch() {
    if (this.#text !== null) return this.#text;
    fill(this.problem);
    try {
      const file = await this.app.agent.call("jobs.file", { job: this.job, name: this.name });
      this.#text = String(file.text);
    } catch (error) {
      fill(this.problem, new ErrorCard(/** @type {any} */ (error), { context: { job: this.job } }));
      this.app.announcer.say(/** @type {any} */ (error).title);
    }
    return this.#text;
  }

  /** @param {string} text */
  #show(text) {
    const open = this.shown.hidden;
    this.shown.hidden = !open;
    say(this.shown, open ? text : "");
    say(this.look, open ? "Hide" : "Show");
    set(this.look, "aria-expanded", String(open));
  }
}

customElements.define("secret-file", SecretFile);
