"""The boards of this computer for everybody above: list, find, follow, lease."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import sys
import time
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from agent.boards.find import find_board
from agent.boards.known import KnownBoards
from agent.boards.leases import STALE_S, Arrivals, Lease
from agent.boards.loader_drives import LoaderDrives
from agent.boards.pause import Pause
from agent.boards.registry import Registry
from agent.boards.simulated_ports import SimulatedPorts
from agent.boards.sockets import Sockets
from agent.boards.system_ports import SystemPorts
from agent.boards.usb_loaders import FoundLoaders, UsbLoaders, by_location
from agent.boards.watch import PortWatcher
from agent.errors import PortGone, UnknownBoard
from agent.links import open_link
from agent.links.touch import touch
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

    from agent.boards.board import Board, BoardChanges, Port, Via
    from agent.boards.identity import UsbLookup
    from agent.boards.leases import GattOpener, Toucher
    from agent.boards.loader_drives import Drive
    from agent.boards.sighting import Sighting
    from agent.boards.usb_loaders import ListedDevice
    from agent.boards.watch import AirSource, PortSource
    from agent.catalog import Model
    from agent.errors import MooringError, Paused
    from agent.links import LinkOpener
    from agent.settings.config import PortsConfig

_log = logging.getLogger(__name__)


def port_sources(
    config: PortsConfig,
    models: Sequence[Model] = (),
    *,
    find_drives: Callable[[], Iterable[Drive]] | None = None,
    find_dfu: Callable[[], Iterable[ListedDevice]] | None = None,
) -> list[PortSource]:
    """The places where ``[ports]`` of the configuration says that ports are.

    ``find_drives`` lists the drives of bootloaders; ``find_dfu`` the devices in DFU mode, on
    systems that have to start a program for it.
    """
    sources: list[PortSource] = []
    if config.system:
        linux = sys.platform == "linux"
        sources.append(SystemPorts(config.ignore, config.extra))
        if linux:
            sources.append(UsbLoaders(models, config.ignore))
        elif find_dfu is not None:
            sources.append(FoundLoaders(models, find_dfu, config.ignore))
        if find_drives is not None:
            look_up = by_location if linux else None
            sources.append(LoaderDrives(models, find_drives, config.ignore, look_up=look_up))
    if config.simulated:
        sources.append(SimulatedPorts(Path(config.simulated).expanduser(), config.ignore))
    return sources


class BoardService:
    """Finds boards, tells them apart and lends them. To be used in one event loop."""

    def __init__(
        self,
        catalog: UsbLookup,
        sources: Sequence[PortSource],
        *,
        known: KnownBoards | None = None,
        air: AirSource | None = None,
        opener: LinkOpener = open_link,
        gatt_opener: GattOpener | None = None,
        toucher: Toucher = touch,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``known`` remembers boards over restarts; ``clock`` gives Unix seconds.

        ``air`` is one more source, which looks only while somebody attends.
        """
        self._known = known if known is not None else KnownBoards()
        self._catalog = catalog
        self._registry = Registry(catalog)
        self._air = air
        self.pause = Pause(air)
        """The switch with which the agent lets go of every board."""
        all_sources = [*sources, air] if air is not None else sources
        self._watcher = PortWatcher(all_sources, self._ports_changed)
        self._opener = opener
        self._gatt_opener = gatt_opener
        self._toucher = toucher
        self._clock = clock
        self._leases: dict[str, Lease] = {}
        self._arrivals = Arrivals()
        self._sockets = Sockets()
        self._waiting = 0
        self._subscribers: dict[int, Callable[[BoardChanges], None]] = {}
        self._subscriptions = 0
        self._started = False
        self._turn = asyncio.Event()

    async def start(self) -> None:
        """Load what is known and take the first look; returns when the list is complete."""
        self._known.load()
        self._registry = Registry(self._catalog, self._known.boards)
        await self._watcher.start()
        self._started = True

    async def close(self) -> None:
        """Stop watching and close all links; may be called more than once."""
        await self._watcher.close()
        for lease in list(self._leases.values()):
            await lease.end()

    def find(self, query: str) -> Board:
        """The one board that a person means; see :func:`agent.boards.find.find_board`."""
        known = self._registry.get(query)
        if known is not None:
            return known
        boards = self.list()
        try:
            return find_board(boards, query)
        except UnknownBoard:
            # Stable names such as /dev/serial/by-id/... are links to the port.
            target = os.path.realpath(query) if query.startswith("/") else query
            if target == query:
                raise
            return find_board(boards, target)

    def subscribe(self, callback: Callable[[BoardChanges], None]) -> Callable[[], None]:
        """Call ``callback`` in the event loop after each change; the result ends that."""
        self._subscriptions += 1
        key = self._subscriptions
        self._subscribers[key] = callback

        def unsubscribe() -> None:
            self._subscribers.pop(key, None)

        return unsubscribe

    @property
    def air_problem(self) -> MooringError | None:
        """Why no board in the air is heard although somebody looks; None: nothing is known."""
        return self._air.problem if self._air is not None else None

    def attend(self) -> Callable[[], None]:
        """Somebody looks for boards in the air; the result, called once or more, ends that."""
        return self.pause.attend()

    @asynccontextmanager
    async def lease(
        self,
        board_id: str,
        holder: str,
        *,
        via: Via | None = None,
        recall: Callable[[Paused], None] | None = None,
    ) -> AsyncIterator[Lease]:
        """Use the board alone. ``holder`` is what a second one is told: “the serial monitor”.

        ``via``: over the cable or through the air; None: as ``Board.via`` says. Raises
        :class:`UnknownBoard`, :class:`PortBusy` with the holder, or :class:`Paused`. The board is
        free again when the block ends, however it ends. ``recall`` is called when somebody pauses
        the agent, and has the block end soon; without it the pause waits for the holder.
        """
        with self.pause.held(recall):
            async with self._lend(board_id, holder, via) as lease:
                yield lease

    @asynccontextmanager
    async def _lend(self, board_id: str, holder: str, via: Via | None) -> AsyncIterator[Lease]:
        self._publish(self._registry.hold(board_id, clean_text(holder), via))
        record = self._registry.require(board_id)
        # A job that is waited for goes on hearing its board while others do not.
        leave = self._air.attend() if self._air and record.via == "ble" else _nothing
        lease = Lease(
            record.id,
            holder,
            registry=self._registry,
            arrivals=self._arrivals,
            opener=self._opener,
            toucher=self._toucher,
            on_touch=self._expect_loaders,
            look=self._watcher.refresh,
            via=record.via or "usb",
            gatt_opener=self._gatt_opener,
            air_problem=lambda: self.air_problem,
        )
        self._leases[record.id] = lease
        try:
            yield lease
        finally:
            try:
                await lease.end()
            finally:
                leave()
                # The id may have changed in a merge; the registry knows the old one too.
                self._leases.pop(record.id, None)
                self._expect_loaders()
                self._publish(self._registry.release(record.id, self._clock()))

    def learn(
        self,
        board_id: str,
        *,
        name: str | None = None,
        uhwid: str | None = None,
        installed: str | None = None,
        ble_address: str | None = None,
        ble_off: bool = False,
    ) -> None:
        """Take over what a session or job learned, and keep it over restarts.

        ``ble_off``: the board has switched its Bluetooth off, and is not in the air any more.

        The hardware id, or the address that it has in the air (``A1:B2:C3:D4:E5:F6``), may show
        that two boards are one; the id of the board that is in use stays, and the other one still
        finds it.
        """
        now = self._clock()
        changes = self._registry.learn(
            board_id,
            name=name,
            uhwid=uhwid,
            installed=installed,
            ble_address=ble_address,
            now=now,
        )
        self._known.put(self._registry.require(board_id).known(now))
        self._publish(changes)
        if ble_off and self._air is not None:
            for sighting in self._registry.require(board_id).sightings("ble"):
                self._air.switched_off(sighting.port.address)

    def adopt(self, board_id: str, port: Port) -> None:
        """A job has found out that the device at ``port`` is the board that it holds.

        A board that was made for the device only vanishes. Raises :class:`PortGone`,
        :class:`PortBusy` if somebody else uses the device, and :class:`AmbiguousBoard` if it may
        as well be a board that another job waits for.
        """
        self._publish(self._registry.adopt(board_id, port, self._clock()))
        self._next_turn()

    @contextmanager
    def expecting_loader(self) -> Iterator[None]:
        """Look for bootloaders often, also where a look starts a program.

        Nothing to do after a touch and during :meth:`wait_back`, which say so themselves.
        """
        self._waiting += 1
        self._expect_loaders()
        try:
            yield
        finally:
            self._waiting -= 1
            self._expect_loaders()

    async def wait_back(self, board_id: str, timeout_s: float) -> Board:
        """Wait until a board that was unplugged or reset has a port, whatever its name is now.

        A board that is held counts as back at a port of its lease's ``via``.

        A port on which a link was lost counts only when it was seen to come back; on a cable also
        after STALE_S without another sign. Raises :class:`PortGone` after ``timeout_s`` and
        :class:`UnknownBoard` for an id that was never seen.
        """
        record = self._registry.require(board_id)
        by_air = record.via == "ble"
        loop = asyncio.get_running_loop()
        believed_at = math.inf if by_air else loop.time() + STALE_S
        try:
            async with asyncio.timeout(timeout_s):
                with nullcontext() if by_air else self.expecting_loader():
                    await self._watcher.refresh()
                    while True:
                        turn, board = self._turn, self._registry.get(record.id)
                        left_s = math.inf
                        if board is not None and _has_port(board):
                            if not self._is_stale(record.id) or loop.time() >= believed_at:
                                return board
                            left_s = believed_at - loop.time()
                        await _wait(turn, left_s)
        except TimeoutError:
            raise PortGone(port=record.address(record.via)) from None

    def list(self) -> list[Board]:
        """All boards that are there or that a job expects back."""
        return self._registry.boards()

    def _ports_changed(self, sightings: Sequence[Sighting]) -> None:
        now = asyncio.get_running_loop().time() if self._started else -math.inf
        sightings = self._sockets.latest(sightings)
        returned = self._arrivals.returned(sightings)
        self._arrivals.note(sightings, now)
        if returned:
            # A restart between two looks is told all the same: jobs wait for it.
            away = [sighting for sighting in sightings if sighting not in returned]
            self._publish(self._registry.update(away, self._clock()))
        self._publish(self._registry.update(sightings, self._clock()))
        self._next_turn()

    def _next_turn(self) -> None:
        turn, self._turn = self._turn, asyncio.Event()
        turn.set()

    def _expect_loaders(self) -> None:
        touched = any(lease.awaits_loader for lease in self._leases.values())
        self._watcher.expect_loader(bool(self._waiting) or touched)

    def _publish(self, changes: BoardChanges) -> None:
        if not changes:
            return
        for callback in list(self._subscribers.values()):
            try:
                callback(changes)
            except Exception:  # noqa: BLE001 - one page's defect must not hide boards from others
                _log.error("a subscriber of the boards failed", exc_info=True)

    def _is_stale(self, board_id: str) -> bool:
        lease = self._leases.get(board_id)
        return lease is not None and all(
            lease.is_stale(sighting)
            for sighting in self._registry.require(board_id).sightings(lease.via)
        )


def _has_port(board: Board) -> bool:
    """It has one that its holder uses, or any if nobody has it."""
    return any(board.holder is None or port.via == board.via for port in board.ports)


async def _wait(turn: asyncio.Event, limit_s: float) -> None:
    """Until the ports changed, or ``limit_s`` passed."""
    try:
        await asyncio.wait_for(turn.wait(), limit_s if limit_s < math.inf else None)
    except TimeoutError:
        return


def _nothing() -> None:
    """Nobody attends, so nothing ends."""
