"""One connection to the bus for NetworkManager: calls, all its objects at once, and its news.

dbus-fast is imported with the first call. The connection stays open from then on, for the profile
of an access point is bound to it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from agent.links.access_point_nm_failures import bus_error
from agent.links.access_point_nm_objects import DEVICE, SERVICE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dbus_fast.aio import MessageBus
    from dbus_fast.message import Message

    from agent.links.access_point_nm_objects import Objects

_BUS: Final = "org.freedesktop.DBus"
_MANAGED_PATH: Final = "/org/freedesktop"
"""Below it NetworkManager keeps all of its objects (since 1.0)."""
_RULES: Final = (
    f"type='signal',sender='{SERVICE}'",
    f"type='signal',sender='{_BUS}',member='NameOwnerChanged',arg0='{SERVICE}'",
)
_NO_REASON: Final = 1
"""``NMDeviceStateReason``: 0 is none, 1 unknown."""
_PREPARING: Final = 40
"""``NMDeviceState`` of a new attempt, which ends what is known of the one before. After a failure
the device is made ready again without a reason, which does not count."""
ANSWER_LIMIT_S: Final = 40.0
"""NetworkManager answers within milliseconds, but it may ask the person for a password first."""


class NmBus:
    """Calls of NetworkManager; all raise :class:`WifiError`."""

    def __init__(self, address: str | None) -> None:
        self.address = address
        self._bus: MessageBus | None = None
        self._news = asyncio.Event()
        self._reasons: dict[str, int] = {}
        self._opening = asyncio.Lock()

    async def objects(self) -> Objects:
        """All objects with their properties. What changes from now on is :meth:`news`."""
        self._news.clear()
        manager = f"{_BUS}.ObjectManager"
        (found,) = await self.call(_MANAGED_PATH, manager, "GetManagedObjects", "", [])
        return {
            str(path): {name: _plain(properties) for name, properties in interfaces.items()}
            for path, interfaces in found.items()
        }

    async def news(self) -> None:
        """Return when anything has changed since :meth:`objects` was called."""
        await self._news.wait()

    def reason(self, device: str) -> int:
        """Why a device changed its state last (``NMDeviceStateReason``); 0: nobody said."""
        return self._reasons.get(device, 0)

    async def call(
        self, path: str, interface: str, member: str, signature: str, body: Sequence[Any]
    ) -> list[Any]:
        """The values of the answer. Variants in ``body`` are pairs of signature and value."""
        from dbus_fast.constants import MessageFlag, MessageType
        from dbus_fast.message import Message

        bus = await self._open()
        message = Message(
            destination=SERVICE,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=[_wrapped(value) for value in body],
            flags=MessageFlag.NO_AUTOSTART,  # whoever switched the service off meant it
        )
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                reply = await bus.call(message)
        except TimeoutError:
            raise bus_error(f"{_BUS}.Error.NoReply", "it does not answer") from None
        except (OSError, EOFError) as error:
            self._bus = None
            raise bus_error(f"{_BUS}.Error.Disconnected", "the system bus has gone") from error
        if reply is None:
            return []
        if reply.message_type is MessageType.ERROR:
            text = str(reply.body[0]) if reply.body else ""
            raise bus_error(reply.error_name or "", text)
        return list(reply.body)

    async def close(self) -> None:
        """End the connection, and with it what is bound to it."""
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.disconnect()
            with contextlib.suppress(OSError, EOFError):
                await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]  # dbus-fast has no type here

    async def _open(self) -> MessageBus:
        async with self._opening:
            if self._bus is not None and self._bus.connected:
                return self._bus
            self._bus = await self._connected()
            return self._bus

    async def _connected(self) -> MessageBus:
        from dbus_fast.aio import MessageBus
        from dbus_fast.constants import BusType
        from dbus_fast.errors import AuthError, DBusError, InvalidAddressError
        from dbus_fast.message import Message

        try:
            bus = MessageBus(bus_address=self.address, bus_type=BusType.SYSTEM)
            async with asyncio.timeout(ANSWER_LIMIT_S):
                await bus.connect()
                bus.add_message_handler(self._heard)
                for rule in _RULES:
                    await bus.call(
                        Message(
                            destination=_BUS,
                            path="/org/freedesktop/DBus",
                            interface=_BUS,
                            member="AddMatch",
                            signature="s",
                            body=[rule],
                        )
                    )
        except (OSError, EOFError, AuthError, DBusError, InvalidAddressError) as error:
            raise bus_error(f"{_BUS}.Error.NoServer", "there is no system bus") from error
        return bus

    def _heard(self, message: Message) -> None:
        changed = message.member == "StateChanged" and message.interface == DEVICE
        if changed and message.signature == "uuu" and message.path:
            state, _, reason = message.body
            if reason > _NO_REASON or state == _PREPARING:
                self._reasons[message.path] = reason
        self._news.set()


def _wrapped(value: object) -> object:
    from dbus_fast import Variant

    if isinstance(value, tuple):
        return Variant(*value)
    if isinstance(value, dict):
        return {key: _wrapped(each) for key, each in value.items()}
    return value


def _plain(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: variant.value for name, variant in properties.items()}
