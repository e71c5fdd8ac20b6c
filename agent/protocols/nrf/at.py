"""The conversation with a board that has AT commands, raw or behind a Zephyr shell.

A conversation is a generator that yields what to say and is sent the answer; :class:`AtMachine` runs
it. Log lines, echoes and prompts may stand anywhere between the lines of an answer.
Source: nrfcredstore 2.1.0 (detection and quoting); nrfconnect/sdk-nrf lib/at_shell, lib/at_host.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from agent.protocols.nrf.lines import ConsoleLine, LineReader

if TYPE_CHECKING:
    from re import Pattern

LINE_END: Final = b"\r\n"
ANSWER_LIMIT_S: Final = 2.0
"""Most commands are answered at once; the reference tool waits as long."""
TRIES: Final = 3
SLOW_LIMIT_S: Final = 15.0
"""Making a key, writing credentials, switching the radio: the reference tool waits as long."""
OTHERS: Final = 400
"""Lines that are no answer and wait for whoever reads them; beyond it the oldest are forgotten."""
ANSWER_LINES: Final = 200
"""A modem holds some tens of credentials, a line for each."""
ECHO_CHARS: Final = 4
"""A shell breaks its echo at the width of its terminal; a shorter piece of it is not recognised."""

IMEI: Final = re.compile(r"[0-9]{15}")
_CME: Final = re.compile(r"\+CM[ES] ERROR:? ?(.*)")
_NO_MODEM: Final = re.compile(r"Sending AT command failed with error code (-?\d+)")
_UNKNOWN: Final = re.compile(
    r".*: command not found$|^Please specify a subcommand|.*: wrong parameter count$"
)


class Dialect(Enum):
    """What a port understands."""

    AT = "AT commands"
    SHELL = "a shell with AT commands"
    BARE_SHELL = "a shell without AT commands"


class End(Enum):
    """How an answer ended."""

    OK = "OK"
    ERROR = "ERROR"
    NO_MODEM = "the modem is not running"
    UNKNOWN = "no such command"
    PROMPT = "the prompt"
    SILENT = "nothing"


@dataclass(frozen=True, slots=True)
class Ask:
    """Something to say, and how the answer ends."""

    text: str
    limit_s: float = ANSWER_LIMIT_S
    tries: int = 1
    wants: Pattern[str] | None = None
    """A line without which an OK is that of an earlier try."""
    prompt_ends: bool = False
    """A command of the shell itself, which has no OK."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came: neither echo nor log."""

    end: End
    lines: tuple[str, ...] = ()
    code: int | None = None
    """Of an error; None if the board does not say."""

    def find(self, pattern: Pattern[str]) -> str | None:
        """The last line of this form."""
        found = [line for line in self.lines if pattern.fullmatch(line)]
        return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class Detected:
    """What answered on a port; ``dialect`` None: nothing that we know."""

    dialect: Dialect | None
    imei: str = ""
    modem: bool = True
    """False: the shell is there and the modem's library does not run."""
    heard: bool = False
    """Something came, if only noise."""


T = TypeVar("T")
Talk: TypeAlias = Generator[Ask, Answer, T]


def detect(tries: int = TRIES, limit_s: float = ANSWER_LIMIT_S) -> Talk[Detected]:
    """Find out what is spoken; changes nothing on the board."""
    heard = False
    for _ in range(tries):
        for dialect, text in ((Dialect.SHELL, "at AT+CGSN"), (Dialect.AT, "AT+CGSN")):
            answer = yield Ask(text, limit_s, wants=IMEI)
            heard = heard or bool(answer.lines)
            imei = answer.find(IMEI)
            if imei is not None:
                return Detected(dialect, imei, heard=True)
            if answer.end is End.UNKNOWN:
                return Detected(Dialect.BARE_SHELL, modem=False, heard=True)
            if answer.end is End.NO_MODEM:
                return Detected(Dialect.SHELL, modem=False, heard=True)
            if dialect is Dialect.AT and answer.end is End.ERROR:
                # Refused twice, in both forms; it is AT that refuses.
                return Detected(Dialect.AT, modem=False, heard=True)
    return Detected(None, heard=heard)


def command(
    dialect: Dialect,
    text: str,
    *,
    wants: Pattern[str] | None = None,
    limit_s: float = ANSWER_LIMIT_S,
    tries: int = TRIES,
) -> Talk[Answer]:
    """One AT command; with more than one try only what may be done twice."""
    typed = f"at '{text}'".replace("\r", "").replace("\n", "\\n")
    return (yield Ask(typed if dialect is Dialect.SHELL else text, limit_s, tries, wants))


