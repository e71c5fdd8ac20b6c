"""A board's side of the console, for simulated boards: bytes in, answers out.

Written from docs/console.md, as the example sketch is. Nothing counts before the commit; each line
may come twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from agent.protocols import board_keys
from agent.protocols.console.digest import digest
from agent.protocols.console.lines import (
    LINE_BYTES,
    Line,
    LineReader,
    encode_line,
    escape,
    unescape,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SESSION_CHARS: Final = 8
_ROOM: Final = 40
"""Characters of an answer with a value that are not the value."""


class BoardMemory(Protocol):
    """What outlives a loss of power; a write that was interrupted leaves what was there before."""

    def read(self) -> dict[str, bytes]:
        """Keys with their values."""

    def write(self, values: Mapping[str, bytes]) -> bool:
        """Replace all of it; False if that failed."""


class BoardConsole:
    """One board between two restarts."""

    def __init__(
        self,
        memory: BoardMemory,
        facts: Mapping[str, str],
        *,
        keys: frozenset[str] = frozenset(board_keys.BY_NAME),
        table_bytes: int = 1 << 16,
        takes: Callable[[str, bytes], bool] = lambda _key, _value: True,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        self.state = "idle"
        """Of its connection, for the host."""
        self.detail = ""
        self.fresh = False
        """New settings were stored; whoever uses them sets it back."""
        self._memory = memory
        self._facts = facts
        self._keys = keys
        self._table_bytes = table_bytes
        self._takes = takes
        self._on_line = on_line
        self._reader = LineReader("mooring")
        self._session = ""
        self._open = self._done = False
        self._groups: frozenset[str] = frozenset()
        self._kept: dict[str, bytes] = {}
        self._draft: dict[str, bytes] = {}

    @property
    def open(self) -> bool:
        """A delivery is under way."""
        return self._open

    def hear(self, data: bytes) -> list[bytes]:
        """Answers to the lines that are complete now."""
        return [answer for line in self._reader.feed(data) for answer in self._obey(line)]

    def _obey(self, line: Line) -> list[bytes]:
        session = line.tag.partition(".")[0]
        verb, *words = line.words
        if self._on_line is not None:
            self._on_line(verb)
        said = self._answer(session, verb, words)
        return [encode_line(Line("moored", line.tag, said))]

    def _answer(self, session: str, verb: str, words: list[str]) -> tuple[str, ...]:
        match verb, words:
            case "hello", []:
                return self._hello()
            case "get", [key, offset]:
                return self._get(key, offset)
            case "status", []:
                detail = (escape(self.detail.encode()[: LINE_BYTES // 4]),) * bool(self.detail)
                return "ok", self.state, *detail
            case "begin", groups if len(session) == SESSION_CHARS:
                return self._begin(session, groups)
            case ("set", [_, _, _]) | ("commit", [_]):
                if session != self._session:
                    return "error", "other" if self._open else "begin"
                return self._set(*words) if verb == "set" else self._commit(*words)
        return "error", "verb"

    def _hello(self) -> tuple[str, ...]:
        self._open = self._done = False
        facts = (f"{name}={escape(value.encode())}" for name, value in self._facts.items())
        return "ok", "1", "groups=network,cloud", *facts

    def _get(self, key: str, offset: str) -> tuple[str, ...]:
        if key not in self._keys:
            return "error", "key"
        if board_keys.BY_NAME[key].secret:
            return "error", "secret"
        value = self._memory.read().get(key, b"")
        if not offset.isdigit() or int(offset) > len(value):
            return "error", "order"
        part = value[int(offset) :][: (LINE_BYTES - _ROOM) // 3]
        return "ok", str(len(value)), *((escape(part),) * bool(part))

    def _begin(self, session: str, groups: list[str]) -> tuple[str, ...]:
        if not groups or not set(groups) <= {"network", "cloud"}:
            return "error", "group"
        held = self._memory.read()
        self._kept = {
            key: value for key, value in held.items() if board_keys.BY_NAME[key].group not in groups
        }
        self._draft = {}
        self._groups = frozenset(groups)
        self._session, self._open, self._done = session, True, False
        return ("ok",)

    def _set(self, key: str, offset: str, word: str) -> tuple[str, ...]:
        if not self._open:
            return "error", "begin"
        if key not in self._keys:
            return "error", "key"
        if board_keys.BY_NAME[key].group not in self._groups:
            return "error", "group"
        part = unescape(word)
        last = max(self._draft, default="")
        value = self._draft.get(key, b"")
        if not part or b"\0" in part or not offset.isdigit() or key < last:
            return "error", "order"
        start = int(offset)
        if value[start : start + len(part)] == part:
            return ("ok",)  # the same line again
        if start != len(value):
            return "error", "order"
        limit = board_keys.BY_NAME[key].limit
        if start + len(part) > limit:
            return "error", "long", str(limit)
        if not self._takes(key, value + part):
            return "error", "value"
        longer = {**self._draft, key: value + part}
        free = self._table_bytes - len(board_keys.table(self._kept))
        if len(board_keys.table(longer)) > free:
            return "error", "full", str(free)
        self._draft = longer
        return ("ok",)

    def _commit(self, wanted: str) -> tuple[str, ...]:
        if not (self._open or self._done):
            return "error", "begin"
        if wanted != digest("draft", self._session, board_keys.table(self._draft)):
            return "error", "digest"
        if self._open:
            if not self._memory.write({**self._kept, **self._draft}):
                self._open = False
                return "error", "store"
            self._open, self._done, self.fresh = False, True, True
            self.state, self.detail = "connecting", ""
        held = self._memory.read()
        stored = {key: value for key, value in held.items() if key not in self._kept}
        return "ok", digest("stored", self._session, board_keys.table(stored))
