"""Writes a sketch with ``dfu-util``, a program of its own: DfuSe (STM32H7 boards) and plain DFU.

The device is always named by its USB place or its serial number. Source: flashing, section 4.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from agent.errors import FlashError, FlashFailed, LoaderRefused, NoBootloader
from agent.flash.child import ChildResult, ChildSilent, run_child
from agent.flash.content import (
    STM32H7,
    CortexM,
    refuse,
    require_format,
    require_size,
    require_vectors,
)
from agent.flash.esp_image import require_chip
from agent.flash.image_file import image_file
from agent.flash.method import FlashPlan, FlashProgress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from agent.catalog import Model
    from agent.flash.method import FlashImage, FlashTarget, Progress, Stage
    from agent.flash.tools import FoundTool

SILENCE_S: Final = 30.0
"""Erasing one sector of 128 KiB of an STM32H7 takes up to 4 s (data sheet), during which the tool
says nothing; the bootloader of a detached sketch may take some seconds to appear."""
RA6M5: Final = CortexM(ram=(range(0x20000000, 0x20080000),), base=0x10000)
"""Portenta C33: 512 KiB; the bootloader takes the first 64 KiB (flashing, section 4)."""

Outcome: TypeAlias = Literal["done", "done_pending"]
"""``done_pending``: everything was written, but the tool could not see the end; the board that
comes back is the proof."""

_PROGRESS = re.compile(r"(Erase|Download)\s*\[[= ]*\]\s*\d+%\s+(\d+) bytes")
_COMPLETE = ("Done!", "File downloaded successfully")
_LEAVING = ("Submitting leave request", "Resetting USB")
_REMARKS = ("Warning:", "A valid DFU suffix")
_REMEDIES: Final = {
    "win32": "Install the WinUSB driver of the board (the board package of the Arduino IDE has it).",
    "darwin": "Plug the board in again, and close other programs that use it.",
}
_LINUX_REMEDY: Final = "Install the udev rules of Mooring, plug the board in again and start again."


class DfuPlan(FlashPlan, frozen=True, kw_only=True):
    """A checked image for ``dfu-util``."""

    dfuse: bool
    device: str
    """Vendor and product id of the bootloader: ``2341:0368``."""
    run_time: str | None
    """The same of a sketch that can be told to make way for the bootloader."""
    alt: int
    manual: str


class DfuReader:
    """Understands the output of ``dfu-util``, line by line; no I/O."""

    def __init__(self, total: int) -> None:
        self.complete = False
        """It said that everything was written."""
        self.stage: Stage = "prepare"
        self.moved = False
        """Something was erased or written."""
        self._total = total

    def feed(self, line: str) -> FlashProgress | None:
        """What a line says about progress."""
        if line.startswith(_COMPLETE):
            self.complete = True
        if line.startswith(_LEAVING):
            self.stage = "reset"
            return FlashProgress(stage="reset", done=0, total=0)
        found = _PROGRESS.match(line)
        if not found:
            return None
        self.stage = "erase" if found[1] == "Erase" else "write"
        done = int(found[2])
        self.moved = self.moved or done > 0
        return FlashProgress(stage=self.stage, done=min(done, self._total), total=self._total)

    @property
    def refused_at_once(self) -> bool:
        """The board answered, and refused the first thing that it should do."""
        return self.stage in {"erase", "write"} and not self.moved and not self.complete


class DfuFlasher:
    """See :class:`agent.flash.method.Flasher`; ``environ`` is added to the tool's."""

    def __init__(
        self,
        tool: FoundTool,
        method: str = "dfuse",
        *,
        environ: Mapping[str, str] | None = None,
        silence_s: float = SILENCE_S,
    ) -> None:
        self.method = method
        self._tool = tool
        self._environ = environ
        self._silence_s = silence_s

    def plan(self, image: FlashImage, model: Model) -> DfuPlan:
        """Check the image; raises :class:`agent.errors.ImageRefused`."""
        return plan_dfu(image, model, self.method)

    async def run(self, plan: FlashPlan, target: FlashTarget, progress: Progress) -> None:
        """Write the image and start it; the board that comes back is the proof."""
        await self.write(plan, target, progress)

    async def write(self, plan: FlashPlan, target: FlashTarget, progress: Progress) -> Outcome:
        """As :meth:`run`, and tells whether the tool saw the end.

        Raises :class:`NoBootloader`, :class:`LoaderRefused` and :class:`FlashFailed`.
        """
        if not isinstance(plan, DfuPlan):
            msg = f"not a plan of this method: {type(plan).__name__}"
            raise TypeError(msg)
        words = [*self._tool.command, *arguments(plan, target)]
        progress(FlashProgress(stage="prepare", done=0, total=0))
        reader, result = await self._call(words, plan, progress)
        if result.status and reader.refused_at_once:
            # A run that was cut off in the middle left the bootloader waiting for more of it. The
            # refusal has put it into its error state, which the tool clears when it starts.
            reader, result = await self._call(words, plan, progress)
        return judge(plan, reader, result)

    async def start(self, model: Model, target: FlashTarget) -> None:
        """Leave the bootloader: a DfuSe board goes to an address, a plain one is detached.

        Raises :class:`NoBootloader`, :class:`LoaderRefused` and :class:`FlashFailed`.
        """
        await self._tell(leaving(model, target), model)

    async def detach(self, model: Model, sketch: FlashTarget) -> None:
        """See :class:`agent.flash.method.Detacher`.

        Left to a run that writes, the tool sleeps 5 s at this place, and gives up on a board that
        takes longer.
        """
        await self._tell(leaving(model, sketch), model)

    async def _tell(self, words: list[str], model: Model) -> None:
        reader = DfuReader(0)
        result = await self._tool_run([*self._tool.command, *words], reader, lambda _: None)
        # It ends with 0 also when the board refused to be detached.
        if result.status or _complaints(result.tail):
            raise trouble(result, "reset", model.bootloader_entry.manual)

    async def _call(
        self, words: list[str], plan: DfuPlan, progress: Progress
    ) -> tuple[DfuReader, ChildResult]:
        """Write once; raises :class:`FlashFailed` if the tool cannot run or goes silent."""
        reader = DfuReader(plan.size)
        async with image_file(plan.image.data) as file:
            result = await self._tool_run([*words, "-D", file], reader, progress)
        return reader, result

    async def _tool_run(
        self, words: Sequence[str | Path], reader: DfuReader, progress: Progress
    ) -> ChildResult:
        def on_line(line: str) -> None:
            step = reader.feed(line)
            if step is not None:
                progress(step)

        try:
            return await run_child(words, on_line, silence_s=self._silence_s, environ=self._environ)
        except ChildSilent as silent:
            detail = f"the board did not answer for {silent.seconds:g} s"
            raise FlashFailed(stage=reader.stage, detail=detail) from None
        except OSError as error:
            detail = f"dfu-util cannot be run: {error.strerror or error}"
            raise FlashFailed(stage="prepare", detail=detail) from error


