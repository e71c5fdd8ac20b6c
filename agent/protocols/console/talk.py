"""What a host says over the console, one request after another, and how that can end.

Each conversation is a generator: it yields a request, is sent the answer, and returns its result.
:mod:`agent.protocols.console.host` runs them. Source: docs/console.md.
"""

from __future__ import annotations

import math
import re
from collections.abc import Generator
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from agent.protocols import board_keys
from agent.protocols.console.digest import digest
from agent.protocols.console.lines import escape, room, unescape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.protocols.board_keys import Group

VERSION: Final = "1"
"""Of the protocol; a board that says another number is not talked to."""
HELLO_EVERY_S: Final = 0.5
"""Opening the port restarts many boards; what was sent while they start is lost."""
ANSWER_LIMIT_S: Final = 1.5
"""A board may work for a second between two looks at its port (docs/console.md)."""
TRIES: Final = 8
"""Of one line: 12 s, longer than a restart and longer than what stops most boards for once."""
COMMIT_LIMIT_S: Final = 8.0
"""The EEPROM of an UNO takes 3.3 ms for a byte: 3.4 s for all of it, and it is read again."""
COMMIT_TRIES: Final = 3
RESTARTS: Final = 3
"""How often a delivery is begun before it is given up: the board restarted in the middle of it."""
NUMBERS: Final = 10_000
"""Lines of a session are counted up to here, then anew; none is on its way for so long."""
VALUE_BYTES: Final = max(key.limit for key in board_keys.KEYS)
"""No value that is read is longer."""

_HEX: Final = re.compile(r"(?:[0-9a-f]{2}){2,32}")


class Reason(Enum):
    """Why a conversation ended without its result."""

    SILENT = "silent"
    """Nothing came in answer to a line, however often it was sent."""
    VERSION = "version"
    """Another version of the protocol."""
    REFUSED = "refused"
    """The board answered with an error; ``words`` are its."""
    OTHER_HOST = "other host"
    """Another host began a delivery."""
    OTHER_BOARD = "other board"
    """Another board answers than the one that the delivery began with."""
    RESTARTING = "restarting"
    """The board restarted again and again."""
    DIGEST = "digest"
    """The board has not what it was sent; nothing was stored."""
    UNPROVEN = "unproven"
    """The line that stores the settings stayed without answer."""
    NOT_STORED = "not stored"
    """The proof is wrong: its memory holds something else."""


@dataclass(frozen=True, slots=True)
class Failure:
    """How a conversation ended that has no result."""

    reason: Reason
    verb: str
    key: str = ""
    words: tuple[str, ...] = ()
    """Of the board's refusal, behind ``error``; or the version or hardware id that was found."""


@dataclass(frozen=True, slots=True)
class Hello:
    """What a board says of itself; bytes as they came."""

    facts: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def hardware_id(self) -> str:
        """Hex digits, lower case; empty if it says none."""
        found = self.facts.get("id", b"").decode("ascii", "replace").lower()
        return found if _HEX.fullmatch(found) else ""

    @property
    def groups(self) -> tuple[str, ...]:
        """The parts of the settings that it takes."""
        return tuple(self.facts.get("groups", b"").decode("ascii", "replace").split(","))


@dataclass(frozen=True, slots=True)
class Value:
    """The value of a key; empty if the board has none or does not tell."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Status:
    """State of the board's connection, and its words on it."""

    state: str
    detail: bytes = b""


@dataclass(frozen=True, slots=True)
class Done:
    """The board proved that it holds the settings."""


Result: TypeAlias = Hello | Value | Status | Done | Failure


@dataclass(frozen=True, slots=True)
class Request:
    """One line of a conversation."""

    words: tuple[str, ...]
    limit_s: float = ANSWER_LIMIT_S
    tries: int = TRIES
    done: int = 0
    """Bytes of values that are on the board when it is answered."""


Answer: TypeAlias = tuple[str, ...] | None
"""Words behind the tag; None: silence."""
T = TypeVar("T")
Talk: TypeAlias = Generator[Request, Answer, T | Failure]
"""A conversation with this result."""
Conversation: TypeAlias = Generator[Request, Answer, Result]


def hello(limit_s: float) -> Talk[Hello]:
    """Who is there; returns :class:`Hello`, or silence after ``limit_s``."""
    tries = max(1, math.ceil(limit_s / HELLO_EVERY_S))
    answer = yield Request(("hello",), HELLO_EVERY_S, tries)
    if answer is None or answer[0] != "ok":
        return _refused("hello", answer)
    if answer[1:2] != (VERSION,):
        return Failure(Reason.VERSION, "hello", words=answer[1:2])
    facts: dict[str, bytes] = {}
    for word in answer[2:]:
        name, _, value = word.partition("=")
        facts[name] = unescape(value) or b""
    return Hello(facts)


