"""Identify: read what a board is, and change nothing."""

from __future__ import annotations

import msgspec

from agent.jobs.board_steps import BoardSteps


class Identify(BoardSteps):
    """Result: the fields of :class:`agent.sessions.session.BoardFacts`."""

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        return [("read", "Read the board")]

    def _was_read(self) -> None:
        self._close(result=msgspec.to_builtins(self.facts))
