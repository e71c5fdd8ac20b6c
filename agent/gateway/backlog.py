"""Values that wait for the server: a bounded queue.

Full, it loses the oldest; how many is counted and told. A value with a key takes the place of an
earlier one with that key that still waits: of a job's way only the latest step counts, its
beginning and its end are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.protocols.thingsboard.gateway_pack import Sample

BACKLOG_MAX: Final = 2000
"""Some 600 jobs with beginning, step and end: days of a person's work, hours of a factory's, and
below a megabyte of memory."""

TRIES_MAX: Final = 5
"""Sessions that may end on one sample; a server that restarts does not do that five times over."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sample in the queue."""

    number: int
    sample: Sample
    key: str = ""
    tries: int = 0
    """How often the session ended while it was on its way."""


class Backlog:
    """First in, first out; ``changed`` is called when something comes."""

    def __init__(
        self,
        changed: Callable[[], None],
        limit: int = BACKLOG_MAX,
        *,
        emptied: Callable[[], None] = lambda: None,
    ) -> None:
        """``emptied`` is called when the server has the last one that waited."""
        self._changed = changed
        self._emptied = emptied
        self._limit = limit
        self._waiting: dict[int, Waiting] = {}
        self._by_key: dict[str, int] = {}
        self._last = 0
        self.lost = 0
        """Samples that were dropped since the agent started."""

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Waiting]:
        """Oldest first."""
        return iter(list(self._waiting.values()))

    def put(self, sample: Sample, key: str = "") -> None:
        """One more at the end."""
        if key:
            self._drop(self._by_key.get(key, 0))
        self._last += 1
        self._waiting[self._last] = Waiting(self._last, sample, key)
        if key:
            self._by_key[key] = self._last
        while len(self._waiting) > self._limit:
            self._drop(next(iter(self._waiting)))
            self.lost += 1
        self._changed()

    def done(self, waiting: Waiting) -> None:
        """The server has it."""
        self._drop(waiting.number)
        if not self._waiting:
            self._emptied()

    def lose(self, waiting: Waiting) -> None:
        """The server does not take it."""
        self._drop(waiting.number)
        self.lost += 1

    def tried(self, waiting: Waiting) -> None:
        """The session ended before the server had it. One that ends every session is lost."""
        # As it is now: its device may have got another name meanwhile.
        now = self._waiting.get(waiting.number)
        if now is None:
            return
        if now.tries + 1 >= TRIES_MAX:
            self.lose(now)
        else:
            self._waiting[now.number] = replace(now, tries=now.tries + 1)

    def split(self, waiting: Waiting, parts: list[Sample]) -> Waiting | None:
        """It fits into no message as a whole: the first part in its place, the rest at the end.

        With no parts it is lost.
        """
        if not parts:
            self.lose(waiting)
            return None
        first = replace(waiting, sample=parts[0])
        self._waiting[waiting.number] = first
        for part in parts[1:]:
            self.put(part)
        return first

    def renamed(self, old: str, new: str) -> None:
        """What waits for a device goes to its new name."""
        for number, each in list(self._waiting.items()):
            if each.sample.device == old:
                self._waiting[number] = replace(each, sample=replace(each.sample, device=new))

    def forget(self, device: str) -> None:
        """Nothing is said of this device any more."""
        for each in self:
            if each.sample.device == device:
                self._drop(each.number)

    def _drop(self, number: int) -> None:
        found = self._waiting.pop(number, None)
        if found is not None and self._by_key.get(found.key) == number:
            del self._by_key[found.key]
