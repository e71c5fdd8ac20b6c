"""Which jobs a peer may see: the own party all, a foreign page those it started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import UnknownJob
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.bridge.peer import Peer

OWNED_MAX = 10_000
"""Jobs of foreign pages that are remembered; the oldest are forgotten and then seen by the own
party only. A page that provisions for a whole day starts some hundreds."""


class JobOwners:
    """Which foreign party started which job. Lasts as long as the agent runs."""

    def __init__(self, owner_of: Callable[[str], object]) -> None:
        """``owner_of`` knows the party of a job from its first moment until it ends."""
        self._owner_of = owner_of
        self._owners: dict[str, str] = {}

    def add(self, job: str, peer: Peer) -> None:
        """``peer`` started ``job``."""
        if peer.own:
            return
        self._owners[job] = peer.party
        if len(self._owners) > OWNED_MAX:
            del self._owners[next(iter(self._owners))]

    def sees(self, peer: Peer, job: str) -> bool:
        """Whether ``peer`` may see, answer and cancel ``job``."""
        if peer.own or self._owners.get(job) == peer.party:
            return True
        return self._owner_of(job) == peer.party

    def require(self, peer: Peer, job: str) -> None:
        """Raise UnknownJob for a job of somebody else, as for one that does not exist."""
        if not self.sees(peer, job):
            raise UnknownJob(job=clean_text(job))

    def of(self, peer: Peer) -> list[str]:
        """The jobs that a foreign ``peer``'s party started, newest first."""
        return [job for job, party in reversed(self._owners.items()) if party == peer.party]
