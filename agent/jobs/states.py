"""The states that procedures are made of, and how long each may last."""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """What is true while a machine is in a state. Each procedure uses some of them."""

    # Nothing was changed, neither on the board nor in the cloud.
    LOOKING = "looking"  # what does the board run, and which procedure does it need
    READING = "reading"  # a session opens and the board is read
    CHECKING = "checking"  # versions and network are judged; the person may be asked
    SCANNING = "scanning"  # the board looks for networks
    CONFIRMING = "confirming"  # the person is asked whether to erase
    IDENTIFYING = "identifying"  # the board signs its token; claims left by earlier jobs are undone

    FETCHING = "fetching"  # the sketch is fetched and checked against the board
    CHOOSING = "choosing"  # the person chooses a network, or something else that is missing

    # The sketch on the board is gone or incomplete.
    ENTERING = "entering"  # the board restarts into its bootloader: no way back from here
    WRITING = "writing"  # the sketch is being written and verified
    STARTING = "starting"  # the board is expected back with the new sketch
    STRANDED = "stranded"  # writing failed; the person decides

    # The new sketch of provisioning 1.0 runs; nothing was made in the cloud yet.
    LISTENING = "listening"  # it is expected to answer; also after it was restarted later on
    PREPARING = "preparing"  # devices left by earlier jobs are deleted, the others are listed

    # The cloud may have a claim or a device of this board.
    CLAIMING = "claiming"  # the intent is in the journal, the cloud is being asked
    FINDING = "finding"  # the cloud's answer was lost; whether there is a claim is not known
    RESETTING = "resetting"  # the board forgets its old identity and network
    JOINING = "joining"  # the board has the settings and joins
    ASKING = "asking"  # joining failed, the session is open, the person decides
    AUTHORISING = "authorising"  # the device takes settings once somebody presses its button
    TROUBLED = "troubled"  # the board failed, the person decides
    RETURNING = "returning"  # the board is gone and expected back
    REOPENING = "reopening"  # the board is back, a new session opens
    ONLINE = "online"  # the board has joined and fetches its certificate
    CERTIFYING = "certifying"  # the board makes a key and gets the certificate for it
    KEYING = "keying"  # what the sketch needs to know of the new device is fetched
    DELIVERING = "delivering"  # the header file is handed over
    LEAVING = "leaving"  # is the board online by now? Only if not, its claim is undone
    UNDOING = "undoing"  # the claim or device is being undone

    # The board is online in the network that it had stored, without the settings of the job.
    STORED = "stored"  # the person decides whether it stays there
    WAKING = "waking"  # the person uses its pin or button, so that it is heard again

    # A device is made in a cloud whose credentials are delivered to the board.
    NAMING = "naming"  # the device gets its name; the person may be asked
    VAULTING = "vaulting"  # what is made here is kept before the cloud is asked
    ENROLLING = "enrolling"  # the intent is in the journal, the cloud is being asked
    REFUSED = "refused"  # the cloud refused or did not decide; the person decides
    FREEING = "freeing"  # the administrator frees or takes over what exists
    KEEPING = "keeping"  # the cloud said yes; its reply goes into the vault
    DROPPING = "dropping"  # what was made here is of no use and leaves the vault
    SEEING = "seeing"  # the board has its settings; is it seen to connect
    PROVING = "proving"  # it is; the vault learns it

    FOLLOWING = "following"  # the board of nRF Cloud does its commands; its log and the cloud tell
    QUEUEING = "queueing"  # commands for it are being queued

    PARTING = "parting"  # the board has joined; it may switch its Bluetooth off now

    # A board that is reached in a network of its own.
    DEPARTING = "departing"  # may the computer join it; the person is asked
    HOMEWARD = "homeward"  # the computer returns into its own

    RETIRING = "retiring"  # the board is online; what becomes of its older devices in the cloud

    # The board's own input is used, because nothing over the wire helps.
    GUIDING = "guiding"  # the person holds a pin or button; the board is expected to restart
    VERIFYING = "verifying"  # the board is read again to see whether it worked

    CLOSING = "closing"  # nothing more to do but to close the session


