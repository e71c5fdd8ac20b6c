/**
 * The shapes that travel between a page and the agent, as JSDoc types.
 *
 * They are the structs of the same name in the agent; `/openrpc.json` has them as JSON Schema.
 * Nothing is exported at run time.
 */

/**
 * @typedef {object} Port An address where a board can be reached.
 * @property {"serial"|"ble"|"ap"|"usb"|"volume"} kind `usb` and `volume`: bootloaders without a serial port.
 * @property {string} address
 * @property {number} [vid]
 * @property {number} [pid]
 * @property {string} [serial_number]
 * @property {string} [location]
 * @property {string} [manufacturer]
 * @property {string} [product]
 * @property {boolean} [simulated]
 * @property {number|null} [rssi_dbm] How strong a `ble` port is heard, smoothed.
 * @property {"2.0"|"improv"|"blynk"|null} [service] What a `ble` port is provisioned with.
 * @property {boolean} [blinks] It can show which one it is.
 */

/** @typedef {"usb"|"ble"|"ap"} Via Over what a job talks to a board; `ap`: the Wi-Fi network of its own. */

/**
 * @typedef {object} Bluetooth The Bluetooth of the agent's computer.
 * @property {boolean} scanning It looks for boards, or tries to.
 * @property {ErrorReport|null} problem Why it cannot.
 */

/**
 * @typedef {object} Board One piece of hardware, the same across ports and reboots.
 * @property {string} id
 * @property {string} name
 * @property {string|null} model Id in the catalogue; null for a board that is not in it.
 * @property {string|null} fqbn
 * @property {string[]} [candidates] Ids of the models that it may be, where that cannot be told.
 * @property {Port[]} ports
 * @property {{supported: string[], installed: string|null}} provisioning
 * @property {"ready"|"busy"|"bootloader"|"unreachable"} state
 * @property {Via|null} [via] Over what a job talks to it, or would.
 * @property {string|null} [holder] What uses the port while it is busy.
 * @property {string|null} [uhwid]
 * @property {number} first_seen Unix seconds of this appearance.
 */

/**
 * @typedef {object} BoardChanges Payload of `boards.changed`.
 * @property {Board[]} appeared
 * @property {Board[]} changed
 * @property {string[]} vanished
 */

/**
 * @typedef {object} Model A kind of board in the catalogue.
 * @property {string} id
 * @property {string} name
 * @property {string|null} fqbn
 * @property {string[]} connectivity
 * @property {string[]} provisioning
 * @property {string[]} [networks] Kinds of network setting that the board accepts.
 * @property {Reconfiguration|null} [reconfiguration]
 * @property {string|null} [min_wifi_firmware]
 * @property {boolean} [ble] It can be provisioned over Bluetooth.
 * @property {string} [drawing]
 */

/**
 * @typedef {object} Reconfiguration How a person erases the network on the board itself.
 * @property {boolean} available
 * @property {string|null} pin
 * @property {number|null} [hold_seconds]
 * @property {string} [procedure]
 * @property {string|null} [led]
 */

/**
 * @typedef {object} Joining How a person takes the computer into a board's own network.
 * @property {string} name As `wifi.points` calls it.
 * @property {string|null} qr The text of a QR code; null for a name that is no text.
 * @property {string} address At which the board answers then.
 */

/**
 * @typedef {object} NetworkOption A Wi-Fi network that the board's own scan found.
 * @property {string} ssid Fit to be shown; empty for a hidden network.
 * @property {string} ssid_hex The bytes of the name.
 * @property {number} rssi_dbm
 */

/**
 * @typedef {object} BoardFacts What was learned without changing anything on the board.
 * @property {string} protocol
 * @property {string|null} sketch_version
 * @property {boolean} application_sketch
 * @property {string|null} wifi_firmware
 * @property {string|null} library_version
 * @property {string|null} ble_address
 * @property {string|null} uhwid
 * @property {number|null} initial_status
 * @property {boolean} online
 * @property {NetworkOption[]} networks
 * @property {boolean} [scans] It can look for networks; false: its network is typed.
 * @property {ImprovDevice|null} [device] Of a device with Improv Wi-Fi.
 * @property {string|null} [redirect] Where a person goes on with such a device.
 * @property {ModemFacts|null} [modem] Of a board of nRF Cloud.
 */

/**
 * @typedef {object} ModemFacts What such a board says it is; what it does not say is empty.
 * @property {string} dialect What its port understands, in words.
 * @property {string} port The one that answered.
 * @property {string} imei
 * @property {string} model
 * @property {string} firmware Of the modem.
 * @property {string} chip
 * @property {string} device_id By it nRF Cloud knows the board.
 * @property {string} sim “READY”, “absent”, or what the modem says.
 * @property {boolean|null} claimed Whether the team that is signed in has it; null: nobody could ask.
 * @property {string[]} tags
 * @property {boolean|null} [onboarded] Whether it is a device there; null: that is not known.
 * @property {string} [link] Where people see its device, if it is there.
 */

