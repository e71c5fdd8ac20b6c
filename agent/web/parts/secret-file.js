/**
 * A file with secrets that a job made: to be downloaded, copied or looked at.
 *
 * Its text is fetched with the first click and stays in this element; the agent forgets it soon.
 */

import { View, fill, freshId, h, say, set } from "../lib/dom.js";
import { download, fromBase64, toClipboard } from "../lib/copies.js";
import { ErrorCard } from "./error-card.js";

/**
 * @typedef {object} FileWords What a person does with a file.
 * @property {string[]} todo
 * @property {string} hint
 * @property {string} [saveAs] Name of what its Base64 means, which is what is saved.
 */

/** @type {FileWords} */
const SKETCH_SECRETS = {
  todo: [
    "Put it into the folder of your sketch, in place of the one that is there.",
    "Upload your sketch with your IDE. The board comes online with it.",
  ],
  hint: "Save it now: the key in it is told only once. Mooring forgets the file after an hour, or when the agent ends, and the cloud does not tell the key again.",
};

export class SecretFile extends View {
  /** @type {string|null} */ #text = null;

  /**
   * @param {import("../app.js").App} app
   * @param {import("../types.js").Job} job
   * @param {string} name
   * @param {FileWords} [words]
   */
  constructor(app, job, name, words = SKETCH_SECRETS) {
    super();
    const { saveAs } = words;
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
    const save = this.#button("Download", (text) => this.#save(saveAs ?? name, saveAs ? fromBase64(text) : text), "primary");
    const copy = this.#button("Copy", async (text) => {
      say(this.told, (await toClipboard(text)) ? "Copied." : "The browser did not allow it.");
    });
    this.append(
      h("p.file-ready", {}, h("code", {}, saveAs ?? name), " is ready"),
      h("ol.todo", {}, ...words.todo.map((line) => h("li", {}, line))),
      h("div.row", {}, save, ...(saveAs ? [] : [copy, this.look]), this.told), // Nobody reads bytes.
      this.shown,
      this.problem,
      h("p.hint", {}, words.hint),
    );
  }

  /** @param {string} name @param {string|Uint8Array<ArrayBuffer>} content */
  #save(name, content) {
    download(name, content);
    say(this.told, "Saved to your downloads.");
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
