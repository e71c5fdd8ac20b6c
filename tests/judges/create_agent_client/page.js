// A page with the published client as it is; what the client says is kept for the test, in order.
import Daemon from "arduino-create-agent-js-client";

const STREAMS = [
  "agentFound", "agentV2Found", "appMessages", "boardPortAfterUpload", "channelOpenStatus", "devicesList", "downloading",
  "error", "serialMonitorError", "serialMonitorMessages", "serialMonitorMessagesWithPort", "serialMonitorOpened", "uploading",
];

/** What was said on each stream, and how much of it the test has passed. */
const said = Object.fromEntries(STREAMS.map((name) => [name, []]));
const passed = Object.fromEntries(STREAMS.map((name) => [name, 0]));
const waiting = [];

const plain = (value) => (value instanceof Error ? String(value) : JSON.parse(JSON.stringify(value ?? null)));

window.begin = () => {
  const daemon = new Daemon(`${location.origin}/boards`);
  for (const name of STREAMS) {
    daemon[name].subscribe((value) => {
      said[name].push(name === "agentV2Found" ? Boolean(value) : plain(value));
      waiting.splice(0).forEach((go) => go());
    });
  }
  window.daemon = daemon;
};

/** The first value of a stream that passes the test, after the last one that this returned. */
window.see = async (name, test) => {
  for (;;) {
    for (let at = passed[name]; at < said[name].length; at += 1) {
      if (test(said[name][at])) {
        passed[name] = at + 1;
        return said[name][at];
      }
    }
    await new Promise((resolve) => waiting.push(resolve));
  }
};

/** What boards printed after that, as soon as `wanted` is part of it. */
window.read = async (wanted) => {
  const name = "serialMonitorMessages";
  for (;;) {
    const text = said[name].slice(passed[name]).join("");
    if (text.includes(wanted)) {
      passed[name] = said[name].length;
      return text;
    }
    await new Promise((resolve) => waiting.push(resolve));
  }
};

/** From here on: what was said so far does not count any more. */
window.forget = () => STREAMS.forEach((name) => (passed[name] = said[name].length));

/** The last words on each stream, for whoever waits in vain. */
window.last = () => STREAMS.map((name) => `${name}: ${said[name].slice(-4).map((v) => JSON.stringify(v)).join(" ")}`).join("\n");
window.all = (name) => said[name];

window.begin();
