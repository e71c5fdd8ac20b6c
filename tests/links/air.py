"""Bluetooth for tests: unmodified bleak on a D-Bus of its own, and boards that follow a script."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from agent.links.ble import PROVISIONING
from agent.simulator.ble_air import (
    Advertisement,
    AttError,
    GattCharacteristic,
    GattService,
    LinkFailedError,
)
from agent.simulator.ble_bluez import BluezStandIn
from agent.simulator.ble_bus import PrivateBus

ADDRESS = "A1:B2:C3:D4:E5:F6"
COMPANY = 0x09A3
TO_BOARD, FROM_BOARD = 0x0E, 0x0B
OTHER_SERVICE = "0000180f-0000-1000-8000-00805f9b34fb"


def services(from_board: str = PROVISIONING.from_board) -> tuple[GattService, ...]:
    return (
        GattService(
            0x0A,
            PROVISIONING.service,
            (
                GattCharacteristic(FROM_BOARD, from_board, ("indicate",)),
                GattCharacteristic(TO_BOARD, PROVISIONING.to_board, ("write",)),
            ),
        ),
    )


class ScriptedBoard:
    """A board in the air: what it is written is kept, and what it says is said by the test."""

    def __init__(
        self,
        address: str = ADDRESS,
        name: str = "Arduino-2341-1002",
        *,
        mac: str | None = None,
        service: str = PROVISIONING.service,
    ) -> None:
        self.address = address
        self.rssi_dbm: int | None = -60
        digits = bytes.fromhex((mac or address).replace(":", ""))
        self.advertised = Advertisement(name, (service,), {COMPANY: digits})
        self.silent = False
        self.mtu = 246
        self.services = services()
        self.written: list[bytes] = []
        self.writes = asyncio.Event()
        self.order: list[str] = []
        self.links = 0
        self.link: ScriptedLink | None = None
        self.refuse_writes: int | None = None
        self.hold_writes = False
        self.fail_links = 0
        self.on_write: Callable[[bytes], None] = lambda _: None

    @property
    def advertisement(self) -> Advertisement | None:
        return None if self.silent or self.link is not None else self.advertised

    async def connect(self, on_lost: Callable[[], None]) -> "ScriptedLink":
        self.links += 1
        if self.rssi_dbm is None or self.fail_links:
            self.fail_links = max(0, self.fail_links - 1)
            raise LinkFailedError
        self.link = ScriptedLink(self, on_lost)
        return self.link

    def say(self, data: bytes) -> None:
        assert self.link is not None
        assert self.link.on_value is not None
        self.link.on_value(data)

    def drop(self) -> None:
        link, self.link = self.link, None
        assert link is not None
        link.on_lost()

    async def wait_written(self, count: int) -> None:
        while len(self.written) < count:
            self.writes.clear()
            await self.writes.wait()


class ScriptedLink:
    """See :class:`agent.simulator.ble_air.PeripheralLink`."""

    def __init__(self, board: ScriptedBoard, on_lost: Callable[[], None]) -> None:
        self._board = board
        self.on_lost = on_lost
        self.on_value: Callable[[bytes], None] | None = None
        self.mtu = board.mtu
        self.services = board.services

    async def read(self, handle: int) -> bytes:
        raise AttError(0x02)

    async def write(self, handle: int, data: bytes, *, response: bool) -> None:
        board = self._board
        board.order.append("write")
        if board.hold_writes:
            await asyncio.get_running_loop().create_future()
        if board.refuse_writes is not None:
            raise AttError(board.refuse_writes)
        board.written.append(data)
        board.writes.set()
        board.on_write(data)

    async def subscribe(self, handle: int, on_value: Callable[[bytes], None]) -> None:
        self._board.order.append("subscribe")
        self.on_value = on_value

    async def unsubscribe(self, handle: int) -> None:
        self.on_value = None

    async def close(self) -> None:
        self._board.link = None


@asynccontextmanager
async def air(*boards: ScriptedBoard) -> AsyncIterator[BluezStandIn]:
    """The computer's Bluetooth, with these boards around it."""
    before = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS")
    async with PrivateBus() as bus:
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = bus.address
        try:
            async with BluezStandIn(bus.address) as bluez:
                bluez.add(*boards)
                yield bluez
        finally:
            await leave_bus()
            if before is None:
                del os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
            else:
                os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = before


async def leave_bus() -> None:
    """Close the connection that bleak keeps as long as the event loop lives."""
    from bleak.backends.bluezdbus.manager import _global_instances

    manager = _global_instances.pop(asyncio.get_running_loop(), None)
    if manager is None or manager._bus is None:
        return
    manager._bus.disconnect()
    assert manager._bus_watcher_task is not None
    await manager._bus_watcher_task
