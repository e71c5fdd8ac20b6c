"""Images for boards that do not exist, and a recorder of progress."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING

from agent.flash.method import FlashImage, FlashProgress

if TYPE_CHECKING:
    from agent.flash.method import ImageFormat


def image(data: bytes, form: ImageFormat = "bin", name: str = "sketch.bin") -> FlashImage:
    """``data`` as a file that was checked and read."""
    return FlashImage(name=name, format=form, data=data, sha256=hashlib.sha256(data).hexdigest())


def noise(size: int, seed: bytes = b"sketch") -> bytes:
    """Bytes that do not compress and are the same in every run."""
    return hashlib.shake_128(seed).digest(size)


def arm_elf(parts: list[tuple[int, bytes]], machine: int = 40) -> bytes:
    """An ELF file with these loadable segments (physical address, content)."""
    offset = 52 + 32 * len(parts)
    head = b"\x7fELF\x01\x01\x01" + bytes(9)
    head += struct.pack("<HHIIIIIHHHHHH", 2, machine, 1, 0, 52, 0, 0, 52, 32, len(parts), 40, 0, 0)
    table, content = b"", b""
    for address, data in parts:
        at = offset + len(content)
        table += struct.pack("<8I", 1, at, address, address, len(data), len(data), 5, 4)
        content += data
    return head + table + content


class Steps(list[FlashProgress]):
    """Collects the progress of a run; call it."""

    __call__ = list.append

    def stages(self) -> list[str]:
        """Names of the stages, each time one begins."""
        names = [step.stage for step in self]
        return [name for name, before in zip(names, ["", *names], strict=False) if name != before]
