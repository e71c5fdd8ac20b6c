/** A place to drop a file, or to choose one. Fires `picked` with the file as `detail`. */

import { View, fill, freshId, h, say } from "../lib/dom.js";
import { ENDINGS } from "../lib/sketchfile.js";
import { size } from "../lib/text.js";
import { symbol } from "./drawing.js";

export class FileDrop extends View {
  constructor() {
    super();
    const id = freshId("file");
    this.input = h("input.spoken", { type: "file", id, accept: ENDINGS.join(",") });
    this.input.addEventListener("change", () => this.#take(this.input.files));
    this.input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // It would send the form around this.
      this.input.click();
    });
    this.words = h("span.drop-words", { dir: "auto" });
    this.note = h("span.soft.small");
    this.place = h("label.drop", { for: id }, symbol("thing-file", 32, 32), h("span", {}, this.words, this.note));
    this.append(this.input, this.place);
    this.clear();
  }

  connectedCallback() {
    // A file that misses its place must not replace the page.
    for (const type of ["dragover", "drop"]) this.watch(window, type, (event) => this.#over(event));
    this.watch(window, "dragleave", (event) => !event.relatedTarget && this.#light(false));
  }

  /** Show that no file is chosen. */
  clear() {
    fill(this.words, "Drop a file here, or ", h("u", {}, "choose one"));
    say(this.note, `${ENDINGS.join(", ")}, built for this board`);
    this.classList.remove("taken");
  }

  /** Show the file that will be written. @param {string} name @param {number} bytes */
  show(name, bytes) {
    say(this.words, name);
    say(this.note, `${size(bytes)} · drop or choose another one to replace it`);
    this.classList.add("taken");
  }

  focus() {
    this.input.focus();
  }

  /** @param {DragEvent} event */
  #over(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    const here = event.target instanceof Node && this.place.contains(event.target);
    event.dataTransfer.dropEffect = here ? "copy" : "none";
    this.#light(event.type === "dragover");
    if (event.type === "drop" && here) this.#take(event.dataTransfer.files);
  }

  #light(/** @type {boolean} */ on) {
    this.classList.toggle("over", on);
  }

  /** @param {FileList|null} files */
  #take(files) {
    const file = files?.[0];
    if (file) this.dispatchEvent(new CustomEvent("picked", { detail: file }));
    this.input.value = ""; // The same file may be chosen again after it was built anew.
  }
}

customElements.define("file-drop", FileDrop);
