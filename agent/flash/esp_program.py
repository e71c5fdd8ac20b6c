"""``esptool`` as a program of its own: how it is called, and what it says.

It is under the GPL, so it is called by its command line and never imported, here or in a process
of ours (docs/licences.md). Source: flashing, section 6.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agent.errors import (
    FlashFailed,
    NoBootloader,
    NoPermission,
    OtherChip,
    PortBusy,
    PortGone,
)
from agent.flash.child import ChildSilent, run_child
from agent.flash.method import FlashProgress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.errors import MooringError, PortError
    from agent.flash.child import ChildResult
    from agent.flash.method import Progress, Stage
    from agent.flash.tools import FoundTool

SILENCE_S: Final = 120.0
"""Erasing happens before the first block and without a word: up to 40 s per MiB, says esptool."""
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
UNPLUGGED: Final = "the board was unplugged, or it restarted"


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


class EspProgram:
    """Runs the program; nothing of it is left behind when a call ends, however that is."""

    def __init__(
        self,
        tool: FoundTool,
        *,
        environ: Mapping[str, str] | None = None,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._command = tool.command
        self._environ = {**ENVIRON, **(environ or {})}
        self._silence_s = silence_s

    async def run(self, words: Sequence[str], reader: EspReader, progress: Progress) -> ChildResult:
        """Run it to its end with these words; what it says goes through ``reader``.

        Raises :class:`FlashFailed`; how it ended is in the result (see :func:`trouble`).
        """

        def on_line(line: str) -> None:
            if line.startswith(_RECONNECTS):
                # It would go on with whatever takes the name of the port next.
                raise _Unplugged
            step = reader.feed(line)
            if step is not None:
                progress(step)

        try:
            return await run_child(
                [*self._command, *words], on_line, silence_s=self._silence_s, environ=self._environ
            )
        except _Unplugged:
            raise FlashFailed(stage=reader.stage, detail=UNPLUGGED) from None
        except ChildSilent as silent:
            detail = f"esptool said nothing for {silent.seconds:g} s"
            raise FlashFailed(stage=reader.stage, detail=detail) from None
        except OSError as error:
            detail = f"esptool cannot be run: {error.strerror or error}"
            raise FlashFailed(stage="prepare", detail=detail) from error


def trouble(result: ChildResult, reader: EspReader, port: str, manual: str) -> MooringError:
    """The error that the tool's last words stand for."""
    said = complaint(result.tail)
    if "Could not open" in said or "port is busy" in said:
        return _port_error(port, " ".join(result.tail))
    if reader.stage == "prepare" and ("This chip is" in said or "chip argument" in said):
        # The tool's question behind it is about its own options.
        found = said.partition(". ")[0]
        return OtherChip(detail=found.replace("This chip is", "it is", 1))
    if reader.stage == "prepare" and ("Failed to connect" in said or "Invalid head" in said):
        return NoBootloader(detail=said, manual=manual)
    if any(sign in line for line in result.tail for sign in _LOST):
        said = UNPLUGGED
    detail = said or f"esptool ended with status {result.status}"
    return FlashFailed(stage=reader.stage, detail=detail)


def stub_failed(reader: EspReader, result: ChildResult) -> bool:
    """Only the stub, which the tool loads first, did not start; without it there is a chance."""
    said = complaint(result.tail).lower()
    return result.status != 0 and reader.stage == "prepare" and "stub" in said


def complaint(tail: tuple[str, ...]) -> str:
    """What the tool says went wrong: behind its own words, else the last line of a traceback."""
    told = [line.partition(_FATAL)[2] for line in tail if _FATAL in line]
    errors = [line for line in tail if re.match(r"(\w+\.)*\w*(Error|Exception)\b", line)]
    return (told or errors or [""])[-1].strip(" .!")


def _port_error(port: str, told: str) -> PortError:
    if "Errno 13]" in told or "PermissionError" in told:
        return NoPermission(port=port, group="dialout")
    if "Errno 2]" in told or "FileNotFoundError" in told:
        return PortGone(port=port)
    return PortBusy(port=port, holder="another program")
