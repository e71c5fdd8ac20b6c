/** The field for a token that is copied from somewhere: hidden, checked by the agent, and never kept. */

import { h, say } from "../lib/dom.js";
import { pastedWords } from "../lib/clouds.js";
import { ownField } from "./field.js";

export class TokenField {
  /** @param {{title?: string, description?: string}} [words] */
  constructor({ title = "Token", description = "" } = {}) {
    this.field = ownField({ name: "token", title, type: "password", description, required: true });
    this.told = h("p.soft.small", { role: "status" });
    // The lines of the console can be pasted as they are; a field of one line takes their ends away.
    this.field.input.addEventListener("input", () => say(this.told, pastedWords(this.field.raw)));
    this.element = h("div.token", {}, this.field.element, this.told);
  }

  get value() {
    return this.field.raw.trim();
  }

  /** Show what is wrong and go there; true if nothing is. */
  check() {
    const problem = this.value ? "" : "is needed";
    this.showProblem(problem);
    return !problem;
  }

  /** @param {string} problem Empty: none. */
  showProblem(problem) {
    this.field.showProblem(problem);
    if (problem) this.field.focus();
  }

  focus() {
    this.field.focus();
  }

  /** Once it is sent it stands nowhere any more. */
  clear() {
    this.field.text = "";
    say(this.told, "");
  }
}
