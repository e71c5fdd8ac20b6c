"""A panel for tests, on a bus of its own: it does what xfce4-panel, KDE and GNOME's extension do."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dbus_fast.aio import MessageBus
from dbus_fast.constants import MessageType
from dbus_fast.errors import DBusError
from dbus_fast.message import Message
from dbus_fast.signature import Variant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

WATCHER = "org.kde.StatusNotifierWatcher"
ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
BUS = "org.freedesktop.DBus"
LIMIT_S = 30.0
"""For anything that a test waits for; the machine may be busy."""


@dataclass
class Line:
    """A line of the menu as a panel draws it."""

    number: int
    properties: dict[str, Any]
    lines: list[Line] = field(default_factory=list)

    @property
    def label(self) -> str:
        return str(self.properties.get("label", "")).replace("__", "_")


@dataclass
class Panel:
    """The watcher and the host in one program."""

    bus: MessageBus
    items: list[tuple[str, str]] = field(default_factory=list)
    """Connection and name of each item that registered."""
    signals: list[Message] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    refuses: bool = False
    """It takes no item."""

    async def until(self, true: Callable[[], Any]) -> Any:
        """Wait until something is so, looking at each message that comes."""
        async with asyncio.timeout(LIMIT_S):
            while not (result := true()):
                self.changed.clear()
                await self.changed.wait()
        return result

    async def registered(self) -> None:
        await self.until(lambda: self.items)

    async def signal(self, member: str) -> Message:
        """The first signal of this name from here on, or from before."""
        found = await self.until(lambda: [each for each in self.signals if each.member == member])
        self.signals.clear()
        first: Message = found[0]
        return first

    async def ask(
        self, member: str, signature: str = "", body: Any = (), *, item: bool = False
    ) -> list[Any]:
        """Call the menu, or the item."""
        place = ("/StatusNotifierItem", ITEM) if item else ("/MenuBar", MENU)
        return await call(self.bus, self.items[-1][0], *place, member, signature, list(body))

    async def properties(self, *, item: bool = True) -> dict[str, Any]:
        path, name = ("/StatusNotifierItem", ITEM) if item else ("/MenuBar", MENU)
        there = self.items[-1][0]
        (found,) = await call(
            self.bus, there, path, "org.freedesktop.DBus.Properties", "GetAll", "s", [name]
        )
        return {key: variant.value for key, variant in found.items()}

    async def menu(self) -> list[Line]:
        _, layout = await self.ask("GetLayout", "iias", [0, -1, []])
        return line_of(layout).lines

    async def line(self, *labels: str) -> Line:
        """The line whose labels begin so, level by level."""
        lines = await self.menu()
        for label in labels:
            (found,) = [line for line in lines if line.label.startswith(label)]
            lines = found.lines
        return found

    async def wait_line(self, *labels: str) -> Line:
        """The same, as soon as it is there."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                self.changed.clear()
                with contextlib.suppress(ValueError):
                    return await self.line(*labels)
                await self.changed.wait()

    async def click(self, *labels: str, group: bool = True) -> None:
        """Click a line, the way xfce4-panel does it or the way the others do."""
        number = (await self.line(*labels)).number
        event = [number, "clicked", Variant("s", ""), 0]
        if group:
            await self.ask("EventGroup", "a(isvu)", [[event]])
        else:
            await self.ask("Event", "isvu", event)


@contextlib.asynccontextmanager
async def panel(address: str) -> AsyncIterator[Panel]:
    """A panel that has just started; it crashes at the end."""
    bus = await MessageBus(bus_address=address).connect()
    made = Panel(bus)

    def heard(message: Message) -> Message | None:
        if message.message_type is MessageType.SIGNAL:
            made.signals.append(message)
        made.changed.set()
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        if message.member == "RegisterStatusNotifierItem" and made.refuses:
            return Message.new_error(message, "org.kde.Error.Full", "no room")
        if message.member == "RegisterStatusNotifierItem":
            made.items.append((message.sender or "", message.body[0]))
            return Message.new_method_return(message)
        return None

    bus.add_message_handler(heard)
    rule = "type='signal',path='{}'"
    for path in ("/StatusNotifierItem", "/MenuBar"):
        await call(bus, BUS, "/org/freedesktop/DBus", BUS, "AddMatch", "s", [rule.format(path)])
    await call(bus, BUS, "/org/freedesktop/DBus", BUS, "RequestName", "su", [WATCHER, 0])
    try:
        yield made
    finally:
        bus.disconnect()
        await bus.wait_for_disconnect()


async def call(
    bus: MessageBus,
    service: str,
    path: str,
    interface: str,
    member: str,
    signature: str = "",
    body: Any = (),
) -> list[Any]:
    async with asyncio.timeout(LIMIT_S):
        reply = await bus.call(
            Message(
                destination=service,
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=list(body),
            )
        )
    assert reply is not None
    if reply.message_type is MessageType.ERROR:
        raise DBusError(reply.error_name or "", str(reply.body))
    return list(reply.body)


def line_of(layout: list[Any]) -> Line:
    number, properties, children = layout
    values = {key: variant.value for key, variant in properties.items()}
    return Line(number, values, [line_of(child.value) for child in children])