def plan_dfu(image: FlashImage, model: Model, method: str) -> DfuPlan:
    """All checks of a file for a board with a DFU bootloader."""
    upload = model.upload
    if upload.method != method or not upload.dfu_vid or not upload.dfu_pid:
        refuse(image, model, "this board has another kind of bootloader")
    address = int(upload.address, 16) if upload.address else 0
    if upload.max_size is not None:
        require_size(image, model, len(image.data), upload.max_size)
    if model.fqbn is not None and model.fqbn.startswith("arduino:esp32:"):
        require_format(image, model, "esp")
        require_chip(image, model, "esp32s3", at=0)
    else:
        require_format(image, model, "bin")
        require_vectors(image, model, STM32H7 if method == "dfuse" else RA6M5)
    sketch = model.usb.sketch[0]
    return DfuPlan(
        image=image,
        model=model.id,
        address=address,
        size=len(image.data),
        dfuse=method == "dfuse",
        device=_ids(upload.dfu_vid, upload.dfu_pid),
        run_time=f"{sketch.vid:04x}:{sketch.pid:04x}" if upload.runtime_detach else None,
        alt=upload.alt or 0,
        manual=model.bootloader_entry.manual,
    )


def arguments(plan: DfuPlan, target: FlashTarget, system: str = sys.platform) -> list[str]:
    """What ``dfu-util`` is called with, the file apart; raises :class:`NoBootloader`."""
    which = _which(target, plan.manual, system)
    device = _device(target, plan.device)
    if plan.run_time and plan.run_time != plan.device:
        device = f"{plan.run_time},{plan.device}"
    words = ["-d", device, *which, "-a", str(plan.alt)]
    return [*words, "-s", f"{plan.address:#010x}:leave"] if plan.dfuse else [*words, "-R"]


