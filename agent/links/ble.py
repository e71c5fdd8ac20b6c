"""Links to boards over Bluetooth LE: the provisioning service as a byte pipe.

A link is up while the board's session is: the subscription starts it, and its end is the end of
the connection. There are no other signs of either (protocol-v2, section 3).
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from agent.errors import BleLost, BleRefused, BluetoothFailed, PortFailed
from agent.links.ble_connect import PATIENCE, Wanted, connect
from agent.links.ble_failures import (
    att_code,
    library_errors,
    link_is_gone,
    radio_error,
    shown,
)
from agent.links.ble_library import LinkEndedError, within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bleak import BleakClient

    from agent.errors import PortError
    from agent.links.ble_connect import Patience
    from agent.links.ble_radio import BleRadio
    from agent.links.link import Link, LinkOpener

SCHEME: Final = "ble://"

PROVISIONING: Final = Wanted(
    service="5e5be887-c816-4d4f-b431-9eb34b02f4d9",
    to_board="0000ffe1-0000-1000-8000-00805f9b34fc",
    from_board="0000ffe1-0000-1000-8000-00805f9b34fa",
)
"""Source: Arduino_NetworkConfigurator ec9ff8e, BLEAgent.h (protocol-v2, section 3)."""

VALUE_BYTES: Final = 256
"""What the board's characteristic holds."""
MTU_BYTES_MIN: Final = 20
"""Of the least ATT_MTU, 23, three are for opcode and handle."""
WRITE_GAP_S: Final = 0.1
"""The characteristic holds one value, and a second write replaces one that the sketch has not read.
Its confirmation says that the radio has it, not the sketch (protocol-v2, 3)."""
RECEIVE_BUFFER_BYTES: Final = 64 * 1024
"""More than this not taken by the owner ends the link: boards send some kilobytes in a session, and
indications cannot be held back."""


async def open_ble(radio: BleRadio, address: str, *, patience: Patience = PATIENCE) -> BleLink:
    """A link to the board at ``address`` (``ble://`` may stand before it).

    Raises :class:`agent.errors.BluetoothError` if Bluetooth cannot be used,
    :class:`agent.errors.BleUnreachable` or :class:`agent.errors.BleServiceMissing`.
    """
    link = BleLink(radio, address.removeprefix(SCHEME), patience)
    await link.connect()
    return link


def with_ble(radio: BleRadio, otherwise: LinkOpener) -> LinkOpener:
    """An opener that knows ``ble://`` and leaves all other addresses to ``otherwise``."""

    async def open_any(address: str, baud: int) -> Link:
        if address.startswith(SCHEME):
            return await open_ble(radio, address)
        return await otherwise(address, baud)

    return open_any


