/**
 * Building the page: elements from plain calls, lists that keep their elements.
 *
 * Text always enters as text nodes, so names of boards and networks can never become markup.
 */

/** @typedef {Node|string|number|null|undefined|false} Child */

const PROPERTIES = new Set(["checked", "disabled", "hidden", "value", "open", "readOnly"]);

/**
 * An element: `h("button.primary", { type: "button", onclick }, "Set up")`.
 *
 * @param {string} tag Name with classes.
 * @param {Record<string, any>} [attributes] `on…`: listeners; null and false: left out.
 * @param {...(Child|Child[])} children
 * @returns {any}
 */
export function h(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (PROPERTIES.has(key)) /** @type {any} */ (element)[key] = value;
    else set(element, key, value);
  }
  fill(element, ...children);
  return element;
}

/** Set an attribute if it differs; null and false remove it. */
export function set(/** @type {Element} */ element, /** @type {string} */ name, /** @type {any} */ value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) {
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** Set the text of an element if it differs, so that screen readers hear only changes. */
export function say(/** @type {Element} */ element, /** @type {string|number} */ text) {
  if (element.textContent !== String(text)) element.textContent = String(text);
}

/** Replace the children. @param {Element} element @param {...(Child|Child[])} children */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
}

/** @param {(Child|Child[])[]} children @returns {Node[]} */
function nodes(children) {
  return children
    .flat()
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}

/** A name from a board, a network or a cloud: keeps its own direction. */
export function foreign(/** @type {string} */ text) {
  return h("bdi", { dir: "auto" }, text);
}

/** Text for screen readers only. */
export function spoken(/** @type {string} */ text) {
  return h("span.spoken", {}, text);
}

/**
 * Make the children of an element follow a list, keeping the element of each key in place.
 *
 * @template T
 * @param {Element} parent
 * @param {Iterable<T>} items
 * @param {(item: T) => string} keyOf
 * @param {(item: T) => Element} make
 * @param {(element: any, item: T) => void} update
 */
export function keyed(parent, items, keyOf, make, update) {
  const present = new Map([...parent.children].map((child) => [child.getAttribute("data-key"), child]));
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let child = present.get(key);
    if (!child) {
      child = make(item);
      child.setAttribute("data-key", key);
    }
    present.delete(key);
    update(child, item);
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
  for (const left of present.values()) left.remove();
}

let ids = 0;

/** An id that no other element has, to tie labels and descriptions to inputs. */
export function freshId(prefix = "id") {
  ids += 1;
  return `${prefix}-${ids}`;
}

/** An element that listens to others only while it is on the page. */
export class View extends HTMLElement {
  /** @type {(() => void)[]} */ #stops = [];

  /** Listen until the element leaves the page. */
  watch(/** @type {EventTarget} */ target, /** @type {string} */ type, /** @type {(event: any) => void} */ listener) {
    target.addEventListener(type, listener);
    this.#stops.push(() => target.removeEventListener(type, listener));
  }

  /** Do something when the element leaves the page. */
  onLeave(/** @type {() => void} */ stop) {
    this.#stops.push(stop);
  }

  disconnectedCallback() {
    for (const stop of this.#stops.splice(0)) stop();
  }
}

/** Move the focus to an element that normally cannot have it, such as a heading. */
export function focusOn(/** @type {HTMLElement|null|undefined} */ element) {
  if (!element) return;
  if (!element.matches("a, button, input, select, textarea, summary, [tabindex]")) {
    element.tabIndex = -1;
  }
  element.focus({ preventScroll: false });
}
