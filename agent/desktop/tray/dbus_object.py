"""An object on a D-Bus, answered from raw messages.

dbus-fast has a base class for objects; it wants a method per member with types in a language that
type checkers do not read, and sends no error of its own choosing. A table is shorter.
Source: D-Bus specification, “Standard Interfaces”.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from dbus_fast.constants import ErrorType, MessageType
from dbus_fast.errors import DBusError
from dbus_fast.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dbus_fast.signature import Variant

PROPERTIES = "org.freedesktop.DBus.Properties"
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"

Reply: TypeAlias = tuple[str, list[Any]]
"""Signature and values of an answer."""
Methods: TypeAlias = "Mapping[str, tuple[str, Callable[..., Reply]]]"
"""Member to the signature of its arguments and what answers; the arguments are given in order."""


class BusObject(Protocol):
    """One object with one interface of its own."""

    path: str
    interface: str
    xml: str
    """What is inside ``<interface>``, for programs that ask what there is."""

    @property
    def methods(self) -> Methods:
        """What can be called."""

    def properties(self) -> dict[str, Variant]:
        """All properties as they are now; nobody may set one."""


def answer(objects: Iterable[BusObject], message: Message) -> Message | None:
    """The answer to a call of one of the objects; None: it is not for them.

    Raises :class:`DBusError`, which dbus-fast sends.
    """
    if message.message_type is not MessageType.METHOD_CALL:
        return None
    for each in objects:
        if each.path == message.path:
            reply = _reply(each, message)
            if reply is not None:
                return Message.new_method_return(message, *reply)
    return None


def _reply(target: BusObject, message: Message) -> Reply | None:
    if message.interface == INTROSPECTABLE:
        body = f'<interface name="{target.interface}">{target.xml}</interface>'
        return "s", [f"<node>{body}</node>"]
    if message.interface == PROPERTIES:
        return _property(target, message)
    if message.interface not in (target.interface, None, ""):
        return None
    if message.member is None or message.member not in target.methods:
        return None
    signature, method = target.methods[message.member]
    if message.signature != signature:
        raise DBusError(ErrorType.INVALID_ARGS, f"{message.member} takes ({signature})")
    return method(*message.body)


def _property(target: BusObject, message: Message) -> Reply | None:
    if message.member == "GetAll" and message.signature == "s":
        mine = message.body[0] in (target.interface, "")
        return "a{sv}", [target.properties() if mine else {}]
    if message.member == "Get" and message.signature == "ss":
        found = target.properties().get(message.body[1])
        if found is None:
            raise DBusError(ErrorType.UNKNOWN_PROPERTY, f"there is no {message.body[1]}")
        return "v", [found]
    if message.member == "Set":
        raise DBusError(ErrorType.PROPERTY_READ_ONLY, "nothing can be set here")
    return None