ANSWER_LIMIT_S = 3600.0
"""An hour for a question. Long enough to look for a password or to ask somebody; a board and a
claim that nobody looks after for longer are given back by the safest answer."""

LOOK_LIMIT_S = 90.0
"""Questions in two protocols, each with its own limit, and what the cloud says meanwhile."""

FETCH_LIMIT_S = 180.0
"""A sketch of some hundred kB over a slow line, after a list that may time out first."""

ENTER_LIMIT_S = 60.0
"""Two touches, 10 s for the bootloader to appear, and a port that is slow to open or close."""

WRITE_LIMIT_S = 1200.0
"""The slowest way, a SAMD21 loader without extensions, takes minutes (flashing, section 2); what
hangs is noticed by the methods themselves, much earlier."""

START_LIMIT_S = 30.0
"""A sketch shows itself within 10 s (flashing, section 10); systems that only poll add some."""

READ_LIMIT_S = 240.0
"""Two openings of 30 s, one wait of 130 s for a list that did not fit (protocol-v2, 2 and 4.2)."""

SCAN_LIMIT_S = 60.0
"""A scan blocks a board for up to 10 s; the reference host allows 60 s for any answer."""

IDENTITY_LIMIT_S = 90.0
"""Key and token take a second or two; an earlier claim may have to be undone meanwhile."""

CLAIM_LIMIT_S = 90.0
"""Claim, registration and claim again, each with the client's own limit of about 20 s."""

FIND_LIMIT_S = 120.0
"""Three looks with their pauses, each with the client's own repetitions (15 s and the calls)."""

RESET_LIMIT_S = 70.0
"""The answer may take 60 s (protocol-v2, 8); closing the connection is part of it."""

JOIN_LIMIT_S = 260.0
"""200 s for the final status (protocol-v2, 7.2) plus the session's own repetitions."""

RETURN_S = 15.0
"""How long a board may be away with nobody there to plug it in: a restart takes 2 to 10 s."""

RETURN_AIR_S = 60.0
"""The same in the air: a restart and a scan take 12 s until a board advertises again, and a radio
that drops repetitions reports it once in about 10 s."""

PARTING_S = 5.0
"""A board that is provisioned hangs up in the turn in which it has joined (protocol-v2, 7.3)."""

ONLINE_LIMIT_S = 200.0
"""20 looks, 10 s apart (cloud-arduino, 4)."""

UNDO_LIMIT_S = 180.0
"""Three calls with pauses of 1 and 2 s, each with the client's own repetitions."""

LISTEN_LIMIT_S = 40.0
"""A port that is slow to open, then 5 questions of 2 s each; or 20 s for what a LoRa sketch
prints."""

PREPARE_LIMIT_S = 120.0
"""An earlier device may have to be deleted first, and the list has the client's repetitions."""

CERTIFY_LIMIT_S = 150.0
"""A key within 10 s, three calls of the cloud with pauses, twelve commands and 10 s for writing."""

KEY_LIMIT_S = 120.0
"""Three tries of two calls each, with pauses."""

DELIVER_LIMIT_S = 15.0
"""A write to the journal and the closing of a session."""

FIND_WAYS_LIMIT_S = 120.0
"""Three ways, each with its own limit; opening a port restarts many boards."""

VAULT_LIMIT_S = 180.0
"""A keyring that nobody unlocks is waited for twice, 60 s each, until a file takes its place; and a
look at the server."""

ENROL_LIMIT_S = 90.0
"""Repetitions with pauses where the server is busy, each with the client's own limit."""

PUT_LIMIT_S = 180.0
"""Certificates over a slow console line by line, or an image that esptool writes and reads back."""

SEEN_LIMIT_S = 150.0
"""The wait for the board below, and the server's answer."""

CONNECT_S = 90.0
"""A board joins a network in 10 s, sets its clock and makes a TLS connection; modems take a minute."""

CLOSE_LIMIT_S = 5.0
"""Closing says goodbye and waits about 1 s (protocol-v2, 2); more means that the port hangs."""
