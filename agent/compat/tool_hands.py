"""Performs the requests of :mod:`agent.compat.tool_steps`: touch, port and program, no shell."""

from __future__ import annotations

import asyncio
import math
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from agent.boards.board import LOADER_KINDS
from agent.compat.port_wait import RESTART_S, PortWait
from agent.compat.tool_steps import (
    UPLOAD_VARIABLE,
    AwaitSketch,
    EnterPort,
    PortNow,
    RunProgram,
    short,
    tool_trouble,
)
from agent.errors import AmbiguousBoard, FlashFailed, InternalError, PortBusy, PortGone
from agent.flash.child import ChildSilent, run_child
from agent.flash.touch import Entry, entry_of
from agent.jobs.faces import BoardFaces, target_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

    from agent.boards.board import Board, BoardChanges
    from agent.compat.tool_steps import ToolUpload
    from agent.flash.child import ChildResult
    from agent.flash.method import FlashTarget
    from agent.jobs.kit import Hold, KitEffect
    from agent.jobs.surroundings import Lease

SILENCE_S: Final = 300.0
"""Longest time without a word of the tool: erasing a large chip over a slow probe takes minutes."""
LOST_S: Final = 10.0
"""So long after its port was gone a tool may say nothing: some notice that and go on, others wait for
ever, as bossac does. Its own restart of the board takes a second or two."""
OURS_S: Final = 2.0
"""After its arrival a port may belong to nobody for a second: udev gives it to its group then."""
OURS_RETRY_S: Final = 0.05

_ENTERS: Final = frozenset({Entry.RESTARTS, Entry.STAYS})


