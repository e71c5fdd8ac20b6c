"""Performs the requests of ``flash_effects.py``: asks boards, fetches sketches, writes them."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from agent.catalog import UsbId
from agent.errors import (
    AnswerMissing,
    BoardError,
    CommandRefused,
    FlashFailed,
    NoBootloader,
    NotSupported,
    OtherBoard,
    PortGone,
    ReceiverStuck,
    SketchGone,
    SketchHalted,
    WrongSketch,
)
from agent.flash.content import read_image
from agent.flash.method import FlashProgress, FlashTarget
from agent.flash.touch import Action, BootloaderWait, Entry, entry_of
from agent.flash.unsupported import refuse_method
from agent.jobs import flash_effects as wanted
from agent.jobs.which import BoardSays, heard

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from agent.boards.board import Board, BoardChanges, Port
    from agent.catalog import Model
    from agent.flash.fetch import Obtained
    from agent.jobs.effects import Request
    from agent.jobs.surroundings import Lease, Surroundings
    from agent.links import Link
    from agent.sessions.session import Session

BAUD_2: Final = 9600
"""Of every sketch with provisioning 2.0 (protocol-v2, 2)."""
BAUD_1: Final = 57_600
"""Of the provisioning sketch 1.0 (protocol-v1, 2)."""

_PORTS_OF: Final = {"dfu": "usb", "dfuse": "usb", "uf2": "volume", "rp2040": "volume"}
"""Where the bootloader of a method shows itself; the others are serial ports."""
_HIDDEN: Final = frozenset({"sam-ba-arduino-ext", "esptool"})
"""Methods whose bootloader is behind the same port as the sketch, so nobody sees which runs."""
_UNPROVEN: Final = frozenset({"dfu", "dfuse", "uf2", "rp2040"})
"""Methods that do not read back what they wrote: the board that comes back is the proof."""


class FlashPerformer:
    """For one board under one lease."""

    def __init__(
        self,
        surroundings: Surroundings,
        lease: Lease,
        model: Model | None,
        report: Callable[[Request, FlashProgress], None],
    ) -> None:
        """``report`` is told how far a :class:`WriteFlash` is."""
        self._surroundings = surroundings
        self._boards = surroundings.boards
        self._lease = lease
        self._model = model
        self._report = report

    async def perform(self, request: wanted.FlashRequest) -> Any:  # noqa: ANN401 - see effects.py
        """The value of ``request``; any session must be closed before."""
        match request:
            case wanted.AskBoard(patience_s=patience_s):
                return await self._ask(patience_s)
            case wanted.PrepareFlash(source=source):
                return await self._prepare(source)
            case wanted.EnterBootloader():
                return await self._enter()
            case wanted.WriteFlash(prepared=prepared, target=target):
                await self._write(request, prepared, target)
            case wanted.StartSketch(seconds=seconds):
                return await self._start(seconds)
            case wanted.WaitSketch(seconds=seconds):
                await self._wait_sketch(seconds)
        return None

    # What it runs ----------------------------------------------------------------------------

    async def _ask(self, patience_s: float) -> BoardSays:
        if self._loader() is not None:
            return BoardSays(answer="bootloader")
        # A sketch of 1.0 answers at once, and one of 2.0 drops the question unread; but only
        # models that there are such sketches for are worth the two seconds of its silence.
        by_1 = self._model is not None and "1.0" in self._model.provisioning
        first = await self._ask_1() if by_1 else None
        if first is not None and first.answer in {"1.0", "console"}:
            return first
        if patience_s and (says := await self._ask_2(patience_s)):
            return says
        return first or await self._ask_1()

    async def _ask_2(self, patience_s: float) -> BoardSays | None:
        """What a 2.0 sketch says; None if there is none."""
        session: Session | None = None
        try:
            async with asyncio.timeout(patience_s) as limit:
                link = await self._lease.open(BAUD_2)
                session = await self._open_session(link)
                limit.reschedule(None)
                return heard(await session.read())
        except (TimeoutError, ReceiverStuck):
            return None
        except BoardError as error:
            status = error.facts.get("status")
            return BoardSays(answer="2.0", status=status) if isinstance(status, int) else None
        finally:
            if session is not None:
                await session.close()

    async def _open_session(self, link: Link) -> Session:
        try:
            return await self._surroundings.open_session(link)
        except BaseException:
            await link.close()
            raise

    async def _ask_1(self) -> BoardSays:
        from agent.sessions.v1 import open_v1_session

        link = await self._lease.open(BAUD_1)
        try:
            session = await open_v1_session(link)
        except WrongSketch:
            return BoardSays(answer="console")
        except (SketchHalted, AnswerMissing):
            return BoardSays(answer="silence")
        except CommandRefused:
            return BoardSays(answer="text")
        await session.close()
        return BoardSays(answer="1.0")

    # The sketch ------------------------------------------------------------------------------

    async def _prepare(self, source: wanted.Source) -> wanted.Prepared:
        model = self._known_model()
        flasher = await self._surroundings.flashers.of(model, self._open_loader)
        obtained = await self._obtain(source, model)
        sketch = obtained.sketch
        image = read_image(sketch.name, obtained.data, any_board=source.override)
        plan = await asyncio.to_thread(flasher.plan, image, model)
        return wanted.Prepared(
            name=sketch.name,
            sha256=sketch.sha256,
            size=len(obtained.data),
            version=sketch.version,
            notes=obtained.notes,
            plan=plan,
            place=next(
                filter(None, (target_of(p).location for p in self._lease.board.ports)), None
            ),
            shows=sketch.kind != "local" or flasher.method in _UNPROVEN,
            kind=sketch.kind,
        )

    async def _obtain(self, source: wanted.Source, model: Model) -> Obtained:
        sketches = self._surroundings.sketches
        fqbn = model.fqbn or ""
        if source.kind is not None:
            return await sketches.obtain(fqbn, source.kind, name=model.name)
        if source.stored is not None:
            return await sketches.take(
                source.stored, fqbn, name=model.name, override=source.override
            )
        if source.url is not None:
            return await sketches.download(source.url, fqbn)
        upload = source.upload or wanted.Upload(name="", data=b"")
        read_image(upload.name, upload.data)
        return await sketches.keep(upload.name, upload.data, fqbn)

    async def _open_loader(self, address: str, baud: int) -> Link:
        del address  # The lease knows where the board is now.
        return await self._lease.open(baud)

    # Into the bootloader ---------------------------------------------------------------------

    async def _enter(self) -> FlashTarget:
        model = self._known_model()
        board = self._lease.board
        if not board.ports:
            raise PortGone(port=board.name)
        loader = self._loader()
        entry = entry_of(model)
        if loader is not None and entry is not Entry.STAYS:
            return await self._mounted(model, loader)
        sketch = next((port for port in board.ports if port.kind == "serial"), board.ports[0])
        if entry is Entry.BY_TOOL:
            return target_of(sketch)
        wait = BootloaderWait(model, target_of(sketch), self._present(model), _now())
        await self._lease.touch()
        with self._changes() as changed:
            while True:
                found = wait.look(self._present(model), _now())
                if found is Action.TOUCH_AGAIN:
                    await self._lease.touch()
                elif isinstance(found, FlashTarget):
                    self._adopt(model, found)
                    return found
                await _until(changed, wait.next_deadline - _now())

    async def _mounted(self, model: Model, loader: Port) -> FlashTarget:
        """The place to write to; a drive may be mounted somewhat later than its device comes."""
        kind = _PORTS_OF.get(model.upload.method, "serial")
        if loader.kind == kind:
            return target_of(loader)
        wait = BootloaderWait(model, target_of(loader), (), _now())
        with self._changes() as changed:
            while True:
                found = wait.look(self._present(model), _now())
                if isinstance(found, FlashTarget):
                    self._adopt(model, found)
                    return found
                await _until(changed, wait.next_deadline - _now())

    def _adopt(self, model: Model, found: FlashTarget) -> None:
        for port in self._ports(model):
            if target_of(port) == found:
                self._boards.adopt(self._lease.board.id, port)

    def _present(self, model: Model) -> list[FlashTarget]:
        return [target_of(port) for port in self._ports(model)]

    def _ports(self, model: Model) -> Iterator[Port]:
        """Everything that is there and may be a sketch, or a bootloader of this method."""
        kinds = {"serial", _PORTS_OF.get(model.upload.method, "serial")}
        for board in self._boards.list():
            yield from (port for port in board.ports if port.kind in kinds)

    def _loader(self) -> Port | None:
        """The port of the board's bootloader, if that is known to run."""
        ports = self._lease.board.ports
        loaders = [port for port in ports if self._is_loader(port)]
        # The drive, where there is one: its device alone cannot be written to.
        return next((p for p in loaders if p.kind == "volume"), next(iter(loaders), None))

    def _is_loader(self, port: Port) -> bool:
        if port.kind in {"usb", "volume"}:
            return True
        if self._model is None or port.vid is None:
            return False
        ids = UsbId(port.vid, port.pid)
        return ids in self._model.usb.bootloader and ids not in self._model.usb.sketch

    # Writing ---------------------------------------------------------------------------------

    async def _write(
        self, request: wanted.WriteFlash, prepared: wanted.Prepared, target: FlashTarget
    ) -> None:
        flasher = await self._surroundings.flashers.of(self._known_model(), self._open_loader)
        await flasher.run(prepared.plan, target, lambda step: self._report(request, step))

    async def _wait_sketch(self, seconds: float) -> None:
        socket = self._lease.board.ports[0].location if self._lease.board.ports else None
        try:
            async with asyncio.timeout(seconds):
                with self._changes() as changed:
                    while not any(self._is_sketch(port) for port in self._lease.board.ports):
                        await _until(changed, None)
        except TimeoutError:
            if (other := self._other_in(socket)) is not None:
                found = other.ports[0].serial_number or other.id
                raise OtherBoard(expected=self._lease.board.id, found=found) from None
            detail = f"the board did not show itself with its new sketch within {seconds:g} s"
            raise FlashFailed(stage="reset", detail=detail) from None

    async def _start(self, seconds: float) -> bool:
        """Whether the sketch had to be started; :class:`SketchGone` if there is none."""
        model = self._known_model()
        hidden = model.upload.method in _HIDDEN
        loader = self._loader() or (self._serial() if hidden else None)
        if loader is None:
            return False
        flasher = await self._surroundings.flashers.of(model, self._open_loader)
        if not hidden:
            await self._until_sketch(flasher.start(model, target_of(loader)), loader, seconds)
            return True
        try:
            await flasher.start(model, target_of(loader))
        except NoBootloader:
            return False
        return True

    async def _until_sketch(self, leave: Awaitable[None], loader: Port, seconds: float) -> None:
        """Let the board leave its bootloader; one that is there again found no sketch."""
        left = False

        def look() -> None:
            nonlocal left
            # It may be gone and there again before anybody else has a look.
            left = left or self._loader() != loader

        with self._changes(look) as changed:
            await leave
            end = _now() + seconds
            while not any(self._is_sketch(port) for port in self._lease.board.ports):
                if self._loader() is not None and (left or _now() >= end):
                    raise SketchGone
                if _now() >= end:
                    raise FlashFailed(stage="reset", detail="the board did not come back")
                await _until(changed, end - _now())

    def _serial(self) -> Port | None:
        return next((port for port in self._lease.board.ports if port.kind == "serial"), None)

    def _is_sketch(self, port: Port) -> bool:
        return port.kind == "serial" and not self._is_loader(port)

    def _other_in(self, socket: str | None) -> Board | None:
        """Another board that sits where ours was."""
        mine = self._lease.board.id
        for board in self._boards.list():
            if board.id != mine and socket and any(p.location == socket for p in board.ports):
                return board
        return None

    # Shared ----------------------------------------------------------------------------------

    def _known_model(self) -> Model:
        model = self._model
        if model is None:
            raise NotSupported(
                model=self._lease.board.name,
                what="be flashed",
                why="It is not known which kind of board it is.",
                action="Name its model, if it is one of the catalogue.",
            )
        if model.fqbn is None:
            refuse_method(model)
        return model

    @contextmanager
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
        location=(port.location or "").partition(":")[0] or None,
        volume=port.address if port.kind == "volume" else None,
    )


async def _until(changed: asyncio.Event, seconds: float | None) -> None:
    """Until something changed, or ``seconds`` passed."""
    try:
        async with asyncio.timeout(None if seconds is None else max(0.0, seconds)):
            await changed.wait()
    except TimeoutError:
        return
    changed.clear()


def _now() -> float:
    return asyncio.get_running_loop().time()
