"""A GATT link to a simulated Improv device, in scaled time; the radio is left out."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from agent.errors import BleLost
from agent.protocols.improv import gatt
from agent.simulator.improv_gatt import ImprovGatt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.simulator.improv import ImprovFirmware

SPEED = 30


class RadioLink:
    """See :class:`agent.links.gatt.GattLink`."""

    address = "ble://A1:B2:C3:D4:E5:F6"

    def __init__(self, device: ImprovFirmware, *, mtu: int = 23) -> None:
        device.run(device.next_wake)
        self.service = ImprovGatt(device, mtu=mtu, speed=SPEED)
        self.closed = False
        self.written: list[bytes] = []
        """All values that the device was written."""
        self._began = asyncio.get_running_loop().time() - device.now / 1000 / SPEED
        self._queue: asyncio.Queue[tuple[str, bytes] | None] = asyncio.Queue()
        self._timer: asyncio.TimerHandle | None = None
        self._gone = False
        self._pass_time()

    async def subscribe(self, uuids: Sequence[str]) -> None:
        self.service.subscribed.update(uuids)

    async def read(self, uuid: str) -> bytes:
        self._require_link()
        return self.service.read(uuid)

    async def write(self, uuid: str, value: bytes) -> None:
        self._require_link()
        assert self.service.subscribed >= set(gatt.NOTIFYING_UUIDS)
        self.written.append(value)
        self.service.write(uuid, value)
        self._pass_time()

    async def receive(self) -> tuple[str, bytes]:
        notification = await self._queue.get()
        if notification is None:
            raise BleLost(port=self.address)
        return notification

    async def close(self) -> None:
        self.closed = True
        self.drop()

    def drop(self) -> None:
        """Out of range."""
        if self._timer is not None:
            self._timer.cancel()
        self._gone = True
        self._queue.put_nowait(None)

    def press_button(self) -> None:
        self.service.firmware.press_button()
        self._pass_time()

    def _require_link(self) -> None:
        if self._gone:
            raise BleLost(port=self.address)

    def _pass_time(self) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
        self.service.run((loop.time() - self._began) * 1000 * SPEED)
        for notification in self.service.take_notifications():
            self._queue.put_nowait(notification)
        if self.service.ended:
            self.drop()
        elif self.service.next_wake < math.inf:
            when = self._began + self.service.next_wake / 1000 / SPEED
            self._timer = loop.call_at(when, self._pass_time)
