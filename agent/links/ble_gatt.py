"""A :class:`~agent.links.gatt.GattLink` over unmodified bleak.

Getting the link, with all that may go wrong, is :func:`agent.links.ble_connect.connect`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from agent.errors import BleLost, BleRefused, PortFailed
from agent.links.ble_connect import PATIENCE, connect
from agent.links.ble_failures import (
    att_code,
    library_errors,
    link_is_gone,
    radio_error,
    shown,
)
from agent.links.ble_library import LinkEndedError, within

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from bleak import BleakClient
    from bleak.backends.characteristic import BleakGATTCharacteristic

    from agent.errors import PortError
    from agent.links.ble_connect import Patience, Wanted
    from agent.links.ble_radio import BleRadio

T = TypeVar("T")

SCHEME: Final = "ble://"
NOTIFICATIONS_LIMIT: Final = 256
"""Notifications that wait for their owner; more end the link, as none can be held back."""


async def open_gatt(
    radio: BleRadio, address: str, wanted: Wanted, *, patience: Patience = PATIENCE
) -> BleGattLink:
    """A link to the device at ``address`` (``ble://`` may stand before it) that has this service.

    Raises :class:`agent.errors.BluetoothError` if Bluetooth cannot be used,
    :class:`agent.errors.BleUnreachable` or :class:`agent.errors.BleServiceMissing`.
    """
    link = BleGattLink(radio, address.removeprefix(SCHEME), wanted, patience)
    await link.connect()
    return link


class BleGattLink:
    """Made by :func:`open_gatt`; operations follow each other, as systems want it."""

    def __init__(self, radio: BleRadio, device: str, wanted: Wanted, patience: Patience) -> None:
        self._radio = radio
        self._device = device
        self._wanted = wanted
        self._patience = patience
        self._client: BleakClient | None = None
        self._release: Callable[[], None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._notified: deque[tuple[str, bytes]] = deque()
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()
        self._one_operation = asyncio.Lock()
        self._failure: PortError | None = None
        self._closed = False

    @property
    def address(self) -> str:
        """``ble://`` and what the system connects to."""
        return SCHEME + self._device

    @property
    def lost(self) -> bool:
        """The link ended before its owner closed it: out of range, restarted, or done."""
        return self._ended.is_set() and not self._closed

    async def connect(self) -> None:
        """Get the link; once, by :func:`open_gatt`."""
        self._client = await connect(
            self._radio,
            self._device,
            self._wanted,
            on_begin=self._begin,
            on_data=lambda data: self._notify(self._wanted.from_board, data),
            on_lost=self._end,
            patience=self._patience,
        )
        self._release = self._radio.hold(self._device, self._end)
        if not self._client.is_connected or self._ended.is_set():
            self._end()

    async def subscribe(self, uuids: Sequence[str]) -> None:
        """See the interface; the one of ``wanted`` is subscribed from the beginning."""
        for uuid in uuids:
            if uuid != self._wanted.from_board and self._has(self._require_open(), uuid):
                await self._operate(partial(_start_notify, uuid=uuid, notify=self._notify))

    async def read(self, uuid: str) -> bytes:
        """See the interface."""
        if not self._has(self._require_open(), uuid):
            return b""
        return bytes(await self._operate(lambda client: client.read_gatt_char(uuid)))

    async def write(self, uuid: str, value: bytes) -> None:
        """See the interface."""
        await self._operate(lambda client: client.write_gatt_char(uuid, value, response=True))

    async def receive(self) -> tuple[str, bytes]:
        """See the interface."""
        while not self._notified:
            self._require_open()
            self._changed.clear()
            await self._changed.wait()
        return self._notified.popleft()

    async def close(self) -> None:
        """See the interface."""
        self._closed = self._closed or not self._ended.is_set()
        self._notified.clear()
        self._end()
        if self._ending is not None:
            await asyncio.wait({self._ending})

    # --- inside ------------------------------------------------------------------------------

    async def _operate(self, begin: Callable[[BleakClient], Coroutine[Any, Any, T]]) -> T:
        """One operation; given up when the link ends or nothing comes of it."""
        failure: PortError
        async with self._one_operation:
            work = begin(self._require_open())
            try:
                return await within(self._patience.write_s, work, unless=self._ended)
            except LinkEndedError:
                failure = self._why_ended() or BleLost(port=self.address)
            except TimeoutError:
                detail = "the system does not answer"
                failure = self._fail(PortFailed(port=self.address, detail=detail))
            except library_errors() as error:
                failure = self._explained(error)
        # Without the library's own error, whose text holds what was written (on Windows).
        raise failure

    def _explained(self, error: Exception) -> PortError:
        code = att_code(error)
        if code is not None:
            return BleRefused(port=self.address, att=f"0x{code:02x}", detail=shown(error))
        if self._client is None or not self._client.is_connected or self._ended.is_set():
            return BleLost(port=self.address)
        if link_is_gone(error):
            return self._fail(BleLost(port=self.address))
        return radio_error(error) or PortFailed(port=self.address, detail=shown(error))

    def _has(self, client: BleakClient, uuid: str) -> bool:
        return client.services.get_characteristic(uuid) is not None

    def _begin(self) -> None:
        self._notified.clear()

    def _notify(self, uuid: str, value: bytes) -> None:
        if self._ended.is_set():
            return
        if len(self._notified) >= NOTIFICATIONS_LIMIT:
            self._fail(PortFailed(port=self.address, detail="nobody takes what the device sends"))
        self._notified.append((uuid, value))
        self._changed.set()

    def _fail(self, error: PortError) -> PortError:
        self._failure = self._failure or error
        self._end()
        return self._failure

    def _end(self) -> None:
        """The link is gone or is to go; called before :meth:`connect` has returned, too."""
        self._ended.set()
        self._changed.set()
        if self._ending is None and self._client is not None:
            # After a drop bleak keeps its socket until it is told to disconnect.
            self._ending = self._radio.end(self._client)
            if self._release is not None:
                self._release()
                self._release = None

    def _require_open(self) -> BleakClient:
        why = self._why_ended()
        if why is not None or self._client is None:
            raise why or BleLost(port=self.address)
        return self._client

    def _why_ended(self) -> PortError | None:
        if self._failure is None and self._ended.is_set():
            return BleLost(port=self.address)
        return self._failure


async def _start_notify(
    client: BleakClient, *, uuid: str, notify: Callable[[str, bytes], None]
) -> None:
    def notified(_: BleakGATTCharacteristic, data: bytearray) -> None:
        notify(uuid, bytes(data))

    await client.start_notify(uuid, notified)
