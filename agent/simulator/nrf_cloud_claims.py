"""The provisioning service of the simulated nRF Cloud: claims, rules, tags, commands.

Source: cloud-nrf, sections 4, 5 and 8.
"""

from __future__ import annotations

import csv
import io
import uuid
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
from starlette.responses import JSONResponse, Response

from agent.protocols.nrf.cose import Damaged
from agent.protocols.nrf.token import parse_token
from agent.simulator.nrf_cloud_commands import device_commands
from agent.simulator.nrf_cloud_http import page, read_body, read_object
from agent.simulator.nrf_cloud_state import Refused

if TYPE_CHECKING:
    from starlette.requests import Request

    from agent.simulator.nrf_cloud_bulk import Bulks
    from agent.simulator.nrf_cloud_http import Around

ROWS_MAX: Final = 1000
BulkShape = Literal["200", "201", "202"]


class ClaimCalls:
    """One method per call."""

    def __init__(self, around: Around, bulks: Bulks) -> None:
        self._around = around
        self._state = around.state
        self._bulks = bulks
        self.bulk_shape: BulkShape = "201"
        """How a file of claims is answered: at once with either status, or with a request's id."""
        route, path = around.route, "/v1/claimed-devices"
        one = f"{path}/{{id}}"
        self.routes = [
            route("POST", path, "claim", self._claim),
            route("GET", path, "claimed", self._list),
            route("GET", one, "claimed", self._one),
            route("DELETE", one, "unclaim", self._unclaim),
            route("POST", f"{one}/provisioning", "queue", self._queue),
            route("GET", f"{one}/provisioning", "command", self._commands),
            route("GET", f"{one}/provisioning/{{command}}", "command", self._command),
            route("DELETE", f"{one}/provisioning/{{command}}", "discard", self._discard),
            route("GET", "/v1/provisioning-rules", "rule", self._rules),
            route("POST", "/v1/provisioning-rules", "rule", self._add_rule),
            route("GET", "/v1/provisioning/tags", "tag", self._tags),
            route("POST", "/v1/provisioning/tags", "tag", self._add_tag),
        ]

    # --- claims ---

    async def _claim(self, request: Request) -> Response:
        team = self._around.key(request, writes=True).team
        body = await read_body(request)
        # A published client names the type of its file in a header that nobody else has, so the
        # body decides.
        if not body.lstrip().startswith(b"{"):
            return self._claim_file(team, body)
        said = _as_object(body)
        text, tags = said.get("claimToken"), said.get("tags", [])
        if not isinstance(text, str) or not isinstance(tags, list):
            raise Refused(400, "claimToken must be text and tags a list")
        dry = request.query_params.get("dryrun") == "true"
        claimed = self._state.claim(team, text, tuple(map(str, tags)), dry=dry)
        if claimed is None:
            return JSONResponse({"message": "Device can be claimed"}, 202)
        return JSONResponse(claimed.as_json(), 201)

    def _claim_file(self, team: str, body: bytes) -> Response:
        try:
            rows = list(csv.reader(io.StringIO(body.decode()), strict=True))
        except (csv.Error, UnicodeDecodeError):
            raise Refused(400, "Invalid CSV") from None
        rows = [row for row in rows if row]
        if not 0 < len(rows) <= ROWS_MAX:
            raise Refused(400, f"A file must have 1 to {ROWS_MAX} rows")
        claimed: list[str] = []
        failed: list[dict[str, Any]] = []
        errors: dict[int, str] = {}
        for number, row in enumerate(rows):
            tags = tuple(part.strip() for part in (row[1].split(",") if len(row) > 1 else []))
            try:
                found = self._state.claim(team, row[0], tuple(filter(None, tags)), dry=False)
            except Refused as refused:
                entry = {"row": number, "deviceId": _device_id(row[0]), "message": str(refused)}
                failed.append(entry)
                errors[number] = str(refused)
            else:
                claimed.append(found.id if found else "")
        if self.bulk_shape == "202":
            return self._bulks.answer(team, errors)
        return JSONResponse({"claimedIds": claimed, "failed": failed}, int(self.bulk_shape))

    async def _list(self, request: Request) -> Response:
        team = self._around.key(request, writes=False).team
        mine = [c.as_json() for c in self._state.claims.values() if c.team == team]
        return page(request, mine)

    async def _one(self, request: Request) -> Response:
        team = self._around.key(request, writes=False).team
        return JSONResponse(self._state.claimed(team, request.path_params["id"]).as_json())

    async def _unclaim(self, request: Request) -> Response:
        team = self._around.key(request, writes=True).team
        self._state.unclaim(team, request.path_params["id"])
        return Response(status_code=204)

    # --- commands ---

    async def _queue(self, request: Request) -> Response:
        team = self._around.key(request, writes=True).team
        claimed = self._state.claimed(team, request.path_params["id"])
        said = await read_object(request)
        description = str(said.get("description", ""))
        command = self._state.queue(claimed, said.get("request"), description)
        return JSONResponse(command.as_json(), 201)

    async def _commands(self, request: Request) -> Response:
        team = self._around.key(request, writes=False).team
        claimed = self._state.claimed(team, request.path_params["id"])
        return page(request, [command.as_json() for command in claimed.commands])

    async def _command(self, request: Request) -> Response:
        team = self._around.key(request, writes=False).team
        claimed = self._state.claimed(team, request.path_params["id"])
        return JSONResponse(claimed.command(request.path_params["command"]).as_json())

    async def _discard(self, request: Request) -> Response:
        team = self._around.key(request, writes=True).team
        claimed = self._state.claimed(team, request.path_params["id"])
        claimed.commands.remove(claimed.command(request.path_params["command"]))
        return Response(status_code=204)

    # --- rules and tags ---

    async def _rules(self, request: Request) -> Response:
        team = self._around.key(request, writes=False).team
        return page(request, self._state.rules.get(team, []))

    async def _add_rule(self, request: Request) -> Response:
        team = self._around.key(request, writes=True).team
        said = await read_object(request)
        rules = self._state.rules.setdefault(team, [])
        if any(rule["name"] == said.get("name") for rule in rules):
            raise Refused(409, "A rule with this name exists")
        commands, tags = said.get("commands"), said.get("tags")
        if not isinstance(commands, list) or not isinstance(tags, list) or not said.get("name"):
            raise Refused(400, "name, tags and commands are needed")
        for command in commands:
            device_commands(command.get("request") if isinstance(command, dict) else None)
        rule = {"active": True, "description": "", **said, "id": str(uuid.uuid4())}
        rules.append(rule)
        return JSONResponse(rule, 201)

    async def _tags(self, request: Request) -> Response:
        team = self._around.key(request, writes=False).team
        return page(request, self._state.tags.get(team, []))

    async def _add_tag(self, request: Request) -> Response:
        team = self._around.key(request, writes=True).team
        said = await read_object(request)
        tags = self._state.tags.setdefault(team, [])
        if not isinstance(said.get("tag"), str) or not said["tag"]:
            raise Refused(400, "tag is needed")
        if any(tag["tag"] == said["tag"] for tag in tags):
            raise Refused(409, "Tag exists")
        tags.append({"tag": said["tag"], "description": str(said.get("description", ""))})
        return JSONResponse(tags[-1], 201)


def _as_object(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Refused(400, "Invalid request body") from None


def _device_id(text: str) -> str:
    try:
        return parse_token(text, unsigned=True).device_id
    except Damaged:
        return ""
