"""The host's side of provisioning 1.0 as a machine without I/O and without a clock.

Begin with :meth:`HostMachine.start`; write what :meth:`HostMachine.take_writes` returns, each frame
with one call (a frame that arrives in pieces is read wrongly); hand over what was received and the
time; done when :attr:`HostMachine.result` is set. Every answer is awaited, anything but ACK is a
refusal, and after silence nothing more is sent: a board that missed the end of a frame carries out
that frame when it sees the end of the next. Source: protocol-v1, sections 3 and 5.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from agent.protocols.v1.commands import Command, Response, encode_command
from agent.protocols.v2.frames import Frame, FrameDecoder, Noise, PacketType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.protocols.v1.certificate import CompressedCertificate
    from agent.protocols.v2.frames import Piece

ANSWER_LIMIT_S: Final = 2.0
"""For an answer; the vendor's host waits as long (protocol-v1, section 2)."""
LONG_ANSWER_LIMIT_S: Final = 10.0
"""For a new key with its certificate request, and for writing the certificate."""
FLASHED_TRIES: Final = 5
"""A sketch that was written just now may configure and lock its secure element first."""
CSR_LIMIT: Final = 1024
"""Characters of a certificate request that the cloud takes; real ones have about 390."""
TEXT_BYTES: Final = 2048
"""How much of the text between frames is kept; the oldest goes first."""

_PEM: Final = re.compile(
    rb"-----BEGIN CERTIFICATE REQUEST-----\n(?:[A-Za-z0-9+/=]+\n)+"
    rb"-----END CERTIFICATE REQUEST-----\n*"
)


@dataclass(frozen=True, slots=True)
class Ask:
    """One command and how long its answer may take."""

    command: Command
    data: bytes = b""
    limit_s: float = ANSWER_LIMIT_S
    tries: int = 1
    """Above 1 for sketch info only, which does nothing however often it is carried out."""


@dataclass(frozen=True, slots=True)
class Done:
    """Every command was done; ``csr`` is the certificate request if one was asked for (PEM)."""

    csr: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The board answered with something else than ACK, or with no certificate request."""

    command: Command
    response: int | None
    """The byte that came; None: a data frame that is no certificate request."""


@dataclass(frozen=True, slots=True)
class Silent:
    """No answer within the limit."""

    command: Command
    seconds: float


Result: TypeAlias = Done | Refused | Silent


def sketch_info(*, tries: int = 1) -> tuple[Ask, ...]:
    """Whether the provisioning sketch runs and listens."""
    return (Ask(Command.SKETCH_INFO, tries=tries),)


def csr(device_id: str) -> tuple[Ask, ...]:
    """A new key and a certificate request for it; ValueError unless the id has 36 characters."""
    if not device_id.isascii():
        msg = "a device id is ASCII"
        raise ValueError(msg)
    return (Ask(Command.CSR, device_id.encode(), LONG_ANSWER_LIMIT_S),)


def store(certificate: CompressedCertificate) -> tuple[Ask, ...]:
    """The device id of the last request and the certificate go into the secure element."""
    return (
        Ask(Command.BEGIN_STORAGE),
        *(Ask(command, data) for command, data in certificate.fields),
        Ask(Command.END_STORAGE, limit_s=LONG_ANSWER_LIMIT_S),
        Ask(Command.RECONSTRUCT),
    )


class HostMachine:
    """One link to one board. ``now`` is any clock that only grows, in seconds."""

    def __init__(self) -> None:
        self.result: Result | None = None
        """How the conversation that was started last ended; None while it runs."""
        self.text = b""
        """The latest bytes that were no frame; not cleaned."""
        self.stopped = False
        """Nothing may be sent any more until the board was reset and the link opened anew."""
        self._decoder = FrameDecoder()
        self._asks: list[Ask] = []
        self._frames: list[bytes] = []
        self._writes: list[bytes] = []
        self._deadline = math.inf
        self._tries = 0
        self._csr: str | None = None

    @property
    def next_deadline(self) -> float:
        """When :meth:`tick` must be called at the latest; infinity: never."""
        return self._deadline

    def start(self, asks: Sequence[Ask], now: float) -> None:
        """Begin a conversation; RuntimeError while one runs or after silence.

        ValueError for data that the sketch cannot take; nothing was sent then, not even in part.
        """
        if self._asks or self.stopped:
            msg = "the board may still carry out an earlier command"
            raise RuntimeError(msg)
        self._frames = [encode_command(ask.command, ask.data) for ask in asks]
        self._asks = list(asks)
        self.result = self._csr = None
        self._note(self._decoder.reset())
        self._send(now)

    def receive(self, data: bytes, now: float) -> None:
        """Bytes of the board."""
        self._handle(self._decoder.feed(data), now)

    def tick(self, now: float) -> None:
        """The time; harmless before :attr:`next_deadline`."""
        if not self._asks or now < self._deadline:
            return
        # Something like the start of a long frame may have held the answer back.
        self._handle(self._decoder.release(), now)
        if not self._asks or now < self._deadline:
            return
        ask = self._asks[0]
        if self._tries < ask.tries:
            self._write(now)
            return
        self.stopped = True
        self._end(Silent(ask.command, ask.limit_s * ask.tries))

    def abandon(self) -> None:
        """Give up; if an answer is due, nothing can be sent any more."""
        self.stopped = self.stopped or bool(self._asks)
        self._asks, self._writes, self._deadline = [], [], math.inf

    def take_writes(self) -> list[bytes]:
        """Frames to be written now, each complete and with one call."""
        writes, self._writes = self._writes, []
        return writes

    # --- inside ------------------------------------------------------------------------------

    def _send(self, now: float) -> None:
        """The next command, or the end."""
        if not self._asks:
            self._end(Done(self._csr))
            return
        self._tries = 0
        self._write(now)

    def _write(self, now: float) -> None:
        self._tries += 1
        self._writes.append(self._frames[0])
        self._deadline = now + self._asks[0].limit_s

    def _end(self, result: Result) -> None:
        self.result = result
        self._asks, self._frames, self._deadline = [], [], math.inf

    def _handle(self, pieces: list[Piece], now: float) -> None:
        for piece in pieces:
            if isinstance(piece, Frame) and self._asks:
                self._answer(piece, now)
        self._note(pieces)

    def _answer(self, frame: Frame, now: float) -> None:
        ask = self._asks[0]
        wants_csr = ask.command is Command.CSR
        if frame.type is PacketType.DATA:
            if not wants_csr:
                return  # of an earlier link, which did not wait for it
            if not _PEM.fullmatch(frame.payload) or len(frame.payload) > CSR_LIMIT:
                self._end(Refused(ask.command, None))
                return
            self._csr = frame.payload.decode()
        else:
            response = frame.payload[0] if len(frame.payload) == 1 else None
            if response != Response.ACK:
                self._end(Refused(ask.command, response))
                return
            if wants_csr:
                return  # answers a sketch info that was sent more than once
        del self._asks[0], self._frames[0]
        self._send(now)

    def _note(self, pieces: list[Piece]) -> None:
        heard = b"".join(piece.data for piece in pieces if isinstance(piece, Noise))
        self.text = (self.text + heard)[-TEXT_BYTES:]
