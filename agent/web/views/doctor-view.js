/** The doctor: what on this computer would keep boards from being set up, and the mend. */

import { View, fill, focusOn, h, say, set } from "../lib/dom.js";
import { areaTitle, kindsOf, summaryOf } from "../lib/findings.js";
import { ago, count } from "../lib/text.js";
import { symbol } from "../parts/drawing.js";
import { ErrorCard } from "../parts/error-card.js";
import { FindingCard } from "../parts/finding-card.js";

/** @typedef {import("../types.js").Finding} Finding */

/** Of a list that stand there at once. */
const LINES = 4;

const CALM = "Nothing is in the way";

export class DoctorView extends View {
  pageTitle = "Doctor";
  #drawn = /** @type {any} */ (undefined);

  /** @param {import("../app.js").App} app @param {string} area What the person came for; empty: everything. */
  constructor(app, area) {
    super();
    this.app = app;
    this.area = area;
    this.status = h("p.soft", { role: "status" });
    this.clock = h("span.soft.small.number");
    this.bar = h("progress", { max: 1, "aria-label": "How far the doctor is" });
    this.again = h("button.quiet", { type: "button", onclick: () => this.app.examiner.run() }, "Look again");
    this.results = h("div.stack");
    this.append(
      h(
        "section.sheet",
        {},
        h("h1", {}, "Doctor"),
        h("p.soft", {}, "What on this computer would keep boards from being set up. It opens no board, and it only looks until you ask it to mend something."),
        h("div.looking", {}, h("div", {}, this.status, this.clock), this.again, this.bar),
      ),
      this.results,
    );
  }

  connectedCallback() {
    const { agent, examiner, ticker } = this.app;
    this.watch(examiner, "changed", () => this.#draw());
    this.watch(agent, "state", () => this.#begin());
    this.onLeave(ticker.follow(() => this.#tick()));
    this.#draw();
    this.#begin();
  }

  /** Look when the page is opened, and when a look was cut off; never mend by itself. */
  #begin() {
    const { agent, examiner } = this.app;
    if (agent.state !== "connected") return;
    if (examiner.error ? examiner.error.code === "agent-gone" : !this.began) void examiner.run();
    this.began = true;
  }

  #draw() {
    const { examiner } = this.app;
    const { look, seen, error } = examiner;
    const key = look ?? error ?? seen;
    set(this.again, "aria-disabled", look ? "true" : null);
    this.bar.classList.toggle("idle", !look); // It keeps its room, so that nothing below it moves.
    this.results.classList.toggle("stale", Boolean(look));
    this.#tick();
    if (look) return this.#progress(look);
    if (key === this.#drawn) return;
    const first = this.#drawn !== undefined;
    this.#drawn = key;
    if (error) {
      say(this.status, "The doctor could not look.");
      return fill(this.results, new ErrorCard(error));
    }
    if (!seen) return;
    const wrong = summaryOf(seen.findings);
    const words = wrong && `${wrong[0].toUpperCase()}${wrong.slice(1)} found.`;
    say(this.status, words || "The doctor has looked.");
    if (first) this.app.announcer.say(words || CALM);
    this.#show(seen);
  }

  /** @param {import("../lib/examiner.js").Look} look */
  #progress({ fix, progress }) {
    this.#drawn = null;
    const doing = fix ? "Mending, and looking again" : "Looking at this computer";
    say(this.status, progress ? `${doing}: ${progress.done} of ${count(progress.total, "part")}` : `${doing}…`);
    if (progress) this.bar.value = progress.done / progress.total;
    else this.bar.removeAttribute("value");
  }

  #tick() {
    const { look, seenAt } = this.app.examiner;
    const spent = look ? Math.max(0, Math.floor(Date.now() / 1000 - look.startedAt)) : 0;
    say(this.clock, look ? `${spent} s${look.fix ? "" : "; half a minute at most"}` : seenAt ? `Looked ${ago(seenAt)}.` : "");
  }

  /** @param {import("../types.js").Examination} seen */
  #show({ findings, fixed }) {
    const here = findings.filter((finding) => finding.area === this.area);
    const rest = findings.filter((finding) => finding.area !== this.area);
    const held = this.results.contains(document.activeElement);
    fill(
      this.results,
      mended(fixed),
      this.#offer(findings.filter((finding) => finding.fixable)),
      here.length ? this.#cards(`What you came for: ${areaTitle(this.area)}`, here) : "",
      this.#cards("Problems", at(rest, "problem"), "Each stops setting up, for some boards or for all."),
      this.#cards("Warnings", at(rest, "warning"), "Boards can be set up; something else does not work, or not as well."),
      calm(findings),
      fine(at(rest, "fine")),
    );
    if (held) focusOn(this.results.querySelector("h2") ?? this.querySelector("h1"));
  }

