"""Windows and macOS as the Bluetooth library shows them: its two classes, following a script.

What they raise and call, and in which order, is taken from bleak 3.1, ``backends/winrt`` and
``backends/corebluetooth``; on these systems nothing of this has been run.
"""

from __future__ import annotations

import asyncio
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import bleak
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from agent.links.ble import PROVISIONING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import pytest

    Notify = Callable[[object, bytearray], None]

WINDOWS_ADDRESS = "A1:B2:C3:D4:E5:F6"
MACOS_ADDRESS = "5E5BE887-0000-4D4F-B431-9EB34B02F4D9"


class ForeignSystem:
    """A system with one board in the air. ``script`` has what each attempt to connect does."""

    def __init__(self, platform: str, patch: pytest.MonkeyPatch) -> None:
        self.platform = platform
        self.address = MACOS_ADDRESS if platform == "darwin" else WINDOWS_ADDRESS
        self.clients: list[ForeignClient] = []
        self.script: list[Callable[[ForeignClient], Awaitable[None]]] = []
        self.on_write: Callable[[bytes], None] = lambda _: None
        self.on_subscribe: Callable[[ForeignClient, Notify], Awaitable[None]] = _subscribe
        self.room = 244
        self.scans = 0
        patch.setattr(sys, "platform", platform)
        patch.setattr(bleak, "BleakScanner", self._scanner)
        patch.setattr(bleak, "BleakClient", self._client)

    def _scanner(self, heard: Any, services: list[str], **options: Any) -> ForeignScanner:
        return ForeignScanner(self, heard)

    def _client(self, device: Any, **options: Any) -> ForeignClient:
        self.clients.append(ForeignClient(self, device, options))
        return self.clients[-1]


class ForeignScanner:
    """See :class:`bleak.BleakScanner`."""

    def __init__(self, system: ForeignSystem, heard: Callable[[Any, Any], None]) -> None:
        self._system = system
        self._heard = heard

    async def start(self) -> None:
        self._system.scans += 1
        device = BLEDevice(self._system.address, "Arduino-2341-1002", None)
        data = AdvertisementData("Arduino-2341-1002", {}, {}, [PROVISIONING.service], None, -60, ())
        asyncio.get_running_loop().call_soon(self._heard, device, data)

    async def stop(self) -> None:
        await asyncio.sleep(0)


class ForeignClient:
    """See :class:`bleak.BleakClient`."""

    def __init__(self, system: ForeignSystem, device: Any, options: dict[str, Any]) -> None:
        self.device = device
        self.options = options
        self.address = system.address
        self.is_connected = False
        self.ended = 0
        self.forgotten = 0
        self.notify: Notify = lambda *_: None
        self.services = self
        self._system = system

    def get_characteristic(self, uuid: str) -> Any:
        return SimpleNamespace(max_write_without_response_size=self._system.room)

    async def connect(self) -> None:
        await asyncio.sleep(0)
        if self._system.script:
            await self._system.script.pop(0)(self)
        self.is_connected = True

    async def disconnect(self) -> None:
        self.ended += 1
        await asyncio.sleep(0)
        if self.is_connected:
            self.fall()

    async def unpair(self) -> None:
        self.forgotten += 1

    async def start_notify(self, uuid: str, notify: Notify) -> None:
        await asyncio.sleep(0)
        await self._system.on_subscribe(self, notify)

    async def write_gatt_char(self, uuid: str, data: bytes, *, response: bool) -> None:
        assert response
        await asyncio.sleep(0)
        self._system.on_write(data)

    def fall(self) -> None:
        """The link is gone."""
        self.is_connected = False
        self.options["disconnected_callback"](self)


async def _subscribe(client: ForeignClient, notify: Notify) -> None:
    client.notify = notify
