"""From a touch to the port of an upload, for boards that the catalogue does not know.

No I/O and no clock. The original takes the first port that is new; here a port is taken only if it
is in the socket of the board that was touched, or bears its number. Boards of the catalogue have a
better way (:class:`agent.flash.touch.BootloaderWait`). Source: agent-api-compat, section 8.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.flash.method import FlashTarget

APPEARS_S: Final = 10.0
"""How long the port of a bootloader may need to appear, as in the original."""
RESTART_S: Final = 0.5
"""After a touch that nothing is waited for; as in the original."""
SETTLED_S: Final = 0.2
"""How long a port must have been there without a break: some come, go and come again."""


class PortWait:
    """After the touch of one board; ``now`` is any clock that only grows, in seconds.

    ``touched`` is the port that was touched, ``present`` all that were there just before.
    """

    def __init__(self, touched: FlashTarget, present: Iterable[FlashTarget], now: float) -> None:
        self._touched = touched
        self._before = set(present)
        self._ends = now + APPEARS_S
        self._since: tuple[FlashTarget, float] | None = None

    @property
    def next_deadline(self) -> float:
        """When :meth:`look` must be called at the latest, also if no port came or went."""
        if self._since is None:
            return self._ends
        return min(self._ends, self._since[1] + SETTLED_S)

    def look(self, present: Iterable[FlashTarget], now: float) -> FlashTarget | None:
        """The board's port once it has settled; None: not yet, or none at all (:meth:`over`).

        To be called at each change: what vanishes between two calls is not new when it is back.
        """
        there = set(present)
        self._before &= there
        found = self._ours(there - self._before)
        if found is None:
            self._since = None
            return None
        if self._since is None or self._since[0] != found:
            self._since = (found, now)
        return found if now >= self._since[1] + SETTLED_S else None

    def over(self, now: float) -> bool:
        """Whether nothing is waited for any more."""
        return now >= self._ends

    def _ours(self, new: set[FlashTarget]) -> FlashTarget | None:
        """None, rather than one of two."""
        touched = self._touched
        if touched.location:
            here = [each for each in new if each.location == touched.location]
            if here:
                return here[0] if len(here) == 1 else None
            new = {each for each in new if not each.location}
        if touched.serial_number:
            numbered = [each for each in new if each.serial_number == touched.serial_number]
            if numbered:
                return numbered[0] if len(numbered) == 1 else None
        # Without a socket and a number only the vendor is left, and that nothing else came.
        loose = [each for each in new if not each.location and each.vid == touched.vid]
        return loose[0] if len(new) == 1 and loose and not touched.location else None
