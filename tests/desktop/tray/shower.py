"""The program of a desktop that shows notifications, for tests."""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dbus_fast.aio import MessageBus
from dbus_fast.constants import MessageType
from dbus_fast.message import Message

from agent.desktop.tray.notify import PATH, SERVICE
from tests.desktop.tray.panel import BUS, ITEM, call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class Shower:
    """Shows notifications, to nobody."""

    bus: MessageBus
    capabilities: list[str]
    calls: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)
    number: int = 0

    def __call__(self, message: Message) -> Message | None:
        if message.message_type is not MessageType.METHOD_CALL or message.interface != SERVICE:
            return None
        if message.member == "GetCapabilities":
            return Message.new_method_return(message, "as", [self.capabilities])
        self.calls.put_nowait(message)
        if message.member == "Notify":
            self.number = message.body[1] or self.number + 1
            return Message.new_method_return(message, "u", [self.number])
        return Message.new_method_return(message)

    async def next(self) -> Message:
        return await asyncio.wait_for(self.calls.get(), 15)

    async def signal(self, member: str, signature: str, *body: Any) -> None:
        """What a person does; whoever asked has seen the answer before."""
        for _ in range(2):
            name = f"{ITEM}-{os.getpid()}-1"
            await call(self.bus, name, "/", "org.freedesktop.DBus.Peer", "Ping")
        self.bus.send(Message.new_signal(PATH, SERVICE, member, signature, list(body)))


@contextlib.asynccontextmanager
async def shower(address: str, *capabilities: str) -> AsyncIterator[Shower]:
    bus = await MessageBus(bus_address=address).connect()
    made = Shower(bus, list(capabilities))
    bus.add_message_handler(made)
    await call(bus, BUS, "/org/freedesktop/DBus", BUS, "RequestName", "su", [SERVICE, 0])
    try:
        yield made
    finally:
        bus.disconnect()
        await bus.wait_for_disconnect()
