"""A simulated board in the air: its radio as a device that can be found and linked to.

Between the firmware, which polls its radio, and whoever has the other radio: the stand-in of
BlueZ, or a GATT server of a simulated controller.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from agent.simulator.ble_air import (
    WRITE_OVERHEAD,
    AttError,
    LinkFailedError,
)
from agent.simulator.ble_radio import (
    INDICATE,
    INPUT_HANDLE,
    OUTPUT_HANDLE,
    SERVICES,
    WRITE_NOT_PERMITTED,
    Radio,
    Request,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.simulator.ble_air import Advertisement, GattService

USUAL_RSSI_DBM: Final = -60
HOST_MTU: Final = 517
"""What BlueZ asks for (BlueZ, src/main.conf, ExchangeMTU)."""
PREPARE_OVERHEAD: Final = 5
"""Opcode, handle and offset before each part of a long write."""
REQUEST_NOT_SUPPORTED: Final = 0x06


class BoardInTheAir:
    """See :class:`agent.simulator.ble_air.Peripheral`; outlives resets and losses of power."""

    def __init__(self, address: bytes) -> None:
        self.radio = Radio()
        self.rssi_dbm: int | None = USUAL_RSSI_DBM
        self.packet_s = 0.0
        """Time that each packet of a link takes: some 0.05 with a real one."""
        self.host_mtu = HOST_MTU
        """What the computer asks for when a link is made."""
        self.on_request: Callable[[], None] = _nothing
        """Called when the firmware should poll its radio."""
        self._address = address
        self._heard = asyncio.Event()
        """Set when the board may be heard again."""
        self._link: BoardLink | None = None
        self._sending: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """``AA:BB:CC:DD:EE:FF``."""
        return self._address.hex(":").upper()

    @property
    def advertisement(self) -> Advertisement | None:
        """What the radio advertises now."""
        return self.radio.heard

    @property
    def busy(self) -> bool:
        """Whether the firmware waits until what it sends is confirmed; it does nothing else."""
        return self._sending is not None

    def change_address(self, address: bytes) -> None:
        """From now on it has another one; what is advertised about it stays."""
        self._address = address

    def go_out_of_range(self) -> None:
        """Nothing is heard of it any more, and a link falls."""
        self.rssi_dbm = None
        self.drop()

    def come_back(self, rssi_dbm: int = USUAL_RSSI_DBM) -> None:
        """It is heard again."""
        self.rssi_dbm = rssi_dbm
        self._heard.set()

    def switch(self, *, on: bool) -> None:
        """Its Bluetooth goes off, and the link with it; or on again."""
        self.radio.switch(on=on)
        if on:
            self._heard.set()
        else:
            self._fall()
        self.on_request()

    def power_off(self) -> None:
        """Nothing runs on the board any more."""
        self.on_request = _nothing
        self.radio.end()
        self.radio.outbox.clear()
        self._fall_if_dropped()

    def drop(self) -> None:
        """The link falls, for want of strength."""
        self.radio.lose()
        self._fall()
        self.on_request()

    def pump(self) -> None:
        """Carry what the radio wants to send; called after the firmware ran."""
        if self._sending is not None:
            return
        if self.packet_s and self.radio.outbox:
            self._sending = asyncio.get_running_loop().create_task(self._send_slowly())
            return
        while self.radio.outbox:
            self._hand_over()
        self._fall_if_dropped()
        if self.radio.heard is not None:
            self._heard.set()

    async def connect(self, on_lost: Callable[[], None]) -> BoardLink:
        """A link with the MTU agreed and the services known."""
        while self.rssi_dbm is None or not self.radio.link():
            # The controller of the computer listens on until it hears an advertisement.
            self._heard.clear()
            await self._heard.wait()
        link = BoardLink(self, on_lost)
        self._link = link
        try:
            await link.ask(Request.MTU, number=self.host_mtu)
            link.mtu = self.radio.mtu
            await link.ask(Request.DISCOVER)
        except BaseException:
            await link.close()
            raise
        return link

    def hang_up(self, link: BoardLink) -> None:
        """The computer ends the link."""
        if link is self._link:
            self._link = None
            link.end()
            self.radio.lose()
            self.on_request()

    async def close(self) -> None:
        """End what still runs."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        self._sending = None
        self._fall()

    async def _send_slowly(self) -> None:
        while self.radio.outbox:
            await asyncio.sleep(self.packet_s)
            if self.radio.outbox:
                self._hand_over()
            # Inside an indication the firmware's stack goes on answering requests.
            self.radio.poll()
        self._sending = None
        self._fall_if_dropped()
        self.on_request()

    def _hand_over(self) -> None:
        data = self.radio.outbox.popleft()
        if self._link is not None:
            self._link.deliver(data)

    def _fall_if_dropped(self) -> None:
        if self.radio.dropped:
            self.radio.dropped = False
            self._fall()

    def _fall(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.fall()


class BoardLink:
    """See :class:`agent.simulator.ble_air.PeripheralLink`."""

    services: tuple[GattService, ...] = SERVICES

    def __init__(self, board: BoardInTheAir, on_lost: Callable[[], None]) -> None:
        self.mtu = 0
        self._board = board
        self._on_lost = on_lost
        self._on_value: Callable[[bytes], None] | None = None
        self._waiting: set[asyncio.Future[int]] = set()
        self._up = True

    async def read(self, handle: int) -> bytes:  # noqa: ARG002  (none can be read)
        """Refused by the board: neither characteristic can be read."""
        await self.ask(Request.READ)
        return b""

    async def write(self, handle: int, data: bytes, *, response: bool) -> None:
        """Write in one request, or prepared in parts if it is longer."""
        if handle != INPUT_HANDLE:
            raise AttError(WRITE_NOT_PERMITTED)
        long = response and len(data) > self.mtu - WRITE_OVERHEAD
        if not long:
            data = data[: self.mtu - WRITE_OVERHEAD]
        parts = -(-len(data) // (self.mtu - PREPARE_OVERHEAD)) if long else 0
        if self._board.packet_s:
            await asyncio.sleep(self._board.packet_s * parts)
        await self.ask(Request.WRITE_LONG if long else Request.WRITE, data=data)

    async def subscribe(self, handle: int, on_value: Callable[[bytes], None]) -> None:
        """Ask for indications."""
        self._on_value = on_value
        await self._configure(handle, INDICATE)

    async def unsubscribe(self, handle: int) -> None:
        """Ask for none; the board hangs up on who does."""
        await self._configure(handle, 0)

    async def close(self) -> None:
        """Hang up."""
        self._board.hang_up(self)

    async def ask(self, request: Request, *, number: int = 0, data: bytes = b"") -> None:
        """One request; returns when the firmware polled. Raises its error."""
        if self._board.packet_s:
            await asyncio.sleep(self._board.packet_s)
        if not self._up:
            raise LinkFailedError
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.add(answer)

        def answered(code: int) -> None:
            if not answer.done():
                answer.set_result(code)

        self._board.radio.ask(request, answered, number=number, data=data)
        self._board.on_request()
        try:
            code = await answer
        finally:
            self._waiting.discard(answer)
        if code:
            raise AttError(code)

    def deliver(self, data: bytes) -> None:
        """An indication arrived."""
        if self._on_value is not None:
            self._on_value(data)

    def fall(self) -> None:
        """The link is gone without this side's doing."""
        if self._up:
            self.end()
            self._on_lost()

    def end(self) -> None:
        """Nothing comes any more."""
        self._up = False
        for answer in self._waiting:
            if not answer.done():
                answer.set_exception(LinkFailedError())

    async def _configure(self, handle: int, value: int) -> None:
        if handle != OUTPUT_HANDLE:
            raise AttError(REQUEST_NOT_SUPPORTED)
        await self.ask(Request.CONFIGURE, number=value)


def _nothing() -> None:
    """No firmware yet."""
