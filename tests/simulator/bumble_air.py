"""Two simulated controllers between the stand-in of BlueZ and a simulated board: a real ATT layer.

The board's radio is a GATT server of Bumble, the computer's a GATT client; what BlueZ would do
with its controller the client does with this one. Bumble's controller answers a scan with the
advertised data once more, so that nobody hears the board's name: it is found by its address.
Source: bench-desktop, 1.4.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from bumble import att
from bumble.controller import Controller
from bumble.core import AdvertisingData, BaseBumbleError
from bumble.device import Device, DeviceConfiguration, Peer
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink

from agent.simulator.ble_air import (
    DEFAULT_MTU,
    Advertisement,
    AttError,
    GattCharacteristic,
    GattService,
    LinkFailedError,
)
from agent.simulator.ble_radio import (
    INPUT_HANDLE,
    INPUT_UUID,
    OUTPUT_HANDLE,
    OUTPUT_UUID,
    RECEIVE_MTU,
    SERVICE_UUID,
    Request,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

    from agent.simulator.ble_board import BoardInTheAir, BoardLink

INTERVAL_MS: Final = 50.0
"""Advertising interval; with Bumble's own everything takes a second."""
LOOK_S: Final = 0.01
"""How often the server looks whether its board still advertises."""
SILENT_AFTER_S: Final = 0.5
"""A device that was not heard for so many intervals is silent."""
COMPLETE_NAME, FLAGS, UUIDS, MANUFACTURER = (
    AdvertisingData.Type.COMPLETE_LOCAL_NAME,
    AdvertisingData.Type.FLAGS,
    AdvertisingData.Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.Type.MANUFACTURER_SPECIFIC_DATA,
)


def _device(name: str, address: str, link: LocalLink) -> Device:
    controller = Controller(name, link=link, public_address=address)
    settings = DeviceConfiguration(name=name, address=Address(address))
    return Device(config=settings, host=Host(controller, AsyncPipeSink(controller)))


