/** Erasing the network settings of a board: what is lost is said before, on the button too. */

import { isBlynk } from "../lib/clouds.js";
import { View, fill, h, say } from "../lib/dom.js";
import { go } from "../lib/router.js";
import { lightGuide } from "../parts/board-light.js";
import { resetDrawing } from "../parts/drawing.js";
import { ErrorCard } from "../parts/error-card.js";

const BLYNK = [
  "The board forgets its network and its token, and waits to be set up again. The device in Blynk and its data stay.",
  "Nothing is erased before you have seen what is lost and agreed. Without this computer the button of the board does the same.",
];

export class EraseForm extends View {
  /** The page has said for certain what is lost, so that the job need not ask. */
  #said = false;

  /** @param {import("../app.js").App} app @param {string} board */
  constructor(app, board) {
    super();
    this.app = app;
    this.board = board;
    this.text = h("div.prose");
    this.button = h("button.danger", { type: "button" });
    this.outcome = h("div");
    this.button.addEventListener("click", () => this.#start());
    this.append(
      h("section.sheet", {}, h("h2", {}, "Erase the network"), this.text, this.outcome, h("div.row", {}, this.button)),
    );
  }

  connectedCallback() {
    for (const topic of ["readings", "boards", "clouds"]) this.watch(this.app.store, topic, () => this.#draw());
    this.#draw();
  }

  #draw() {
    const { store } = this.app;
    const facts = store.reading(this.board)?.facts;
    const input = store.model(store.boards.get(this.board)?.model)?.reconfiguration;
    const byHand = Boolean(facts?.application_sketch);
    this.#said = Boolean(facts) && !byHand;
    const blynk = isBlynk(store.boards.get(this.board));
    const key = `${blynk} ${byHand} ${facts ? "read" : ""} ${input?.pin ?? ""}`;
    if (this.text.dataset.key === key) return;
    this.text.dataset.key = key;
    if (blynk) {
      fill(this.text, ...BLYNK.map((text) => h("p", {}, text)), lightGuide(this.app));
      this.button.className = "primary"; // It asks before it erases.
      say(this.button, "Ask the board, and see what is lost");
    } else if (byHand && input?.available) {
      fill(this.text, ...this.#handText(input));
      say(this.button, "Show me how: erase the network, keep the cloud identity");
    } else {
      fill(this.text, ...wireText(Boolean(facts)));
      say(this.button, "Erase network and cloud identity");
    }
  }

  /** @param {import("../types.js").Reconfiguration} input */
  #handText(input) {
    return [
      h("p", {}, "This board erases its network settings with its own reset input. The next page guides you."),
      resetDrawing(input),
      h("p", {}, "The stored network is lost. The cloud identity and your sketch stay."),
    ];
  }

  async #start() {
    this.button.disabled = true;
    fill(this.outcome);
    try {
      await this.app.store.rest(this.board);
      const request = { kind: "forget", board: this.board, attended: true, confirmed: this.#said };
      const { job } = await this.app.agent.call("jobs.start", { ...request, ...this.app.store.over(this.board) });
      go("job", job);
    } catch (error) {
      fill(this.outcome, new ErrorCard(/** @type {any} */ (error), { context: { board: this.board } }));
      this.app.announcer.say(/** @type {any} */ (error).title);
    } finally {
      this.button.disabled = false;
    }
  }
}

/** @param {boolean} known True if the board was read, so that this is certain. */
function wireText(known) {
  return [
    h("p", {}, "The board forgets its network. It also forgets its cloud identity, so it goes offline and has to be set up again."),
    h("p", {}, "Your sketch and the record of the device in the cloud stay."),
    known ? null : h("p.soft", {}, "If the board cannot do this itself, the next page says how to do it by hand."),
  ];
}

customElements.define("erase-form", EraseForm);
