"""What the tray's parts on Linux share: how a bus is asked, and how it fails."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dbus_fast.constants import ErrorType, MessageType
from dbus_fast.errors import AuthError, DBusError, InvalidAddressError
from dbus_fast.message import Message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dbus_fast.aio import MessageBus

BUS: Final = "org.freedesktop.DBus"
BUS_PATH: Final = "/org/freedesktop/DBus"
ANSWER_LIMIT_S: Final = 5.0
"""A bus answers within milliseconds; a panel that is busy drawing, or a program that has to be
started first, within a second or two."""
BUS_ERRORS: Final = (OSError, EOFError, DBusError, AuthError, InvalidAddressError)
"""A bus is absent, refuses, has gone, or is silent."""

_log = logging.getLogger(__name__)


async def call(
    bus: MessageBus, service: str, path: str, member: str, signature: str, body: Sequence[Any]
) -> list[Any]:
    """Ask ``service``, whose interface has the same name; the values of the answer.

    Raises :class:`DBusError`, also if there is no answer within ANSWER_LIMIT_S.
    """
    message = Message(
        destination=service,
        path=path,
        interface=service,
        member=member,
        signature=signature,
        body=list(body),
    )
    try:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            reply = await bus.call(message)
    except TimeoutError:
        raise DBusError(ErrorType.NO_REPLY, "no answer") from None
    if reply is None:
        return []
    if reply.message_type is MessageType.ERROR:
        text = str(reply.body[0]) if reply.body else "no reason given"
        raise DBusError(reply.error_name or f"{BUS}.Error.Failed", text)
    return list(reply.body)


def session_address(environ: Mapping[str, str] = os.environ) -> str:
    """Where the bus of this login is; raises FileNotFoundError if there is none.

    dbus-fast would look for what ``dbus-launch`` left in the home folder instead of the socket that
    every login with systemd has.
    """
    told = environ.get("DBUS_SESSION_BUS_ADDRESS")
    if told:
        return told
    folder = environ.get("XDG_RUNTIME_DIR")
    if folder and (socket := Path(folder, "bus")).exists():
        return f"unix:path={socket}"
    raise FileNotFoundError("the environment names none")


async def connect(bus: MessageBus) -> None:
    """Connect it; raises one of BUS_ERRORS."""
    try:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            await bus.connect()
    except TimeoutError:
        raise DBusError(ErrorType.NO_REPLY, "the session bus does not answer") from None


async def end_of(bus: MessageBus) -> None:
    """Return when the connection has ended, in whatever way."""
    try:
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]  # dbus-fast has no type here
    except BUS_ERRORS as error:
        _log.debug("the session bus has gone: %s", error)