/**
 * @typedef {object} ImprovDevice What such a device says it is; any field may be empty.
 * @property {string} [firmware]
 * @property {string} [version]
 * @property {string} [hardware]
 * @property {string} [name]
 */

/**
 * @typedef {object} CloudInfo A service that gives boards an identity.
 * @property {string} id
 * @property {string} title
 * @property {boolean} signed_in
 * @property {boolean} needs_account
 * @property {Schema} account_schema
 * @property {Schema} device_schema
 * @property {Record<string, string>} [account] The parts of the account that are not secret.
 * @property {string} [warning] What to see to although the account is good; told when it is entered.
 */

/**
 * @typedef {object} DeviceLook A device as the administrator of a cloud sees it.
 * @property {string} id
 * @property {string} name
 * @property {string} profile
 * @property {"create"|"prepared"|"chain"|"off"|"unknown"} strategy How its profile makes devices.
 * @property {boolean} ours That is the profile of the account's key.
 * @property {boolean} used_up It gave its credentials to a board already.
 * @property {string} kind
 * @property {number} seen_at Unix seconds; 0: never.
 * @property {string} link
 */

/**
 * @typedef {object} Point A Wi-Fi network without a password that the agent's computer hears.
 * @property {string} access_point What `jobs.start` takes.
 * @property {string} name
 * @property {number} strength Of 100.
 * @property {"blynk"|null} [looks_like] Whose boards have such names.
 * @property {string} [product] What such a board calls itself.
 */

/** @typedef {{name: string, strategy: DeviceLook["strategy"]}} ProfileLook The profile in which an account makes devices. */

/**
 * @typedef {object} VaultEntry What a cloud gave to a board, without its secrets.
 * @property {string} id
 * @property {string} board
 * @property {string} board_name
 * @property {string} cloud
 * @property {string} device
 * @property {string} server
 * @property {string} credentials Kind; empty: not given yet.
 * @property {"pending"|"proven"|"earlier"|null} state Null: its file cannot be read.
 * @property {number|null} made_at Unix seconds.
 * @property {number|null} proven_at
 * @property {string} job
 * @property {string} problem Why the credentials cannot be read; empty: they can.
 */

/** @typedef {{entries: VaultEntry[], key_in_file?: boolean}} VaultList */

/**
 * @typedef {object} ErrorReport What happened, what it means, what to do.
 * @property {string} code
 * @property {string} title
 * @property {string} meaning
 * @property {string} remedy
 * @property {boolean} retryable
 * @property {Record<string, string|number|boolean|null>} [facts]
 */

/**
 * @typedef {object} Step A named part of a job.
 * @property {string} id
 * @property {string} name
 * @property {"pending"|"running"|"asking"|"done"|"failed"|"skipped"} state
 * @property {number|null} [started_at] Unix seconds.
 * @property {number|null} [seconds]
 * @property {number|null} [progress] 0 to 1.
 * @property {string} [message]
 */

/**
 * @typedef {object} Action One way to answer a question.
 * @property {string} id
 * @property {string} label
 * @property {"password"|"network"|"choice"|"name"|"token"|null} [needs] What the answer must carry.
 */

/**
 * @typedef {object} Fate What becomes of one thing.
 * @property {string} what
 * @property {"kept"|"lost"|"new"} fate
 * @property {string} [detail]
 */

/**
 * @typedef {object} Choice One of several things to choose from.
 * @property {string} id
 * @property {string} label
 * @property {string} [detail]
 */

/**
 * @typedef {object} OldDevice What a cloud keeps of a board from earlier.
 * @property {string} id
 * @property {string} name
 */

/** @typedef {"provision-2.0"|"flash-then-2.0"|"migrate"|"provision-1.0"|"lora-1.0"|"secret-key"|"improv"|"unsupported"} Procedure */

/**
 * @typedef {object} Decision How a board would be set up: result of `board.procedure`.
 * @property {Procedure} procedure
 * @property {string} reason
 * @property {boolean} flashes The sketch on the board is overwritten.
 * @property {Fate[]} [fates]
 * @property {string|null} [warning]
 * @property {Procedure[]} [possible] What may be asked for instead.
 * @property {boolean} [overridden]
 * @property {OldDevice[]} [old_devices]
 */

/**
 * @typedef {object} SketchInfo A sketch on this computer.
 * @property {string} id SHA-256 of its bytes.
 * @property {string} name
 * @property {number} size Bytes.
 * @property {"provisioning-1.0"|"lora-1.0"|"provisioning-2.0"|"local"} kind
 * @property {string} fqbn
 * @property {string|null} [version]
 * @property {number} fetched_at Unix seconds.
 */

