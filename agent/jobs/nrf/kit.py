"""The family of boards that nRF Cloud has: which jobs are theirs, and what does them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.jobs.job import JobKind
from agent.jobs.nrf.hands import NrfHands
from agent.jobs.nrf.plan import nrf_way
from agent.jobs.nrf.recover import recovery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.boards.board import Board, Via
    from agent.catalog import Catalog, Model
    from agent.clouds.nrf.cloud import NrfCloud
    from agent.jobs.facts import Fact
    from agent.jobs.kit import Hands, Hold
    from agent.jobs.machine import Machine
    from agent.jobs.planner import Way
    from agent.jobs.request import Request

FAMILY: Final = "nrf"
"""What the catalogue and the list of boards call it."""
_KINDS: Final = frozenset({JobKind.IDENTIFY, JobKind.PROVISION, JobKind.RENEW, JobKind.REMOVE})


class NrfKit:
    """See :class:`agent.jobs.kit.RecoveringKit`."""

    def __init__(self, cloud: NrfCloud, catalog: Catalog) -> None:
        self._cloud = cloud
        self._catalog = catalog

    def takes(self, request: Request, board: Board, model: Model | None) -> bool:
        """Whatever names its cloud, and to identify the boards that can be nothing else."""
        if request.kind is JobKind.IDENTIFY and request.cloud is None:
            return self._is_family(board, model)
        return request.kind in _KINDS and request.cloud == self._cloud.id

    async def plan(
        self, request: Request, board: Board, model: Model | None, via: Via, *, attended: bool
    ) -> Way:
        """See :func:`agent.jobs.nrf.plan.nrf_way`."""
        del model
        return await nrf_way(request, board, self._cloud, via, attended=attended)

    def hands(self, hold: Hold) -> Hands:
        """For one job."""
        return NrfHands(hold, self._cloud)

    def recovery(self, facts: Sequence[Fact]) -> Machine | None:
        """See :class:`agent.jobs.kit.RecoveringKit`."""
        return recovery(facts)

    def _is_family(self, board: Board, model: Model | None) -> bool:
        if board.provisioning.installed == FAMILY:
            return True
        found = [model] if model else [self._catalog.get(each) for each in board.candidates]
        return bool(found) and all(each and FAMILY in each.provisioning for each in found)
