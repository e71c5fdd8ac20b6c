"""A room with a computer's Bluetooth in it: a D-Bus of its own, a stand-in of BlueZ, and devices.

Whoever is to be in the room gets :attr:`Room.environment` as part of its own.
"""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING, Final

from agent.simulator.ble_adapter import FORGET_AFTER_S, AdapterState
from agent.simulator.ble_bluez import BluezStandIn
from agent.simulator.ble_bus import PrivateBus

if TYPE_CHECKING:
    from types import TracebackType

    from agent.simulator.ble_air import Peripheral
    from agent.simulator.config import RadioState

ADDRESS_VARIABLE: Final = "DBUS_SYSTEM_BUS_ADDRESS"
"""Where programs look for the bus of the system (D-Bus specification, "Well-known buses")."""
NEAREST_DBM: Final = -42
FARTHEST_DBM: Final = -88
"""How strong devices of one room arrive, from the table to the other end of it."""
FADING_DB: Final = 2.5
"""Standard deviation of one advertisement's strength to the next of a device that rests."""
DEEP_FADING_DB: Final = 12
DEEP_FADING_SHARE: Final = 0.05
"""One advertisement in so many arrives on a channel on which reflections cancel it."""

_STATES: Final = {
    "off": AdapterState.OFF,
    "blocked": AdapterState.BLOCKED,
    "absent": AdapterState.ABSENT,
}


class Room:
    """An asynchronous context manager. ``seed``: where devices are, and how their signals vary."""

    def __init__(
        self,
        *,
        radio: RadioState = "on",
        varies: bool = False,
        seed: int = 0,
        forget_after_s: float = FORGET_AFTER_S,
    ) -> None:
        self.radio: RadioState = radio
        """What the computer's Bluetooth is like; changed with :meth:`set_radio`."""
        self._chance = random.Random(seed)  # noqa: S311  (signals, no keys)
        self._bus = PrivateBus()
        self._forget_after_s = forget_after_s
        self._fading = self._fade if varies else None
        self._bluez: BluezStandIn | None = None

    async def __aenter__(self) -> Room:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs in its environment to be in this room."""
        return {ADDRESS_VARIABLE: self._bus.address}

    @property
    def bluez(self) -> BluezStandIn:
        """The stand-in, for faults of single calls; only after :meth:`start`."""
        if self._bluez is None:
            msg = "the room is not started"
            raise RuntimeError(msg)
        return self._bluez

    async def start(self) -> None:
        """Start the bus and what is on it; raises :class:`~agent.simulator.ble_bus.NoBusError`."""
        address = await self._bus.start()
        self._bluez = BluezStandIn(
            address, state=AdapterState.ABSENT, forget_after_s=self._forget_after_s
        )
        self._bluez.adapter.fading = self._fading
        try:
            await self.set_radio(self.radio)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End both; may be called again."""
        if self._bluez is not None:
            await self._bluez.stop()
        await self._bus.stop()

    async def set_radio(self, state: RadioState) -> None:
        """Switch the computer's Bluetooth off and on, pull it out, forbid or stop its service."""
        self.radio = state
        bluez = self.bluez
        bluez.forbidden = state == "forbidden"
        if state == "stopped":
            await bluez.stop()
            return
        if not bluez.running:
            await bluez.start()
        await bluez.set_state(_STATES.get(state, AdapterState.ON))

    def add(self, *peripherals: Peripheral) -> None:
        """Devices are there from now on."""
        self.bluez.add(*peripherals)

    def remove(self, peripheral: Peripheral) -> None:
        """A device is no longer there."""
        with contextlib.suppress(ValueError):
            self.bluez.remove(peripheral)

    def place(self) -> int:
        """How strong the next device of the room arrives, in dBm."""
        return self._chance.randint(FARTHEST_DBM, NEAREST_DBM)

    def new_address(self) -> bytes:
        """A random private address, as a device takes a new one (Core 5.4, Vol 6, Part B, 1.3)."""
        return bytes((0x40 | self._chance.randrange(0x40), *self._chance.randbytes(5)))

    def _fade(self, rssi_dbm: int) -> int:
        deep = DEEP_FADING_DB if self._chance.random() < DEEP_FADING_SHARE else 0
        return round(self._chance.gauss(rssi_dbm - deep, FADING_DB))
