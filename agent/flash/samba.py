"""Flashes boards with a SAM-BA loader: the SAMD21 boards, Wio Terminal, UNO R4 WiFi."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from agent.errors import (
    FlashFailed,
    NoBootloader,
    PortError,
    PortGone,
    ReceiverStuck,
    SketchGone,
)
from agent.flash.content import refuse, require_format, require_size, require_vectors
from agent.flash.method import FlashPlan, FlashProgress
from agent.flash.samba_loader import (
    ERASED,
    SAMD21_LOADER,
    SAMD51_LOADER,
    UNO_R4_LOADER,
    LoaderKind,
)
from agent.flash.samba_steps import flash, greet, knock, restart
from agent.flash.touch import BRIDGE_RESTART_S
from agent.protocols.samba import SambaFailure, SambaMachine

if TYPE_CHECKING:
    from agent.catalog import Model
    from agent.flash.method import FlashImage, FlashTarget, Progress, Stage
    from agent.flash.samba_loader import Steps
    from agent.links import Link, LinkOpener
    from agent.protocols.samba import Ask

SAMBA: Final = "sam-ba"
SAMBA_BRIDGE: Final = "sam-ba-arduino-ext"

STOP_S: Final = 15.0
"""How long a cancelled run may go on to the next place where the loader takes a command: a chunk
takes 0.2 s, erasing 512 KiB about 12 s."""
GONE_S: Final = 1.0
"""How long a board may need to leave the bus after its reset; nothing is wrong if it takes longer."""

_LOST: Final = (PortError, ReceiverStuck)

_KINDS: Final[dict[tuple[str, int], LoaderKind]] = {
    (SAMBA, kind.first): kind for kind in (SAMD21_LOADER, SAMD51_LOADER)
} | {(SAMBA_BRIDGE, UNO_R4_LOADER.first): UNO_R4_LOADER}


class SambaPlan(FlashPlan, frozen=True, kw_only=True):
    """A plan of :class:`SambaFlasher`."""

    kind: LoaderKind
    data: bytes
    """The image, filled up to whole pages."""
    manual: str
    """How a person gets the board into its loader."""


class SambaFlasher:
    """See :class:`agent.flash.method.Flasher`; ``method`` is one of the two of the catalogue."""

    def __init__(self, open_link: LinkOpener, method: str = SAMBA) -> None:
        self.method = method
        self._open_link = open_link

    def plan(self, image: FlashImage, model: Model) -> SambaPlan:
        """Check the image; raises :class:`agent.errors.ImageRefused`."""
        kind = _kind_of(model)
        if kind is None or model.upload.method != self.method:
            refuse(image, model, "this board has another kind of bootloader")
        require_format(image, model, "bin")
        room = min(kind.room, model.upload.max_size or kind.room)
        require_size(image, model, len(image.data), room)
        require_vectors(image, model, kind.cortex)
        data = image.data + ERASED * (-len(image.data) % kind.page)
        return SambaPlan(
            image=image,
            model=model.id,
            address=kind.first,
            size=len(image.data),
            kind=kind,
            data=data,
            manual=model.bootloader_entry.manual,
        )

    async def run(self, plan: FlashPlan, target: FlashTarget, progress: Progress) -> None:
        """Write, verify and start the sketch; the board is in its loader on ``target.address``.

        Raises :class:`agent.errors.NoBootloader`, :class:`agent.errors.VerifyFailed` (the loader
        stays), :class:`agent.errors.FlashFailed`, and :class:`agent.errors.PortError` when the
        port cannot be opened. Cancelled, it goes on to the end of a chunk, so that the loader
        takes the next run.
        """
        if not isinstance(plan, SambaPlan):
            msg = f"not a plan of this method: {type(plan).__name__}"
            raise TypeError(msg)
        if target.address is None:
            raise NoBootloader(detail="it has no serial port", manual=plan.manual)
        run = _Run(self._open_link, plan.kind, plan.manual, target.address)
        work = asyncio.create_task(run.write(plan.data, progress), name="SAM-BA")
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            run.stop()
            try:
                await asyncio.wait({work}, timeout=STOP_S)
            finally:
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
            raise

    async def start(self, model: Model, target: FlashTarget) -> None:
        """Reset the chip out of its loader.

        Where a bridge keeps the port, the loader is asked once more: an answer shows that there
        is no sketch. Raises :class:`NoBootloader`, :class:`agent.errors.SketchGone`,
        :class:`FlashFailed`, and :class:`agent.errors.PortError`.
        """
        kind, manual = _kind_of(model), model.bootloader_entry.manual
        if kind is None or target.address is None:
            raise NoBootloader(detail="it has no serial port", manual=manual)
        await _Run(self._open_link, kind, manual, target.address).restart()


def _kind_of(model: Model) -> LoaderKind | None:
    upload = model.upload
    return _KINDS.get((upload.method, int(upload.offset or "0", 16)))


class _Stopped(Exception):
    """The run was cancelled, and has come to a place where it may end."""


class _Run:
    def __init__(self, open_link: LinkOpener, kind: LoaderKind, manual: str, address: str) -> None:
        self._open_link = open_link
        self._kind = kind
        self._manual = manual
        self._address = address
        self._progress: Progress = lambda _: None
        self._stage: Stage = "prepare"
        self._stopping = False

    def stop(self) -> None:
        """End at the next place where the loader takes a command; a reset is not held back."""
        self._stopping = True

    async def write(self, data: bytes, progress: Progress) -> None:
        self._progress = progress
        link = await self._greeted()
        try:
            await self._to_the_end(_Talk(link), flash(self._kind, self._manual, data))
        finally:
            await link.close()

    async def restart(self) -> None:
        link = await self._greeted()
        try:
            talk = _Talk(link)
            await self._to_the_end(talk, restart(self._kind, self._manual))
            if self._kind.series is None and await self._is_back(talk):
                raise SketchGone
        finally:
            await link.close()

    async def _greeted(self) -> Link:
        """A link at the first speed at which the loader answers."""
        for baud in self._kind.bauds:
            link = await self._open_link(self._address, baud)
            try:
                await self._perform(_Talk(link), greet())
            except SambaFailure:
                await link.close()
            except _LOST as error:
                await link.close()
                raise self._broken(error) from error
            except BaseException:
                await link.close()
                raise
            else:
                return link
        detail = f"nothing answers on {self._address}"
        raise NoBootloader(detail=detail, manual=self._manual)

    async def _is_back(self, talk: _Talk) -> bool:
        """Whether the loader answers, after a time in which it would have started a sketch."""
        await asyncio.sleep(BRIDGE_RESTART_S)
        try:
            await self._perform(talk, knock())
        except (SambaFailure, *_LOST):
            return False
        return True

    async def _to_the_end(self, talk: _Talk, steps: Steps[None]) -> None:
        """Steps that end with a reset, which the port may not survive."""
        try:
            await self._perform(talk, steps)
            if self._kind.series is not None:
                await talk.wait_gone()
        except SambaFailure as failure:
            raise self._broken(failure) from failure
        except _LOST as error:
            # The reset takes the port away, sometimes before the system has sent the last bytes.
            if self._stage != "reset":
                raise self._broken(error) from error

    async def _perform(self, talk: _Talk, steps: Steps[None]) -> None:
        """Run steps to their end."""
        answer: bytes | SambaFailure | None = None
        with contextlib.closing(steps):
            while True:
                try:
                    step = _go_on(steps, answer)
                except StopIteration:
                    return
                answer = None
                if isinstance(step, FlashProgress):
                    self._report(step)
                else:
                    answer = await talk.exchange(step)

    def _report(self, progress: FlashProgress) -> None:
        if self._stopping and progress.stage != "reset":
            raise _Stopped
        self._stage = progress.stage
        self._progress(progress)

    def _broken(self, error: Exception) -> FlashFailed:
        detail = "the board stopped answering"
        if isinstance(error, _LOST):
            detail = str(error).rstrip(".")
        return FlashFailed(stage=self._stage, detail=detail)


def _go_on(steps: Steps[None], answer: bytes | SambaFailure | None) -> Ask | FlashProgress:
    if answer is None:
        return next(steps)
    return steps.throw(answer) if isinstance(answer, SambaFailure) else steps.send(answer)


class _Talk:
    """One exchange after the other over a link."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._machine = SambaMachine()
        self._now = asyncio.get_running_loop().time

    async def exchange(self, ask: Ask) -> bytes | SambaFailure:
        """The answer, or why there is none."""
        machine = self._machine
        machine.start(ask, self._now())
        while True:
            while (data := machine.take_write(self._now())) is not None:
                await self._link.write(data)
            if (result := machine.take_result()) is not None:
                return result
            try:
                async with asyncio.timeout(max(0.0, machine.next_deadline - self._now())):
                    machine.receive(await self._link.receive())
            except TimeoutError:
                machine.tick(self._now())

    async def wait_gone(self) -> None:
        """Return when the port vanished, or after a limit."""
        with contextlib.suppress(TimeoutError, PortGone):
            async with asyncio.timeout(GONE_S):
                while True:
                    await self._link.receive()