/**
 * @typedef {object} Question What a job asks.
 * @property {number} id
 * @property {string} step
 * @property {string} title
 * @property {string} [meaning]
 * @property {string} [safe] What is not lost while the person thinks.
 * @property {ErrorReport|null} [error]
 * @property {Record<string, any>} [network]
 * @property {NetworkOption[]} [networks]
 * @property {Partial<Reconfiguration>} [guide] How to reach the input of the board that is meant.
 * @property {Partial<Joining>} [access_point] A network that the person is to join with the computer.
 * @property {string} [reason] Why the job wants to go this way.
 * @property {Fate[]} [fates] What is kept, lost and new, before something is overwritten.
 * @property {Choice[]} [choices] For an action that needs a choice.
 * @property {OldDevice[]} [old_devices]
 * @property {Action[]} actions
 */

/** @typedef {"running"|"asking"|"done"|"failed"|"cancelled"|"interrupted"} JobState */

/**
 * @typedef {object} Job One piece of work that a person asked for, on one board.
 * @property {string} id
 * @property {"identify"|"networks"|"provision"|"configure"|"forget"|"flash"|"migrate"|"start"|"blink"|"restore"|"remove"|"renew"} kind
 * @property {string} board
 * @property {string} title
 * @property {JobState} state
 * @property {number} created_at Unix seconds.
 * @property {number|null} [ended_at]
 * @property {Step[]} steps
 * @property {Question|null} [question]
 * @property {Record<string, any>|null} [result]
 * @property {ErrorReport|null} [error]
 * @property {Record<string, any>} [request] What was asked for, without its secrets.
 * @property {string} [board_name]
 */

/**
 * @typedef {object} JobChange Payload of `job.changed`.
 * @property {string} job
 * @property {JobState} state
 * @property {string|null} [step]
 * @property {number|null} [progress]
 * @property {string} [message]
 * @property {ErrorReport|null} [error]
 * @property {Job} snapshot
 */

/**
 * @typedef {object} AgentInfo
 * @property {string} name
 * @property {string} version
 * @property {number} protocol
 * @property {string} platform
 * @property {boolean} simulated
 * @property {boolean} own True for the agent's own page.
 * @property {Scope[]} may What this page may do.
 * @property {string[]} capabilities
 * @property {number} boards
 * @property {number} jobs
 * @property {ErrorReport[]} notices What is wrong with the agent itself; empty for other pages.
 * @property {Update|null} [update] A newer version, if one is known; null for other pages.
 * @property {boolean} [paused] Nobody gets a board until a person resumes.
 * @property {number} [pausing] While it is paused: boards that jobs still use.
 */

/** @typedef {"boards"|"serial"|"flash"|"provision"} Scope One permission of a page. */

/**
 * @typedef {object} AllowedOrigin A page that may use the agent.
 * @property {string} url
 * @property {number} since Unix seconds.
 * @property {Scope[]} may
 * @property {boolean} once Only until a while after its last connection.
 */

/**
 * @typedef {object} Asking A page's open question.
 * @property {string} ask
 * @property {string} url As the browser names the page: names in other scripts as punycode.
 * @property {Scope[]} wants
 * @property {Scope[]} has What it may already.
 * @property {number} since Unix seconds.
 * @property {number} until Unix seconds; then the question is gone.
 * @property {boolean} [quiet] It asked a short while ago and nobody answered.
 */

/**
 * @typedef {object} RefusedOrigin A page to which a person said no.
 * @property {string} url
 * @property {number} until Unix seconds; before that it cannot ask again.
 */

/**
 * @typedef {object} TurnedAway A page that looked for the Create Agent here and was not let in.
 * @property {string} url
 * @property {number} at Unix seconds; when it last did.
 */

/**
 * @typedef {object} Finding One thing that the doctor looked at.
 * @property {string} code
 * @property {string} area
 * @property {"fine"|"warning"|"problem"} level
 * @property {string} title
 * @property {string} [meaning]
 * @property {string} [mend]
 * @property {string[]} [commands] The commands in `mend`.
 * @property {boolean} [fixable]
 * @property {string} [will] What the doctor would do about it itself.
 * @property {Record<string, string|number|boolean|null>} [facts]
 */

/** @typedef {{findings: Finding[], fixed?: Finding[]}} Examination Result of `doctor.run`. */

/** @typedef {{area: string, done: number, total: number}} Looked Payload of `doctor.progress`. */

/**
 * @typedef {object} Setting One key of the settings.
 * @property {string} key Such as `bridge.first_port`.
 * @property {string} title
 * @property {string} meaning
 * @property {Schema} schema
 * @property {any} value
 * @property {any} default
 * @property {"default"|"file"|"environment"} source Who says the value.
 * @property {"now"|"restart"} applies When a change counts.
 * @property {boolean} pending It was changed, and counts after a restart.
 * @property {string|null} [variable] Of the environment, that can take its place.
 */

/**
 * @typedef {object} SettingsDocument Result of `settings.get` and `settings.set`.
 * @property {string} path
 * @property {ErrorReport|null} problem Why the file cannot be used; then the defaults count.
 * @property {Setting[]} settings
 */

/** @typedef {{version: string, url: string}} Update A newer version, and where it is. */

/** @typedef {Record<string, any>} Schema JSON Schema. */

/** @typedef {{field: string, problem: string}} Problem */

export {};
