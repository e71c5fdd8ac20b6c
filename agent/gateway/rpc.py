"""Calls of the server: list boards, set one up, give one another network.

Each is switched on by itself in the settings, and none is at first. What is asked for is carried
out as a job like any other, with nobody there to answer: the same checks, the same journal.
Passwords are no part of it (:mod:`agent.gateway.networks`).
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.clouds.enrolment import CredentialsKind
from agent.errors import InputError, InternalError, MooringError, RateExceeded, UnknownBoard
from agent.jobs.enrol_effects import WayKind
from agent.protocols.thingsboard.gateway import refusal
from agent.settings import Secret, clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.boards.board import Board
    from agent.gateway.boards import Presence
    from agent.gateway.jobs import Jobs
    from agent.gateway.networks import StoredNetworks
    from agent.protocols.thingsboard.gateway import Call
    from agent.settings.config_gateway import GatewayConfig

ANSWER_S: Final = 4.0
"""A server waits at least 5 s for an answer, and 10 s unless told otherwise. Where the checks take
longer, because they ask a cloud, what becomes of them is told as a value."""
PAGE: Final = 100
"""Boards in one answer, unless fewer fit."""
BOARDS: Final = "boards"
PROVISION: Final = "provision"
CONFIGURE: Final = "configure"
BAD: Final = 400
FORBIDDEN: Final = 403
ABSENT: Final = 404
CONFLICT: Final = 409
TOO_MANY: Final = 429
ACCEPTED: Final = 202
TEXT_MOST: Final = 10_000

_log = logging.getLogger(__name__)


class _Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the three."""


class BoardsParams(_Params, frozen=True, kw_only=True):
    """``boards``: which part of the list."""

    offset: int = 0
    limit: int = PAGE


class ConfigureParams(_Params, frozen=True, kw_only=True):
    """``configure``: a network that this agent knows by name."""

    network: str
    board: str | None = None
    """Id, or name of the sub-device; not in a call to a sub-device."""
    confirmed: bool = False


class ProvisionParams(_Params, frozen=True, kw_only=True):
    """``provision``: see ``jobs.start``; without what only a person at the computer can know."""

    board: str | None = None
    cloud: str | None = None
    name: str | None = None
    network: str | None = None
    model: str | None = None
    credentials: CredentialsKind | None = None
    delivery: WayKind | None = None
    confirmed: bool = False


