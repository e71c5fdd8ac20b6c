/** Everything that is decided once: who may use the boards, the settings, help, the agent itself. */

import { View, h } from "../lib/dom.js";
import { OriginList } from "../parts/origin-list.js";
import { AboutAgent } from "./about-agent.js";
import { HelpSection } from "./help-section.js";
import { SettingsForm } from "./settings-form.js";
import { StopAgent } from "./stop-agent.js";

export class SettingsView extends View {
  /** @param {import("../app.js").App} app @param {string} key Of the setting to be shown; empty: none. */
  constructor(app, key) {
    super();
    const stop = new StopAgent(app);
    const form = new SettingsForm(app, () => stop.focus());
    if (key) form.wanted = key;
    this.append(
      h("h1", {}, "Settings"),
      h(
        "div.stack",
        {},
        section("Pages that may use your boards", new OriginList(app)),
        section("How Mooring works here", form),
        section("Help", new HelpSection(app)),
        section("About", new AboutAgent(app)),
        section("Pause and stop", stop),
      ),
    );
  }
}

/** @param {string} title @param {Element} content */
function section(title, content) {
  return h("section.sheet", {}, h("h2", {}, title), content);
}

customElements.define("settings-view", SettingsView);
