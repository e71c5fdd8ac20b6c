/** A file whose text fills a field: chosen here, or pasted into the field by hand. */

import { View, freshId, h, say } from "../lib/dom.js";
import { count, size } from "../lib/text.js";

/** What certificates and keys come in; a person may choose any other file all the same. */
const PEM = ".pem,.crt,.cer,.ca,.txt";

export class TextFile extends View {
  /** @param {import("./field.js").FieldInput} field That takes the text. */
  constructor(field) {
    super();
    this.field = field;
    const id = freshId("file");
    this.input = h("input.spoken", { id, type: "file", accept: PEM });
    this.told = h("span", { role: "status" });
    this.input.addEventListener("change", () => void this.#take());
    this.append(this.input, h("label.button.quiet", { for: id }, "Take it from a file…"), this.told);
  }

  async #take() {
    const [file] = this.input.files ?? [];
    this.input.value = ""; // The same file can be chosen again.
    if (!file) return;
    const limit = this.field.shape.maxBytes ?? Infinity;
    say(this.told, "");
    if (file.size > limit) return this.field.showProblem(`${file.name} has ${size(file.size)}; at most ${size(limit)} fit`);
    const text = await file.text();
    if (!isText(text)) {
      return this.field.showProblem(`${file.name} is not a text file; a certificate begins with -----BEGIN CERTIFICATE-----`);
    }
    this.field.text = text;
    this.field.showProblem("");
    say(this.told, `${file.name}: ${count(text.trimEnd().split("\n").length, "line")}.`);
  }
}

/** @param {string} text As decoded from UTF-8. */
function isText(text) {
  return !/[\0-\x08\uFFFD]/.test(text);
}

customElements.define("text-file", TextFile);
