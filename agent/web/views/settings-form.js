/** The settings as a form: changes gather until they are saved, and can be taken back afterwards. */

import { View, fill, h, say } from "../lib/dom.js";
import { beforeOf, groupsOf, undoable } from "../lib/settings.js";
import { count } from "../lib/text.js";
import { ErrorCard } from "../parts/error-card.js";
import { SettingRow } from "../parts/setting-row.js";

/** @typedef {import("../types.js").Setting} Setting */
/** @typedef {import("../types.js").SettingsDocument} SettingsDocument */

const DRAFT = "settings";

export class SettingsForm extends View {
  /** @type {Map<string, SettingRow>} */ #rows = new Map();
  /** @type {Record<string, any>|null} What takes the last change back. */ #before = null;
  /** The connection broke while something was saved. */ #interrupted = false;
  #saving = false;
  /** The setting that an address leads to, until it was shown. */ #wanted = "";

  /** @param {import("../app.js").App} app @param {() => void} toStop Brings a person to where the agent is stopped. */
  constructor(app, toStop) {
    super();
    this.app = app;
    this.toStop = toStop;
    this.path = h("p.soft.small.path");
    this.problem = h("div");
    this.waiting = h("div");
    this.groups = h("fieldset.groups");
    this.words = h("p", { role: "status" });
    this.save = h("button.primary", { type: "submit" }, "Save");
    this.discard = h("button.quiet", { type: "button", onclick: () => this.#discard() }, "Discard");
    this.undo = h("button.quiet", { type: "button", onclick: () => this.#undo() }, "Undo");
    this.bar = h("div.save-bar", { hidden: true }, this.words, h("div.row", {}, this.save, this.discard, this.undo));
    this.outcome = h("div");
    this.form = h("form", { novalidate: true }, this.groups, this.outcome, this.bar);
    this.form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.#save();
    });
    this.append(this.problem, this.waiting, this.form, this.path);
  }

  connectedCallback() {
    this.watch(this.app.agent, "state", () => this.#load());
    // Somebody may have changed the file or used the command line meanwhile.
    this.watch(document, "visibilitychange", () => document.visibilityState === "visible" && this.#load());
    this.onLeave(() => this.#keep());
    this.#load();
  }

  /** Show one setting, as an error or the doctor asks for. */
  set wanted(/** @type {string} */ key) {
    this.#wanted = key;
    this.#reveal();
  }

  async #load() {
    if (this.app.agent.state !== "connected" || this.#saving) return;
    try {
      this.#show(await this.app.agent.call("settings.get"));
      this.#resumed();
    } catch (error) {
      if (/** @type {any} */ (error).code !== "agent-gone") fill(this.problem, new ErrorCard(/** @type {any} */ (error)));
    }
  }

  /** @param {SettingsDocument} document @param {Map<string, string>} [sent] What stood in the controls when it was saved. */
  #show({ path, problem, settings }, sent) {
    // A restart, which some settings wait for, is the end of a demo.
    const demo = this.app.agent.info?.simulated ? " A demo forgets them when it ends." : "";
    say(this.path, `They are kept in ${path}.${demo}`);
    fill(this.problem, problem ? this.#broken(problem) : "");
    if (!this.#rows.size) this.#build(settings);
    this.groups.disabled = Boolean(problem);
    for (const setting of settings) {
      const row = this.#rows.get(setting.key);
      row?.show(setting, sent?.get(setting.key) === JSON.stringify(row.draft));
    }
    fill(this.waiting, this.#restart(settings.filter(({ pending }) => pending)));
    this.#count();
    this.#reveal();
  }

  /** @param {Setting[]} settings */
  #build(settings) {
    const drafts = this.app.memory.draft(DRAFT);
    const parts = groupsOf(settings).map((group) => {
      const rows = group.settings.map((setting) => {
        const row = new SettingRow(setting, () => this.#edited());
        if (drafts[setting.key]) row.draft = drafts[setting.key];
        this.#rows.set(setting.key, row);
        return row;
      });
      const hint = group.settings.map(({ title }) => title).join(" · ");
      const head = h("summary", {}, h("span.group-title", {}, group.title), h("span.soft.small.hint-line", {}, hint));
      return h("details.group", { open: rows.some((row) => row.dirty) }, head, ...rows.map((row) => row.element));
    });
    fill(this.groups, h("legend.spoken", {}, "How Mooring works here"), ...parts);
  }

  /** @param {import("../types.js").ErrorReport} problem */
  #broken(problem) {
    const told = this.app.agent.info?.notices.some(({ code }) => code === problem.code);
    const again = h("button.quiet", { type: "button", onclick: () => this.#load() }, "Look again");
    const words = "The file of the settings cannot be used, so nothing can be changed here; the message at the top says how to mend it.";
    if (told) return h("p.hint", {}, words, " ", again);
    return new ErrorCard(problem, { actions: [again], context: { version: this.app.agent.info?.version } });
  }

  /** @param {Setting[]} pending */
  #restart(pending) {
    if (!pending.length) return "";
    const names = pending.map(({ title }) => title).join(", ");
    const stop = h("button.link", { type: "button", onclick: () => this.toStop() }, "Stop it here");
    const how = " and start Mooring again, from where you usually do.";
    return h("p.hint", {}, h("strong", {}, `Waiting for a restart of the agent: ${names}.`), " ", stop, how);
  }

  #dirty() {
    return [...this.#rows.values()].filter((row) => row.dirty);
  }

  #edited() {
    this.#before = null;
    this.#count();
  }

  #count() {
    const dirty = this.#dirty().length;
    this.bar.hidden = !dirty && !this.#before;
    this.save.hidden = this.discard.hidden = !dirty;
    this.undo.hidden = !this.#before || dirty > 0;
    if (dirty) say(this.words, this.#saving ? "Saving…" : `${count(dirty, "change")} not saved.`);
  }

  async #save() {
    const dirty = this.#dirty();
    if (!dirty.length || this.#saving) return;
    const wrong = dirty.filter((row) => !row.check());
    if (wrong.length) return this.#focus(wrong[0]);
    const values = Object.fromEntries(dirty.map((row) => [row.key, row.change]));
    const before = dirty.every(({ setting }) => undoable(setting)) ? beforeOf(dirty.map(({ setting }) => setting)) : null;
    await this.#set(values, before, dirty.length === 1 ? "Saved." : `${dirty.length} changes saved.`);
  }

  async #undo() {
    const before = this.#before;
    if (!before || this.#saving) return;
    await this.#set(before, null, "Taken back.");
  }

  /** @param {Record<string, any>} values @param {Record<string, any>|null} before @param {string} said */
  async #set(values, before, said) {
    const sent = new Map([...this.#rows.values()].map((row) => [row.key, JSON.stringify(row.draft)]));
    const held = this.bar.contains(document.activeElement);
    this.#saving = true;
    this.#interrupted = false;
    fill(this.outcome);
    this.#count();
    try {
      const result = await this.app.agent.call("settings.set", { values });
      this.#saving = false;
      this.#before = before;
      this.app.memory.forgetDraft(DRAFT);
      this.#show(result, sent);
      if (!this.#dirty().length) this.#done(said, held);
    } catch (error) {
      this.#saving = false;
      this.#failed(/** @type {any} */ (error));
    }
  }

  /** @param {string} said @param {boolean} held */
  #done(said, held) {
    this.bar.hidden = false;
    say(this.words, said);
    this.app.announcer.say(said);
    if (held) (this.undo.hidden ? /** @type {any} */ (this.groups.querySelector("summary")) : this.undo).focus();
  }

  /** @param {import("../mooring.js").MooringError} error */
  #failed(error) {
    this.#count();
    const row = this.#rows.get(String(error.facts.field ?? ""));
    if (row) {
      row.control.showProblem(String(error.facts.problem));
      return this.#focus(row);
    }
    this.#interrupted = error.code === "agent-gone";
    if (!this.#interrupted) return fill(this.outcome, new ErrorCard(error));
    say(this.words, "The connection broke before the agent said that it is saved. What you changed stays here.");
  }

  /** The connection is back: what was under way is saved, or it is not. */
  #resumed() {
    if (!this.#interrupted) return;
    this.#interrupted = false;
    this.bar.hidden = false;
    say(this.words, this.#dirty().length ? "That was not saved. What you changed is still here: save it again." : "That was saved.");
  }

  #discard() {
    for (const row of this.#dirty()) row.discard();
    this.app.memory.forgetDraft(DRAFT);
    fill(this.outcome);
    this.#count();
    this.groups.querySelector("summary")?.focus();
  }

  /** What was not saved is there again when the person comes back to this place. */
  #keep() {
    if (!this.#rows.size) return; // It left before it was filled in.
    this.app.memory.keepDraft(DRAFT, Object.fromEntries(this.#dirty().map((row) => [row.key, row.draft])));
  }

  /** @param {SettingRow} row */
  #focus(row) {
    const group = row.element.closest("details");
    if (group) group.open = true;
    row.control.focus();
    row.element.scrollIntoView({ block: "center" });
  }

  #reveal() {
    const row = this.#rows.get(this.#wanted);
    if (!row) return;
    this.#wanted = "";
    this.#focus(row);
  }
}

customElements.define("settings-form", SettingsForm);
