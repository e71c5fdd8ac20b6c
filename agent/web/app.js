/**
 * The agent's own page: puts the parts together.
 *
 * `mooring.js` is the connection, `lib/` what the page knows and how it words it, `parts/` what
 * several views use, `views/` what fills the window.
 */

import { Announcer } from "./lib/announce.js";
import { Consent } from "./lib/consent.js";
import { Decisions } from "./lib/decisions.js";
import { Examiner } from "./lib/examiner.js";
import { Memory } from "./lib/memory.js";
import { Store } from "./lib/store.js";
import { Ticker } from "./lib/ticker.js";
import { Mooring } from "./mooring.js";
import { Shell } from "./views/shell.js";

/**
 * @typedef {object} App What every part of the page may use.
 * @property {Mooring} agent
 * @property {Store} store
 * @property {Decisions} decisions
 * @property {Examiner} examiner
 * @property {Memory} memory
 * @property {Announcer} announcer
 * @property {Consent} consent
 * @property {Ticker} ticker
 */

const agent = new Mooring({ origins: [location.origin] });

const store = new Store(agent);

/** @type {App} */
const app = {
  agent,
  store,
  decisions: new Decisions(agent, store),
  examiner: new Examiner(agent),
  memory: new Memory(),
  announcer: new Announcer(),
  consent: new Consent(agent),
  ticker: new Ticker(),
};

document.body.replaceChildren(new Shell(app));
void agent.connect();
