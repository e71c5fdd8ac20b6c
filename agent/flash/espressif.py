"""Writes a sketch to boards of the Espressif family with ``esptool``, as a program of its own.

``esptool`` is under the GPL: it is called by its command line and never imported, here or in a
process of ours (docs/licences.md). Source: flashing, section 6.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agent.errors import (
    FlashFailed,
    MooringError,
    NoBootloader,
    NoPermission,
    OtherChip,
    PortBusy,
    PortError,
    PortGone,
    VerifyFailed,
)
from agent.flash.child import ChildResult, ChildSilent, run_child
from agent.flash.content import refuse, require_format, require_size
from agent.flash.esp_image import is_merged, require_chip
from agent.flash.image_file import image_file
from agent.flash.method import FlashPlan, FlashProgress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.catalog import Model
    from agent.flash.method import FlashImage, FlashTarget, Progress, Stage
    from agent.flash.tools import FoundTool

SILENCE_S: Final = 120.0
"""Erasing happens before the first block and without a word: up to 40 s per MiB, says esptool."""
FLASH_ROOM: Final = 16 << 20
"""Largest flash that these chips address without a bank switch; the size of the one on the board
is not known before the tool has asked it, and it refuses by itself what does not fit."""

ENVIRON: Final = {"COLUMNS": "200", "NO_COLOR": "1", "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
"""Its output goes to us: no folded lines, no colours, at once."""

BEFORE: Final = "default-reset"
AFTER: Final = "hard-reset"

_WRITING = re.compile(r"Writing at 0x[0-9a-fA-F]+.*?(\d+(?:\.\d+)?) ?%")
_STAGES: Final[tuple[tuple[str, Stage], ...]] = (
    ("Flash will be erased", "erase"),
    ("Verifying written data", "verify"),
    ("Hash of data verified", "verify"),
    ("Hard resetting", "reset"),
    ("Soft resetting", "reset"),
)
_FATAL = "A fatal error occurred: "
_RECONNECTS = "Lost connection, retrying"
_LOST = ("A serial exception error occurred", "SerialException", "termios.error")
_UNPLUGGED = "the board was unplugged, or it restarted"


class EspPlan(FlashPlan, frozen=True, kw_only=True):
    """A checked image for ``esptool``."""

    chip: str
    """As esptool calls it: ``esp32s3``."""
    baud: int
    before: str
    after: str
    """How the chip is brought into its loader and out of it."""
    merged: bool
    """A whole flash, with bootloader and partition table; else the application alone."""
    manual: str


class EspReader:
    """Understands the output of ``esptool``, line by line; no I/O."""

    def __init__(self, total: int) -> None:
        self.stage: Stage = "prepare"
        """The last one that did something to the flash."""
        self.verified = False
        self._total = total

    def feed(self, line: str) -> FlashProgress | None:
        """What a line says about progress. Its unit is compressed bytes, so only the share counts."""
        if found := _WRITING.match(line):
            self.stage = "write"
            share = min(float(found[1]), 100.0) / 100
            return FlashProgress(stage="write", done=round(self._total * share), total=self._total)
        for begin, stage in _STAGES:
            if line.startswith(begin):
                self.verified = self.verified or begin.startswith("Hash of data")
                # It also resets a chip on which it gave up: that is not how far it came.
                self.stage = self.stage if stage == "reset" else stage
                return FlashProgress(stage=stage, done=0, total=0)
        return None


class _Unplugged(Exception):
    """The tool noticed that the port is gone."""


class EspFlasher:
    """See :class:`agent.flash.method.Flasher`; ``stub`` False talks to the ROM alone, slowly."""

    method = "esptool"

    def __init__(
        self,
        tool: FoundTool,
        *,
        stub: bool = True,
        environ: Mapping[str, str] | None = None,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._tool = tool
        self._stub = stub
        self._environ = {**ENVIRON, **(environ or {})}
        self._silence_s = silence_s

    def plan(self, image: FlashImage, model: Model) -> EspPlan:
        """Check the image; raises :class:`agent.errors.ImageRefused`."""
        return plan_esp(image, model)

    async def run(self, plan: FlashPlan, target: FlashTarget, progress: Progress) -> None:
        """Bring the chip into its loader, write, verify and start the sketch.

        Raises :class:`NoBootloader`, :class:`VerifyFailed`, :class:`FlashFailed`, and
        :class:`agent.errors.PortError` when the port cannot be opened. Where the stub does not
        start, it goes on without.
        """
        if not isinstance(plan, EspPlan):
            msg = f"not a plan of this method: {type(plan).__name__}"
            raise TypeError(msg)
        if target.address is None:
            raise NoBootloader(detail="it has no serial port", manual=plan.manual)
        progress(FlashProgress(stage="prepare", done=0, total=0))
        async with image_file(plan.image.data) as file:
            for stub in dict.fromkeys((self._stub, False)):
                words = [*self._tool.command, *arguments(plan, target.address, stub=stub)]
                reader = EspReader(plan.size)
                result = await self._call([*words, str(file)], reader, progress)
                if not (stub and _stub_failed(reader, result)):
                    break
        judge(plan, target.address, reader, result)

    async def start(self, model: Model, target: FlashTarget) -> None:
        """Bring the chip into its loader, to see that it is there, and out of it by a reset.

        Raises :class:`NoBootloader`, :class:`FlashFailed` and :class:`agent.errors.PortError`.
        """
        manual, upload = model.bootloader_entry.manual, model.upload
        if target.address is None:
            raise NoBootloader(detail="it has no serial port", manual=manual)
        words = ["--chip", upload.chip, "--port", target.address, "--no-stub"]
        words += ["--before", upload.before or BEFORE, "--after", upload.after or AFTER]
        reader = EspReader(0)
        result = await self._call([*self._tool.command, *words, "read-mac"], reader, lambda _: None)
        if result.status:
            raise trouble(result, reader, target.address, manual)

    async def _call(self, words: list[str], reader: EspReader, progress: Progress) -> ChildResult:
        def on_line(line: str) -> None:
            if line.startswith(_RECONNECTS):
                # It would go on with whatever takes the name of the port next.
                raise _Unplugged
            step = reader.feed(line)
            if step is not None:
                progress(step)

        try:
            return await run_child(words, on_line, silence_s=self._silence_s, environ=self._environ)
        except _Unplugged:
            raise FlashFailed(stage=reader.stage, detail=_UNPLUGGED) from None
        except ChildSilent as silent:
            detail = f"esptool said nothing for {silent.seconds:g} s"
            raise FlashFailed(stage=reader.stage, detail=detail) from None
        except OSError as error:
            detail = f"esptool cannot be run: {error.strerror or error}"
            raise FlashFailed(stage="prepare", detail=detail) from error


def plan_esp(image: FlashImage, model: Model) -> EspPlan:
    """All checks of a file for a board of the Espressif family."""
    upload = model.upload
    if upload.method != "esptool" or not upload.chip:
        refuse(image, model, "this board has another kind of bootloader")
    require_format(image, model, "esp")
    layout = {name: int(place, 16) for name, place in upload.flash_layout.items()}
    bootloader = layout.get("bootloader")
    merged = bootloader is not None and is_merged(image.data, bootloader)
    app = layout.get("app", 0)
    if merged and bootloader is not None:
        require_chip(image, model, upload.chip, at=bootloader)
        # A merged image may hold no application yet.
        if image.data[app : app + 1] == image.data[bootloader : bootloader + 1]:
            require_chip(image, model, upload.chip, at=app)
    else:
        require_chip(image, model, upload.chip, at=0)
    address = int(upload.offset or "0", 16) if merged else app
    require_size(image, model, len(image.data), FLASH_ROOM - address)
    return EspPlan(
        image=image,
        model=model.id,
        address=address,
        size=len(image.data),
        chip=upload.chip,
        baud=upload.baud or 115200,
        before=upload.before or BEFORE,
        after=upload.after or AFTER,
        merged=merged,
        manual=model.bootloader_entry.manual,
    )


def arguments(plan: EspPlan, port: str, *, stub: bool = True) -> list[str]:
    """What ``esptool`` is called with, the file apart."""
    words = ["--chip", plan.chip, "--port", port, "--baud", str(plan.baud)]
    words += ["--before", plan.before, "--after", plan.after]
    if not stub:
        words.append("--no-stub")
    return [*words, "write-flash", "--flash-size", "keep", f"{plan.address:#x}"]


def judge(plan: EspPlan, port: str, reader: EspReader, result: ChildResult) -> None:
    """What the end of the tool means; raises the error that it stands for."""
    if result.status == 0 and (reader.verified or _without_digest(plan, reader)):
        return
    if "MD5 of file does not match" in _complaint(result.tail):
        found, expected = _digests(result.tail)
        raise VerifyFailed(address=f"{plan.address:#x}", found=found, expected=expected)
    raise trouble(result, reader, port, plan.manual)


def trouble(result: ChildResult, reader: EspReader, port: str, manual: str) -> MooringError:
    """The error that the tool's last words stand for."""
    said = _complaint(result.tail)
    if "Could not open" in said or "port is busy" in said:
        return _port_error(port, " ".join(result.tail))
    if reader.stage == "prepare" and ("This chip is" in said or "chip argument" in said):
        # The tool's question behind it is about its own options.
        found = said.partition(". ")[0]
        return OtherChip(detail=found.replace("This chip is", "it is", 1))
    if reader.stage == "prepare" and ("Failed to connect" in said or "Invalid head" in said):
        return NoBootloader(detail=said, manual=manual)
    if any(sign in line for line in result.tail for sign in _LOST):
        said = _UNPLUGGED
    detail = said or f"esptool ended with status {result.status}"
    return FlashFailed(stage=reader.stage, detail=detail)