def get(key: str) -> Talk[Value]:
    """The value of a key that is no secret; returns :class:`Value`."""
    value = b""
    while True:
        answer = yield Request(("get", key, str(len(value))))
        if answer is None:
            return Failure(Reason.SILENT, "get", key)
        if answer[0] != "ok" or len(answer) not in {2, 3} or not answer[1].isdigit():
            return Value(b"")  # a board need not tell
        part = unescape(answer[2]) if len(answer) == 3 else b""
        value += part or b""
        if not part or len(value) > VALUE_BYTES:
            return Value(b"")
        if len(value) == int(answer[1]):
            return Value(value)


def status() -> Talk[Status]:
    """State of its connection, asked once; returns :class:`Status`."""
    answer = yield Request(("status",), tries=1)
    if answer is None or answer[0] != "ok" or len(answer) < 2:
        return _refused("status", answer)
    detail = unescape(answer[2]) if len(answer) > 2 else b""
    return Status(answer[1], detail or b"")


def put(
    session: str, board: Hello, groups: Sequence[Group], values: Mapping[str, bytes]
) -> Talk[Done]:
    """Replace these groups by these values on this board; returns :class:`Done`.

    ``session`` is that of the machine. Begins again if the board restarted or took a line wrongly.
    """
    unproven = False
    for attempt in range(1, RESTARTS + 1):
        ended = yield from _put_once(session, groups, values)
        if isinstance(ended, Done):
            return ended
        unproven = unproven or (ended.verb == "commit" and ended.reason in _EITHER)
        if ended.reason not in _AGAIN or attempt == RESTARTS:
            break
        found = yield from hello(TRIES * ANSWER_LIMIT_S)
        if isinstance(found, Failure):
            ended = found
            break
        if found.hardware_id != board.hardware_id:
            return Failure(Reason.OTHER_BOARD, "hello", words=(found.hardware_id,))
    return Failure(Reason.UNPROVEN, "commit") if unproven else ended


_AGAIN: Final = {Reason.RESTARTING, Reason.DIGEST}
_EITHER: Final = {Reason.RESTARTING, Reason.SILENT}
"""After these a board may have stored the settings or not."""


def _put_once(session: str, groups: Sequence[Group], values: Mapping[str, bytes]) -> Talk[Done]:
    table = board_keys.table(values)
    answer = yield Request(("begin", *groups))
    if answer is None or answer[0] != "ok":
        return _refused("begin", answer)
    done = 0
    for name in sorted(values):
        for offset, part, size in _parts(session, name, values[name]):
            done += size
            answer = yield Request(("set", name, str(offset), part), done=done)
            if answer is None or answer[0] != "ok":
                return _refused("set", answer, name)
    draft = digest("draft", session, table)
    answer = yield Request(("commit", draft), COMMIT_LIMIT_S, COMMIT_TRIES, done)
    if answer is None or answer[0] != "ok":
        return _refused("commit", answer)
    if answer[1:2] != (digest("stored", session, table),):
        return Failure(Reason.NOT_STORED, "commit")
    return Done()


def _parts(session: str, name: str, value: bytes) -> Iterator[tuple[int, str, int]]:
    """Offset, word and size of each part of a value, as long as lines allow."""
    limit = room("mooring", f"{session}.{NUMBERS - 1}", "set", name, str(VALUE_BYTES))
    start = 0
    words = ""
    for at in range(len(value)):
        word = escape(value[at : at + 1])
        if len(words) + len(word) > limit:
            yield start, words, at - start
            start, words = at, ""
        words += word
    if words:
        yield start, words, len(value) - start


def _refused(verb: str, answer: Answer, key: str = "") -> Failure:
    if answer is None:
        return Failure(Reason.SILENT, verb, key)
    words = answer[1:]
    reason = _REASONS.get(words[0] if words else "", Reason.REFUSED)
    return Failure(reason, verb, key, words)


_REASONS: Final = {
    "begin": Reason.RESTARTING,
    "order": Reason.RESTARTING,
    "other": Reason.OTHER_HOST,
    "digest": Reason.DIGEST,
}
"""First word of a refusal to what it says of the conversation; others are about the settings."""
