"""JSON-RPC 2.0 without a transport: methods, their parameters as types, and errors.

A method is one :class:`Method`: the struct of its params gives the check, the type and the schema
at once. :meth:`Dispatcher.handle` takes one message of a :class:`Peer` and posts the answer to the
peer's outbox. Batches are refused: a connection is cheap and answers come in any order anyway.

Params and results are never logged: they may hold passwords.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

from agent.bridge.fields import decode_field
from agent.errors import (
    BadMessage,
    InputError,
    InternalError,
    MooringError,
    NotAllowed,
    UnknownMethod,
)
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent.bridge.peer import Peer
    from agent.bridge.scopes import Scope

NOT_JSON = -32700
NOT_A_REQUEST = -32600
METHOD_UNKNOWN = -32601
WRONG_PARAMS = -32602
FAILED = -32000
"""Everything else; ``error.data.code`` says what."""

METHOD_NAME_CHARS = 64

_logger = logging.getLogger(__name__)


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all params: by name, and an unknown name is an error."""


class Nothing(Params, frozen=True, kw_only=True):
    """No params, or an empty result."""


class Call:
    """One request being answered."""

    __slots__ = ("_after", "peer")

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self._after: list[Callable[[], None]] = []

    def when_answered(self, action: Callable[[], None]) -> None:
        """Run ``action`` right after the answer was queued; never if the call fails."""
        self._after.append(action)

    def answered(self) -> None:
        """The answer is queued."""
        for action in self._after:
            action()


P = TypeVar("P", bound=Params)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Method(Generic[P, R]):
    """A method: its name, the types of params and result, and what runs it."""

    name: str
    summary: str
    """One sentence for the published document."""
    params: type[P]
    result: type[R]
    run: Callable[[Call, P], Awaitable[R]]
    own: bool = False
    """Only for the agent's own page and programs of this user."""
    scope: Scope | None = None
    """What a foreign page must have been allowed; None, where it is not ``own``: anything."""


class _Request(msgspec.Struct):
    jsonrpc: str
    method: str
    params: Raw | UnsetType = UNSET
    id: Raw | UnsetType = UNSET


class _IdOnly(msgspec.Struct):
    id: Raw | UnsetType = UNSET


class Dispatcher:
    """The methods of the bridge; the same for a WebSocket and for a command in this process."""

    def __init__(self) -> None:
        self._methods: dict[str, Method[Any, Any]] = {}

    @property
    def methods(self) -> list[Method[Any, Any]]:
        """All methods, by name."""
        return sorted(self._methods.values(), key=lambda method: method.name)

    def add(self, method: Method[Any, Any]) -> None:
        """Register a method; a name is used once."""
        if method.name in self._methods:
            msg = f"two methods are called {method.name}"
            raise ValueError(msg)
        self._methods[method.name] = method

    async def handle(self, peer: Peer, message: str | bytes) -> None:
        """Take one message of ``peer`` and post the answer, unless it is a notification."""
        try:
            request = _decode(message)
        except _Refused as refused:
            _post(peer, refused.id, refused.error, refused.rpc_code)
            return
        call = Call(peer)
        try:
            result = await self._run(call, request)
            answer = None if request.id is UNSET else _answer(request.id, result)
        except MooringError as error:
            _post(peer, request.id, error)
            return
        except Exception as error:
            # Only the kind travels; the text of a foreign exception may hold anything.
            _logger.exception("%s failed", clean_text(request.method, METHOD_NAME_CHARS))
            _post(peer, request.id, InternalError(kind=type(error).__name__))
            return
        if answer is not None:
            peer.outbox.post(answer)
        call.answered()

    def refuse(self, peer: Peer, message: str | bytes, error: MooringError) -> None:
        """Answer a message with ``error`` without running it."""
        try:
            identity = _decode(message).id
        except _Refused as refused:
            identity = refused.id
        _post(peer, identity, error)

    async def _run(self, call: Call, request: _Request) -> object:
        method = self._methods.get(request.method)
        if method is None:
            raise UnknownMethod(method=clean_text(request.method, METHOD_NAME_CHARS))
        if method.own and not call.peer.own:
            raise NotAllowed(method=method.name)
        if method.scope is not None:
            call.peer.require(frozenset({method.scope}))
        return await method.run(call, _convert(method.params, request.params))


