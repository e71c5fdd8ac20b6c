"""Commands to a simulator that runs as a program: one JSON object per line, an answer to each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from agent.errors import InputError, MooringError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LINE_BYTES: Final = 256 * 1024
"""Longest command: a world with some thousand networks."""

_Command = TypeVar("_Command", bound=msgspec.Struct)


async def answer_line(
    line: bytes, kind: type[_Command], obey: Callable[[_Command], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    """Carry out a command; the answer to it, with its ``id`` if it has one.

    Never raises for what a line contains.
    """
    said: object = None
    answer: dict[str, Any]
    try:
        said = _decode(line)
        answer = {"ok": True, **await obey(_convert(said, kind))}
    except MooringError as error:
        answer = {"error": msgspec.to_builtins(error.report())}
    return {"id": said["id"], **answer} if isinstance(said, dict) and "id" in said else answer


def _decode(line: bytes) -> object:
    if len(line) > LINE_BYTES:
        raise InputError(field="command", problem=f"is longer than {LINE_BYTES} bytes")
    try:
        return msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise InputError(field="command", problem="is not one JSON object per line") from None


def _convert(said: object, kind: type[_Command]) -> _Command:
    try:
        return msgspec.convert(said, kind)
    except msgspec.ValidationError as error:
        raise InputError(field="command", problem=str(error)) from None
