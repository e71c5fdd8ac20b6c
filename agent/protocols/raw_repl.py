"""The raw REPL of MicroPython and CircuitPython: programs in, their output and traceback out.

No I/O and no clock: bytes and the time go in, bytes to write come out. A run of the machine is
:meth:`RawRepl.enter`, :meth:`RawRepl.run` or :meth:`RawRepl.restart`; it has ended when
:attr:`RawRepl.outcome` is set. Source: MicroPython documentation, “The MicroPython Interactive
Interpreter Mode (aka REPL)”, raw mode and raw-paste mode; micropython/micropython:
shared/runtime/pyexec.c.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

RAW, FRIENDLY, INTERRUPT, END = b"\x01", b"\x02", b"\x03", b"\x04"
"""What a terminal sends for Ctrl-A to Ctrl-D. END ends a program, and each part of its answer."""
PASTE: Final = b"\x05A\x01"
"""Asks for raw-paste mode; firmware without it takes the last byte for another RAW."""
BANNER: Final = b"raw REPL; CTRL-B to exit\r\n>"
PROMPT: Final = b">>> "
ANY_KEY: Final = b"Press any key"
"""CircuitPython, when its program has ended."""
REBOOT: Final = b"soft reboot"
_CAN, _CANNOT = b"R\x01", b"R\x00"

INTERRUPT_S: Final = 0.6
"""For a program to end, or for the prompt: it is there at once, or nobody will write it."""
BANNER_S: Final = 1.5
"""For the raw mode. CircuitPython starts its interpreter anew before it, which takes most of it."""
ANSWER_S: Final = 3.0
"""For what the interpreter itself answers: it takes milliseconds unless memory is tidied up."""
STOP_S: Final = 1.0
"""For a program of ours to end when it is interrupted."""
REBOOT_S: Final = 5.0
"""For the words of a soft reset: files and sockets are closed before them."""
TRIES: Final = 8
"""Of entering. Boards that restart when their port is opened listen after a few seconds only."""

OUTPUT_BYTES: Final = 256 * 1024
"""Of one program's output; more is an error, because nothing that is sent to boards writes more."""
HEARD_BYTES: Final = 400
"""Kept of what is no answer, for the report."""
PIECE_BYTES: Final = 256
"""Sent at once where the board has no flow control (its buffers have this size or more) …"""
PIECE_S: Final = 0.01
"""… and the time between two, as the vendor's own tool has it (tools/pyboard.py)."""


class Reason(Enum):
    """Why a run failed."""

    NO_PROMPT = "no prompt"
    """Nothing that looks like a Python prompt was heard."""
    SILENT = "silent"
    """A program, or the interpreter, said nothing more in time. It was interrupted."""
    TOO_MUCH = "too much"
    """A program wrote more than :data:`OUTPUT_BYTES`."""


@dataclass(frozen=True, slots=True)
class Entered:
    """The board is in raw mode, and answers."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A program ended by itself; ``error`` is its traceback, empty if it has none."""

    output: bytes
    error: bytes


@dataclass(frozen=True, slots=True)
class Restarted:
    """The board's own program was started again; ``seen``: the board said so."""

    seen: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """``heard`` is the last that came, for the report; it may be anything."""

    reason: Reason
    heard: bytes = b""


Outcome: TypeAlias = Entered | Ended | Restarted | Failed
_Steps: TypeAlias = Generator[float, None, Outcome]
"""Yields until when it waits at most; goes on when bytes came, or at that time."""


