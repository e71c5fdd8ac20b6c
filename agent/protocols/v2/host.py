"""The host's side of provisioning 2.0 as a machine without I/O and without a clock.

Hand it what was received (:meth:`HostMachine.receive`) and the time (:meth:`HostMachine.tick`, at
the latest at :attr:`HostMachine.next_deadline`); then write what :meth:`HostMachine.take_writes`
returns, each frame with one call, and handle :meth:`HostMachine.take_events`. One conversation
runs at a time; every one ends with :class:`Finished` or :class:`Failed`.
Nothing that a board sends makes it raise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from agent.protocols.v2.frames import (
    Control,
    Frame,
    FrameDecoder,
    Noise,
    PacketType,
    Piece,
)
from agent.protocols.v2.messages import FromBoard, decode_from_board
from agent.protocols.v2.talk import BANNER, HostFailure, Reason, Signal, Talk

if TYPE_CHECKING:
    from agent.protocols.v2.talk import Conversation, Input, Steps

FRAME_GAP_S: Final = 0.25
"""A board writes a frame in one go; even at 9600 baud its bytes are a millisecond apart. A silence
this long inside a frame with a whole frame behind its start means that the former was cut off."""
ASK_AGAIN_DAMAGED_S: Final = 1.0
"""Silence after a damaged frame before a NACK asks for it again: it may be followed by more."""
ASK_AGAIN_S: Final = 5.0
"""The same without a sign of damage: an answer that was lost whole. Most answers take less than a
second, a scan two to ten; a NACK that comes too early has no effect (protocol-v2, 1.2)."""
ASK_AGAIN_LIMIT: Final = 6
"""NACKs between two data packets of the host; a board keeps what it sent for 30 s."""
PROBE_S: Final = 10.0
"""Silence before a CONNECT tests the link. A board that is connected ignores it; one that has
restarted unnoticed (its port may stay) answers with its list (protocol-v2, 1.1)."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The conversation reached its aim."""

    value: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """The conversation did not reach its aim; ``failure`` says why."""

    failure: HostFailure


@dataclass(frozen=True, slots=True)
class Heard:
    """Every message of the board, whether a conversation waits for it or not."""

    message: FromBoard


