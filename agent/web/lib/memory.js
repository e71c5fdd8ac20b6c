/**
 * What the person typed or chose, for as long as the page is open.
 *
 * A password typed once need not be typed again when the board asks. Nothing here is ever stored, but
 * for the version of which a person does not want to hear any more.
 */

const DISMISSED = "mooring.dismissed-update";

export class Memory {
  /** @type {Map<string, string>} */ #passwords = new Map();
  /** @type {Map<string, Record<string, any>>} */ #drafts = new Map();

  /** The network (as bytes in hex) and cloud that were used last. */
  network = "";
  cloud = "";
  baud = 9600;
  /** @type {Map<string, File>} The file that was chosen last for a board. */ files = new Map();
  /** @type {Map<string, string>} What a person said a board is, where its port cannot tell. */ models = new Map();

  /** The newer version that was waved away in this browser. */
  get dismissed() {
    try {
      return localStorage.getItem(DISMISSED) ?? "";
    } catch {
      return this.#dismissed; // The browser forbids it; then it counts until the page is closed.
    }
  }

  set dismissed(version) {
    this.#dismissed = version;
    try {
      localStorage.setItem(DISMISSED, version);
    } catch {
      // As above.
    }
  }

  #dismissed = "";

  /** Remember the password of a network. @param {string} network @param {string} password */
  keepPassword(network, password) {
    this.#passwords.set(network, password);
  }

  /** @param {string} network */
  password(network) {
    return this.#passwords.get(network) ?? "";
  }

  /** What was typed into a form that the person left. @param {string} form @param {Record<string, any>} values */
  keepDraft(form, values) {
    this.#drafts.set(form, values);
  }

  /** @param {string} form @returns {Record<string, any>} */
  draft(form) {
    return this.#drafts.get(form) ?? {};
  }

  /** @param {string} form */
  forgetDraft(form) {
    this.#drafts.delete(form);
  }
}