class _Refused(Exception):
    """A message that names no method to run."""

    def __init__(self, rpc_code: int, problem: str, identity: Raw | UnsetType) -> None:
        self.rpc_code = rpc_code
        self.error = BadMessage(problem=problem)
        self.id = identity


def rpc_code(error: MooringError) -> int:
    """JSON-RPC's number for an error."""
    if isinstance(error, InputError):
        return WRONG_PARAMS
    return METHOD_UNKNOWN if isinstance(error, UnknownMethod) else FAILED


def _decode(message: str | bytes) -> _Request:
    try:
        request = msgspec.json.decode(message, type=_Request)
    except msgspec.ValidationError as error:
        raise _not_a_request(message, error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _Refused(NOT_JSON, "it is not valid JSON", Raw(b"null")) from None
    if request.id is not UNSET and not _legal_id(request.id):
        problem = "the id is neither a string nor a number nor null"
        raise _Refused(NOT_A_REQUEST, problem, Raw(b"null"))
    if request.jsonrpc != "2.0":
        raise _Refused(NOT_A_REQUEST, "jsonrpc is not “2.0”", _known_id(request.id))
    return request


def _not_a_request(message: str | bytes, error: msgspec.ValidationError) -> _Refused:
    try:
        value = msgspec.json.decode(message, type=Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Refused(NOT_JSON, "it is not valid JSON", Raw(b"null"))
    if bytes(value).lstrip()[:1] == b"[":
        problem = "batches are not supported; send one object per message"
        return _Refused(NOT_A_REQUEST, problem, Raw(b"null"))
    field, problem = explain(str(error))
    try:
        identity = msgspec.json.decode(message, type=_IdOnly).id
    except msgspec.DecodeError:
        identity = UNSET
    if identity is UNSET or not _legal_id(identity):
        identity = Raw(b"null")
    return _Refused(NOT_A_REQUEST, f"{field} {problem}" if field else problem, identity)


def _known_id(identity: Raw | UnsetType) -> Raw:
    return Raw(b"null") if identity is UNSET else identity


def _legal_id(identity: Raw) -> bool:
    # Kept as written: a number may be larger or finer than ours.
    return bytes(identity).lstrip()[:1] not in {b"{", b"[", b"t", b"f"}


def _convert(kind: type[P], params: Raw | UnsetType) -> P:
    source = b"{}" if params is UNSET else bytes(params)
    try:
        return msgspec.json.decode(source, type=kind, dec_hook=decode_field)
    except msgspec.ValidationError as error:
        field, problem = explain(str(error))
        raise InputError(field=field or "params", problem=problem) from None
    except (msgspec.DecodeError, RecursionError):
        raise InputError(field="params", problem="is not valid JSON") from None


def explain(message: str) -> tuple[str, str]:
    """Field and problem out of a message of msgspec, which may end in `` - at `$.path` ``."""
    problem, _, path = message.partition(" - at `$")
    where = path.rstrip("`").lstrip(".")
    named = re.fullmatch(r"Object (missing required|contains unknown) field `(.*)`", problem)
    if named:
        field = f"{where}.{named[2]}" if where else named[2]
        said = "is missing" if named[1] == "missing required" else "is not a known field"
        return clean_text(field), said
    expected = re.fullmatch(r"Expected `(.*)`, got `(.*)`", problem)
    if expected:
        return clean_text(where), f"must be of type {expected[1]}, not {expected[2]}"
    # Other messages may quote the value (“Invalid enum value …”), which is text of the peer.
    return clean_text(where), clean_text(problem[:1].lower() + problem[1:].replace("`", ""))


def _answer(identity: Raw, result: object) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "id": identity, "result": result})


def _post(
    peer: Peer, identity: Raw | UnsetType, error: MooringError, code: int | None = None
) -> None:
    if identity is UNSET:
        return
    report = error.report()
    body = {"code": code or rpc_code(error), "message": report.title, "data": report}
    peer.outbox.post(msgspec.json.encode({"jsonrpc": "2.0", "id": identity, "error": body}))