class ToolHands:
    """For one job."""

    def __init__(self, hold: Hold) -> None:
        self._hold = hold
        self._boards = hold.surroundings.boards
        self._clock = hold.surroundings.clock
        self._folder: Path | None = None

    async def perform(self, request: KitEffect) -> Any:  # noqa: ANN401 - one per request
        """The value of ``request``."""
        match request:
            case EnterPort(upload=upload):
                self._folder = upload.folder
                port = await self._enter(upload)
                if upload.run.needs_port:
                    await self._until_ours(port.address)
                return port
            case RunProgram(upload=upload, port=port):
                return await self._run(request, upload, port)
            case AwaitSketch(upload=upload, port=port, seconds=seconds):
                return await self._shows(upload, port, seconds)
        raise InternalError(kind=type(request).__name__)

    async def close(self) -> None:
        """The job is over, and with it what the tool read."""
        if self._folder is not None:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    # The port --------------------------------------------------------------------------------

    async def _enter(self, upload: ToolUpload) -> PortNow:
        lease = self._lease
        if not upload.touch:
            return self._given(upload)
        upload.on_line("Resetting the board into its bootloader")
        model = upload.model
        if model is not None and entry_of(model) in _ENTERS and _by_serial(model.upload.method):
            target = await BoardFaces(self._boards, lease, model, self._clock).enter(model)
            return _now(target, upload)
        return await self._touch(lease, upload)

    async def _touch(self, lease: Lease, upload: ToolUpload) -> PortNow:
        """As for any board: nobody knows how its bootloader shows itself."""
        touched = next((port for port in lease.board.ports if port.kind == "serial"), None)
        if touched is None:
            return self._given(upload)
        wait = PortWait(target_of(touched), self._present(), self._now())
        changed = asyncio.Event()
        found: list[FlashTarget | None] = [None]

        def look() -> None:
            # At each change, so that a port that is gone for a moment only is noticed.
            found[0] = wait.look(self._present(), self._now())
            changed.set()

        with self._following(look):
            try:
                await lease.touch()
            except PortGone:
                if not upload.wait_for_port:
                    raise
            if not upload.wait_for_port:
                await self._clock.sleep(RESTART_S)
                return self._given(upload)
            while True:
                look()
                if (target := found[0]) is not None:
                    self._adopt(target)
                    return _now(target, upload)
                if self._loader_without_port() or wait.over(self._now()):
                    return self._given(upload)
                changed.clear()
                await self._until(changed, wait.next_deadline)

    def _given(self, upload: ToolUpload) -> PortNow:
        """The port as the page named it, if it is still the board's; else the one that it has."""
        serial = [port for port in self._lease.board.ports if port.kind == "serial"]
        if not serial:
            if upload.run.needs_port:
                raise PortGone(port=upload.port)
            return PortNow(upload.port, "")
        chosen = next((port for port in serial if port.address == upload.port), serial[0])
        return PortNow(chosen.address, chosen.serial_number or "")

    def _loader_without_port(self) -> bool:
        return any(port.kind in LOADER_KINDS for port in self._lease.board.ports)

    def _adopt(self, target: FlashTarget) -> None:
        """The board's own in the list, too, unless the list knows better."""
        for board in self._boards.list():
            for port in board.ports:
                if target_of(port) == target and port.kind == "serial":
                    try:
                        self._boards.adopt(self._lease.board.id, port)
                    except (PortBusy, AmbiguousBoard) as error:
                        raise FlashFailed(stage="prepare", detail=str(error).rstrip(".")) from error
                    return

    def _present(self) -> list[FlashTarget]:
        boards: list[Board] = self._boards.list()
        return [target_of(port) for each in boards for port in each.ports if port.kind == "serial"]

    async def _until_ours(self, address: str) -> None:
        """A port that came just now may not be readable for a moment yet."""
        end = self._now() + OURS_S
        while self._now() < end and address.startswith("/") and os.access(address, os.F_OK):
            if os.access(address, os.R_OK | os.W_OK):
                return
            await self._clock.sleep(OURS_RETRY_S)

    # The program -----------------------------------------------------------------------------

    async def _run(self, request: KitEffect, upload: ToolUpload, port: PortNow) -> None:
        argv = upload.run.argv(port.address, port.serial_number)
        upload.on_line(f"Flashing with command: {' '.join(argv)}")

        lost = _Lost(self._clock.monotonic)

        def on_line(line: str) -> None:
            lost.said()
            upload.on_line(line)
            self._hold.advanced(request, 0, 0, short(line))

        try:
            mark = {UPLOAD_VARIABLE: upload.folder.name}
            running = run_child(argv, on_line, silence_s=SILENCE_S, environ=mark)
            result = await self._unless_lost(running, lost, upload, port)
        except ChildSilent as silent:
            detail = f"{upload.tool} said nothing for {silent.seconds:g} s"
            raise FlashFailed(stage="write", detail=detail) from None
        except OSError as error:
            detail = f"{upload.tool} cannot be run: {error.strerror or type(error).__name__}"
            raise FlashFailed(stage="prepare", detail=detail) from error
        if result.status:
            raise tool_trouble(upload.tool, result.status, result.tail)

    async def _unless_lost(
        self,
        run: Coroutine[None, None, ChildResult],
        lost: _Lost,
        upload: ToolUpload,
        port: PortNow,
    ) -> ChildResult:
        """The end of a tool; it is ended when its port went and it does nothing about that."""
        running = asyncio.ensure_future(run)
        changed = asyncio.Event()
        running.add_done_callback(lambda _: changed.set())

        def look() -> None:
            ports = [each.address for each in self._lease.board.ports]
            if upload.run.needs_port and port.address not in ports:
                lost.gone()
                changed.set()

        try:
            with self._following(look):
                while not running.done():
                    changed.clear()
                    await self._until(changed, lost.deadline)
                    if lost.deadline <= self._now() and not running.done():
                        detail = f"the board was unplugged while {upload.tool} was writing"
                        raise FlashFailed(stage="write", detail=detail)
            return await running
        finally:
            running.cancel()
            await asyncio.wait({running})

    # Back to the sketch ----------------------------------------------------------------------

    async def _shows(self, upload: ToolUpload, port: PortNow, seconds: float) -> bool:
        """Whether the board is there with a serial port that is not its bootloader's."""
        faces = BoardFaces(self._boards, self._lease, upload.model, self._clock)
        changed = asyncio.Event()
        # A port of an unknown board that did not change its name tells nothing more.
        left = port.address == upload.port

        def shows() -> bool:
            nonlocal left
            serial = [each.address for each in self._lease.board.ports if each.kind == "serial"]
            left = left or port.address not in serial
            return faces.has_sketch if upload.model is not None else left and bool(serial)

        def look() -> None:
            if shows():
                changed.set()

        with self._following(look):
            if not shows():
                await self._until(changed, self._now() + seconds)
            return shows()

    # Shared ----------------------------------------------------------------------------------

    @property
    def _lease(self) -> Lease:
        lease = self._hold.lease
        if lease is None:
            raise PortGone(port=self._hold.board)
        return lease

    def _now(self) -> float:
        return self._clock.monotonic()

    async def _until(self, changed: asyncio.Event, end: float) -> None:
        """Until something changed, or the time is ``end``."""
        if end == math.inf:
            await changed.wait()
            return
        alarm = asyncio.create_task(self._clock.sleep(max(0.0, end - self._now())))
        alarm.add_done_callback(lambda task: None if task.cancelled() else changed.set())
        try:
            await changed.wait()
        finally:
            alarm.cancel()

    @contextmanager
    def _following(self, look: Callable[[], None]) -> Iterator[None]:
        def changed(_: BoardChanges) -> None:
            look()

        unsubscribe = self._boards.subscribe(changed)
        try:
            yield
        finally:
            unsubscribe()


class _Lost:
    """Whether the port of a tool was gone, and when the tool said something last."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._gone = False
        self._last = now()

    @property
    def deadline(self) -> float:
        """When to give it up; infinity while its port is there."""
        return self._last + LOST_S if self._gone else math.inf

    def gone(self) -> None:
        """The port is not there at the moment."""
        if not self._gone:
            self._gone, self._last = True, self._now()

    def said(self) -> None:
        """It has said a line."""
        self._last = self._now()


def _by_serial(method: str) -> bool:
    """Whether the bootloader of a method is a serial port."""
    return method not in {"dfu", "dfuse", "uf2", "rp2040"}


def _now(target: FlashTarget, upload: ToolUpload) -> PortNow:
    if target.address is None and upload.run.needs_port:
        raise PortGone(port=upload.port)
    return PortNow(target.address or upload.port, target.serial_number or "")