class BleLink:
    """A :class:`agent.links.Link`; made by :func:`open_ble`."""

    def __init__(self, radio: BleRadio, address: str, patience: Patience) -> None:
        self._radio = radio
        self._device = address
        self._patience = patience
        self._client: BleakClient | None = None
        self._release: Callable[[], None] | None = None
        self._chunks: deque[bytes] = deque()
        self._pending = 0
        self._received = asyncio.Event()
        self._read_by_board = asyncio.Event()
        self._read_by_board.set()
        self._written_at = 0.0
        self._writing = asyncio.Lock()
        self._sending: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        self._ending: asyncio.Task[None] | None = None
        self._lost = False
        self._closed = False
        self._failure: PortError | None = None

    @property
    def address(self) -> str:
        """``ble://`` and what the system connects to."""
        return SCHEME + self._device

    @property
    def lost(self) -> bool:
        """The link ended before its owner closed it: out of range, restarted, or done."""
        return self._lost

    @property
    def write_bytes(self) -> int:
        """How much of a frame goes into one write."""
        characteristic = None
        if self._client is not None and self._client.is_connected:
            characteristic = self._client.services.get_characteristic(PROVISIONING.to_board)
        if characteristic is None:
            return MTU_BYTES_MIN
        # Windows tells the agreed size some time after connecting, so ask each time.
        room = characteristic.max_write_without_response_size
        return max(MTU_BYTES_MIN, min(VALUE_BYTES, room))

    async def connect(self) -> None:
        """Get the link; once, by :func:`open_ble`."""
        self._client = await connect(
            self._radio,
            self._device,
            PROVISIONING,
            on_begin=self._begin,
            on_data=self._data_received,
            on_lost=self._link_lost,
            patience=self._patience,
        )
        self._release = self._radio.hold(self._device, self._link_lost)
        if self._ended.is_set():
            self._end()

    async def receive(self) -> bytes:
        """All bytes that wait, at least one; :class:`BleLost` when the link ended or was closed.

        What arrived before the end is still handed out first.
        """
        while not self._chunks:
            self._require_open()
            self._received.clear()
            await self._received.wait()
        data = b"".join(self._chunks)
        self._chunks.clear()
        self._pending = 0
        return data

    async def write(self, data: bytes) -> None:
        """Write ``data`` in as few parts as fit, and wait until the board has confirmed all.

        A cancelled wait takes nothing back: half a frame would stop the board's receiver.
        Raises :class:`BleLost`, :class:`BleRefused`, :class:`BluetoothFailed`; the link has ended
        then.
        """
        self._require_open()
        task = asyncio.create_task(self._send(data), name="Bluetooth write")
        self._sending.add(task)
        task.add_done_callback(self._sent)
        await asyncio.wait({task})
        if task.cancelled():
            raise BleLost(port=self.address)  # the link was closed meanwhile
        task.result()

    async def close(self) -> None:
        """End the link and wait until it is. May be called more than once; never raises."""
        self._closed = True
        self._chunks.clear()
        for task in self._sending:
            task.cancel()
        self._end()
        if self._ending is not None:
            await asyncio.wait({self._ending})

    # --- inside ------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._chunks.clear()
        self._pending = 0

    async def _send(self, data: bytes) -> None:
        async with self._writing:
            for part in _parts(data, self.write_bytes):
                await self._until_read()
                await self._write(part)

    async def _until_read(self) -> None:
        """Until the sketch has read what was written last: it answered, or had the time."""
        try:
            async with asyncio.timeout_at(self._written_at + WRITE_GAP_S):
                await self._read_by_board.wait()
        except TimeoutError:
            return

    async def _write(self, part: bytes) -> None:
        client = self._require_open()
        self._read_by_board.clear()
        writing = client.write_gatt_char(PROVISIONING.to_board, part, response=True)
        failure: PortError | None = None
        try:
            await within(self._patience.write_s, writing, unless=self._ended)
        except LinkEndedError:
            self._require_open()
        except TimeoutError:
            failure = BluetoothFailed(detail="a write does not come to its end")
        except library_errors() as error:
            failure = self._write_error(error)
        if failure is not None:
            # Without the library's own error, whose text holds what was written (on Windows).
            raise self._failed(failure)
        self._written_at = asyncio.get_running_loop().time()

    def _write_error(self, error: Exception) -> PortError:
        code = att_code(error)
        if code is not None:
            return BleRefused(port=self.address, att=f"0x{code:02x}", detail=shown(error))
        client = self._client
        if client is None or not client.is_connected or link_is_gone(error):
            return BleLost(port=self.address)
        return radio_error(error) or PortFailed(port=self.address, detail=shown(error))

    def _failed(self, error: PortError) -> PortError:
        """The link is of no use any more, as the board may have a part of a frame only."""
        self._failure = self._failure or error
        self._lost = not self._closed
        self._end()
        return self._failure

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        if not task.cancelled():
            task.exception()  # whoever still waits is told; nobody else needs to be

    def _data_received(self, data: bytes) -> None:
        if self._closed or self._failure is not None or not data:
            return
        self._read_by_board.set()
        self._chunks.append(data)
        self._pending += len(data)
        if self._pending > RECEIVE_BUFFER_BYTES:
            self._failed(PortFailed(port=self.address, detail="nobody takes what the board sends"))
        self._received.set()

    def _link_lost(self) -> None:
        """bleak: there is no link any more, whoever ended it."""
        self._lost = self._lost or not self._closed
        self._end()

    def _end(self) -> None:
        self._ended.set()
        self._received.set()
        self._read_by_board.set()
        if self._ending is None and self._client is not None:
            # After a drop bleak keeps its socket until it is told to disconnect.
            self._ending = self._radio.end(self._client)
            if self._release is not None:
                self._release()

    def _require_open(self) -> BleakClient:
        if self._failure is not None:
            raise self._failure
        if self._client is None or self._closed or self._ended.is_set():
            raise BleLost(port=self.address)
        return self._client


def _parts(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
