"""Bursts of messages on a real bus."""

from __future__ import annotations

import asyncio
import contextlib
import signal as signals
import sys
from typing import TYPE_CHECKING

from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

from agent.simulator.ble_bus import PrivateBus
from agent.simulator.ble_outbox import Outbox
from tests.air import ON_LINUX

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = ON_LINUX

COUNT = 3_000
"""Far more than the socket holds: some 200 kB, and a message is charged with its overhead."""
TEXT = "x" * 400


def signal(number: int) -> Message:
    return Message.new_signal("/a", "test.Burst", "Said", "us", [number, TEXT])


async def listening(address: str) -> tuple[MessageBus, list[int], asyncio.Event]:
    heard: list[int] = []
    all_heard = asyncio.Event()
    bus = await MessageBus(bus_address=address).connect()

    def note(message: Message) -> None:
        if message.message_type is MessageType.SIGNAL and message.member == "Said":
            heard.append(message.body[0])
            if len(heard) == COUNT:
                all_heard.set()

    bus.add_message_handler(note)
    await bus.call(
        Message(
            destination="org.freedesktop.DBus",
            path="/org/freedesktop/DBus",
            interface="org.freedesktop.DBus",
            member="AddMatch",
            signature="s",
            body=["type='signal',interface='test.Burst'"],
        )
    )
    return bus, heard, all_heard


@contextlib.contextmanager
def asleep(private: PrivateBus) -> Iterator[None]:
    """The bus reads nothing meanwhile."""
    if sys.platform == "win32":
        return
    process = private._process
    assert process is not None
    process.send_signal(signals.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signals.SIGCONT)


async def test_a_burst_arrives_whole_and_in_its_order() -> None:
    async with PrivateBus() as private:
        listener, heard, all_heard = await listening(private.address)
        sender = await MessageBus(bus_address=private.address).connect()
        outbox = Outbox(sender)
        with asleep(private):
            for number in range(COUNT):
                outbox.send(signal(number))
        async with asyncio.timeout(15):
            await all_heard.wait()
        assert heard == list(range(COUNT))
        assert sender.connected
        await outbox.close()
        sender.disconnect()
        listener.disconnect()


async def test_what_waits_is_forgotten_at_the_end() -> None:
    async with PrivateBus() as private:
        sender = await MessageBus(bus_address=private.address).connect()
        outbox = Outbox(sender)
        with asleep(private):
            for number in range(COUNT):
                outbox.send(signal(number))
            await outbox.close()
            await outbox.close()
        sender.disconnect()
