"""The faces of the board under a lease, sketch and bootloader, and the way from one to the other.

A board that was touched is found by its socket or its number, never as the first new port
(flashing, sections 2, 9 and 10); what looks for it is ``agent.flash.touch``.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from agent.catalog import UsbId
from agent.errors import (
    AmbiguousBoard,
    FlashError,
    FlashFailed,
    NoBootloader,
    OtherBoard,
    PortBusy,
    PortError,
    PortGone,
    SketchGone,
)
from agent.flash.method import FlashTarget
from agent.flash.touch import Action, BootloaderWait, Entry, entry_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from agent.boards.board import Board, BoardChanges, Port
    from agent.catalog import Model
    from agent.jobs.surroundings import Boards, Clock, Lease

    Tell = Callable[[FlashTarget], Awaitable[None]]
    """Tells a sketch to make way for the bootloader."""

_PORTS_OF: Final = {"dfu": "usb", "dfuse": "usb", "uf2": "volume", "rp2040": "volume"}
"""Where the bootloader of a method shows itself; the others are serial ports."""


class BoardFaces:
    """Of the board that a job holds."""

    def __init__(self, boards: Boards, lease: Lease, model: Model | None, clock: Clock) -> None:
        self._boards = boards
        self._lease = lease
        self._model = model
        self._clock = clock
        self._place: str | None = None
        """Its socket, once it went into its bootloader."""

    # What shows ------------------------------------------------------------------------------

    @property
    def loader(self) -> Port | None:
        """The port of the board's bootloader, if that is known to run."""
        loaders = [port for port in self._lease.board.ports if self._is_loader(port)]
        # The drive, where there is one: its device alone cannot be written to.
        return next((p for p in loaders if p.kind == "volume"), next(iter(loaders), None))

    @property
    def serial(self) -> Port | None:
        """Its serial port, whatever runs behind it."""
        return next((port for port in self._lease.board.ports if port.kind == "serial"), None)

    @property
    def has_sketch(self) -> bool:
        """Whether a port of a sketch is there."""
        ports = self._lease.board.ports
        return any(port.kind == "serial" and not self._is_loader(port) for port in ports)

    @property
    def place(self) -> str | None:
        """The socket that the board is in, where that is known."""
        places = (target_of(port).location for port in self._lease.board.ports)
        return next(filter(None, places), self._place)

    def _is_loader(self, port: Port) -> bool:
        if port.kind in {"usb", "volume"}:
            return True
        if self._model is None or port.vid is None:
            return False
        ids = UsbId(port.vid, port.pid)
        return ids in self._model.usb.bootloader and ids not in self._model.usb.sketch

    # Into the bootloader ---------------------------------------------------------------------

    async def enter(self, model: Model, tell: Tell | None = None) -> FlashTarget:
        """Bring the board into its bootloader, unless it is there; the place to write to.

        ``tell`` makes the sketch leave; None: a touch does. A :class:`PortError` says that it could
        not even be told; every failure behind that is a :class:`FlashError`, mostly
        :class:`NoBootloader`.
        """
        tell = tell or self._touch
        ports = self._lease.board.ports
        if not ports:
            raise PortGone(port=self._lease.board.name)
        self._place = self.place
        entry, loader = entry_of(model), self.loader
        if loader is not None and entry is not Entry.STAYS:
            return await self._mounted(model, loader, tell)
        sketch = target_of(self.serial or ports[0])
        if entry is Entry.BY_TOOL:
            return sketch
        before = self._present(model)
        await tell(sketch)
        wait = BootloaderWait(model, sketch, before, self._now())
        return await self._found(model, wait, lambda: tell(sketch))

    async def _touch(self, _: FlashTarget) -> None:
        await self._lease.touch()

    async def _mounted(self, model: Model, loader: Port, tell: Tell) -> FlashTarget:
        """The place to write to; a drive may be mounted somewhat later than its device comes."""
        if loader.kind == _PORTS_OF.get(model.upload.method, "serial"):
            return target_of(loader)
        place = target_of(loader)
        wait = BootloaderWait(model, place, (), self._now())
        return await self._found(model, wait, lambda: tell(place))

    async def _found(
        self, model: Model, wait: BootloaderWait, tell_again: Callable[[], Awaitable[None]]
    ) -> FlashTarget:
        with self._changes() as changed:
            while True:
                found = wait.look(self._present(model), self._now())
                if isinstance(found, FlashTarget):
                    self._adopt(model, found)
                    return found
                if found is Action.TOUCH_AGAIN:
                    # A board that left at this very moment needs not be told again.
                    with contextlib.suppress(PortError, FlashError):
                        await tell_again()
                await self._until(changed, wait.next_deadline)

    def _adopt(self, model: Model, found: FlashTarget) -> None:
        ports = [port for port in self._ports(model) if target_of(port) == found]
        try:
            for port in ports[:1]:
                self._boards.adopt(self._lease.board.id, port)
        except PortBusy as error:
            detail = f"{error.facts['holder']} uses it"
            raise self._not_found(model, detail) from error
        except (PortError, AmbiguousBoard) as error:
            raise self._not_found(model, str(error).rstrip(".")) from error

    def _not_found(self, model: Model, detail: str) -> NoBootloader:
        return NoBootloader(detail=detail, manual=model.bootloader_entry.manual)

    def _present(self, model: Model) -> list[FlashTarget]:
        return [target_of(port) for port in self._ports(model)]

    def _ports(self, model: Model) -> Iterator[Port]:
        """Everything that is there and may be a sketch, or a bootloader of this method."""
        kinds = {"serial", _PORTS_OF.get(model.upload.method, "serial")}
        for board in self._boards.list():
            yield from (port for port in board.ports if port.kind in kinds)

    # Back to the sketch ----------------------------------------------------------------------

    async def wait_sketch(self, seconds: float) -> None:
        """Return when the board is there with a sketch.

        Raises :class:`OtherBoard` if another one is in its socket, :class:`SketchGone` if the
        bootloader is there again, :class:`FlashFailed` if nothing is.
        """
        place = self.place
        with self._changes() as changed:
            end = self._now() + seconds
            while not self.has_sketch:
                if self._now() >= end:
                    raise self._no_sketch(place, seconds)
                await self._until(changed, end)

    def _no_sketch(self, place: str | None, seconds: float) -> Exception:
        if (other := self._other_in(place)) is not None:
            found = other.ports[0].serial_number or other.id
            return OtherBoard(expected_board=self._lease.board.id, found_board=found)
        if self.loader is not None:
            return SketchGone()
        detail = f"the board did not show itself with its new sketch within {seconds:g} s"
        return FlashFailed(stage="reset", detail=detail)

    def _other_in(self, place: str | None) -> Board | None:
        """Another board that sits where ours was."""
        mine = self._lease.board.id
        for board in self._boards.list():
            there = {target_of(port).location for port in board.ports}
            if board.id != mine and place and place in there:
                return board
        return None

    async def until_sketch(self, leave: Awaitable[None], loader: Port, seconds: float) -> None:
        """Let the board leave its bootloader; one that is there again found no sketch."""
        left = False

        def look() -> None:
            nonlocal left
            # It may be gone and there again before anybody else has a look.
            left = left or self.loader != loader

        with self._changes(look) as changed:
            await leave
            end = self._now() + seconds
            while not self.has_sketch:
                if self.loader is not None and (left or self._now() >= end):
                    raise SketchGone
                if self._now() >= end:
                    raise FlashFailed(stage="reset", detail="the board did not come back")
                await self._until(changed, end)

    # Shared ----------------------------------------------------------------------------------

    def _now(self) -> float:
        return self._clock.monotonic()

    async def _until(self, changed: asyncio.Event, end: float) -> None:
        """Until something changed, or the time is ``end``."""
        alarm = asyncio.create_task(self._clock.sleep(max(0.0, end - self._now())))
        alarm.add_done_callback(lambda task: None if task.cancelled() else changed.set())
        try:
            await changed.wait()
        finally:
            alarm.cancel()
        changed.clear()

    @contextlib.contextmanager
    def _changes(self, look: Callable[[], None] = lambda: None) -> Iterator[asyncio.Event]:
        """An event that is set at each change of the list of boards; ``look`` is called at it."""
        event = asyncio.Event()

        def changed(_: BoardChanges) -> None:
            look()
            event.set()

        unsubscribe = self._boards.subscribe(changed)
        try:
            yield event
        finally:
            unsubscribe()


def target_of(port: Port) -> FlashTarget:
    """A port as flash methods name it."""
    return FlashTarget(
        address=port.address if port.kind == "serial" else None,
        vid=port.vid,
        pid=port.pid,
        serial_number=port.serial_number,
        # Without the interface of a device that has several.
        location=(port.location or "").partition(":")[0] or None,
        volume=port.address if port.kind == "volume" else None,
    )
