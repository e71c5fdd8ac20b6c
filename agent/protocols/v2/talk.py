"""What the host knows of a board while it talks to it, and the vocabulary of conversations.

A conversation is a generator. It yields the time until which it waits and is sent what came:
a message, or a :class:`Signal`. It sends through its :class:`Talk`, returns its result, or raises
:class:`HostFailure`. It performs no I/O and reads no clock: ``talk.now`` is set before each turn.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, Generic, TypeAlias, TypeVar

from agent.protocols.v2.frames import Control, PacketType, encode_control, encode_frame
from agent.protocols.v2.messages import (
    FromBoard,
    Network,
    NetworkList,
    Status,
    ToBoard,
    encode_to_board,
)
from agent.protocols.v2.status import StatusCode

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

BANNER: Final = b"Starting Provisioning"
"""What the provisioning sketch prints first; proves that it is there before any frame came."""


class Signal(Enum):
    """What can happen besides a message."""

    TIME_UP = auto()
    """The time that the conversation yielded has come."""
    NACK = auto()
    """The board did not understand what was sent last."""
    ENDED = auto()
    """The board closed the link with DISCONNECT."""


class Reason(Enum):
    """Why a conversation failed."""

    SILENT = auto()
    """No answer within the limit."""
    NO_LIST = auto()
    """The board speaks the protocol but sent no network list (protocol-v2, 4.2)."""
    STATUS = auto()
    """The board refused or failed; the failure carries the status."""
    BUSY = auto()
    """Still -6 after everything of protocol-v2, 7.4, that needs no hands."""
    GARBLED = auto()
    """The board did not understand a frame although it was sent four times."""
    ONLINE = auto()
    """The board may be in RUN, where this request would block it for good (protocol-v2, 7.3)."""
    ENDED = auto()
    """The board closed the link, and did so again after a new start."""
    RESTARTED = auto()
    """The board restarted while it joined, or the link was lost, and it went on without the host."""


class HostFailure(Exception):
    """How a conversation ends that did not reach its aim."""

    def __init__(self, reason: Reason, status: int | None = None, seconds: float = 0) -> None:
        super().__init__(reason, status, seconds)
        self.reason = reason
        self.status = status
        self.seconds = seconds
        """How long was waited."""


Input: TypeAlias = FromBoard | Signal
Steps: TypeAlias = Generator[float, Input, T]


@dataclass(frozen=True, slots=True)
class Conversation(Generic[T_co]):
    """A conversation that can be started, with the limit after which it fails in any case."""

    steps: Callable[[Talk], Steps[T_co]]
    limit_s: float


@dataclass(slots=True)
class Talk:
    """The state of one link, shared by the machine and its conversations."""

    now: float = 0.0
    outbox: list[bytes] = field(default_factory=list)
    """Frames to write, each with one call."""

    connected: bool = False
    """The board sent its list and has not closed the link since."""
    started: bool = False
    """A CONNECT was sent, so that a DISCONNECT is due at the end."""
    speaks: bool = False
    """The board is known to speak provisioning 2.0."""
    opening: bool = False
    """Before the list: a status is history, not news."""
    initial_status: int | None = None
    """What the board reported before its first list; None: nothing."""
    networks: tuple[Network, ...] = ()
    """The latest list."""
    write_bytes: int | None = None
    """What arrives together of one write; None: all of it. Bluetooth LE has a limit."""
    scanning: bool = False
    """The board said 100 and has not sent the list yet."""
    link_restarted: bool = False
    """The list just received was not from a scan: the board began the link anew."""
    restarts: int = 0
    """How often a link that was up began anew by itself."""
    online: bool = False
    """The board may be in RUN: it said CONNECTED, or its configurator does not answer."""
    served: bool = False
    """The configurator is known to answer on this link: the board is not in RUN."""
    joined_here: bool = False
    """CONNECTED was reported on this link: an application sketch answers only after a new one."""
    application: bool | None = None
    """An application sketch (it answered 200 with -7); None: not asked yet."""
    damaged: bool = False
    """A damaged frame came since the last data packet."""
    unheard: bool = False
    """The same, and it was not asked for again."""
    answer_due: bool = False
    """An answer is due soon, so that its absence is a sign that it was lost."""

    @property
    def may_ask_configurator(self) -> bool:
        """Whether commands 1, 100, 101 and 201 can not block the board (protocol-v2, 7.3)."""
        return bool(self.application) or (self.served and not self.online)

    @property
    def in_the_air(self) -> bool:
        """The link is Bluetooth LE, where a loss looks as if the board had hung up."""
        return self.write_bytes is not None

    def arrive_together(self, *messages: ToBoard) -> bool:
        """Whether these can be sent so that the board has all of them at the same moment."""
        return self.write_bytes is None or len(b"".join(_frames(messages))) <= self.write_bytes

    def send(self, *messages: ToBoard, together: bool = False) -> None:
        """Queue data packets, each a write or all one; no message is empty, so no frame is."""
        # A data packet confirms all before it: nothing of that would be sent again.
        self.damaged = self.unheard = False
        self.answer_due = True
        frames = _frames(messages)
        self.outbox += [b"".join(frames)] if together else frames

    def control(self, control: Control) -> None:
        """Queue a control packet."""
        self.outbox.append(encode_control(control))
        if control is Control.CONNECT:
            self.started = True

    def begin_link(self) -> None:
        """Forget what belonged to the link before this one."""
        self.connected = self.scanning = self.served = self.joined_here = False
        self.damaged = self.unheard = self.answer_due = False
        self.opening = True

    def note(self, message: FromBoard) -> None:
        """Keep what a message tells, whoever it is for."""
        self.speaks = True
        match message:
            case Status(StatusCode.SCANNING):
                self.scanning = self.served = True
            case Status(StatusCode.RESET_COMPLETED):
                self.online = self.joined_here = False
                self.served = True
            case Status(code):
                if code == StatusCode.CONNECTED:
                    self.online = True
                    self.joined_here = not self.opening
                if code < 0:
                    self.scanning = False
                if self.opening and self.initial_status is None and _is_history(code):
                    self.initial_status = code
            case NetworkList(networks):
                self.networks = networks
                self.link_restarted = not self.scanning
                if self.link_restarted:
                    self.served = False
                    self.restarts += self.connected
                self.scanning = self.opening = False
            case _:
                pass


def _frames(messages: Iterable[ToBoard]) -> list[bytes]:
    return [encode_frame(PacketType.DATA, encode_to_board(message)) for message in messages]


def _is_history(code: int) -> bool:
    return code < 0 or code == StatusCode.CONNECTED
