"""One request to a board, with everything that can come between it and its answer.

NACKs, a board that is busy, a link that the board closed or that began anew because the board
restarted: the conversations in ``conversations`` see none of that.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from agent.protocols.v2.frames import Control
from agent.protocols.v2.messages import (
    BleAddress,
    Command,
    CommandCode,
    FromBoard,
    NetworkList,
    SketchVersion,
    Status,
    ToBoard,
)
from agent.protocols.v2.status import StatusCode, status_info
from agent.protocols.v2.talk import HostFailure, Input, Reason, Signal, Steps, T, Talk

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_FRAME_S: Final = 30.0
"""Setup, radio start and first scan of a board take up to 12 s (protocol-v2, 2)."""
LEFT_CONNECTED_S: Final = 3.0
"""A board that a crashed host left connected ignores CONNECT: after this, DISCONNECT first (2)."""
CONNECT_AGAIN_S: Final = 10.0
"""A CONNECT that met bytes of an earlier program was lost (1.1); a second one does no harm."""
DISCONNECT_PAUSE_S: Final = 0.3
"""The board answers DISCONNECT with nothing; it is ready for CONNECT after its next turn (2)."""
ANSWER_S: Final = 60.0
"""An answer to a command: a scan takes up to 10 s, a RESET closes a connection in 5 s (8)."""
NACK_PAUSE_S: Final = 0.2
NACK_LIMIT: Final = 3
"""Resend at most 3 times, 200 ms apart (1.1)."""
BUSY_POLL_S: Final = 1.0
"""A request refused with -6 is dropped, so asking again each second costs nothing (5)."""
BUSY_WAIT_S: Final = 35.0
"""The longest attempt lasts 30 s; after it the board is free unless it is stuck (7.4)."""
ONLINE_GRACE_S: Final = 2.0
"""A board that reports CONNECTED while a request waits will not answer it any more (7.2)."""
REPEAT_LIMIT: Final = 3
"""How often a request is sent anew because the board restarted, closed the link or forgot."""
_LOOK: Final = (
    Command(CommandCode.GET_BLE_ADDRESS),
    Command(CommandCode.GET_SKETCH_VERSION),
    Command(CommandCode.GET_SKETCH_VERSION),
)
SERVED_TRIES: Final = 3
"""Looks for the configurator before a board counts as being in RUN."""

REFUSALS: Final = frozenset(
    {StatusCode.INVALID_PARAMS, StatusCode.INVALID_REQUEST, StatusCode.ERROR}
)


def connect(
    talk: Talk, first_s: float, list_s: float, *, disconnect_first: bool = False
) -> Steps[None]:
    """CONNECT until the list.

    ``first_s`` is the limit for a board of which nothing was heard; one that is known to speak
    the protocol has ``list_s``, and fails with :data:`Reason.NO_LIST`.
    """
    begin = talk.now
    talk.begin_link()
    deadline = begin + first_s
    connect_at = begin
    again_at = math.inf
    unstick_at = begin + LEFT_CONNECTED_S
    if disconnect_first:
        talk.control(Control.DISCONNECT)
        connect_at += DISCONNECT_PAUSE_S
    while True:
        if talk.now >= deadline:
            if not talk.speaks or list_s <= first_s:
                raise HostFailure(Reason.SILENT, seconds=talk.now - begin)
            if talk.now >= begin + list_s:
                raise HostFailure(Reason.NO_LIST, seconds=talk.now - begin)
            deadline = begin + list_s
        if talk.now >= unstick_at:
            talk.control(Control.DISCONNECT)
            connect_at = talk.now + DISCONNECT_PAUSE_S
            unstick_at = math.inf
        if talk.now >= min(connect_at, again_at):
            talk.control(Control.CONNECT)
            connect_at = math.inf
            again_at = talk.now + CONNECT_AGAIN_S
        received = yield min(deadline, unstick_at, connect_at, again_at)
        if received is Signal.ENDED:
            connect_at = talk.now + DISCONNECT_PAUSE_S
        elif isinstance(received, Status):
            raise_if_fatal(received)
        elif isinstance(received, NetworkList):
            if connect_at == math.inf:
                talk.connected = True
                return
            # The link was up after all: the board dropped the DISCONNECT together with what
            # waited before it, and would ignore the CONNECT that is to come.
            talk.control(Control.DISCONNECT)
            connect_at = talk.now + DISCONNECT_PAUSE_S


def ready(talk: Talk, *, configurator: bool) -> Steps[None]:
    """See that the board can be asked; the configurator's commands only when it is not in RUN."""
    if not talk.connected:
        yield from connect(talk, FIRST_FRAME_S, FIRST_FRAME_S)
    if not configurator:
        return
    if talk.online and talk.application is None:
        yield from ask_sketch_version(talk)
    if not (talk.may_ask_configurator or talk.online):
        yield from find_configurator(talk)
    if not talk.may_ask_configurator:
        raise HostFailure(Reason.ONLINE)
    if talk.joined_here:
        yield from connect(talk, FIRST_FRAME_S, FIRST_FRAME_S, disconnect_first=True)


