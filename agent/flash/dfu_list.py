"""Lists the USB devices in DFU mode with ``dfu-util -l``, where the system itself does not tell.

A look starts a program, so it is only for the time in which a bootloader is expected.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.flash.child import ChildSilent, run_child
from agent.flash.tools import CANDIDATES_MAX, DFU_UTIL, RealFiles, candidates, places_here
from agent.settings.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LIST_S: Final = 5.0
"""For one look; a healthy bus is read within a tenth of a second."""

_FOUND = re.compile(
    r'Found DFU: \[([0-9a-f]{4}):([0-9a-f]{4})\] .*?path="([^"]*)".*serial="([^"]*)"'
)
_NO_SERIAL: Final = "UNKNOWN"


class DfuDevice(NamedTuple):
    """A device in DFU mode; its texts are cleaned, for they are foreign."""

    vid: int
    pid: int
    serial_number: str | None
    place: str
    """As ``dfu-util`` numbers it: ``1-2.3``."""


def parse_list(text: str) -> list[DfuDevice]:
    """The devices in the output of ``dfu-util -l``, each once, without sketches (``Runtime``)."""
    found: dict[DfuDevice, None] = {}
    for vid, pid, place, serial in _FOUND.findall(text):
        number = None if serial == _NO_SERIAL else clean_text(serial)
        found[DfuDevice(int(vid, 16), int(pid, 16), number, clean_text(place))] = None
    return list(found)


class DfuLister:
    """Looks for devices; remembers the program that worked."""

    def __init__(
        self, tools: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None
    ) -> None:
        """``tools``: paths of programs by name, where a person set them; ``environ`` is added."""
        self._tools = tools or {}
        self._environ = environ
        self._command: tuple[str, ...] | None = None

    def find(self) -> list[DfuDevice]:
        """All devices in DFU mode now; none without the program. Blocks: call it in a thread."""
        if self._command is not None and (text := self._list(self._command)) is not None:
            return parse_list(text)
        places = places_here(explicit=self._tools)
        for tried, command in enumerate(candidates(DFU_UTIL, places, RealFiles())):
            if tried == CANDIDATES_MAX:
                break
            if (text := self._list(command)) is not None:
                self._command = command
                return parse_list(text)
        return []

    def _list(self, command: Sequence[str]) -> str | None:
        """What the program says; None if it does not run."""
        lines: list[str] = []
        # A loop of its own, for this thread has none.
        run = run_child([*command, "-l"], lines.append, silence_s=LIST_S, environ=self._environ)
        try:
            result = asyncio.run(run)
        except (OSError, ChildSilent):
            return None
        return "\n".join(lines) if result.status == 0 else None
