"""``report.make``: one text for people who look for a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agent.bridge.rpc import Call, Method, Nothing

if TYPE_CHECKING:
    from agent.bridge.services import Services


class ReportText(msgspec.Struct, frozen=True, kw_only=True):
    """The report; nothing of it is kept."""

    name: str
    """For the file that it may become: ``mooring-report-20260131-120000.txt``."""
    text: str


def methods(services: Services) -> list[Method[Any, Any]]:
    """``report.make``."""

    async def make(_call: Call, _params: Nothing) -> ReportText:
        name, text = await services.report()
        return ReportText(name=name, text=text)

    summary = "Everything for a bug report in one text, without what is personal; takes seconds."
    return [Method("report.make", summary, Nothing, ReportText, make, own=True)]
