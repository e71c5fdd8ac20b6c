"""Looking for boards in the air for as long as the settings say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Attendance:
    """Attends, or does not; may be told so any number of times."""

    def __init__(self, attend: Callable[[], Callable[[], None]]) -> None:
        """``attend`` begins, and what it returns ends that."""
        self._attend = attend
        self._leave: Callable[[], None] | None = None

    def keep(self, wanted: bool) -> None:
        """From now on attend, or no longer."""
        if wanted and self._leave is None:
            self._leave = self._attend()
        elif not wanted and self._leave is not None:
            self._leave()
            self._leave = None
