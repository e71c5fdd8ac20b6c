/** The place on the page, kept in the address: `#/board/ID/setup`. */

/**
 * @typedef {object} Route
 * @property {string} page `boards`, `board`, `missing`, `point`, `many`, `wall`, `job`, `journal`, `clouds`, `settings`, `doctor`.
 * @property {string} id
 * @property {string} part
 */

const PAGES = new Set(["boards", "board", "missing", "point", "many", "wall", "job", "journal", "clouds", "settings", "doctor"]);

/** @param {string} hash @returns {Route} */
export function parseRoute(hash) {
  const [page = "", id = "", part = ""] = hash.replace(/^#\/?/, "").split("/").map(decode);
  return PAGES.has(page) ? { page, id, part } : { page: "boards", id: "", part: "" };
}

/** @param {...string} parts */
export function href(...parts) {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

/** Go to a place. @param {...string} parts */
export function go(...parts) {
  location.hash = href(...parts);
}

function decode(/** @type {string} */ part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
