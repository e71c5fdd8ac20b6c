"""A lease: the right of one job or one monitor to use a board, with the links opened under it."""

from __future__ import annotations

import asyncio
import math
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from agent.boards.identity import face_of
from agent.errors import (
    BleNotHeard,
    InputError,
    NeedsCable,
    NoPermission,
    NoSerialPort,
    PortBusy,
    PortError,
    PortGone,
    UnknownBoard,
)
from agent.links.ble import BleLink
from agent.links.ble_gatt import BleGattLink
from agent.links.stream import StreamLink

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from agent.boards.board import Board, Via
    from agent.boards.identity import Face
    from agent.boards.registry import Registry
    from agent.boards.sighting import Sighting
    from agent.errors import MooringError
    from agent.links import Link, LinkOpener
    from agent.links.ble_connect import Wanted
    from agent.links.gatt import GattLink

    GattOpener = Callable[[str, Wanted], Awaitable[GattLink]]
    """``agent.links.ble_gatt.open_gatt`` with a radio."""
    AnyLink = TypeVar("AnyLink", Link, GattLink)
    Toucher = Callable[[str], Awaitable[None]]
    """``agent.links.touch.touch``."""

SETTLE_S: Final = 2.0
"""How long after its arrival a port may refuse: udev gives it to its group about a second later,
programs that look for modems try it first, macOS says “busy” for up to 2 s (flashing notes, 9)."""
SETTLE_RETRY_S: Final = 0.05
"""Between two attempts; an attempt costs less than a millisecond."""
STALE_S: Final = 2.0
"""How long a port on which a link was lost is not believed in without a sign that it came back.
Systems that only poll notice a loss after one second."""
TOUCH_QUIET_S: Final = 0.5
"""How long a port that was touched is left alone while it is still there. The sketch counts down
250 ms and stays if somebody opens its port meanwhile (flashing, section 2)."""

ON_A_CABLE: Final = "be used over USB"
IN_THE_AIR: Final = "It is heard over Bluetooth only."
PLUG_IN: Final = "Connect it with a USB data cable, then start again."
NOT_HEARD: Final = (
    "Move it nearer, or wake its Bluetooth with its pin or button, and try again; or use a cable."
)

COMMAND_BAUDS: Final[dict[str, frozenset[int]]] = {"uno_r4_wifi": frozenset({2400})}
"""Rates that a model takes for a command: this one's USB bridge enters its ROM loader at 2400.
Source: arduino/uno-r4-wifi-usb-bridge, UNOR4USBBridge.ino."""


class Arrivals:
    """When each port came, on the clock of the event loop."""

    def __init__(self) -> None:
        self._arrivals: dict[str, tuple[Sighting, float]] = {}

    def note(self, sightings: Sequence[Sighting], now: float) -> None:
        """The complete list of ports at ``now``; minus infinity for what was always there."""
        arrivals: dict[str, tuple[Sighting, float]] = {}
        for sighting in sightings:
            before = self._arrivals.get(sighting.port.address)
            same = before is not None and before[0].is_same(sighting)
            arrivals[sighting.port.address] = before if before and same else (sighting, now)
        self._arrivals = arrivals

    def returned(self, sightings: Sequence[Sighting]) -> set[Sighting]:
        """Ports that went and came back since the list that was noted last.

        Under the same name; or all ports of a device under others, as their old names were taken
        or still in use.
        """
        before = {address: sighting.node for address, (sighting, _) in self._arrivals.items()}
        devices = {_device(sighting) for sighting, _ in self._arrivals.values()}
        wired = [sighting for sighting in sightings if sighting.port.via == "usb"]
        stayed = {_device(s) for s in wired if before.get(s.port.address) == s.node}
        return {
            sighting
            for sighting in wired
            if before.get(sighting.port.address, sighting.node) != sighting.node
            or _device(sighting) in devices - stayed
        }

    def age_s(self, sighting: Sighting, now: float) -> float:
        """Seconds since this port came; infinite if that is not known."""
        arrival = self._arrivals.get(sighting.port.address)
        return math.inf if arrival is None else now - arrival[1]


def _device(sighting: Sighting) -> Face:
    return face_of(sighting.port)


