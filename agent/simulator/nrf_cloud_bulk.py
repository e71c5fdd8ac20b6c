"""Files that the simulated nRF Cloud carries out later: where they are, and what was wrong in them."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from agent.simulator.nrf_cloud_state import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from agent.simulator.nrf_cloud_http import Around


@dataclass(slots=True)
class Bulk:
    """One file."""

    team: str
    errors: list[str]
    waits: list[str]
    """What is said before it is done."""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    secret: str = field(default_factory=lambda: uuid.uuid4().hex, repr=False)
    """In the address of its errors, as no key is asked for there."""


class Bulks:
    """All files, and the calls about them."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self.all: dict[str, Bulk] = {}
        self.waits: tuple[str, ...] = ()
        """What the next files say, question by question, before they are done."""
        route = around.route
        self.routes = [
            route("GET", "/v1/bulk-ops-requests/{id}", "bulk", self._status),
            route("GET", "/bulk-errors/{secret}", "errors", self._errors),
        ]

    def answer(self, team: str, errors: Mapping[int, str]) -> Response:
        """It was taken, and is done: the answer that says where to ask."""
        texts = [f"[{number}]: {text}" for number, text in errors.items()]
        bulk = Bulk(team, texts, list(self.waits))
        self.all[bulk.id] = bulk
        return JSONResponse({"bulkOpsRequestId": bulk.id}, 202)

    async def _status(self, request: Request) -> Response:
        team = self._around.key(request, writes=False).team
        bulk = self.all.get(request.path_params["id"])
        if bulk is None or bulk.team != team:
            raise Refused(404, "Bulk operations request not found")
        end = "FAILED" if bulk.errors else "SUCCEEDED"
        moment = dt.datetime.fromtimestamp(self._around.now(), dt.UTC)
        said: dict[str, Any] = {
            "bulkOpsRequestId": bulk.id,
            "status": bulk.waits.pop(0) if bulk.waits else end,
            "endpoint": "PROVISION_DEVICE",
            "requestedAt": f"{moment:%Y-%m-%dT%H:%M:%S}.000Z",
        }
        if said["status"] == "FAILED":
            host = request.headers.get("host", "")
            said["errorSummaryUrl"] = f"{request.url.scheme}://{host}/bulk-errors/{bulk.secret}"
        return JSONResponse(said)

    async def _errors(self, request: Request) -> Response:
        for bulk in self.all.values():
            if bulk.secret == request.path_params["secret"]:
                return JSONResponse({"errors": bulk.errors})
        raise Refused(404, "No such file")
