"""How many rows of a batch are under way at a time. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

    from agent.jobs.batch_row import Row

PARALLEL: Final = {"arduino": 4, "thingsboard": 8, "none": 16, "flash": 4}
"""Jobs at a time where nobody says otherwise. Arduino Cloud takes 10 requests per second of an
account, and a job makes some ten; ThingsBoard answers each request at once, its boards wait for
their network; without a cloud only the boards work; writing sketches fills the bus of a hub."""
PARALLEL_MAX: Final = 32
"""A large hub; and as many requests as the agent takes of one program at a time."""


def has_room(row: Row, live: Collection[Row], parallel: int | None) -> bool:
    """Whether the row can be begun beside those that are under way; ``parallel``: as was asked."""
    if parallel is not None:
        return len(live) < parallel
    same = sum(_shares(other) == _shares(row) for other in live)
    return same < PARALLEL[_shares(row)] and len(live) < PARALLEL_MAX


def _shares(row: Row) -> str:
    """What rows have in common that are done at a time."""
    return "flash" if row.kind == "flash" else row.cloud or "none"