class RawRepl:
    """The host's side. One run at a time; :attr:`outcome` of the last one stays until the next."""

    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        self.next_deadline: float | None = None
        """When :meth:`tick` is due; None while nothing runs."""
        self.paste: bool | None = None
        """Whether the firmware has raw-paste mode; None: not known yet."""
        self._now = 0.0
        self._in = bytearray()
        self._heard = bytearray()
        self._out: list[bytes] = []
        self._steps: _Steps | None = None

    def enter(self, nonce: bytes, now: float, limit_s: float) -> None:
        """Stop what runs on the board and get a raw prompt.

        ``nonce``: letters and digits that were never sent before; the board must say them.
        """
        if not nonce.isalnum():
            msg = "a nonce has letters and digits"
            raise ValueError(msg)
        self._heard.clear()
        self._start(self._enter(nonce, now + limit_s), now)

    def run(self, code: bytes, now: float, limit_s: float) -> None:
        """Run a program in raw mode: printable ASCII and line ends; at most ``limit_s`` of silence."""
        if not all(byte in b"\n" or 32 <= byte < 127 for byte in code):
            msg = "a program is printable ASCII"
            raise ValueError(msg)
        self._start(self._run(code, limit_s), now)

    def restart(self, now: float) -> None:
        """Leave raw mode and start the board's own program again, as Ctrl-D does."""
        self._start(self._restart(), now)

    def abandon(self) -> None:
        """Give up what runs; the board must be entered again."""
        self._steps = None
        self.next_deadline = None
        self._out.clear()

    def receive(self, data: bytes, now: float) -> None:
        """Bytes of the board; without a run they are forgotten."""
        if self._steps is not None:
            self._in += data
            self._resume(now)

    def tick(self, now: float) -> None:
        """Tell the time, at the latest at :attr:`next_deadline`."""
        self._resume(now)

    def take_rest(self) -> bytes:
        """What came behind the end of the last run: of the board's own program, after a restart."""
        rest = bytes(self._in)
        self._in.clear()
        return rest

    def take_writes(self) -> list[bytes]:
        """What is to be written now, each part with one call."""
        writes, self._out = self._out, []
        return writes

    # --- the runs ----------------------------------------------------------------------------

    def _enter(self, nonce: bytes, end: float) -> _Steps:
        for number in range(TRIES):
            # The first stops a program; the second is any key, or stops one that went on.
            for _ in range(2):
                self._out.append(b"\r" + INTERRUPT)
                yield from self._until(INTERRUPT_S, PROMPT, ANY_KEY)
            self._out.append(b"\r" + RAW)
            if (yield from self._until(BANNER_S, BANNER)) is not None:
                # What was sent in vain before may be answered now: only the nonce says that all
                # of that is over. Where it is echoed, this is not the raw mode.
                said = nonce + str(number).encode()
                self._out.append(b"print('" + said + b"')" + END)
                heard = yield from self._until(ANSWER_S, b"OK" + said)
                if heard and (yield from self._until(ANSWER_S, END + END + b">")):
                    return Entered()
            if self._now >= end:
                break
        return self._failed(Reason.NO_PROMPT)

    def _run(self, code: bytes, limit_s: float) -> _Steps:
        if self.paste is not False:
            self._out.append(PASTE)
            answer = yield from self._until(ANSWER_S, _CAN, _CANNOT, BANNER)
            if answer is None:
                return self._failed(Reason.SILENT)
            self.paste = answer == _CAN
        taken = yield from (self._pasted(code) if self.paste else self._typed(code))
        if not taken:
            return (yield from self._stopped(Reason.SILENT))
        output = yield from self._collect(limit_s)
        if isinstance(output, Reason):
            return (yield from self._stopped(output))
        error = yield from self._collect(ANSWER_S)
        if isinstance(error, Reason):
            return self._failed(error)
        if (yield from self._until(ANSWER_S, b">")) is None:
            return self._failed(Reason.SILENT)
        return Ended(output, error)

    def _restart(self) -> _Steps:
        self._out.append(b"\r" + INTERRUPT + FRIENDLY)
        yield from self._until(ANSWER_S, PROMPT)
        self._out.append(END)
        return Restarted((yield from self._until(REBOOT_S, REBOOT)) is not None)

    # --- parts of a run ----------------------------------------------------------------------

    def _pasted(self, code: bytes) -> Generator[float, None, bool]:
        """Hand the program over in raw-paste mode, never more than the board has room for."""
        head = yield from self._take(2)
        window = int.from_bytes(head, "little")
        room, place = window, 0
        while window and place < len(code):
            while room <= 0 or self._in:
                signal = yield from self._take(1)
                if not signal:
                    return False
                if signal == END:
                    # It knows already that this is no program.
                    self._out.append(END)
                    return True
                room += window if signal == RAW else 0
            self._out.append(code[place : place + room])
            place, room = place + room, 0
        self._out.append(END)
        return (yield from self._until(ANSWER_S, END)) is not None

    def _typed(self, code: bytes) -> Generator[float, None, bool]:
        """The same where there is no flow control: slowly."""
        for place in range(0, len(code), PIECE_BYTES):
            self._out.append(code[place : place + PIECE_BYTES])
            later = self._now + PIECE_S
            while self._now < later:
                yield later
        self._out.append(END)
        return (yield from self._until(ANSWER_S, b"OK")) is not None

    def _stopped(self, reason: Reason) -> _Steps:
        """Interrupt a program of ours, and wait for its end."""
        self._out.append(INTERRUPT)
        yield from self._until(STOP_S, END + b">")
        return self._failed(reason)

    def _collect(self, silence_s: float) -> Generator[float, None, bytes | Reason]:
        """What comes before the next END."""
        found = bytearray()
        deadline = self._now + silence_s
        while True:
            part, end, rest = self._in.partition(END)
            self._in = bytearray(rest)
            if part:
                deadline = self._now + silence_s
            found += part
            if len(found) > OUTPUT_BYTES:
                return Reason.TOO_MUCH
            if end:
                return bytes(found)
            if self._now >= deadline:
                self._note(found)
                return Reason.SILENT
            yield deadline

    def _take(self, count: int) -> Generator[float, None, bytes]:
        """The next bytes; none if they do not come."""
        deadline = self._now + ANSWER_S
        while len(self._in) < count:
            if self._now >= deadline:
                return b""
            yield deadline
        taken = bytes(self._in[:count])
        del self._in[:count]
        return taken

    def _until(self, seconds: float, *signs: bytes) -> Generator[float, None, bytes | None]:
        """Which of ``signs`` comes first; it and all before it is used up. None: none in time."""
        deadline = self._now + seconds
        longest = max(map(len, signs))
        while True:
            places = {sign: self._in.find(sign) for sign in signs if sign in self._in}
            if places:
                first = min(places, key=lambda sign: places[sign])
                self._skip(places[first] + len(first))
                return first
            self._skip(max(0, len(self._in) - longest + 1))
            if self._now >= deadline:
                return None
            yield deadline

    def _skip(self, count: int) -> None:
        self._note(self._in[:count])
        del self._in[:count]

    def _note(self, data: bytes | bytearray) -> None:
        self._heard += data
        del self._heard[:-HEARD_BYTES]

    def _failed(self, reason: Reason) -> Failed:
        return Failed(reason, bytes(self._heard + self._in)[-HEARD_BYTES:])

    # --- the machine -------------------------------------------------------------------------

    def _start(self, steps: _Steps, now: float) -> None:
        if self._steps is not None:
            msg = "a run is under way"
            raise RuntimeError(msg)
        self.outcome = None
        self._in.clear()
        self._steps = steps
        self._resume(now)

    def _resume(self, now: float) -> None:
        self._now = max(self._now, now)
        if self._steps is None:
            return
        try:
            self.next_deadline = next(self._steps)
        except StopIteration as end:
            self.outcome = end.value
            self._steps = None
            self.next_deadline = None
