"""The host's conversations with a board (protocol-v2, section 8), each readable as one procedure.

Answers are recognised by their kind, never by their order: repeated packets, unasked scans and
the failure of an earlier attempt are not answers to the present request (protocol-v2, 7.2).
The reference host pauses a second here and there; here something that the board says takes the
place of each pause. Settings and timestamp get no answer, so the command behind them is the proof
that they arrived: a timestamp that was lost gives -4, settings that were lost give a NACK, and
settings that were refused give -5, before the answer to the command.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from agent.protocols.v2.asking import (
    ANSWER_S,
    FIRST_FRAME_S,
    REFUSALS,
    REPEAT_LIMIT,
    ask,
    ask_sketch_version,
    connect,
    find_configurator,
    raise_if_fatal,
    ready,
)
from agent.protocols.v2.messages import (
    BleAddress,
    Command,
    CommandCode,
    FromBoard,
    HardwareId,
    LibraryVersion,
    NetworkList,
    PublicKey,
    SketchVersion,
    Status,
    Timestamp,
    Token,
    WifiFirmware,
)
from agent.protocols.v2.status import StatusCode
from agent.protocols.v2.talk import Conversation, HostFailure, Reason, Signal, Steps, T, Talk

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.protocols.v2.messages import Network
    from agent.settings.network import NetworkSetting

FIRST_FRAME_FLASHED_S: Final = 60.0
"""After flashing, key generation and storage set-up come on top (protocol-v2, 2 and 8)."""
LIST_S: Final = 130.0
"""A list that does not fit its buffer is freed by the board's own scan after 120 s (4.2)."""
JOIN_S: Final = 200.0
"""Result of CONNECT: an attempt lasts 15 or 30 s, some drivers block much longer (7.2)."""

REPEATED_S: Final = 1.0
"""What a board repeats after a NACK follows in one go (protocol-v2, 1.2)."""

_JOIN_FAILURES: Final = frozenset(
    {
        StatusCode.FAILED_TO_CONNECT,
        StatusCode.CONNECTION_LOST,
        StatusCode.DISCONNECTED,
        StatusCode.INTERNET_NOT_AVAILABLE,
        StatusCode.HW_ERROR_CONN_MODULE,
        StatusCode.HW_CONN_MODULE_STOPPED,
        StatusCode.ERROR,
    }
)


# --- opening (8.1) -------------------------------------------------------------------------------


def opening(*, flashed: bool = False, known: bool = False) -> Conversation[tuple[Network, ...]]:
    """CONNECT until the list; the result is the list.

    ``flashed``: the provisioning sketch was written just now. ``known``: the board is known to
    speak provisioning 2.0, so its silence can only be the list that does not fit.
    """

    def steps(talk: Talk) -> Steps[tuple[Network, ...]]:
        talk.speaks = talk.speaks or flashed or known
        first_s = FIRST_FRAME_FLASHED_S if flashed else FIRST_FRAME_S
        yield from connect(talk, first_s, LIST_S)
        return talk.networks

    return Conversation(steps, LIST_S + 5)


def _request(steps: Callable[[Talk], Steps[T]]) -> Conversation[T]:
    # A request may include a wait while busy, one new link and the request itself.
    return Conversation(steps, ANSWER_S + FIRST_FRAME_S + ANSWER_S)


# --- identity and versions (8.2) -----------------------------------------------------------------


def sketch_version() -> Conversation[str]:
    """Version of the provisioning sketch; empty when an application sketch runs."""
    return _request(ask_sketch_version)


def ble_address() -> Conversation[bytes]:
    """BLE address; empty or six times ``ff``: none."""

    def steps(talk: Talk) -> Steps[bytes]:
        yield from ready(talk, configurator=False)
        if not (talk.may_ask_configurator or talk.online):
            # The same command is part of the look at the configurator.
            found = yield from find_configurator(talk)
            if found is not None:
                return found
        return (
            yield from ask(
                talk,
                (Command(CommandCode.GET_BLE_ADDRESS),),
                lambda message: message.value if isinstance(message, BleAddress) else None,
            )
        )

    return _request(steps)