def find_configurator(talk: Talk) -> Steps[bytes | None]:
    """Learn without risk whether the configurator is served; sets ``served`` or ``online``.

    The result is the BLE address, if it was among the answers.

    A provisioned board that restarted goes to RUN without a host and without a word: its link
    then begins with the list alone, as that of a board that waits for settings does. What tells
    them apart: before RUN two parts of the sketch take messages from the queue, in turns, but
    only one of them performs the commands 2, 3, 4 and 200. So of three such commands that arrive
    together one is taken while another is pending, and refused with -6. In RUN there is one
    reader, which performs each at once. The first command takes the board long enough for the
    others to arrive behind it.

    A Bluetooth LE link with small writes cannot show that. It need not: a board that goes to RUN
    switches its Bluetooth off (protocol-v2, 3 and 7.3).
    Source: protocol-v2, 5 (session ``three-in-one``) and 7.3; ArduinoIoTCloud 2ff76b9,
    Provisioning_2.0, handleNetworkConfig and handleRun.
    """
    found: bytes | None = None
    if not talk.arrive_together(*_LOOK):
        talk.served = True
        return found
    for _ in range(SERVED_TRIES):
        address, refused = yield from _look(talk)
        found = found if address is None else address
        if refused:
            talk.served = True
        if talk.served or talk.online or talk.application:
            return found
    talk.online = True
    return found


def _look(talk: Talk) -> Steps[tuple[bytes | None, int]]:
    """The BLE address if it was among the answers, and how many commands were refused."""
    address: bytes | None = None
    answered = refused = 0

    def answer(message: FromBoard) -> tuple[bytes | None, int] | None:
        nonlocal address, answered, refused
        match message:
            case BleAddress(value):
                address = value
                answered += 1
            case SketchVersion():
                talk.application = False
                answered += 1
            case Status(StatusCode.OTHER_REQUEST_IN_EXECUTION):
                refused += 1
            case Status(StatusCode.INVALID_REQUEST):
                talk.application = True
                return None, 0
        # Nothing answered at all: the board is blocked, which is no sign of either.
        complete = answered and answered + refused >= len(_LOOK)
        return (address, refused) if complete else None

    return (yield from ask(talk, _LOOK, answer, together=True))


class _Request:
    """Timers and counters of one request; :func:`ask` is its procedure."""

    def __init__(
        self, talk: Talk, messages: tuple[ToBoard, ...], *, configurator: bool, together: bool
    ) -> None:
        self._talk = talk
        self._messages = messages
        self._configurator = configurator
        self._together = together
        self._nacks = 0
        self._repeats = 0
        self.send_at = talk.now
        self.busy_since: float | None = None
        self.tried_new_link = False

    def send(self) -> None:
        """Send now; never to a board that this would block for good."""
        talk = self._talk
        if self._configurator and not talk.may_ask_configurator:
            raise HostFailure(Reason.ONLINE)
        self.send_at = math.inf
        talk.send(*self._messages, together=self._together)

    def again(self, reason: Reason, status: int | None = None) -> None:
        """Send once more because the board lost it; fails with ``reason`` if it keeps doing so."""
        self._repeats += 1
        if self._repeats > REPEAT_LIMIT:
            raise HostFailure(reason, status)
        self.send_at = self._talk.now

    def refused_by_receiver(self) -> None:
        """NACK."""
        self._nacks += 1
        if self._nacks > NACK_LIMIT:
            raise HostFailure(Reason.GARBLED)
        self.send_at = self._talk.now + NACK_PAUSE_S

    def busy(self) -> bool:
        """-6: ask again soon; True when waiting has not helped and a new link may."""
        now = self._talk.now
        if self.busy_since is None:
            self.busy_since = now
        self.send_at = now + BUSY_POLL_S
        if now - self.busy_since < BUSY_WAIT_S:
            return False
        if self.tried_new_link:
            raise HostFailure(Reason.BUSY, StatusCode.OTHER_REQUEST_IN_EXECUTION)
        self.tried_new_link = True
        return True