  /** @param {string} title @param {Finding[]} findings @param {string} [note] */
  #cards(title, findings, note = "") {
    if (!findings.length) return "";
    const context = { version: this.app.agent.info?.version, platform: this.app.agent.info?.platform };
    const cards = kindsOf(findings).map((kind) => h("li", {}, new FindingCard(kind, context)));
    return h("section", {}, h("h2", {}, title), note && h("p.soft.small", {}, note), h("ul.findings", {}, ...cards));
  }

  /** What the doctor would do itself, said before it is done. @param {Finding[]} fixable */
  #offer(fixable) {
    if (!fixable.length) return "";
    const all = [...new Set(fixable.map(({ will, title }) => will || title))];
    const button = h("button.primary", { type: "button" }, fixable.length === 1 ? "Mend it" : `Mend these ${fixable.length}`);
    button.addEventListener("click", () => this.app.examiner.run(true));
    return h(
      "section.sheet.offer",
      {},
      h("h2", {}, fixable.length === 1 ? "Mooring can mend this for you" : "Mooring can mend these for you"),
      h("p.soft", {}, "Nothing else is changed, and no risk is taken. Then it looks again."),
      ...lines(all),
      h("div.row", {}, button),
    );
  }
}

/** @param {Finding[]} findings @param {string} level */
function at(findings, level) {
  return findings.filter((finding) => finding.level === level);
}

/** @param {Finding[]|undefined} fixed */
function mended(fixed) {
  if (!fixed?.length) return "";
  return h("section.outcome.good", {}, h("h2", {}, "Mended"), h("p.soft.small", {}, "This was found, and is no longer so:"), ...lines(fixed.map(({ title }) => title)));
}

/** The first of many, and the others one click away. @param {string[]} texts */
function lines(texts) {
  const list = (/** @type {string[]} */ some) => h("ul.will", {}, ...some.map((text) => h("li", { dir: "auto" }, text)));
  const [first, others] = texts.length > LINES + 1 ? [texts.slice(0, LINES), texts.slice(LINES)] : [texts, []];
  return [list(first), others.length ? h("details.more", {}, h("summary", {}, `${others.length} more`), list(others)) : ""];
}

/** @param {Finding[]} findings */
function calm(findings) {
  if (summaryOf(findings)) return "";
  const text = "Boards can be set up from this computer. If one gives trouble all the same, the message on its own page says more.";
  return h("section.sheet.calm", {}, symbol("level-well", 44, 44), h("div", {}, h("h2", {}, CALM), h("p.soft", {}, text)));
}

/** What was looked at and is well, one click away. @param {Finding[]} findings */
function fine(findings) {
  if (!findings.length) return "";
  const facts = findings.map(({ area, title }) => [h("dt", {}, areaTitle(area)), h("dd", { dir: "auto" }, title)]);
  const list = h("dl.stacked", {}, ...facts.flat());
  return h("details.more.sheet", {}, h("summary", {}, `${count(findings.length, "thing")} looked at and well`), list);
}

customElements.define("doctor-view", DoctorView);
