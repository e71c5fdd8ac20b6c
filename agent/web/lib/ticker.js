/** One clock for everything on the page that shows a running time. */

const TICK_MS = 200;

export class Ticker extends EventTarget {
  #timer = 0;
  #users = 0;

  /** Have `tick` events until the returned function is called. @param {() => void} listener */
  follow(listener) {
    this.addEventListener("tick", listener);
    this.#users += 1;
    this.#timer ||= setInterval(() => this.dispatchEvent(new Event("tick")), TICK_MS);
    return () => {
      this.removeEventListener("tick", listener);
      this.#users -= 1;
      if (this.#users) return;
      clearInterval(this.#timer);
      this.#timer = 0;
    };
  }
}