def _without_digest(plan: EspPlan, reader: EspReader) -> bool:
    """The ROM of the ESP8266 cannot tell a digest; its blocks have check values."""
    return plan.chip == "esp8266" and reader.stage in {"write", "verify"}


def _stub_failed(reader: EspReader, result: ChildResult) -> bool:
    said = _complaint(result.tail).lower()
    return result.status != 0 and reader.stage == "prepare" and "stub" in said


def _port_error(port: str, told: str) -> PortError:
    if "Errno 13]" in told or "PermissionError" in told:
        return NoPermission(port=port, group="dialout")
    if "Errno 2]" in told or "FileNotFoundError" in told:
        return PortGone(port=port)
    return PortBusy(port=port, holder="another program")


def _complaint(tail: tuple[str, ...]) -> str:
    """What the tool says went wrong: behind its own words, else the last line of a traceback."""
    told = [line.partition(_FATAL)[2] for line in tail if _FATAL in line]
    errors = [line for line in tail if re.match(r"(\w+\.)*\w*(Error|Exception)\b", line)]
    return (told or errors or [""])[-1].strip(" .!")


def _digests(tail: tuple[str, ...]) -> tuple[str, str]:
    """Digest of the flash and of the file, as far as they were told."""
    told = "\n".join(tail)
    found = re.search(r"^Flash MD5: *([0-9a-f]{32})", told, re.MULTILINE)
    expected = re.search(r"^(?:File|Input) MD5: *([0-9a-f]{32})", told, re.MULTILINE)
    return found[1] if found else "?", expected[1] if expected else "?"