@dataclass(frozen=True, slots=True)
class LogText:
    """Bytes between frames: the sketch's log, not cleaned."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """The board closed the link."""


Event: TypeAlias = Finished | Failed | Heard | LogText | Ended


class HostMachine:
    """One link to one board. ``now`` is any clock that only grows, in seconds.

    ``write_bytes``: how much of a write arrives together, if that is limited (Bluetooth LE).
    """

    def __init__(self, write_bytes: int | None = None) -> None:
        self.talk = Talk(write_bytes=write_bytes)
        self._decoder = FrameDecoder()
        self._steps: Steps[Any] | None = None
        self._wait_until = math.inf
        self._fails_at = math.inf
        self._limit_s = 0.0
        self._events: list[Event] = []
        self._last_byte_at = 0.0
        self._last_request_at = 0.0
        self._last_nack_at = 0.0
        self._last_probe_at = 0.0
        self._gap_seen = False
        self._asked_again = 0
        self._text_tail = b""
        self._banner_seen = False

    @property
    def busy(self) -> bool:
        """A conversation runs."""
        return self._steps is not None

    @property
    def next_deadline(self) -> float:
        """When :meth:`tick` must be called at the latest; infinity: never."""
        deadline = min(self._wait_until, self._fails_at, self._gap_ends_at)
        if self._steps is not None:
            deadline = min(deadline, self._ask_again_at, self._probe_at)
        return deadline

    def start(self, conversation: Conversation[Any], now: float) -> None:
        """Begin a conversation; RuntimeError while another runs."""
        if self._steps is not None:
            msg = "one conversation at a time"
            raise RuntimeError(msg)
        self.talk.now = self._last_request_at = now
        self._limit_s = conversation.limit_s
        self._fails_at = now + conversation.limit_s
        self._steps = conversation.steps(self.talk)
        self._turn(None)

    def receive(self, data: bytes, now: float) -> None:
        """Bytes of the board."""
        self.talk.now = max(now, self.talk.now)
        self._last_byte_at = self.talk.now
        self._gap_seen = False
        self._handle(self._decoder.feed(data))

    def tick(self, now: float) -> None:
        """The time; harmless before :attr:`next_deadline`."""
        talk = self.talk
        talk.now = now = max(now, talk.now)
        if now >= self._gap_ends_at:
            self._gap_seen = True
            talk.damaged = talk.unheard = True  # what was cut off may have been an answer
            self._handle(self._decoder.release())
        if self._steps is None:
            return
        if now >= self._fails_at:
            self._end(Failed(HostFailure(Reason.SILENT, seconds=self._limit_s)))
            return
        if now >= self._ask_again_at:
            self._asked_again += 1
            self._last_nack_at = now
            talk.unheard = False
            talk.control(Control.NACK)
        elif now >= self._probe_at:
            self._last_probe_at = now
            self._banner_seen = False
            talk.control(Control.CONNECT)
        if now >= self._wait_until:
            self._turn(Signal.TIME_UP)

    def abandon(self) -> None:
        """Give up the running conversation without an event; the board may still work on it."""
        self._end(None)

    def disconnect(self, now: float) -> None:
        """Say goodbye if there was a CONNECT; ends the running conversation."""
        self.talk.now = max(now, self.talk.now)
        self._end(None)
        if self.talk.started:
            self.talk.control(Control.DISCONNECT)
        self.talk.connected = self.talk.started = False

    def take_writes(self) -> list[bytes]:
        """Frames to be written now, each complete and with one call."""
        frames, self.talk.outbox = self.talk.outbox, []
        return frames

    def take_events(self) -> list[Event]:
        """What happened since the last call, in order."""
        events, self._events = self._events, []
        return events

    # --- inside ------------------------------------------------------------------------------

    @property
    def _gap_ends_at(self) -> float:
        # One byte held back may be the start of a frame, but is the end of one nearly always.
        unfinished = self._decoder.pending_bytes > 1 and not self._gap_seen
        return self._last_byte_at + FRAME_GAP_S if unfinished else math.inf

    @property
    def _silent_since(self) -> float:
        return max(self._last_byte_at, self._last_request_at)

    @property
    def _probe_at(self) -> float:
        if not self.talk.connected:
            return math.inf
        if self._banner_seen:
            return self._last_byte_at  # the sketch starts, so the link is no longer there
        return max(self._silent_since, self._last_probe_at) + PROBE_S

    @property
    def _ask_again_at(self) -> float:
        talk = self.talk
        if self._asked_again >= ASK_AGAIN_LIMIT:
            return math.inf
        since = max(self._silent_since, self._last_nack_at)
        if talk.unheard:
            return since + ASK_AGAIN_DAMAGED_S
        return since + ASK_AGAIN_S if talk.answer_due and talk.connected else math.inf

    def _handle(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            match piece:
                case Noise(data):
                    self._hear_noise(piece)
                    self._events.append(LogText(data))
                case Frame(PacketType.DATA, payload):
                    message = decode_from_board(payload)
                    self.talk.note(message)
                    self._events.append(Heard(message))
                    self._turn(message)
                case Frame(PacketType.CONTROL, payload):
                    self._hear_control(payload)

    def _hear_noise(self, noise: Noise) -> None:
        if noise.damaged_frame:
            self.talk.damaged = self.talk.unheard = True
        text = self._text_tail + noise.data
        if BANNER in text:
            self.talk.speaks = True
            self._banner_seen = self.talk.connected
            text = b""
        self._text_tail = text[1 - len(BANNER) :]

    def _hear_control(self, payload: bytes) -> None:
        if payload == bytes((Control.DISCONNECT,)):
            self.talk.connected = False
            self._events.append(Ended())
            self._turn(Signal.ENDED)
        elif payload == bytes((Control.NACK,)):
            self._turn(Signal.NACK)
        # A board sends no CONNECT, and ignores unknown codes as we do.

    def _turn(self, received: Input | None) -> None:
        """Let the conversation go on; None starts it."""
        if self._steps is None:
            return
        sent = len(self.talk.outbox)
        try:
            # A generator is started by sending None, which its type does not say.
            self._wait_until = next(self._steps) if received is None else self._steps.send(received)
        except StopIteration as stop:
            self._end(Finished(stop.value))
        except HostFailure as failure:
            self._end(Failed(failure))
        if len(self.talk.outbox) > sent:
            self._last_request_at = self.talk.now
            self._asked_again = 0

    def _end(self, event: Finished | Failed | None) -> None:
        if self._steps is not None:
            self._steps.close()
            self._steps = None
        self._wait_until = self._fails_at = math.inf
        if event is not None:
            self._events.append(event)
