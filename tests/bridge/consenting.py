"""Consent with a clock and a disk of its own: what its tests share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from agent.bridge.consent_service import AskMessage, AskOpen, Consent
from agent.bridge.origins import Origins
from agent.bridge.scopes import Scope

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WALL = 1_800_000_000.0
BOARDS = frozenset({Scope.BOARDS})


class Window:
    """A page that asks, and what it was told."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.told: list[AskMessage] = []
        self.leave: Callable[[], None] = lambda: None

    @property
    def last(self) -> AskMessage:
        return self.told[-1]

    @property
    def waits(self) -> bool:
        return bool(self.told) and isinstance(self.told[-1], AskOpen)


class World:
    """Time, a disk, and the agent in them."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "data" / "origins.json"
        self.now = 1000.0
        self.wall = WALL
        self.changes = 0
        self._due: tuple[float, Callable[[], None]] | None = None
        self.start()

    def start(self) -> None:
        """Start the agent, after it ended or was killed."""
        self._due = None
        self.origins = Origins(
            self.file,
            self.file.parent.with_name("origins.lock"),
            clock=lambda: self.wall,
            now=lambda: self.now,
        )
        self.consent = Consent(
            self.origins, clock=lambda: self.wall, now=lambda: self.now, later=self._later
        )
        self.consent.subscribe(self._changed)

    def advance(self, seconds: float) -> None:
        """Let time go by; what is due happens when it is."""
        end = self.now + seconds
        while self._due is not None and self._due[0] <= end:
            at, action = self._due
            self.wall += at - self.now
            self.now, self._due = at, None
            action()
        self.wall += end - self.now
        self.now = end

    def ask(self, url: str, wants: frozenset[Scope] = BOARDS) -> Window:
        """A page asks; it raises what the agent raises."""
        window = Window(url)
        window.leave = self.consent.ask(url, wants, window.told.append)
        return window

    @property
    def disk(self) -> dict[str, Any]:
        """The file as it is."""
        content: dict[str, Any] = {"origins": [], "refused": []}
        return json.loads(self.file.read_text()) if self.file.exists() else content

    def break_disk(self) -> None:
        """Nothing can be written any more: where the folder was, there is a file."""
        folder = self.file.parent
        folder.mkdir(exist_ok=True)
        folder.rename(folder.with_name("away"))
        folder.touch()

    def mend_disk(self) -> None:
        folder = self.file.parent
        folder.unlink()
        folder.with_name("away").rename(folder)

    def _later(self, seconds: float, action: Callable[[], None]) -> Callable[[], None]:
        assert self._due is None, "one timer at a time"
        self._due = (self.now + seconds, action)

        def cancel() -> None:
            self._due = None

        return cancel

    def _changed(self) -> None:
        self.changes += 1
