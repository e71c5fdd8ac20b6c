"""Uploads that run the real tool, as a kit of the jobs: what asks for one, and what does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.compat.tool_hands import ToolHands
from agent.compat.tool_steps import ToolFlash, ToolUpload, recovery
from agent.errors import InternalError
from agent.jobs.job import JobKind
from agent.jobs.planner import Way
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.boards.board import Board, Via
    from agent.catalog import Model
    from agent.jobs.facts import Fact
    from agent.jobs.kit import Hands, Hold
    from agent.jobs.machine import Machine
    from agent.jobs.request import Request


class ToolKit:
    """See :class:`agent.jobs.kit.RecoveringKit`."""

    def takes(self, request: Request, board: Board, model: Model | None) -> bool:  # noqa: ARG002 - the interface's
        """Only what :mod:`agent.compat.uploads` asks for: no page can name a program."""
        return request.kind is JobKind.FLASH and isinstance(request.image, ToolUpload)

    async def plan(
        self,
        request: Request,
        board: Board,  # noqa: ARG002 - the interface's
        model: Model | None,  # noqa: ARG002 - the interface's
        via: Via,  # noqa: ARG002 - the interface's
        *,
        attended: bool,  # noqa: ARG002 - nothing is asked
    ) -> Way:
        """The procedure; all was checked by whoever asks."""
        upload = request.image
        if not isinstance(upload, ToolUpload):
            raise InternalError(kind=type(upload).__name__)
        shown = {"sketch": clean_text(upload.name), "tool": upload.tool}
        return Way(ToolFlash(upload), shown=shown)

    def hands(self, hold: Hold) -> Hands:
        """For one job."""
        return ToolHands(hold)

    def recovery(self, facts: Sequence[Fact]) -> Machine | None:
        """See :class:`agent.jobs.kit.RecoveringKit`."""
        return recovery(facts)