def ask(
    talk: Talk,
    messages: tuple[ToBoard, ...],
    answer: Callable[[FromBoard], T | None],
    *,
    configurator: bool = False,
    refusals: frozenset[int] = REFUSALS,
    limit_s: float = ANSWER_S,
    together: bool = False,
) -> Steps[T]:
    """Send ``messages`` and wait for what ``answer`` takes (it returns None for the rest).

    ``together``: in one write, where a refusal with -6 may be part of the answer.
    """
    yield from ready(talk, configurator=configurator)
    deadline = talk.now + limit_s
    request = _Request(talk, messages, configurator=configurator, together=together)
    failed_once = False
    while True:
        if talk.now >= deadline:
            if configurator and talk.joined_here:
                raise HostFailure(Reason.ONLINE)
            reason = Reason.SILENT if request.busy_since is None else Reason.BUSY
            raise HostFailure(reason, seconds=limit_s)
        if talk.now >= request.send_at:
            request.send()
        received: Input = yield min(deadline, request.send_at)
        match received:
            case Signal.TIME_UP:
                continue
            case Signal.NACK:
                request.refused_by_receiver()
                continue
            case Signal.ENDED:
                yield from ready(talk, configurator=configurator)
                request.again(Reason.ENDED)
                continue
            case NetworkList() if talk.link_restarted:
                yield from ready(talk, configurator=configurator)
                request.again(Reason.SILENT)
                continue
            case Status(StatusCode.OTHER_REQUEST_IN_EXECUTION):
                result = answer(received)
                if result is not None:
                    return result
                if request.busy():
                    yield from connect(talk, FIRST_FRAME_S, FIRST_FRAME_S, disconnect_first=True)
                    request.send_at = talk.now
                continue
            case Status():
                raise_if_fatal(received)
        result = answer(received)
        if result is not None:
            return result
        if request.busy_since is not None and _ends_a_request(received):
            request.send_at = talk.now
        if isinstance(received, Status):
            if received.code in refusals:
                if received.code != StatusCode.ERROR or failed_once:
                    raise HostFailure(Reason.STATUS, received.code)
                failed_once = True  # "retry once, then fatal" (6)
                request.again(Reason.STATUS, received.code)
            elif configurator and received.code == StatusCode.CONNECTED:
                deadline = min(deadline, talk.now + ONLINE_GRACE_S)


def _ends_a_request(message: Input) -> bool:
    """Whether what kept the board busy has ended; -101 also comes in floods, so it says little."""
    if isinstance(message, Status):
        return message.code not in {
            StatusCode.CONNECTING,
            StatusCode.SCANNING,
            StatusCode.HW_ERROR_CONN_MODULE,
        }
    return isinstance(message, NetworkList)


def raise_if_fatal(status: Status) -> None:
    """Fail for a status after which the board cannot be provisioned."""
    if status_info(status.code).fatal:
        raise HostFailure(Reason.STATUS, status.code)


def ask_sketch_version(talk: Talk) -> Steps[str]:
    """Command 200; empty from an application sketch."""

    def answer(message: FromBoard) -> str | None:
        match message:
            case SketchVersion(version):
                talk.application = False
                return version
            case Status(StatusCode.INVALID_REQUEST):
                talk.application = True
                return ""
        return None

    return (yield from ask(talk, (Command(CommandCode.GET_SKETCH_VERSION),), answer))
