"""A simulated Blynk board in the air: it advertises, and takes one link at a time.

See :mod:`agent.simulator.ble_air` for who listens. In real or scaled time.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final

from agent.protocols.blynk import ble
from agent.simulator.ble_air import (
    Advertisement,
    AttError,
    GattCharacteristic,
    GattService,
    LinkFailedError,
)
from agent.simulator.blynk_ble import BlynkBleFace
from agent.simulator.blynk_device import EdgentDevice
from agent.simulator.blynk_settings import EdgentConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.simulator.blynk_board import BlynkBoard
    from agent.simulator.blynk_settings import CloudAnswer
    from agent.simulator.world import World

USUAL_RSSI_DBM: Final = -58
USUAL_MTU: Final = 247
HEAD_BYTES: Final = 3
"""Of a notification, before its value: what does not fit behind it is cut."""
RADIO_OFFSET: Final = 2
INVALID_HANDLE: Final = 0x01
TO_BOARD: Final = 0x0011
FROM_BOARD: Final = 0x0014
CCCD_UUID: Final = "00002902-0000-1000-8000-00805f9b34fb"
SERVICES: Final = (
    GattService(
        handle=0x0010,
        uuid=ble.SERVICE_UUID,
        characteristics=(
            GattCharacteristic(TO_BOARD, ble.TO_BOARD_UUID, ("write", "write-without-response")),
            GattCharacteristic(
                FROM_BOARD, ble.FROM_BOARD_UUID, ("notify",), ((FROM_BOARD + 2, CCCD_UUID),)
            ),
        ),
    ),
)


def radio_address(mac: str) -> str:
    """The address in the air of the chip whose station has this one: plus two (ESP-IDF)."""
    *head, last = bytes.fromhex(mac.replace(":", ""))
    return bytes((*head, (last + RADIO_OFFSET) % 256)).hex(":").upper()


class BlynkInTheAir:
    """See :class:`agent.simulator.ble_air.Peripheral`. Make it in the event loop that runs it."""

    def __init__(
        self,
        config: EdgentConfig | None = None,
        world: World | None = None,
        *,
        beside: BlynkBoard | None = None,
        mtu: int = USUAL_MTU,
        speed: float = 1.0,
        cloud: Callable[[str, str], CloudAnswer] = lambda _token, _host: "ok",
    ) -> None:
        """``beside``: the same board on its cable, whose time and firmware it has then."""
        self._beside = beside
        if beside is None:
            config = config or EdgentConfig(generation=2, inject="ble")
            self.device = EdgentDevice(config, world, cloud=cloud, speed=speed)
            self.face = BlynkBleFace(self.device)
        else:
            self.device, self.face = beside.device, beside.ble
            beside.on_ble, beside.on_time = self._deliver, self._follow
        self.address = radio_address(self.device.mac)
        self.rssi_dbm: int | None = USUAL_RSSI_DBM
        self.mtu = mtu
        self._speed = speed
        self._began = asyncio.get_running_loop().time()
        self._timer: asyncio.TimerHandle | None = None
        self._link: BlynkAirLink | None = None
        self._boots = self.device.boots

    @property
    def advertisement(self) -> Advertisement | None:
        """Its name and its service; nothing while it has a link, or does not wait for settings."""
        self._run()
        if self._link is not None or not self.device.advertises:
            return None
        return Advertisement(name=self.device.name, services=(ble.SERVICE_UUID,))

    async def connect(self, on_lost: Callable[[], None]) -> BlynkAirLink:
        """A link, if somebody could hear it now."""
        if self.rssi_dbm is None or self.advertisement is None:
            raise LinkFailedError
        self._link = BlynkAirLink(self, on_lost)
        return self._link

    def drop(self) -> None:
        """The link falls."""
        link = self._link
        if link is not None:
            self.hang_up(link)
            link.on_lost()

    def go_out_of_range(self) -> None:
        """Nothing is heard of it any more, and its link falls."""
        self.rssi_dbm = None
        self.drop()

    def come_back(self, rssi_dbm: int = USUAL_RSSI_DBM) -> None:
        """It is heard again."""
        self.rssi_dbm = rssi_dbm

    def change_address(self, address: bytes) -> None:
        """From now on it has another one."""
        self.address = address.hex(":").upper()

    def close(self) -> None:
        """Nothing happens any more."""
        self.drop()
        if self._timer is not None:
            self._timer.cancel()

    def hang_up(self, link: BlynkAirLink) -> None:
        """One side ends the link."""
        if self.has(link):
            self._link = None
            self.face.drop()

    def has(self, link: BlynkAirLink) -> bool:
        """Whether this link is up."""
        return link is self._link

    def pass_time(self) -> None:
        """Say what there is to be said, and wake up when there is more."""
        self._run()
        if self._beside is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
        for value in self.face.take():
            self._deliver(value)
        self._follow()
        if self.device.wake_at < math.inf:
            when = self._began + self.device.wake_at / 1000 / self._speed
            self._timer = asyncio.get_running_loop().call_at(when, self.pass_time)

    def _deliver(self, value: bytes) -> None:
        if self._link is not None:
            self._link.deliver(value[: self.mtu - HEAD_BYTES])

    def _follow(self) -> None:
        """A restart takes the link with it."""
        if self.device.boots != self._boots:
            self._boots = self.device.boots
            self.drop()

    def _run(self) -> None:
        if self._beside is not None:
            self._beside.pass_time()
            return
        now = asyncio.get_running_loop().time()
        self.device.run((now - self._began) * 1000 * self._speed)


class BlynkAirLink:
    """See :class:`agent.simulator.ble_air.PeripheralLink`."""

    services = SERVICES

    def __init__(self, air: BlynkInTheAir, on_lost: Callable[[], None]) -> None:
        self.mtu = air.mtu
        self.on_lost = on_lost
        self._air = air
        self._listener: Callable[[bytes], None] = lambda _: None

    async def read(self, handle: int) -> bytes:
        """Nothing can be read."""
        self._require(handle, -1)
        return b""

    async def write(self, handle: int, data: bytes, *, response: bool) -> None:  # noqa: ARG002  (the interface's)
        """One message, however long."""
        self._require(handle, TO_BOARD)
        self._air.face.hear(data)
        self._air.pass_time()

    async def subscribe(self, handle: int, on_value: Callable[[bytes], None]) -> None:
        """Ask for notifications."""
        self._require(handle, FROM_BOARD)
        self._listener = on_value

    async def unsubscribe(self, handle: int) -> None:
        """End that."""
        self._require(handle, FROM_BOARD)
        self._listener = lambda _: None

    async def close(self) -> None:
        """Hang up."""
        self._air.hang_up(self)

    def deliver(self, value: bytes) -> None:
        """A notification arrived."""
        self._listener(value)

    def _require(self, handle: int, wanted: int) -> None:
        if not self._air.has(self):
            raise LinkFailedError
        if handle != wanted:
            raise AttError(INVALID_HANDLE)