def shell_command(text: str, *, wants: Pattern[str] | None = None, tries: int = 1) -> Talk[Answer]:
    """One command of the shell itself; the answer ends with the prompt."""
    return (yield Ask(text, tries=tries, wants=wants, prompt_ends=True))


class AtMachine:
    """Runs one conversation after the other: bytes and time in, bytes out."""

    def __init__(self) -> None:
        self.next_deadline: float | None = None
        self.result: Any = None
        """Of the last conversation; only if :attr:`running` is False."""
        self.heard_bytes = 0
        self._reader = LineReader()
        self._others: deque[ConsoleLine] = deque(maxlen=OTHERS)
        self._writes: list[bytes] = []
        self._talk: Talk[Any] | None = None
        self._ask = Ask("")
        self._lines: list[str] = []
        self._sent = 0
        self._ended_line = self._echoed = self._echoes = False

    @property
    def running(self) -> bool:
        """A conversation is under way."""
        return self._talk is not None

    @property
    def pending(self) -> ConsoleLine:
        """The line that has not ended yet."""
        return self._reader.pending

    def start(self, talk: Talk[Any], now: float) -> None:
        """Begin a conversation; the one before must have ended."""
        self.result = None
        self._talk = talk
        self._go_on(None, now)

    def abandon(self) -> None:
        """Forget the conversation; what still comes of it is taken for a log."""
        if self._talk is not None:
            self._talk.close()
        self._talk, self.next_deadline = None, None
        self._writes.clear()

    def take_writes(self) -> list[bytes]:
        """What is to be written now."""
        writes, self._writes = self._writes, []
        return writes

    def take_others(self) -> list[ConsoleLine]:
        """Lines that were no answer, since the last call."""
        others = list(self._others)
        self._others.clear()
        return others

    def receive(self, data: bytes, now: float) -> None:
        """Bytes of the board, however they are cut."""
        self.heard_bytes += len(data)
        for line in self._reader.feed(data):
            self._ended_line = True
            self._take_line(line, now)
        if self.running and self._ask.prompt_ends and self._ended_line:
            pending = self._reader.pending
            if pending.prompted and not pending.text and self._echoed >= self._echoes:
                self._end(End.PROMPT, now)

    def tick(self, now: float) -> None:
        """Time passed; does nothing before the deadline."""
        if self.next_deadline is None or now < self.next_deadline:
            return
        if self._sent < self._ask.tries:
            self._say(now)
        else:
            self._end(End.SILENT, now)

    # --- inside ------------------------------------------------------------------------------

    def _take_line(self, line: ConsoleLine, now: float) -> None:
        text = line.text
        if not self.running:
            self._others.append(line)
            return
        end, code = _end_of(text)
        if end is None and self._is_echo(text):
            self._echoed = self._echoes = True
        elif end is None and (line.log or len(self._lines) >= ANSWER_LINES):
            self._others.append(line)
        elif end is None:
            # Whoever reads logs looks at it as well: it may be a part of one.
            self._others.append(line)
            if text:
                self._lines.append(text)
        elif end is End.OK and self._sent > 1 and not self._has_wanted():
            self._sent -= 1
        else:
            self._end(end, now, code)

    def _is_echo(self, text: str) -> bool:
        return len(text) >= ECHO_CHARS and text in self._ask.text

    def _has_wanted(self) -> bool:
        wants = self._ask.wants
        return wants is None or any(map(wants.fullmatch, self._lines))

    def _end(self, end: End, now: float, code: int | None = None) -> None:
        self._go_on(Answer(end, tuple(self._lines), code), now)

    def _go_on(self, answer: Answer | None, now: float) -> None:
        assert self._talk is not None  # noqa: S101  (callers know)
        try:
            self._ask = next(self._talk) if answer is None else self._talk.send(answer)
        except StopIteration as stop:
            self.result, self._talk, self.next_deadline = stop.value, None, None
            return
        self._lines = []
        self._sent = 0
        self._say(now)

    def _say(self, now: float) -> None:
        self._sent += 1
        self._ended_line = self._echoed = False
        self._writes.append(self._ask.text.encode() + LINE_END)
        self.next_deadline = now + self._ask.limit_s


def _end_of(text: str) -> tuple[End | None, int | None]:
    if text == "OK":
        return End.OK, None
    if text == "ERROR":
        return End.ERROR, None
    if found := _CME.fullmatch(text):
        return End.ERROR, int(found[1]) if found[1].isascii() and found[1].isdigit() else None
    if found := _NO_MODEM.fullmatch(text):
        return End.NO_MODEM, int(found[1])
    if _UNKNOWN.match(text):
        return End.UNKNOWN, None
    return None, None
