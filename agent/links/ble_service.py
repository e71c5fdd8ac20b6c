"""Linux: the end of the system's Bluetooth service, and with it of all links.

When bluetoothd is restarted or killed it says nothing about the links that it had, and bleak does
not look: a link would seem to be up until something is written. The bus itself does tell.
Sources: D-Bus specification, ``NameOwnerChanged``; bleak, ``bluezdbus/manager.py``, which listens to
signals of BlueZ' objects only; SignalK/signalk-server issue 3049 (all links stale after a restart).
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from agent.links.ble_failures import library_errors, shown
from agent.links.ble_library import within

if TYPE_CHECKING:
    from collections.abc import Callable

    from dbus_fast.aio import MessageBus
    from dbus_fast.message import Message

SERVICE: Final = "org.bluez"
_BUS: Final = "org.freedesktop.DBus"
_RULE: Final = (
    f"type='signal',sender='{_BUS}',interface='{_BUS}',member='NameOwnerChanged',arg0='{SERVICE}'"
)
ANSWER_LIMIT_S: Final = 5.0
"""The bus answers within milliseconds."""

_log = logging.getLogger(__name__)


async def watch_service(on_end: Callable[[], None]) -> None:
    """Call ``on_end`` each time the service ends or is replaced, until this is cancelled.

    Also returns when there is no bus, or none any more: bleak itself notices that.
    """
    from dbus_fast.aio import MessageBus
    from dbus_fast.constants import BusType

    bus = MessageBus(bus_type=BusType.SYSTEM)
    up = asyncio.Event()
    gone = asyncio.ensure_future(_end_of(bus))
    try:
        await within(ANSWER_LIMIT_S, _connect(bus, up))
        bus.add_message_handler(partial(_heard, on_end))
        await within(ANSWER_LIMIT_S, _subscribe(bus))
        await asyncio.wait({gone})
    except library_errors() as error:
        _log.debug("the Bluetooth service is not watched: %s", shown(error))
    finally:
        # Also if this was cancelled in the moment in which the connection came about. One that
        # did not has no end that could be waited for (dbus-fast, MessageBus.connect).
        bus.disconnect()
        if not up.is_set():
            gone.cancel()
        await asyncio.wait({gone}, timeout=ANSWER_LIMIT_S)


async def _connect(bus: MessageBus, up: asyncio.Event) -> None:
    await bus.connect()
    up.set()


async def _end_of(bus: MessageBus) -> None:
    try:
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]  # dbus-fast has no type here
    except library_errors() as error:
        _log.debug("the bus has gone: %s", shown(error))


def _heard(on_end: Callable[[], None], message: Message) -> None:
    if message.member != "NameOwnerChanged" or message.sender != _BUS:
        return
    _, owner_before, _ = message.body
    if owner_before:
        on_end()


async def _subscribe(bus: MessageBus) -> None:
    from dbus_fast.message import Message

    await bus.call(
        Message(
            destination=_BUS,
            path="/org/freedesktop/DBus",
            interface=_BUS,
            member="AddMatch",
            signature="s",
            body=[_RULE],
        )
    )
