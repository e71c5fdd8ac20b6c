"""What a Bluetooth LE radio finds in the air: devices that advertise, and links to them.

The stand-in of BlueZ (``agent.simulator.ble_bluez``) speaks to simulated boards through these
interfaces only, so that a board may also be a GATT server behind a simulated controller.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DEFAULT_MTU: Final = 23
"""ATT_MTU of a link on which nothing else was agreed (Bluetooth Core 5.4, Vol 3, Part G, 5.2.1)."""
WRITE_OVERHEAD: Final = 3
"""Opcode and handle before the value in a write request, a notification and an indication."""
ADVERTISING_INTERVAL_S: Final = 0.1
"""ArduinoBLE a769ff8, src/utility/GAP.cpp: 160 steps of 0.625 ms."""


class AttError(Exception):
    """The device answered a request with an ATT error code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"ATT error 0x{code:02x}")
        self.code = code


class LinkFailedError(Exception):
    """There is no link: it did not come about, or it ended before the answer."""


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What a device tells everybody: advertised data and scan response together."""

    name: str = ""
    services: tuple[str, ...] = ()
    """UUIDs in the long form, lower case."""
    manufacturer: Mapping[int, bytes] = field(default_factory=dict)
    """Company id to data."""
    service_data: Mapping[str, bytes] = field(default_factory=dict)
    """UUID to data."""
    flags: int = 0x06
    """General discoverable, no classic Bluetooth."""


@dataclass(frozen=True, slots=True)
class GattCharacteristic:
    """One characteristic; ``handle`` is that of its declaration."""

    handle: int
    uuid: str
    flags: tuple[str, ...]
    """BlueZ' words: ``read``, ``write``, ``write-without-response``, ``notify``, ``indicate``."""
    descriptors: tuple[tuple[int, str], ...] = ()
    """Handle and UUID of each."""


@dataclass(frozen=True, slots=True)
class GattService:
    """One primary service."""

    handle: int
    uuid: str
    characteristics: tuple[GattCharacteristic, ...]


class PeripheralLink(Protocol):
    """One link, from the side of the computer.

    All methods raise :class:`AttError` for what the device refuses and :class:`LinkFailedError`
    when the link is gone.
    """

    @property
    def mtu(self) -> int:
        """Agreed ATT_MTU in bytes."""

    @property
    def services(self) -> tuple[GattService, ...]:
        """What discovery found."""

    async def read(self, handle: int) -> bytes:
        """Value of the characteristic declared at ``handle``."""

    async def write(self, handle: int, data: bytes, *, response: bool) -> None:
        """Write it; with ``response`` returns when the device confirmed, in one or in parts."""

    async def subscribe(self, handle: int, on_value: Callable[[bytes], None]) -> None:
        """Ask for notifications or indications."""

    async def unsubscribe(self, handle: int) -> None:
        """End that."""

    async def close(self) -> None:
        """Hang up; never raises."""


class Peripheral(Protocol):
    """A device as the air carries it."""

    @property
    def address(self) -> str:
        """``AA:BB:CC:DD:EE:FF``; may change."""

    @property
    def advertisement(self) -> Advertisement | None:
        """What it advertises now; None: it is silent."""

    @property
    def rssi_dbm(self) -> int | None:
        """How strong it arrives here; None: out of range."""

    async def connect(self, on_lost: Callable[[], None]) -> PeripheralLink:
        """Make a link and discover; :class:`LinkFailedError` if the device does not answer.

        ``on_lost`` is called once when the link ends without :meth:`PeripheralLink.close`.
        """


def heard(peripheral: Peripheral) -> bool:
    """Whether it can be heard now."""
    return peripheral.advertisement is not None and peripheral.rssi_dbm is not None
