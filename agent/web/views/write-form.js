/** Writing a sketch: a file of the person, or one that the agent has. Says what is lost on the button. */

import { View, fill, focusOn, h, say } from "../lib/dom.js";
import { go, href } from "../lib/router.js";
import { namesModel, problemOf } from "../lib/sketchfile.js";
import { ago, percent, size } from "../lib/text.js";
import { ChoiceList } from "../parts/choice-list.js";
import { ErrorCard } from "../parts/error-card.js";
import { ownField } from "../parts/field.js";
import { FileDrop } from "../parts/file-drop.js";
import { ModelChoice } from "../parts/model-choice.js";

/** @typedef {import("../types.js").SketchInfo} SketchInfo */
/** @typedef {import("../types.js").Choice} Choice */

/** Code of the error that a file does not fit the board. */
const REFUSED = "flash-image";

const KINDS = /** @type {Record<string, string>} */ ({
  "provisioning-2.0": "provisioning 2.0",
  "provisioning-1.0": "provisioning 1.0",
  "lora-1.0": "LoRa, provisioning 1.0",
  local: "your file",
});

export class WriteForm extends View {
  /** @type {SketchInfo[]} */ #stored = [];
  /** @type {ChoiceList|null} */ #list = null;
  #listed = "";
  #sending = false;
  /** The agent has refused the chosen file; a person may know better. */
  #refused = false;

  /**
   * @param {import("../app.js").App} app
   * @param {string} board
   * @param {boolean} [provisioning] The provisioning sketch is chosen at first.
   */
  constructor(app, board, provisioning = false) {
    super();
    this.app = app;
    this.board = board;
    this.first = provisioning ? "provisioning" : "";
    this.drop = new FileDrop();
    this.drop.addEventListener("picked", (/** @type {any} */ event) => this.#take(event.detail));
    this.kind = new ModelChoice(app, board);
    this.kind.addEventListener("picked", () => this.#draw());
    this.stored = h("div");
    this.override = h("div", { hidden: true });
    this.model = ownField({ name: "override", title: "Model of the board", description: "", required: true });
    this.progress = h("progress", { max: "1", "aria-label": "Sending the file to the agent" });
    this.told = h("span.soft.small");
    this.sent = h("div.meter", { hidden: true }, this.progress, this.told);
    this.outcome = h("div");
    this.main = h("span", { dir: "auto" }, "Write the sketch");
    this.cost = h("span.small", {}, "Overwrites the sketch on the board");
    this.button = h("button.primary.two-lines", { type: "submit" }, this.main, this.cost);
    this.form = h("form", { novalidate: true }, this.kind, this.drop, this.stored, this.outcome, this.override, this.sent, h("div.row", {}, this.button));
    this.form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.#submit();
    });
    const title = provisioning ? "Write the provisioning sketch" : "Write a sketch";
    this.append(h("section.sheet.setup.write", {}, h("h2", {}, title), this.form));
  }

  connectedCallback() {
    this.watch(this.app.store, "boards", () => this.#draw());
    this.watch(this.app.agent, "state", () => this.app.agent.state === "connected" && void this.#fetch());
    const file = this.#file;
    if (file && !this.first) this.drop.show(file.name, file.size);
    const last = this.app.store.lastWork(this.board);
    // A person comes back from a job that was refused: the way to insist is here.
    if (file && last?.kind === "flash" && last.error?.code === REFUSED) this.#refuse(last.error);
    this.#draw();
    void this.#fetch();
  }

  /** The file that was chosen for this board. @returns {File|undefined} */
  get #file() {
    return this.app.memory.files.get(this.board);
  }

  get #model() {
    return this.kind.model;
  }