def wifi_firmware() -> Conversation[str]:
    """Version of the radio's firmware; empty without one. Not for a board in RUN."""

    def steps(talk: Talk) -> Steps[str]:
        return (
            yield from ask(
                talk,
                (Command(CommandCode.GET_WIFI_FIRMWARE),),
                lambda message: message.version if isinstance(message, WifiFirmware) else None,
                configurator=True,
            )
        )

    return _request(steps)


def library_version() -> Conversation[str]:
    """Version of the configurator library. Not for a board in RUN."""

    def steps(talk: Talk) -> Steps[str]:
        return (
            yield from ask(
                talk,
                (Command(CommandCode.GET_LIBRARY_VERSION),),
                lambda message: message.version if isinstance(message, LibraryVersion) else None,
                configurator=True,
            )
        )

    return _request(steps)


def identity(unix_s: int) -> Conversation[tuple[PublicKey, HardwareId, Token]]:
    """Key, hardware id and a token signed for ``unix_s``; each call uses up a timestamp."""

    def steps(talk: Talk) -> Steps[tuple[PublicKey, HardwareId, Token]]:
        for attempt in range(REPEAT_LIMIT):
            parts: dict[type, FromBoard] = {}

            def answer(
                message: FromBoard, parts: dict[type, FromBoard] = parts
            ) -> tuple[PublicKey, HardwareId, Token] | None:
                parts[type(message)] = message
                found = (parts.get(PublicKey), parts.get(HardwareId), parts.get(Token))
                match found:
                    case (PublicKey() as key, HardwareId() as uhwid, Token() as token):
                        return key, uhwid, token
                return None

            try:
                return (
                    yield from ask(
                        talk,
                        (Timestamp(unix_s), Command(CommandCode.GET_ID)),
                        answer,
                        refusals=REFUSALS | {StatusCode.PARAMS_NOT_FOUND},
                    )
                )
            except HostFailure as failure:
                # The timestamp was lost on its way: send it again (8.4).
                if failure.status != StatusCode.PARAMS_NOT_FOUND or attempt + 1 == REPEAT_LIMIT:
                    raise
        raise HostFailure(Reason.STATUS, StatusCode.PARAMS_NOT_FOUND)

    return _request(steps)


def reset() -> Conversation[bool]:
    """Wipe settings and identity; the board is out of RUN afterwards."""

    def steps(talk: Talk) -> Steps[bool]:
        return (
            yield from ask(
                talk,
                (Command(CommandCode.RESET),),
                lambda message: True if message == Status(StatusCode.RESET_COMPLETED) else None,
            )
        )

    return _request(steps)


# --- scan, configure (8.3) -------------------------------------------------------------------------


def scan() -> Conversation[tuple[Network, ...]]:
    """A new scan. Not for a board in RUN."""

    def steps(talk: Talk) -> Steps[tuple[Network, ...]]:
        begun = False

        def answer(message: FromBoard) -> tuple[Network, ...] | None:
            nonlocal begun
            match message:
                case Status(StatusCode.SCANNING):
                    begun = True
                case NetworkList(networks) if begun:
                    return networks
                case Status(StatusCode.HW_ERROR_CONN_MODULE) if begun:
                    raise HostFailure(Reason.STATUS, StatusCode.HW_ERROR_CONN_MODULE)
            return None

        return (
            yield from ask(
                talk,
                (Command(CommandCode.SCAN),),
                answer,
                configurator=True,
                refusals=REFUSALS | {StatusCode.SCAN_DISABLED_CONNECTING},
            )
        )

    return _request(steps)


def configure(settings: NetworkSetting) -> Conversation[bool]:
    """Send the settings and join; the settings stay stored on the board even if it fails.

    The command between settings and CONNECT is the proof that the board has the settings: it
    would otherwise join with old ones when it refused these (-5) or lost them (NACK).
    """

    def steps(talk: Talk) -> Steps[bool]:
        yield from ready(talk, configurator=True)
        restarts = talk.restarts
        try:
            return (yield from _send_and_join(talk, settings))
        except HostFailure as failure:
            if failure.reason is Reason.ONLINE and (talk.restarts > restarts or talk.in_the_air):
                # It had stored settings, and after its restart, or while the link was lost, it
                # went on with them by itself.
                raise HostFailure(Reason.RESTARTED) from None
            raise

    return Conversation(steps, ANSWER_S + JOIN_S + ANSWER_S)


