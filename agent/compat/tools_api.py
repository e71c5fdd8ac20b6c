"""``/v2/pkgs/tools``: which tools there are, and installing and removing them.

The page's client takes each failure apart as JSON, and stays "in progress" for ever where it is
none; so every answer below ``/v2`` is JSON. Source: agent-api-compat, section 9.
"""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Final, NoReturn

import msgspec

from agent.compat.answer import Answer
from agent.compat.tool_command import VERB, DownloadTool
from agent.errors import MooringError, ToolNotForSystem, ToolUnknown
from agent.flash.toolstore.index import archive_of
from agent.flash.toolstore.tool import tool_id
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent.compat.answer import Asked
    from agent.compat.drop_in import DropIn
    from agent.compat.signature import CommandKey
    from agent.compat.tool_installs import ToolInstalls
    from agent.flash.toolstore.install import Toolbox
    from agent.flash.toolstore.tool import ToolId

PREFIX: Final = "/v2"
"""All paths of this interface begin so, with a ``/`` or nothing behind."""
BODY_LIMIT: Final = 64 * 1024
"""Bytes of a body: two addresses, a signature and some names."""

INSTALLED: Final = "/v2/pkgs/tools/installed"
AVAILABLE: Final = "/v2/pkgs/tools/available"

_OK: Final = Answer(200, b'{"status":"ok"}')
_logger = logging.getLogger(__name__)


METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""What may be asked, so that a method of no use is told in JSON as well."""
READ_LIMIT: Final = 1024 * 1024
"""Bytes of a body that are read, so that one that is too long is told in JSON as well."""


class _Tool(msgspec.Struct, frozen=True):
    name: str
    version: str
    packager: str


class _Wanted(msgspec.Struct, frozen=True):
    name: str | None = None
    version: str | None = None
    packager: str | None = None
    url: str | None = None
    checksum: str | None = None
    signature: str | None = None


class _Error(msgspec.Struct, frozen=True):
    name: str
    id: str
    message: str
    temporary: bool
    timeout: bool
    fault: bool


class _WrongError(Exception):
    """The answer to a request that cannot be done."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(answer.status)


class ToolsApi:
    """Answers everything below :data:`PREFIX`."""

    def __init__(
        self, toolbox: Toolbox, installs: ToolInstalls, key: Callable[[], CommandKey]
    ) -> None:
        """``key``: whose signature counts; it may raise :class:`agent.errors.InputError`."""
        self._toolbox = toolbox
        self._installs = installs
        self._key = key

    async def __call__(self, asked: Asked) -> Answer:
        """A route of the drop-in; raises nothing."""
        try:
            return await self._answer(asked)
        except _WrongError as wrong:
            return wrong.answer
        except (ToolUnknown, ToolNotForSystem) as error:
            return failure(400, "not_found", _told(error))
        except MooringError as error:
            return failure(500, "fault", _told(error), temporary=error.retryable)
        except Exception:
            _logger.exception("the tools interface failed")
            return failure(500, "fault", "The log of the agent says why.")

    async def _answer(self, asked: Asked) -> Answer:
        method, path = asked.method, asked.path
        if path == AVAILABLE:
            _require(method, "GET", "HEAD")
            return _listed(await self._toolbox.available())
        if path == INSTALLED:
            _require(method, "GET", "HEAD", "POST")
            if method == "POST":
                return await self._install(asked)
            if method == "HEAD":
                # Asked of every agent: that it is there is the answer.
                return Answer(200)
            return _listed(tool.id for tool in await self._toolbox.installed())
        parts = path.removeprefix(f"{INSTALLED}/").split("/")
        if path.startswith(f"{INSTALLED}/") and len(parts) == 3:
            _require(method, "DELETE")
            _require_flash(asked)
            _decode(asked.body)
            await self._toolbox.remove(*parts)
            return _OK
        return failure(404, "not_found", f"There is no {clean_text(path, 80)} here.")

    async def _install(self, asked: Asked) -> Answer:
        _require_flash(asked)
        wanted = _decode(asked.body)
        name = _field("name", wanted.name)
        version = _field("version", wanted.version)
        packager = _field("packager", wanted.packager)
        url, checksum, signature = wanted.url, wanted.checksum, wanted.signature
        if url is None or checksum is None or signature is None:
            # As in the original, one or two of them say nothing.
            await self._installs.install(packager, name, version, keep=False)
            return _OK
        # Before anything else: what nobody answers for is not even looked at.
        self._key().check(url, signature)
        tool = tool_id(packager, name, version)
        await self._installs.install_from(tool, archive_of(url, checksum))
        return _OK


def add_tools(
    drop_in: DropIn, toolbox: Toolbox, installs: ToolInstalls, key: Callable[[], CommandKey]
) -> None:
    """Let the drop-in answer :data:`PREFIX`, and its hub ``downloadtool``."""
    api = ToolsApi(toolbox, installs, key)
    for path in (PREFIX, f"{PREFIX}/*"):
        drop_in.add_route(path, METHODS, api, READ_LIMIT)
    drop_in.hub.commands[VERB] = DownloadTool(installs)


def failure(status: int, name: str, message: str, *, temporary: bool = False) -> Answer:
    """A failure as the client reads it; ``name`` is one of the original agent's."""
    error = _Error(
        name=name,
        id=secrets.token_urlsafe(6),
        message=message,
        temporary=temporary,
        timeout=False,
        fault=status >= 500,
    )
    return Answer(status, msgspec.json.encode(error))


def _told(error: MooringError) -> str:
    report = error.report()
    return f"{report.title} {report.meaning}".rstrip()


def _listed(tools: Iterable[ToolId]) -> Answer:
    found = [_Tool(tool.name, tool.version, tool.packager) for tool in tools]
    return Answer(200, msgspec.json.encode(found))


def _require(method: str, *methods: str) -> None:
    if method not in methods:
        _refuse(405, "method_not_allowed", f"Only {', '.join(methods)} can be done here.")


def _require_flash(asked: Asked) -> None:
    if not asked.may("flash"):
        message = "This page may not install tools: it was not allowed to write to boards."
        _refuse(403, "forbidden", message)


def _decode(body: bytes) -> _Wanted:
    if not body.strip():
        _refuse(400, "missing_payload", "The body is missing; it is a JSON object.")
    if len(body) > BODY_LIMIT:
        _refuse(400, "decode_payload", f"The body is longer than {BODY_LIMIT} bytes.")
    try:
        return msgspec.json.decode(body, type=_Wanted)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        _refuse(400, "decode_payload", clean_text(f"The body is not understood: {error}."))


def _field(name: str, value: str | None) -> str:
    if value is None:
        _refuse(400, "missing_field", f'"{name}" is missing from the body.')
    return value


def _refuse(status: int, name: str, message: str) -> NoReturn:
    raise _WrongError(failure(status, name, message))