  async #fetch() {
    const { sketches } = await this.app.agent.call("sketches.list").catch(() => ({ sketches: [] }));
    this.#stored = sketches;
    this.#draw();
  }

  #draw() {
    const board = this.app.store.boards.get(this.board);
    if (!board) return;
    this.cost.hidden = board.state === "bootloader"; // There is nothing to be lost.
    const choices = this.#choices();
    const key = JSON.stringify(choices);
    if (key === this.#listed) return this.#label();
    this.#listed = key;
    const chosen = this.#list?.value || (this.#file ? "" : this.first);
    this.#list = new ChoiceList(`Or a sketch that Mooring knows for this board`, choices, { chosen });
    this.#list.addEventListener("picked", () => this.#chose());
    fill(this.stored, choices.length ? this.#list : null);
    this.#label();
  }

  /** The provisioning sketches of the model, and what is in the store for it. @returns {Choice[]} */
  #choices() {
    const model = this.#model;
    const versions = model?.provisioning ?? [];
    const lora = model?.connectivity.includes("lora");
    const first = versions.includes("2.0")
      ? [{ id: "provisioning", label: "Provisioning sketch 2.0", detail: this.#known("provisioning-2.0", "Then the board can be set up here.") }]
      : [];
    const old = versions.includes("1.0")
      ? [{ id: "provisioning-1.0", label: lora ? "Sketch that tells the LoRa EUI" : "Provisioning sketch 1.0", detail: this.#known(lora ? "lora-1.0" : "provisioning-1.0", "") }]
      : [];
    const mine = this.#stored.filter(({ fqbn, kind }) => kind === "local" && sameBoard(fqbn, model?.fqbn));
    return [...first, ...old, ...mine.map(storedChoice)];
  }

  /** Where a provisioning sketch comes from. @param {string} kind @param {string} use */
  #known(kind, use) {
    const stored = this.#stored.find((sketch) => sketch.kind === kind && sameBoard(sketch.fqbn, this.#model?.fqbn));
    const from = stored ? `${stored.version ?? ""} is on this computer, since ${ago(stored.fetched_at)}.`.trimStart() : "It is fetched from Arduino.";
    return `${use} ${from[0].toUpperCase()}${from.slice(1)}`.trim();
  }

  /** @param {File} file */
  #take(file) {
    const problem = problemOf(file.name, file.size);
    this.#accept();
    if (problem) return this.#failed(problem);
    this.app.memory.files.set(this.board, file);
    this.drop.show(file.name, file.size);
    this.#list?.clear();
    this.#label();
    this.app.announcer.say(`${file.name}, ${size(file.size)}, is chosen.`);
  }

  /** A sketch of the list takes the place of a file. */
  #chose() {
    this.app.memory.files.delete(this.board);
    this.drop.clear();
    this.#accept();
    this.#label();
  }

  /** Another sketch is chosen: what was said of the one before is over. */
  #accept() {
    this.#refused = false;
    this.override.hidden = true;
    fill(this.outcome);
  }

  #label() {
    const choice = this.#choices().find(({ id }) => id === this.#list?.value);
    const name = choice?.label ?? this.#file?.name;
    say(this.main, name ? `Write ${choice ? name.slice(0, 1).toLowerCase() + name.slice(1) : name}` : "Write the sketch");
  }

  async #submit() {
    const stored = this.#list?.value ?? "";
    const file = stored ? undefined : this.#file;
    if (this.#sending) return;
    if (!this.kind.check()) return;
    if (!stored && !file) {
      this.#failed({ code: "choose", title: "Choose a file or a sketch first.", meaning: "", remedy: "", retryable: false });
      return this.drop.focus();
    }
    if (this.#refused && !this.#insists()) return;
    this.#sending = this.button.disabled = true;
    fill(this.outcome);
    try {
      const { job } = await this.#start(stored ? { sketch: stored } : { image: await this.#upload(/** @type {File} */ (file)) });
      go("job", job);
    } catch (error) {
      this.#failed(/** @type {any} */ (error));
    } finally {
      this.#sending = this.button.disabled = false;
      this.sent.hidden = true;
    }
  }

  /** @param {Record<string, any>} what */
  async #start(what) {
    const { agent, store } = this.app;
    await store.quit(this.board);
    return agent.call("jobs.start", {
      kind: "flash",
      board: this.board,
      attended: true,
      confirmed: true, // That the sketch is overwritten stands on the button.
      ...what,
      ...(this.kind.named ? { model: this.kind.named } : {}),
      ...(this.#refused ? { override: this.#model?.id } : {}),
    });
  }

  /** @param {File} file @returns {Promise<number>} */
  async #upload(file) {
    const bytes = await file.arrayBuffer().catch(() => {
      throw gone(file.name);
    });
    this.sent.hidden = false;
    this.#share(0, bytes.byteLength);
    return this.app.agent.uploadImage(file.name, bytes, (done, total) => this.#share(done, total));
  }

  /** @param {number} done @param {number} total */
  #share(done, total) {
    this.progress.value = done / total;
    say(this.told, `Sending to the agent: ${percent(done / total)} of ${size(total)}`);
  }

  /** The person has named the model, so that a file for another board is not written by accident. */
  #insists() {
    const model = this.#model;
    const right = model && namesModel(this.model.input.value, model.name);
    this.model.showProblem(right ? "" : `type ${plainName(model?.name ?? "")} to write it anyway`);
    const more = this.model.element.closest("details");
    if (more) more.open = true;
    if (!right) this.model.focus();
    return Boolean(right);
  }

  /** @param {any} error */
  #refuse(error) {
    const model = plainName(this.#model?.name ?? "");
    fill(this.outcome, this.#card(error));
    if (!error.facts?.overridable) return;
    this.#refused = true;
    this.override.hidden = false;
    const title = h("summary", {}, "I know that it fits: write it anyway");
    const why = `A file for another board can leave this one without a working sketch. Type ${model} to say that it is meant for this board. Its type and size are checked all the same.`;
    fill(this.override, h("details.more", {}, title, h("p.soft.small", {}, why), this.model.element));
  }

  /** @param {any} error */
  #card(error) {
    const context = { board: this.board, file: this.#file?.name, version: this.app.agent.info?.version };
    const clouds = h("a.button.quiet", { href: href("clouds") }, "Sign in");
    const actions = error.code === "cloud-not-signed-in" ? [clouds] : [];
    return new ErrorCard(error, { actions, context });
  }

  /** @param {any} error */
  #failed(error) {
    this.app.announcer.say(error.title);
    if (error.facts?.field === "override") {
      this.model.showProblem(String(error.facts.problem));
      return this.model.focus();
    }
    if (error.code === REFUSED) this.#refuse(error);
    else fill(this.outcome, this.#card(error));
    if (error.code !== "choose") focusOn(/** @type {any} */ (this.outcome.firstElementChild));
  }
}

/** @param {SketchInfo} sketch @returns {Choice} */
function storedChoice({ id, name, size: bytes, kind, version, fetched_at }) {
  const parts = [version ?? "", KINDS[kind] ?? kind, size(bytes), ago(fetched_at)];
  return { id, label: name, detail: parts.filter(Boolean).join(" · ") };
}

/** @param {string} one @param {string|null|undefined} other */
function sameBoard(one, other) {
  const plain = (/** @type {string} */ fqbn) => fqbn.split(":").slice(0, 3).join(":");
  return Boolean(other) && plain(one) === plain(other ?? "");
}

/** Without its maker. */
function plainName(/** @type {string} */ name) {
  return name.replace(/^Arduino (?=\S)/, "");
}

/** @param {string} name */
function gone(name) {
  return {
    code: "file-gone",
    title: `“${name}” cannot be read any more.`,
    meaning: "It was changed, moved or deleted after it was chosen. Nothing was sent to the board.",
    remedy: "Choose it again.",
    retryable: false,
    facts: {},
  };
}

customElements.define("write-form", WriteForm);