def _send_and_join(talk: Talk, settings: NetworkSetting) -> Steps[bool]:
    for attempt in range(REPEAT_LIMIT):
        yield from ready(talk, configurator=True)
        yield from ask(
            talk,
            (settings, Command(CommandCode.GET_SKETCH_VERSION)),
            lambda message: _proof(talk, message),
            refusals=frozenset({StatusCode.INVALID_PARAMS}),
        )
        try:
            if (yield from _join(talk)):
                return True
        except HostFailure as failure:
            if failure.reason is Reason.ONLINE and talk.in_the_air:
                # It has these settings, so what it says on its new link is how they did.
                return True
            # -4: the settings were lost (8.3).
            lost = failure.status == StatusCode.PARAMS_NOT_FOUND
            if not lost or attempt + 1 == REPEAT_LIMIT:
                raise
    raise HostFailure(Reason.RESTARTED)


def _proof(talk: Talk, message: FromBoard) -> bool | None:
    """True for the answer to 200, whichever sketch gives it."""
    if isinstance(message, SketchVersion):
        talk.application = False
        return True
    if message == Status(StatusCode.INVALID_REQUEST):
        talk.application = True
        return True
    return None


def _join(talk: Talk) -> Steps[bool]:
    """CONNECT until the result; False when the board restarted and must get it all again."""
    deadline = talk.now + JOIN_S
    earlier_failed = False

    def answer(message: FromBoard) -> bool | None:
        nonlocal earlier_failed
        match message:
            case Status(StatusCode.CONNECTING):
                return False
            case Status(StatusCode.CONNECTED) if talk.damaged:
                return True  # the frame that was damaged was CONNECTING
            case Status(code) if code in _JOIN_FAILURES:
                earlier_failed = True
        return None

    joined = yield from ask(
        talk,
        (Command(CommandCode.CONNECT),),
        answer,
        configurator=True,
        # -7 would be the second answer to a 200 that was sent twice, after a NACK.
        refusals=REFUSALS - {StatusCode.INVALID_REQUEST} | {StatusCode.PARAMS_NOT_FOUND},
        limit_s=JOIN_S,
    )
    if joined:
        return True
    talk.answer_due = False  # the board is silent for as long as the attempt lasts
    failed: int | None = None
    fails_at = deadline
    while talk.now < fails_at:
        received = yield fails_at
        match received:
            case Signal.ENDED if talk.in_the_air:
                # Lost, as its CONNECTED would have come first: each indication waits until it has
                # arrived. The first word of a new link is how the attempt ended, if it has.
                yield from connect(talk, FIRST_FRAME_S, FIRST_FRAME_S)
                return talk.online
            case Status(StatusCode.CONNECTED) | Signal.ENDED:
                # The board closes a link only on its way to its cloud.
                return True
            case Status(StatusCode.CONNECTING):
                # All was repeated, the failure of the earlier attempt too.
                failed, fails_at = None, deadline
            case Status(code):
                raise_if_fatal(received)
                if code in _JOIN_FAILURES:
                    if not earlier_failed:
                        raise HostFailure(Reason.STATUS, code)
                    failed, fails_at = code, talk.now + REPEATED_S
            case NetworkList() if talk.link_restarted:
                return False
    if failed is not None:
        raise HostFailure(Reason.STATUS, failed)
    raise HostFailure(Reason.SILENT, seconds=JOIN_S)


# --- the end ---------------------------------------------------------------------------------------


def watch() -> Conversation[bool]:
    """Until the board ends the link, or has begun it anew because it restarted; no limit."""

    def steps(talk: Talk) -> Steps[bool]:
        talk.answer_due = False
        while talk.connected:
            received = yield math.inf
            if isinstance(received, NetworkList) and talk.link_restarted:
                break
        return True

    return Conversation(steps, math.inf)