class _Tasks:
    """Work beside, ended together."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        while self._tasks:  # Bumble swallows a cancellation that meets one of its commands
            for task in list(self._tasks):
                task.cancel()
            await asyncio.wait(set(self._tasks), timeout=LOOK_S)


class BoardServer:
    """A simulated board behind a controller: what its host writes reaches the board's own radio."""

    def __init__(self, board: BoardInTheAir, link: LocalLink) -> None:
        self._board = board
        self._device = _device("board", board.address, link)
        self._device.gatt_server.max_mtu = RECEIVE_MTU
        self._output: Any = Characteristic(
            OUTPUT_UUID, Characteristic.Properties.INDICATE, Characteristic.READABLE, b""
        )
        self._input: Any = Characteristic(
            INPUT_UUID,
            Characteristic.Properties.WRITE,
            Characteristic.WRITEABLE,
            CharacteristicValue(write=self._write),
        )
        self._device.add_service(Service(SERVICE_UUID, [self._output, self._input]))
        self._device.on("connection", self._connected)
        self._output.on("subscription", self._subscribed)
        self._tasks = _Tasks()
        self._in_order = asyncio.Lock()
        self._connection: Any = None
        self._advertised: Advertisement | None = None
        self._link: BoardLink | None = None
        self._sent: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._gone = asyncio.Event()

    async def start(self) -> None:
        """Switch the controller on; it advertises as long as the board does."""
        await self._device.power_on()
        self._tasks.spawn(self._advertise())
        self._tasks.spawn(self._send())

    async def stop(self) -> None:
        """Switch it off."""
        await self._tasks.end()
        await self._device.power_off()

    async def _advertise(self) -> None:
        while True:
            wanted = self._board.advertisement if self._connection is None else None
            changed, self._advertised = wanted != self._advertised, wanted
            if changed:
                await self._device.stop_advertising()
            if changed and wanted is not None:
                data, response = _encoded(wanted)
                await self._device.start_advertising(
                    advertising_data=data,
                    scan_response_data=response,
                    advertising_interval_min=INTERVAL_MS,
                    advertising_interval_max=INTERVAL_MS,
                )
            await asyncio.sleep(LOOK_S)

    def _connected(self, connection: Any) -> None:
        self._connection = connection
        self._gone.clear()
        self._advertised = None  # the controller stops by itself
        connection.on("disconnection", self._disconnected)
        connection.on("connection_att_mtu_update", lambda: self._in_turn(self._mtu_changed))
        self._board.host_mtu = DEFAULT_MTU
        self._in_turn(self._link_board)

    def _disconnected(self, _: int) -> None:
        self._connection = None
        link, self._link = self._link, None
        if link is not None:
            self._board.hang_up(link)
        while not self._sent.empty():
            self._sent.get_nowait()
        self._gone.set()

    def _subscribed(self, _: Any, __: bool, indicate: bool) -> None:
        async def configure() -> None:
            if self._link is None:
                return
            if indicate:
                await self._link.subscribe(OUTPUT_HANDLE, self._sent.put_nowait)
            else:
                await self._link.unsubscribe(OUTPUT_HANDLE)

        self._in_turn(configure)

    async def _write(self, _: Any, value: bytes) -> None:
        async with self._in_order:
            if self._link is None:
                raise att.ATT_Error(att.ErrorCode.UNLIKELY_ERROR)
            try:
                await self._link.write(INPUT_HANDLE, value, response=True)
            except AttError as error:
                raise att.ATT_Error(att.ErrorCode(error.code)) from None

    async def _link_board(self) -> None:
        self._link = await self._board.connect(lambda: self._sent.put_nowait(None))

    async def _mtu_changed(self) -> None:
        if self._link is not None and self._connection is not None:
            self._link.mtu = self._connection.att_mtu
            await self._link.ask(Request.MTU, number=self._connection.att_mtu)

    def _in_turn(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do it after what came before, and not inside a callback of Bumble."""

        async def do() -> None:
            async with self._in_order:
                with contextlib.suppress(LinkFailedError):
                    await work()

        self._tasks.spawn(do())

    async def _send(self) -> None:
        """Indications one after the other, each confirmed; None: the board hung up."""
        while True:
            data = await self._sent.get()
            connection = self._connection
            if connection is None:
                continue
            if data is None:
                await connection.disconnect()
            else:
                await self._indicate(connection, data)

    async def _indicate(self, connection: Any, data: bytes) -> None:
        """Until it is confirmed, or the link is gone: Bumble would wait on for half a minute."""
        indicating = self._device.indicate_subscriber(connection, self._output, data)
        both = {asyncio.ensure_future(indicating), asyncio.ensure_future(self._gone.wait())}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
        await asyncio.gather(*both, return_exceptions=True)


class ComputersRadio:
    """The computer's controller; what it hears are peripherals for the stand-in of BlueZ."""

    def __init__(self, link: LocalLink, *, mtu: int, service: str = SERVICE_UUID) -> None:
        self.mtu = mtu
        self.service = service
        self.device = _device("computer", "00:1A:7D:DA:71:13", link)
        self._heard: dict[str, HeardPeripheral] = {}

    async def start(self) -> None:
        """Switch on and listen."""
        await self.device.power_on()
        self.device.on("advertisement", self._hear)
        await self.device.start_scanning(legacy=True)

    async def stop(self) -> None:
        """Switch off."""
        await self.device.power_off()

    def peripheral(self, address: str) -> HeardPeripheral:
        """The device with this address, heard or not."""
        return self._heard.setdefault(address, HeardPeripheral(self, address))

    def _hear(self, heard: Any) -> None:
        self.peripheral(heard.address.to_string(with_type_qualifier=False)).hear(heard)


class HeardPeripheral:
    """See :class:`agent.simulator.ble_air.Peripheral`."""

    def __init__(self, radio: ComputersRadio, address: str) -> None:
        self.address = address
        self._radio = radio
        self._heard: Advertisement | None = None
        self._rssi_dbm = 0
        self._heard_at = 0.0

    @property
    def advertisement(self) -> Advertisement | None:
        """What was heard, unless that was too long ago."""
        silent_s = asyncio.get_running_loop().time() - self._heard_at
        return self._heard if silent_s < SILENT_AFTER_S else None

    @property
    def rssi_dbm(self) -> int | None:
        """Strength of the latest."""
        return self._rssi_dbm

    def hear(self, heard: Any) -> None:
        """An advertising report."""
        self._heard = _decoded(heard.data)
        self._rssi_dbm = heard.rssi
        self._heard_at = asyncio.get_running_loop().time()

    async def connect(self, on_lost: Callable[[], None]) -> HeardLink:
        """Make a link, agree on the MTU, discover."""
        try:
            connection = await self._radio.device.connect(Address(self.address))
            link = HeardLink(connection, on_lost)
            await link.discover(self._radio.mtu, self._radio.service)
        except (BaseBumbleError, TimeoutError) as error:
            raise LinkFailedError from error
        self._heard_at = 0.0  # who has a link does not advertise
        return link


class HeardLink:
    """See :class:`agent.simulator.ble_air.PeripheralLink`."""

    def __init__(self, connection: Any, on_lost: Callable[[], None]) -> None:
        self.services: tuple[GattService, ...] = ()
        self._connection = connection
        self._on_lost = on_lost
        self._peer = Peer(connection)
        self._proxies: dict[int, Any] = {}
        connection.on("disconnection", self._disconnected)

    @property
    def mtu(self) -> int:
        """Agreed ATT_MTU."""
        return int(self._peer.gatt_client.mtu)

    async def discover(self, mtu: int, service: str) -> None:
        """This service, with all that belongs to it."""
        if mtu > DEFAULT_MTU:
            await self._peer.request_mtu(mtu)
        await self._peer.discover_service(service)
        services = []
        for found in self._peer.services:
            characteristics = []
            for proxy in await found.discover_characteristics():
                descriptors = await proxy.discover_descriptors()
                handle = proxy.handle - 1
                self._proxies[handle] = proxy
                flags = tuple(_FLAGS[bit] for bit in _FLAGS if proxy.properties & bit)
                below = tuple((each.handle, _text(each.type)) for each in descriptors)
                characteristics.append(GattCharacteristic(handle, _text(proxy.uuid), flags, below))
            uuid = _text(found.uuid)
            services.append(GattService(found.handle, uuid, tuple(characteristics)))
        self.services = tuple(services)

    async def read(self, handle: int) -> bytes:
        """Read Request."""
        value: bytes = await _answer(self._proxies[handle].read_value())
        return value

    async def write(self, handle: int, data: bytes, *, response: bool) -> None:
        """Write Request or Command; prepared in parts if it is too long for one."""
        await _answer(self._proxies[handle].write_value(data, with_response=response))

    async def subscribe(self, handle: int, on_value: Callable[[bytes], None]) -> None:
        """Write the descriptor."""
        await _answer(self._proxies[handle].subscribe(on_value, prefer_notify=False))

    async def unsubscribe(self, handle: int) -> None:
        """Write the descriptor."""
        await _answer(self._proxies[handle].unsubscribe(force=True))

    async def close(self) -> None:
        """Hang up."""
        self._on_lost = _nothing
        with contextlib.suppress(BaseBumbleError):
            await self._connection.disconnect()

    def _disconnected(self, _: int) -> None:
        self._on_lost()


@contextlib.asynccontextmanager
async def two_radios(board: BoardInTheAir, *, mtu: int) -> AsyncIterator[HeardPeripheral]:
    """The board as the computer's radio hears it; the computer proposes ``mtu``."""
    link = LocalLink()
    server, radio = BoardServer(board, link), ComputersRadio(link, mtu=mtu)
    await server.start()
    await radio.start()
    try:
        yield radio.peripheral(board.address)
    finally:
        await radio.stop()
        await server.stop()


_FLAGS = {
    Characteristic.Properties.READ: "read",
    Characteristic.Properties.WRITE: "write",
    Characteristic.Properties.WRITE_WITHOUT_RESPONSE: "write-without-response",
    Characteristic.Properties.NOTIFY: "notify",
    Characteristic.Properties.INDICATE: "indicate",
}


async def _answer(work: Awaitable[Any]) -> Any:
    try:
        return await work
    except att.ATT_Error as error:
        raise AttError(int(error.error_code)) from None
    except (BaseBumbleError, TimeoutError, asyncio.CancelledError) as error:
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise
        # Bumble cancels what still waits for an answer when the link falls.
        raise LinkFailedError from None


def _text(uuid: Any) -> str:
    return str(uuid.to_hex_str("-")).lower() if len(uuid.uuid_bytes) == 16 else _long(uuid)


def _long(uuid: Any) -> str:
    return f"0000{uuid.to_hex_str().lower()}-0000-1000-8000-00805f9b34fb"


def _encoded(said: Advertisement) -> tuple[bytes, bytes]:
    """Advertised data, and the answer to a scan."""
    [(company, data)] = said.manufacturer.items()
    uuids = b"".join(bytes.fromhex(each.replace("-", ""))[::-1] for each in said.services)
    advertised = AdvertisingData(
        [
            (FLAGS, bytes((said.flags,))),
            (UUIDS, uuids),
            (MANUFACTURER, company.to_bytes(2, "little") + data),
        ]
    )
    return bytes(advertised), bytes(AdvertisingData([(COMPLETE_NAME, said.name.encode())]))


def _decoded(heard: AdvertisingData) -> Advertisement:
    name, services, manufacturer = "", [], {}
    for kind, data in heard.ad_structures:
        if kind == COMPLETE_NAME:
            name = data.decode()
        elif kind == UUIDS:
            services.append(_dashed(data[::-1].hex()))
        elif kind == MANUFACTURER:
            manufacturer[int.from_bytes(data[:2], "little")] = data[2:]
    return Advertisement(name=name, services=tuple(services), manufacturer=manufacturer)


def _dashed(digits: str) -> str:
    parts = digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]
    return "-".join(parts)


def _nothing() -> None:
    """Nobody waits for the end."""
