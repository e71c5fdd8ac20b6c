"""A simulated Improv device in the air: it advertises, and takes one link at a time.

See :mod:`agent.simulator.ble_air` for who listens. In real or scaled time.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final

from agent.protocols.improv import gatt
from agent.simulator.ble_air import (
    Advertisement,
    AttError,
    GattCharacteristic,
    GattService,
    LinkFailedError,
)
from agent.simulator.improv import ImprovConfig, ImprovFirmware
from agent.simulator.improv_gatt import UUIDS, ImprovGatt
from agent.simulator.world import World, demo_world

if TYPE_CHECKING:
    from collections.abc import Callable

ADDRESS: Final = "24:6F:28:00:00:01"
USUAL_RSSI_DBM: Final = -62
USUAL_MTU: Final = 247
"""What computers and such devices agree on as a rule."""
INVALID_HANDLE: Final = 0x01
CCCD_UUID: Final = "00002902-0000-1000-8000-00805f9b34fb"
_FLAGS: Final[dict[str, tuple[str, ...]]] = {
    gatt.RPC_COMMAND_UUID: ("write",),
    gatt.CAPABILITIES_UUID: ("read",),
}
_HANDLES: Final = {0x0011 + 3 * number: uuid for number, uuid in enumerate(UUIDS)}
SERVICES: Final = (
    GattService(
        handle=0x0010,
        uuid=gatt.SERVICE_UUID,
        characteristics=tuple(
            GattCharacteristic(
                handle,
                uuid,
                _FLAGS.get(uuid, ("read", "notify")),
                () if uuid in _FLAGS else ((handle + 2, CCCD_UUID),),
            )
            for handle, uuid in _HANDLES.items()
        ),
    ),
)


class ImprovInTheAir:
    """See :class:`agent.simulator.ble_air.Peripheral`. Make it in the event loop that runs it."""

    def __init__(
        self,
        config: ImprovConfig | None = None,
        world: World | None = None,
        *,
        address: str = ADDRESS,
        mtu: int = USUAL_MTU,
        speed: float = 1.0,
    ) -> None:
        self.firmware = ImprovFirmware(config or ImprovConfig(), world or demo_world())
        self.service = ImprovGatt(self.firmware, mtu=mtu, speed=speed)
        self.address = address
        self.rssi_dbm: int | None = USUAL_RSSI_DBM
        self._speed = speed
        self._began = asyncio.get_running_loop().time()
        self._timer: asyncio.TimerHandle | None = None
        self._link: ImprovAirLink | None = None
        self._powered = True
        self._switched_off = False

    @property
    def advertisement(self) -> Advertisement | None:
        """State and capabilities; nothing while it has a link, starts, or is done."""
        self._run()
        silent = self.service.ended or self.firmware.deaf or not self._powered or self._switched_off
        if self._link is not None or silent:
            return None
        return Advertisement(
            name=self.firmware.name,
            services=(gatt.SERVICE_UUID,),
            service_data={gatt.SERVICE_DATA_UUID: self.service.service_data},
        )

    async def connect(self, on_lost: Callable[[], None]) -> ImprovAirLink:
        """A link, if somebody could hear it now."""
        if self.rssi_dbm is None or self.advertisement is None:
            raise LinkFailedError
        self._link = ImprovAirLink(self, on_lost)
        self.pass_time()
        return self._link

    def press_button(self) -> None:
        """Somebody presses its button."""
        self._run()
        self.firmware.press_button()
        self.pass_time()

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

    def switch(self, *, on: bool) -> None:
        """Its Bluetooth goes off, and the link with it; or on again."""
        self._switched_off = not on
        if not on:
            self.drop()

    def power_off(self) -> None:
        """It loses its power, and with it its link."""
        self._powered = False
        self.drop()

    def power_on(self) -> None:
        """It starts."""
        if not self._powered:
            self._powered = True
            self.restart()

    def restart(self) -> None:
        """Press its reset button."""
        self._run()
        self.drop()
        self.firmware.restart()
        self.pass_time()

    def close(self) -> None:
        """Nothing happens any more."""
        self.drop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def hang_up(self, link: ImprovAirLink) -> None:
        """One side ends the link."""
        if link is self._link:
            self._link = None
            self.service.disconnected()

    def pass_time(self) -> None:
        """Send what there is, and wake up when there is more to do."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._run()
        link = self._link
        if link is None:
            return
        for uuid, value in self.service.take_notifications():
            link.deliver(uuid, value)
        if self.service.ended:
            self.drop()
        elif self.service.next_wake < math.inf:
            when = self._began + self.service.next_wake / 1000 / self._speed
            self._timer = asyncio.get_running_loop().call_at(when, self.pass_time)

    def has(self, link: ImprovAirLink) -> bool:
        """Whether this link is up."""
        return link is self._link

    def _run(self) -> None:
        now = asyncio.get_running_loop().time()
        self.service.run((now - self._began) * 1000 * self._speed)


class ImprovAirLink:
    """See :class:`agent.simulator.ble_air.PeripheralLink`."""

    services = SERVICES

    def __init__(self, device: ImprovInTheAir, on_lost: Callable[[], None]) -> None:
        self.mtu = device.service.mtu
        self.on_lost = on_lost
        self._device = device
        self._listeners: dict[str, Callable[[bytes], None]] = {}

    async def read(self, handle: int) -> bytes:
        """The whole value, as computers read on until its end."""
        return self._device.service.read(self._uuid(handle))

    async def write(self, handle: int, data: bytes, *, response: bool) -> None:  # noqa: ARG002  (the interface's)
        """One write, however long."""
        self._device.service.write(self._uuid(handle), data)
        self._device.pass_time()

    async def subscribe(self, handle: int, on_value: Callable[[bytes], None]) -> None:
        """Ask for notifications."""
        uuid = self._uuid(handle)
        self._listeners[uuid] = on_value
        self._device.service.subscribed.add(uuid)

    async def unsubscribe(self, handle: int) -> None:
        """End that."""
        self._device.service.subscribed.discard(self._uuid(handle))

    async def close(self) -> None:
        """Hang up."""
        self._device.hang_up(self)

    def deliver(self, uuid: str, value: bytes) -> None:
        """A notification arrived."""
        self._listeners[uuid](value)

    def _uuid(self, handle: int) -> str:
        if not self._device.has(self):
            raise LinkFailedError
        if handle not in _HANDLES:
            raise AttError(INVALID_HANDLE)
        return _HANDLES[handle]