class Lease:
    """Given by ``BoardService.lease``; links opened through it are closed when it ends."""

    def __init__(
        self,
        board_id: str,
        holder: str,
        *,
        registry: Registry,
        arrivals: Arrivals,
        opener: LinkOpener,
        toucher: Toucher,
        on_touch: Callable[[], None],
        look: Callable[[], Awaitable[None]] | None = None,
        via: Via = "usb",
        gatt_opener: GattOpener | None = None,
        air_problem: Callable[[], MooringError | None] = lambda: None,
    ) -> None:
        self._board_id = board_id
        self._registry = registry
        self._arrivals = arrivals
        self._opener = opener
        self._toucher = toucher
        self._on_touch = on_touch
        self._look = look
        self._gatt_opener = gatt_opener
        self._air_problem = air_problem
        self._links: list[tuple[Link | GattLink, Sighting]] = []
        self._touched: Sighting | None = None
        self._quiet_until = -math.inf
        self._ended = False
        self.holder = holder
        self.via: Via = via
        """How the board is talked to, as long as this lease lasts."""
        self.awaits_loader = False
        """It was touched, so its loader may come at any moment."""

    @property
    def board(self) -> Board:
        """The board as it is now."""
        board = self._registry.get(self._board_id)
        if board is None:
            raise UnknownBoard(wanted=self._board_id)
        return board

    async def open(self, baud: int, address: str | None = None) -> Link:
        """Open the board's port of :attr:`via`, wherever it is now; an earlier link is closed first.

        ``address``: this one of its serial ports, and no other.

        A serial port that came only just now may refuse for a moment and is tried again; see
        SETTLE_S. Through the air the rate means nothing. Raises :class:`PortError`
        (:class:`NoSerialPort` while its loader has none) and :class:`InputError` for a rate that
        would change the board.
        """
        if self.via == "ble":
            return await self._open_air(lambda address: self._opener(address, baud))
        if baud in COMMAND_BAUDS.get(self.board.model or "", ()):
            raise InputError(field="baud", problem=f"{baud} puts this model into its loader")
        await self._forget()
        where = self._rested_port if address is None else partial(self._port_at, address)
        return await self._open_port(where, baud)

    async def open_all(self, baud: int) -> list[Link]:
        """Open every serial port of a board that has several; earlier links are closed first.

        Those that cannot be opened are left out. Raises the error of the first if none can.
        """
        await self._forget()
        links: list[Link] = []
        errors: list[PortError] = []
        for number in range(max(1, len(self._ports()))):
            try:
                links.append(await self._open_port(partial(self._nth_port, number), baud))
            except PortError as error:
                errors.append(error)
        if not links:
            raise errors[0]
        return links

    async def _open_port(self, where: Callable[[], Awaitable[Sighting]], baud: int) -> Link:
        while True:
            sighting = await where()
            try:
                link = await self._opener(sighting.port.address, baud)
            except (NoPermission, PortBusy, PortGone):
                now = asyncio.get_running_loop().time()
                if self._arrivals.age_s(sighting, now) > SETTLE_S:
                    raise
                await asyncio.sleep(SETTLE_RETRY_S)
                continue
            return await self._keep(link, sighting)

    async def _port_at(self, address: str) -> Sighting:
        for sighting in self._ports():
            if sighting.port.address == address:
                return sighting
        raise PortGone(port=address)

    async def _nth_port(self, number: int) -> Sighting:
        ports = self._ports()
        return ports[number] if number < len(ports) else self._port()

    async def open_gatt(self, wanted: Wanted) -> GattLink:
        """Connect to a device that has this service; an earlier link is closed first.

        For leases through the air only. Raises :class:`PortError`.
        """
        if self.via != "ble" or self._gatt_opener is None:
            msg = "there is no GATT on a cable"
            raise RuntimeError(msg)
        opener = self._gatt_opener
        return await self._open_air(lambda address: opener(address, wanted))

    async def touch(self) -> None:
        """Tell the sketch to restart into its loader; the link is closed first.

        Takes serial ports only; raises :class:`PortError`. The port is not opened again through
        this lease before the board had time to leave it. A board that has just left its port, and
        maybe come back at another one, has restarted already and is not told.
        """
        await self.expect_loader()
        listed = self._port()
        if self._look is not None:
            # The name in the list may be the one of another board by now, which would restart.
            await self._look()
        if (sighting := self._port()) != listed:
            return
        self._touched, self._quiet_until = sighting, math.inf
        try:
            await self._toucher(sighting.port.address)
        finally:
            self._quiet_until = asyncio.get_running_loop().time() + TOUCH_QUIET_S

    async def expect_loader(self) -> None:
        """The board is told to restart into its loader; the link is closed first."""
        await self.close()
        self.awaits_loader = True
        self._on_touch()

    def is_stale(self, sighting: Sighting) -> bool:
        """A link was lost on this very port, so it is still listed only because nobody looked."""
        return any(
            isinstance(link, StreamLink | BleLink | BleGattLink)
            and link.lost
            and sighting.is_same(opened)
            for link, opened in self._links
        )

    async def end(self) -> None:
        """Close the link for good: one that is still being opened is closed as soon as it is."""
        self._ended = True
        await self.close()

    async def close(self) -> None:
        """Close the links that are open. May be called more than once."""
        for link, _ in self._links:
            await link.close()

    async def _forget(self) -> None:
        """Close the links for others that take their place."""
        await self.close()
        self._links.clear()

    async def _rested_port(self) -> Sighting:
        """The serial port of now, once a touch of it has had its effect."""
        while (sighting := self._port()) == self._touched:
            left_s = self._quiet_until - asyncio.get_running_loop().time()
            if left_s <= 0:
                break
            await asyncio.sleep(min(left_s, SETTLE_RETRY_S))
        return sighting

    def _ports(self) -> list[Sighting]:
        sightings = self._registry.require(self._board_id).sightings("usb")
        return [each for each in sightings if each.port.kind == "serial"]

    def _port(self) -> Sighting:
        for sighting in self._ports():
            return sighting
        record = self._registry.require(self._board_id)
        sightings = record.sightings("usb")
        if sightings:
            raise NoSerialPort(port=sightings[0].port.address)
        if record.last is None:
            raise NeedsCable(board=self.board.name, what=ON_A_CABLE, why=IN_THE_AIR, action=PLUG_IN)
        raise PortGone(port=record.last_address)

    async def _open_air(self, opener: Callable[[str], Awaitable[AnyLink]]) -> AnyLink:
        """The link has a ladder of attempts of its own; see ``agent.links.ble_connect``."""
        await self._forget()
        sightings = self._registry.require(self._board_id).sightings("ble")
        if not sightings:
            raise self._air_problem() or BleNotHeard(board=self.board.name, action=NOT_HEARD)
        # A board with a new address may be listed under the old one, too.
        sighting = max(sightings, key=lambda each: each.node)
        return await self._keep(await opener(sighting.port.address), sighting)

    async def _keep(self, link: AnyLink, sighting: Sighting) -> AnyLink:
        if self._ended:
            # Its holder gave up waiting; the board may be another one's by now.
            await link.close()
            raise PortGone(port=sighting.port.address)
        self._links.append((link, sighting))
        return link