class Calls:
    """Answers calls; every answer comes within :data:`ANSWER_S`."""

    def __init__(
        self,
        jobs: Jobs,
        presence: Presence,
        networks: StoredNetworks,
        *,
        config: Callable[[], GatewayConfig],
        late: Callable[[dict[str, Any]], None],
        answer_s: float = ANSWER_S,
    ) -> None:
        """``late`` gets as values what became of a job whose checks took longer."""
        self._jobs = jobs
        self._presence = presence
        self._networks = networks
        self._config = config
        self._late = late
        self._answer_s = answer_s
        self._started: dict[str, tuple[dict[str, Any], str]] = {}
        self._checking: set[asyncio.Task[str]] = set()

    async def close(self) -> None:
        """Give up what is still being checked."""
        for task in self._checking:
            task.cancel()
        if self._checking:
            await asyncio.wait(self._checking)

    async def answer(self, call: Call, room: int) -> dict[str, Any]:
        """The answer; never raises. ``room`` is how many bytes of it the server takes."""
        allowed = self._allowed(call)
        if allowed is None:
            return refusal(ABSENT, f"Method not found: {call.method}")
        if not allowed:
            setting = f"gateway.allow_{call.method}"
            return refusal(FORBIDDEN, f"Not allowed here: the setting {setting} is off.")
        try:
            if call.method == BOARDS:
                return self._boards(_read(call.params, BoardsParams), room)
            kind = ProvisionParams if call.method == PROVISION else ConfigureParams
            return await self._start(call, _read(call.params, kind))
        except MooringError as error:
            return explain(error)
        except Exception as error:  # noqa: BLE001 - a defect is answered, and told in the log
            _log.error("a call of the server failed", exc_info=True)
            return explain(InternalError(kind=type(error).__name__))

    def _allowed(self, call: Call) -> bool | None:
        config = self._config()
        methods = {PROVISION: config.allow_provision, CONFIGURE: config.allow_configure}
        if not call.device:
            methods[BOARDS] = config.allow_boards
        return methods.get(call.method)

    def _boards(self, params: BoardsParams, room: int) -> dict[str, Any]:
        if params.offset < 0 or not 0 < params.limit <= PAGE:
            raise InputError(field="limit", problem=f"is from 1 to {PAGE}, and offset from 0")
        names = sorted(self._presence.present)
        listed: list[dict[str, Any]] = []
        answer: dict[str, Any] = {"boards": listed, "total": len(names), "next": None}
        for number, name in enumerate(names[params.offset : params.offset + params.limit]):
            board = self._presence.board(name)
            if board is None:
                continue
            listed.append(_shown(name, board))
            if len(msgspec.json.encode(answer)) > room:
                listed.pop()
                return answer | {"next": params.offset + number}
        end = params.offset + params.limit
        return answer | {"next": end if end < len(names) else None}

    async def _start(self, call: Call, params: ProvisionParams | ConfigureParams) -> dict[str, Any]:
        board = self._board(call, params.board)
        request: dict[str, Any] = {"kind": call.method, "board": board}
        for field in params.__struct_fields__:
            value = getattr(params, field)
            if field not in {"board", "network"} and value not in (None, False):
                request[field] = value
        asked = request | {"network": params.network}
        again = self._running(board, asked)
        if again is not None:
            return {"job": again, "already": True}
        task = asyncio.create_task(self._begin(request, params.network))
        self._checking.add(task)
        task.add_done_callback(self._checking.discard)
        answered = False
        try:
            answered = bool((await asyncio.wait({task}, timeout=self._answer_s))[0])
        finally:
            if not answered:  # too late, or the session is over
                task.add_done_callback(lambda done: self._told_late(call, board, asked, done))
        if not answered:
            return {"job": None, "code": ACCEPTED, "call": call.id}
        job = task.result()
        _log.info("The server has started job %s: %s of %s", job, call.method, board)
        self._started[board] = (asked, job)
        return {"job": job}

    async def _begin(self, request: dict[str, Any], network: str | None) -> str:
        if network is not None:  # a keyring may wait for its owner
            request["network"] = await self._network(network)
        return await self._jobs.start(request, attended=False, owner=self)

    def _running(self, board: str, asked: dict[str, Any]) -> str | None:
        """The job that this very call has started already, if it has not ended.

        A server that lost the answer asks again.
        """
        for other, (_, job) in list(self._started.items()):
            if self._jobs.owner_of(job) is not self:
                del self._started[other]
        before, job = self._started.get(board, ({}, ""))
        return job if before == asked else None

    def _told_late(
        self, call: Call, board: str, asked: dict[str, Any], task: asyncio.Task[str]
    ) -> None:
        if task.cancelled():
            return
        values: dict[str, Any] = {"call": call.id, "call_method": call.method}
        failed = task.exception()
        if isinstance(failed, MooringError):
            values["call_error"] = failed.code
        elif failed is not None:
            _log.error("a call of the server failed", exc_info=failed)
            values["call_error"] = InternalError.code
        else:
            values["call_job"] = task.result()
            self._started[board] = (asked, task.result())
        self._late(values)

    def _board(self, call: Call, wanted: str | None) -> str:
        if call.device:
            if wanted is not None:
                raise InputError(field="board", problem="is not used in a call to a sub-device")
            wanted = call.device
        if wanted is None:
            raise InputError(field="board", problem="is missing")
        there = self._presence.present
        if wanted in there:
            return there[wanted]
        if wanted in there.values():
            return wanted
        raise UnknownBoard(query=clean_text(wanted))

    async def _network(self, name: str) -> dict[str, Any]:
        setting = await self._networks.get(name)
        if setting is None:
            problem = (
                "is not the name of a network that this agent knows; "
                "give it one there with “mooring gateway add-network”"
            )
            raise InputError(field="network", problem=problem)
        plain: dict[str, Any] = msgspec.to_builtins(setting, builtin_types=(Secret,))
        return plain


def explain(error: MooringError) -> dict[str, Any]:
    """An error as an answer, without its facts: they name boards, people's words and places."""
    if isinstance(error, InputError):
        field, problem = str(error.facts.get("field")), str(error.facts.get("problem"))
        return refusal(BAD, f"{field} {problem}", reason=error.code, field=field)
    code = CONFLICT
    if isinstance(error, UnknownBoard):
        code = ABSENT
    elif isinstance(error, RateExceeded):
        code = TOO_MANY
    elif isinstance(error, InternalError):
        code = 500
    sentences = (type(error).title, type(error).meaning, "It cannot be done now.")
    sentence = next(each for each in sentences if each and "{" not in each)
    return refusal(code, sentence, reason=error.code)


def _read(params: object, kind: type[Any]) -> Any:  # noqa: ANN401 - an instance of ``kind``
    """Parameters as types; dashboards may send them as text, and nothing for none."""
    if isinstance(params, str) and len(params) <= TEXT_MOST:
        try:
            params = msgspec.json.decode(params) if params.strip() else None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise InputError(field="params", problem="is text that is no JSON") from None
    if params in (None, []):
        params = {}
    if not isinstance(params, dict):
        raise InputError(field="params", problem="is no object")
    if isinstance(params.get("network"), dict):
        problem = (
            "must be a name: settings with a password are not taken from a server, because it "
            "stores what it asks for"
        )
        raise InputError(field="network", problem=problem)
    unknown = [name for name in params if name not in kind.__struct_fields__]
    if unknown:
        raise InputError(
            field=clean_text(str(unknown[0]), 40), problem="is not a parameter of this"
        )
    try:
        return msgspec.convert(params, kind)
    except msgspec.ValidationError as error:
        problem, _, path = str(error).partition(" - at `$")
        field = path.rstrip("`").lstrip(".")
        if "missing required" in problem:
            raise InputError(field="network", problem="is missing") from None
        shown = "is not one of the known words" if "Invalid enum" in problem else problem.lower()
        raise InputError(field=field or "params", problem=clean_text(shown)) from None


def _shown(name: str, board: Board) -> dict[str, Any]:
    return {
        "device": name,
        "board": board.id,
        "model": board.model,
        "state": board.state.value,
        "link": board.via,
        "provisioning": board.provisioning.installed,
    }
