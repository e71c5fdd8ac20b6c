/** What the doctor found, sorted for people; and which errors it can say more about. Pure. */

/** @typedef {import("../types.js").Finding} Finding */

/** @typedef {{key: string, first: Finding, more: Finding[]}} Kind Findings that say the same of several things. */

const AREAS = /** @type {Record<string, string>} */ ({
  agent: "Mooring itself",
  updates: "Newer versions",
  serial: "The right to use ports",
  udev: "The rule that gives boards to you",
  holders: "Programs that use boards",
  bluetooth: "Bluetooth",
  page: "The address of this page",
  internet: "The way to the clouds",
  clock: "The clock",
  tray: "The icon beside the clock",
  login: "Start at login",
  keyring: "The keyring",
  disk: "Disk and folders",
  tools: "Tools that write sketches",
});

/** Errors whose cause the doctor looks for, by the area in which it does. */
const CAUSES = /** @type {[RegExp, string][]} */ ([
  [/^port-permission$|^flash-access$/, "serial"],
  [/^port-busy$|^board-stuck$/, "holders"],
  [/^ble-(absent|stopped|off|forbidden|never|failed)$/, "bluetooth"],
  [/^no-free-port$/, "page"],
  [/^cloud-unreachable$|^(name-unknown|captive-portal)$|^(proxy|certificates?)-/, "internet"],
  [/^clock/, "clock"],
  [/^(flash-tool|tool-index|tool-store)$/, "tools"],
  [/^(folder|journal|disk-full|sketch-store|settings-failed|not-kept|origins-unsaved)$/, "disk"],
  [/^keyring/, "keyring"],
  [/^autostart-failed$/, "login"],
  [/^settings-broken$/, "agent"],
]);

/** Errors and findings that a setting can mend, by its key. */
const SETTINGS = /** @type {[RegExp, string][]} */ ([
  [/^ble-never$/, "bluetooth.scan"],
  [/^wifi-never$/, "wifi.join"],
  [/^(no-free-port|page-elsewhere)$/, "bridge.first_port"],
  [/^(proxy-|name-unknown$)/, "network.proxy"],
  [/^certificates?-/, "network.certificates"],
  [/^(tool-missing|flash-tool)$/, "flash.tools"],
  [/^other-agent$/, "compat.enabled"],
  [/^upload-key$/, "compat.signature_key"],
]);

/** What a part of the computer is called. @param {string} area */
export function areaTitle(area) {
  return AREAS[area] ?? area;
}

/** The area in which the doctor finds the cause of an error; empty if it cannot. @param {string} code */
export function areaOf(code) {
  return CAUSES.find(([pattern]) => pattern.test(code))?.[1] ?? "";
}

/** The key of the setting that can mend an error; empty if none can. @param {string} code */
export function settingOf(code) {
  return SETTINGS.find(([pattern]) => pattern.test(code))?.[1] ?? "";
}

/** Findings that differ only in what they are about, together. @param {Finding[]} findings @returns {Kind[]} */
export function kindsOf(findings) {
  /** @type {Map<string, Kind>} */ const kinds = new Map();
  for (const finding of findings) {
    const key = finding.level === "fine" ? `${finding.code} ${finding.title}` : `${finding.code} ${finding.meaning}`;
    const known = kinds.get(key);
    if (known) known.more.push(finding);
    else kinds.set(key, { key, first: finding, more: [] });
  }
  return [...kinds.values()];
}

/**
 * The text of a mend, with its commands apart so that they can be copied.
 *
 * @param {Finding} finding
 * @returns {{text?: string, command?: string}[]}
 */
export function mendParts({ mend = "", commands = [] }) {
  const parts = [];
  let rest = mend;
  for (const command of [...commands].sort((a, b) => mend.indexOf(a) - mend.indexOf(b))) {
    const at = rest.indexOf(command);
    if (at < 0) continue;
    if (at) parts.push({ text: rest.slice(0, at) });
    parts.push({ command });
    rest = rest.slice(at + command.length);
  }
  // A full stop behind the last command would stand on a line of its own.
  return /[^\s.]/.test(rest) ? [...parts, { text: rest }] : parts;
}

/** “1 problem and 2 warnings”; empty if nothing is wrong. @param {Finding[]} findings */
export function summaryOf(findings) {
  const words = /** @type {const} */ (["problem", "warning"]).flatMap((level) => {
    const number = findings.filter((finding) => finding.level === level).length;
    return number ? [`${number} ${level}${number === 1 ? "" : "s"}`] : [];
  });
  return words.join(" and ");
}
