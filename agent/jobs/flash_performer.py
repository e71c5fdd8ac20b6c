"""Performs the requests of ``flash_effects.py``: asks boards, fetches sketches, writes them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from agent.errors import (
    AnswerMissing,
    BoardError,
    CommandRefused,
    ImprovSilent,
    NoBootloader,
    NotSupported,
    ReceiverStuck,
    SketchHalted,
    WrongSketch,
)
from agent.flash.content import read_image
from agent.flash.method import Detacher
from agent.flash.touch import Entry, entry_of
from agent.flash.unsupported import refuse_method
from agent.jobs import flash_effects as wanted
from agent.jobs.faces import BoardFaces, target_of
from agent.jobs.opening import open_by_cable
from agent.jobs.which import BoardSays, heard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from agent.catalog import Model
    from agent.flash.fetch import Obtained
    from agent.flash.method import FlashProgress, FlashTarget
    from agent.jobs.effects import Request
    from agent.jobs.surroundings import Lease, Surroundings
    from agent.links import Link
    from agent.sessions.session import Session

BAUD_1: Final = 57_600
"""Of the provisioning sketch 1.0 (protocol-v1, 2)."""

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
        self._lease = lease
        self._model = model
        self._report = report
        self._faces = BoardFaces(surroundings.boards, lease, model, surroundings.clock)

    async def perform(self, request: wanted.FlashRequest) -> Any:  # noqa: ANN401 - see effects.py
        """The value of ``request``; any session must be closed before."""
        match request:
            case wanted.AskBoard(improv="only"):
                return await self._ask_improv() or BoardSays(answer="silence")
            case wanted.AskBoard(patience_s=patience_s, improv=improv):
                says = await self._ask(patience_s)
                unknown = improv == "last" and says.answer in {"silence", "text"}
                return await self._ask_improv() or says if unknown else says
            case wanted.PrepareFlash(source=source):
                return await self._prepare(source)
            case wanted.EnterBootloader():
                return await self._faces.enter(self._known_model(), self._tell)
            case wanted.WriteFlash(prepared=prepared, target=target):
                await self._write(request, prepared, target)
            case wanted.StartSketch(seconds=seconds):
                return await self._start(seconds)
            case wanted.WaitSketch(seconds=seconds):
                await self._faces.wait_sketch(seconds)
        return None

    # What it runs ----------------------------------------------------------------------------

    async def _ask(self, patience_s: float) -> BoardSays:
        if self._faces.loader is not None:
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
            async with self._patience(patience_s):
                session = await open_by_cable(self._lease)
            return heard(await session.read())
        except (TimeoutError, ReceiverStuck):
            return None
        except BoardError as error:
            status = error.facts.get("status")
            return BoardSays(answer="2.0", status=status) if isinstance(status, int) else None
        finally:
            if session is not None:
                await session.close()

    @contextlib.asynccontextmanager
    async def _patience(self, seconds: float) -> AsyncIterator[None]:
        """TimeoutError once ``seconds`` have passed on the clock that is given."""
        loop = asyncio.get_running_loop()
        over = False
        async with asyncio.timeout(None) as limit:

            def ring(alarm: asyncio.Task[None]) -> None:
                if not alarm.cancelled() and not over:
                    limit.reschedule(loop.time())

            alarm = asyncio.create_task(self._surroundings.clock.sleep(seconds))
            alarm.add_done_callback(ring)
            try:
                yield
            finally:
                over = True
                alarm.cancel()

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

    async def _ask_improv(self) -> BoardSays | None:
        """Whether firmware answers in Improv Wi-Fi; None if none does."""
        from agent.sessions.improv import BAUD, OPEN_LIMIT_S, open_improv_session

        try:
            async with self._patience(OPEN_LIMIT_S):
                session = await open_improv_session(await self._lease.open(BAUD))
        except (TimeoutError, ImprovSilent):
            return None
        await session.close()
        return BoardSays(answer="improv")

    # The sketch ------------------------------------------------------------------------------

    async def _prepare(self, source: wanted.Source) -> wanted.Prepared:
        model = self._known_model()
        flasher = await self._surroundings.flashers.of(model, self._open_loader)
        obtained = await self._obtain(source, model)
        name, data = (obtained.sketch.name, obtained.data) if obtained else await self._file(source)
        image = read_image(name, data, any_board=source.override)
        plan = await asyncio.to_thread(flasher.plan, image, model)
        if obtained is None:
            # The store gets only what may be written, and may know these bytes by another name.
            obtained = await self._surroundings.sketches.keep(
                image.name, data, model.fqbn or "", source=wanted.plain_address(source.url or "")
            )
        sketch = obtained.sketch
        return wanted.Prepared(
            name=image.name,
            sha256=sketch.sha256,
            size=len(obtained.data),
            version=sketch.version,
            notes=obtained.notes,
            plan=plan,
            place=self._faces.place,
            shows=sketch.kind != "local" or flasher.method in _UNPROVEN,
            kind=sketch.kind,
        )

    async def _obtain(self, source: wanted.Source, model: Model) -> Obtained | None:
        """A sketch of the store or of its sources; None: it is a file."""
        sketches = self._surroundings.sketches
        fqbn = model.fqbn or ""
        if source.kind is not None:
            return await sketches.obtain(fqbn, source.kind, name=model.name)
        if source.stored is not None:
            return await sketches.take(
                source.stored, fqbn, name=model.name, override=source.override
            )
        return None

    async def _file(self, source: wanted.Source) -> tuple[str, bytes]:
        """Name and content of a file that came with the request or is at an address."""
        if source.url is not None:
            return await self._surroundings.sketches.download(source.url)
        upload = source.upload or wanted.Upload(name="", data=b"")
        return upload.name, upload.data

    async def _open_loader(self, address: str, baud: int) -> Link:
        del address  # The lease knows where the board is now.
        return await self._lease.open(baud)

    # Writing ---------------------------------------------------------------------------------

    async def _write(
        self, request: wanted.WriteFlash, prepared: wanted.Prepared, target: FlashTarget
    ) -> None:
        flasher = await self._surroundings.flashers.of(self._known_model(), self._open_loader)
        await flasher.run(prepared.plan, target, lambda step: self._report(request, step))

    async def _tell(self, sketch: FlashTarget) -> None:
        """Tell the sketch to make way for the bootloader."""
        model = self._known_model()
        if entry_of(model) is not Entry.DETACHES:
            await self._lease.touch()
            return
        flasher = await self._surroundings.flashers.of(model, self._open_loader)
        await self._lease.expect_loader()
        if isinstance(flasher, Detacher):
            await flasher.detach(model, sketch)

    async def _start(self, seconds: float) -> bool:
        """Whether the sketch had to be started; :class:`SketchGone` if there is none."""
        model = self._known_model()
        hidden = model.upload.method in _HIDDEN
        loader = self._faces.loader or (self._faces.serial if hidden else None)
        if loader is None:
            return False
        flasher = await self._surroundings.flashers.of(model, self._open_loader)
        if not hidden:
            await self._faces.until_sketch(flasher.start(model, target_of(loader)), loader, seconds)
            return True
        try:
            await flasher.start(model, target_of(loader))
        except NoBootloader:
            return False
        return True

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
