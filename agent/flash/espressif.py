"""Writes a sketch to boards of the Espressif family with ``esptool``.

Source: flashing, section 6.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agent.errors import NoBootloader, VerifyFailed
from agent.flash.content import refuse, require_format, require_size
from agent.flash.esp_image import is_merged, require_chip
from agent.flash.esp_program import (
    AFTER,
    BEFORE,
    SILENCE_S,
    EspProgram,
    EspReader,
    complaint,
    stub_failed,
    trouble,
)
from agent.flash.image_file import image_file
from agent.flash.method import FlashPlan, FlashProgress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.catalog import Model
    from agent.flash.child import ChildResult
    from agent.flash.method import FlashImage, FlashTarget, Progress
    from agent.flash.tools import FoundTool

FLASH_ROOM: Final = 16 << 20
"""Largest flash that these chips address without a bank switch; the size of the one on the board
is not known before the tool has asked it, and it refuses by itself what does not fit."""


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
        self._program = EspProgram(tool, environ=environ, silence_s=silence_s)
        self._stub = stub

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
                words = arguments(plan, target.address, stub=stub)
                reader = EspReader(plan.size)
                result = await self._program.run([*words, str(file)], reader, progress)
                if not (stub and stub_failed(reader, result)):
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
        result = await self._program.run([*words, "read-mac"], reader, lambda _: None)
        if result.status:
            raise trouble(result, reader, target.address, manual)


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
    if "MD5 of file does not match" in complaint(result.tail):
        found, expected = _digests(result.tail)
        raise VerifyFailed(address=f"{plan.address:#x}", found=found, expected=expected)
    raise trouble(result, reader, port, plan.manual)


def _without_digest(plan: EspPlan, reader: EspReader) -> bool:
    """The ROM of the ESP8266 cannot tell a digest; its blocks have check values."""
    return plan.chip == "esp8266" and reader.stage in {"write", "verify"}


def _digests(tail: tuple[str, ...]) -> tuple[str, str]:
    """Digest of the flash and of the file, as far as they were told."""
    told = "\n".join(tail)
    found = re.search(r"^Flash MD5: *([0-9a-f]{32})", told, re.MULTILINE)
    expected = re.search(r"^(?:File|Input) MD5: *([0-9a-f]{32})", told, re.MULTILINE)
    return found[1] if found else "?", expected[1] if expected else "?"
