"""``doctor.run``: what on this computer would stop provisioning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.bridge.outbox import Notification
from agent.bridge.rpc import Call, Method, Params
from agent.errors import Examination, Looked

if TYPE_CHECKING:
    from agent.bridge.services import Services


class RunDoctor(Params, frozen=True, kw_only=True):
    """How to look."""

    fix: bool = False
    """Also mend what can be mended without risk."""


def methods(services: Services) -> list[Method[Any, Any]]:
    """``doctor.run``."""

    async def run(call: Call, params: RunDoctor) -> Examination:
        def looked(progress: Looked) -> None:
            note = Notification("doctor.progress", progress)
            call.peer.outbox.notify(note, key="doctor.progress")

        return await services.examine(params.fix, looked)

    # It names files, programs and accounts of this computer, which is nothing for foreign pages.
    summary = "What on this computer would stop provisioning, and the mend; takes some seconds."
    return [Method("doctor.run", summary, RunDoctor, Examination, run, own=True)]
