"""One remote device as BlueZ shows it: what was heard of it, and its link.

The order of events is BlueZ': ``Connected``, then services, then ``ServicesResolved``, and only
then the answer to ``Connect``; ``ServicesResolved`` and ``Connected`` end before the services go.
Source: bench-desktop, 1.3; BlueZ, src/device.c.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dbus_fast import Variant

from agent.simulator import ble_faults
from agent.simulator.ble_air import LinkFailedError
from agent.simulator.ble_gatt import RemoteGatt
from agent.simulator.ble_objects import DEVICE, BluezError

if TYPE_CHECKING:
    from agent.simulator.ble_air import Advertisement, Peripheral, PeripheralLink
    from agent.simulator.ble_objects import Objects, Properties


class RemoteDevice:
    """The object ``dev_…`` and everything below it."""

    def __init__(self, objects: Objects, adapter: str, peripheral: Peripheral) -> None:
        self.peripheral = peripheral
        self.address = peripheral.address
        self.path = f"{adapter}/dev_{self.address.replace(':', '_')}"
        self.last_heard = 0.0
        """Loop time of the latest advertisement."""
        self.gatt: RemoteGatt | None = None
        """While the link is up."""
        self._objects = objects
        self._adapter = adapter
        self._link: PeripheralLink | None = None
        self._connecting: asyncio.Task[PeripheralLink] | None = None
        self._fell = False
        """The link that is being made ended before it was seen."""

    @property
    def in_use(self) -> bool:
        """Whether there is a link, or one is being made; such a device is not forgotten."""
        return self._link is not None or self._connecting is not None

    def hear(self, advertisement: Advertisement, rssi_dbm: int, *, threshold_db: int) -> None:
        """An advertisement arrived; a change of the strength below the threshold is not told."""
        heard = _heard(advertisement)
        strength = {"RSSI": Variant("n", rssi_dbm)}
        if self.path not in self._objects:
            self._objects.add(self.path, {DEVICE: self._new() | heard | strength})
            return
        now = self._objects.interface(self.path, DEVICE)
        changed = {name: value for name, value in heard.items() if now.get(name) != value}
        before = now.get("RSSI")
        if before is None or abs(before.value - rssi_dbm) >= threshold_db:
            changed |= strength
        self._objects.change(self.path, DEVICE, changed)

    def forget_strength(self) -> None:
        """The end of a discovery: how strong the device is is no longer known."""
        self._objects.change(self.path, DEVICE, {}, ("RSSI", "TxPower"))

    async def connect(self, limit_s: float) -> None:
        """``Connect``; returns when the services are resolved."""
        if self._link is not None:
            return
        if self._connecting is not None:
            raise BluezError(*ble_faults.IN_PROGRESS)
        self._fell = False
        self._connecting = asyncio.ensure_future(self._reach())
        try:
            # Not awaited itself: who cancels the link must not cancel the answer to this call.
            await asyncio.wait({self._connecting}, timeout=limit_s)
            link = self._made()
        finally:
            self._connecting.cancel()
            self._connecting = None
        if link is None or self._fell:
            if link is not None:
                await link.close()
            self.flash_up()
            raise BluezError(*ble_faults.ABORT_BY_LOCAL)
        self._link = link
        self.gatt = RemoteGatt(self._objects, self.path, link)
        self._change(Connected=True)
        self.gatt.show()
        self._change(ServicesResolved=True)

    def flash_up(self) -> None:
        """A link that falls in the moment in which it is made."""
        self._change(Connected=True)
        self._change(Connected=False)

    async def disconnect(self) -> None:
        """``Disconnect``; also ends a link that is only being made."""
        if self._connecting is not None:
            self._fell = True  # it may have come about in this very moment
            self._connecting.cancel()
        elif self._link is None:
            raise BluezError("NotConnected", "Not Connected")
        else:
            await self._link.close()
            self._end()

    async def close(self) -> None:
        """Hang up, if there is a link."""
        if self.in_use:
            await self.disconnect()

    async def _reach(self) -> PeripheralLink:
        """The link, if the device still answers at the address under which it was heard."""
        if self.peripheral.address != self.address:
            await asyncio.get_running_loop().create_future()
        return await self.peripheral.connect(self._end)

    def _made(self) -> PeripheralLink | None:
        """The link, or None: the device did not answer, or did too late."""
        task = self._connecting
        if task is None or not task.done() or task.cancelled():
            return None
        error = task.exception()
        if error is not None and not isinstance(error, LinkFailedError):
            raise error
        return None if error is not None else task.result()

    def _end(self) -> None:
        """The link is gone, whoever ended it."""
        gatt, self.gatt = self.gatt, None
        self._link = None
        self._fell = True
        if gatt is None:
            return
        self._change(ServicesResolved=False)
        self._change(Connected=False)
        gatt.hide()

    def _change(self, **values: bool) -> None:
        changed = {name: Variant("b", value) for name, value in values.items()}
        self._objects.change(self.path, DEVICE, changed)

    def _new(self) -> Properties:
        """What BlueZ says of every device."""
        return {
            "Address": Variant("s", self.address),
            "AddressType": Variant("s", "public"),
            "Alias": Variant("s", self.address.replace(":", "-")),
            "Adapter": Variant("o", self._adapter),
            "Connected": Variant("b", False),
            "ServicesResolved": Variant("b", False),
            "Paired": Variant("b", False),
            "Bonded": Variant("b", False),
            "Trusted": Variant("b", False),
            "Blocked": Variant("b", False),
            "LegacyPairing": Variant("b", False),
        }


def _heard(advertisement: Advertisement) -> Properties:
    """What an advertisement says; BlueZ leaves out what it does not."""
    properties: Properties = {
        "UUIDs": Variant("as", list(advertisement.services)),
        "AdvertisingFlags": Variant("ay", bytes((advertisement.flags,))),
    }
    if advertisement.name:
        properties["Name"] = properties["Alias"] = Variant("s", advertisement.name)
    if advertisement.manufacturer:
        data = {
            company: Variant("ay", each) for company, each in advertisement.manufacturer.items()
        }
        properties["ManufacturerData"] = Variant("a{qv}", data)
    if advertisement.service_data:
        data_of = {uuid: Variant("ay", each) for uuid, each in advertisement.service_data.items()}
        properties["ServiceData"] = Variant("a{sv}", data_of)
    return properties