def leaving(model: Model, target: FlashTarget, system: str = sys.platform) -> list[str]:
    """What ``dfu-util`` is called with to change sides; raises :class:`NoBootloader`.

    DETACH means both: to a sketch, to make way; to a plain bootloader, to start the sketch.
    """
    upload = model.upload
    which = _which(target, model.bootloader_entry.manual, system)
    device = _device(target, _ids(upload.dfu_vid, upload.dfu_pid))
    words = ["-d", device, *which, "-a", str(upload.alt or 0)]
    return [*words, "-s", f"{upload.address}:leave"] if upload.method == "dfuse" else [*words, "-e"]


def _which(target: FlashTarget, manual: str, system: str) -> list[str]:
    """The place is surer than the serial number, which may change between sketch and bootloader.

    But only Linux numbers its buses for both of us alike.
    """
    place = (target.location or "").partition(":")[0]
    serial = target.serial_number
    if place and (system == "linux" or not serial):
        return ["-p", place]
    if serial:
        return ["-S", serial]
    detail = "neither its USB place nor its serial number is known"
    raise NoBootloader(detail=detail, manual=manual)


def _device(target: FlashTarget, usual: str) -> str:
    """A brand of its own has ids of its own (Opta)."""
    if target.vid is not None and target.pid is not None:
        return f"{target.vid:04x}:{target.pid:04x}"
    return usual


def _ids(vid: str | None, pid: str | None) -> str:
    return f"{(vid or '')[2:]}:{(pid or '')[2:]}"


def judge(plan: DfuPlan, reader: DfuReader, result: ChildResult) -> Outcome:
    """What the end of the tool means; raises the error that it stands for.

    After everything was written only the last reset can fail: 251, or 74 for a device that left
    with the reset before it.
    """
    if result.status == 0:
        return "done"
    if reader.complete:
        return "done_pending"
    raise trouble(result, reader.stage, plan.manual)


def trouble(result: ChildResult, stage: Stage, manual: str) -> FlashError:
    """The error that the tool's last words stand for."""
    told = _complaints(result.tail)
    said = told[-1] if told else f"dfu-util ended with status {result.status}"
    if "No DFU capable USB device" in said or "Lost device" in said:
        return NoBootloader(detail="no DFU device is on its USB socket", manual=manual)
    if "Cannot open" in said or "LIBUSB_ERROR_ACCESS" in said:
        action = _REMEDIES.get(sys.platform, _LINUX_REMEDY)
        return LoaderRefused(detail=said, action=action)
    if any("LIBUSB_ERROR_NO_DEVICE" in line for line in told):
        said = "the board was unplugged, or it restarted"
    return FlashFailed(stage=stage, detail=said)


def _complaints(tail: tuple[str, ...]) -> list[str]:
    """What the tool says went wrong; it may stand behind a line that was not ended."""
    told = [line.rpartition("dfu-util: ")[2] for line in tail if "dfu-util: " in line]
    return [line.strip(" .!") for line in told if not line.startswith(_REMARKS)]
