/** The frame of the page: header, places, and what it says about the connection. */

import { View, fill, focusOn, h, keyed, say, set } from "../lib/dom.js";
import { href, parseRoute } from "../lib/router.js";
import { count } from "../lib/text.js";
import { symbol } from "../parts/drawing.js";
import { AgentNotices } from "./agent-notices.js";
import { BoardList } from "./board-list.js";
import { BoardView } from "./board-view.js";
import { CloudsView } from "./clouds-view.js";
import { ConnectionBar } from "./connection-bar.js";
import { DoctorView } from "./doctor-view.js";
import { JobView } from "./job-view.js";
import { JournalView } from "./journal-view.js";
import { ManyForm } from "./many-form.js";
import { MissingBoard } from "./missing-board.js";
import { NewsReader } from "./news.js";
import { PageQuestions } from "./page-questions.js";
import { PointView } from "./point-view.js";
import { SettingsView } from "./settings-view.js";
import { WallView } from "./wall-view.js";

/** @typedef {import("../app.js").App} App */

const PLACES = [
  ["boards", "Boards"],
  ["journal", "Journal"],
  ["clouds", "Clouds"],
  ["settings", "Settings"],
];

/** Places beside the list of boards. */
const AT_LIST = new Set(["boards", "board", "missing", "point", "job"]);

/** Places of many boards, which need the width themselves. */
const WIDE = new Set(["many", "wall"]);

export class Shell extends View {
  /** @type {any} */ #view = null;
  #key = "";

  /** @param {App} app */
  constructor(app) {
    super();
    this.app = app;
    this.counts = h("span.counts");
    this.nav = h("nav", { "aria-label": "Places" });
    this.list = new BoardList(app);
    this.detail = h("div.detail");
    this.main = h("main", { id: "main" });
    this.append(
      h("a.skip", { href: "#main", onclick: (/** @type {Event} */ event) => this.#skip(event) }, "Skip to content"),
      new PageQuestions(app),
      h("header", {}, h("a.brand", { href: href("boards") }, symbol("anchor", 20, 20), "Mooring"), this.counts, this.nav),
      new AgentNotices(app),
      this.main,
      new ConnectionBar(app),
      app.announcer.element,
    );
  }

  connectedCallback() {
    const { store } = this.app;
    const news = new NewsReader(this.app);
    this.watch(window, "hashchange", () => this.#route(true));
    for (const topic of ["boards", "jobs", "bluetooth"]) this.watch(store, topic, () => this.#count());
    this.watch(document, "visibilitychange", () => this.#attend());
    this.#attend();
    this.watch(store, "boards", (event) => news.boards(event.detail ?? {}));
    this.watch(store, "jobs", (event) => news.job(event.detail));
    this.#route(false);
    this.#count();
  }

  /** Boards are looked for in the air only while a person can see them. */
  #attend() {
    this.app.agent.attend(document.visibilityState === "visible");
  }

  /** @param {Event} event */
  #skip(event) {
    event.preventDefault();
    focusOn(this.main.querySelector("h1, h2") ?? this.main);
  }

  /** @param {boolean} moved True if the person went here, so that the focus follows. */
  #route(moved) {
    const { page, id, part } = parseRoute(location.hash);
    // Elsewhere a part is a place on the same view.
    const key = page === "missing" || page === "point" ? `${page}/${id}/${part}` : `${page}/${id}`;
    const elsewhere = key !== this.#key;
    if (elsewhere) {
      this.#key = key;
      this.#view = this.#make(page, id, part);
      const withList = AT_LIST.has(page);
      fill(this.detail, this.#view);
      this.main.className = withList ? "with-list" : WIDE.has(page) ? "wide" : "single";
      this.main.classList.toggle("has-detail", page !== "boards");
      if (!withList) fill(this.main, this.detail);
      else if (!this.list.isConnected || !this.detail.isConnected || this.main.childElementCount < 2) {
        fill(this.main, this.list, this.detail);
      }
      scrollTo(0, 0);
    }
    if (this.#view) this.#view.subpage = part;
    this.list.current = page === "board" ? id : page === "job" ? (this.app.store.jobs.get(id)?.board ?? "") : "";
    this.#places(page);
    document.title = titleOf(page, this.#view);
    if (moved && elsewhere && this.#view) focusOn(this.detail.querySelector("h1"));
  }

  /** @param {string} page @param {string} id @param {string} part */
  #make(page, id, part) {
    if (page === "board") return new BoardView(this.app, id);
    if (page === "missing") return new MissingBoard(this.app, id, part);
    if (page === "point") return new PointView(this.app, id, part);
    if (page === "many") return new ManyForm(this.app, id);
    if (page === "wall") return new WallView(this.app, id);
    if (page === "job") return new JobView(this.app, id);
    if (page === "journal") return new JournalView(this.app);
    if (page === "clouds") return new CloudsView(this.app, id);
    if (page === "doctor") return new DoctorView(this.app, id);
    if (page === "settings") return new SettingsView(this.app, id);
    return null;
  }

  /** @param {string} page */
  #places(page) {
    const here = AT_LIST.has(page) || WIDE.has(page) ? "boards" : page === "doctor" ? "settings" : page;
    keyed(
      this.nav,
      PLACES,
      ([name]) => name,
      ([name, title]) => h("a", { href: href(name) }, title),
      (link, [name]) => set(link, "aria-current", name === here ? "page" : null),
    );
  }

  #count() {
    const { store } = this.app;
    if (!store.loaded) return say(this.counts, "");
    const open = store.work().filter((job) => job.state === "running").length;
    const asking = store.work().filter((job) => job.state === "asking").length;
    const parts = [count(store.boards.size, this.app.agent.info?.simulated ? "simulated board" : "board")];
    if (open) parts.push(`${open} at work`);
    if (asking) parts.push(`${asking} ${asking === 1 ? "needs" : "need"} you`);
    if (store.bluetooth?.scanning && !store.bluetooth.problem) parts.push("Bluetooth on");
    say(this.counts, parts.join(" · "));
    const route = parseRoute(location.hash);
    if (route.page === "job") this.list.current = store.jobs.get(route.id)?.board ?? "";
  }
}

/** @param {string} page @param {any} view */
function titleOf(page, view) {
  const place = view?.pageTitle ?? PLACES.find(([name]) => name === page)?.[1];
  return place ? `${place} · Mooring` : "Mooring";
}

customElements.define("mooring-shell", Shell);
