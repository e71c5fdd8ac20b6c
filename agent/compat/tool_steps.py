"""The procedure of an upload that runs the real tool: a job, so that people see it and can stop it.

Its board is touched only after all that can be known before was checked. A run that is cut off is
not begun again by itself: nobody knows what a tool of somebody else's had done by then.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from agent.errors import FlashError, FlashFailed, FlashStopped
from agent.jobs.effects import (
    Advanced,
    Cancelled,
    Done,
    Entered,
    Event,
    Failed,
    Learn,
    LimitReached,
)
from agent.jobs.flash_effects import Upload
from agent.jobs.kit import KitEffect
from agent.jobs.machine import Machine, Rule
from agent.jobs.states import ENTER_LIMIT_S, START_LIMIT_S, WRITE_LIMIT_S, State
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from agent.catalog import Model
    from agent.compat.upload_plan import RunTool
    from agent.errors import MooringError
    from agent.jobs.facts import Fact

RUNNING: Final = "tool-running"
"""Kind of a fact: ``{tool}``; the tool is about to write to the board."""
ENDED: Final = "tool-ended"
"""Kind of a fact: it has ended, or was ended."""

UPLOAD_VARIABLE: Final = "UPLOAD_OF_MOORING"
"""Names the folder of an upload to its tool: so the next agent finds one that outlived this one."""
SHOWS_S: Final = 5.0
"""How long the end of an upload waits for the new sketch to show itself. The page looks 11 s after
it; a sketch without USB must not keep it waiting."""
_INCOMPLETE: Final = "The sketch on the board may be incomplete. Upload it again."
_LINE_CHARS: Final = 200
"""Of the tool's last line, as the page of Mooring shows it."""


class ToolUpload(Upload, frozen=True, kw_only=True):
    """A sketch that comes with the tool that writes it; takes the place of ``image`` in a request."""

    run: RunTool
    folder: Path
    """Where its files are; gone when the job has ended."""
    port: str
    """Name of the port that the page chose; it must be the board's."""
    model: Model | None = None
    """What the sketch was built for, if the catalogue has it."""
    touch: bool = False
    """The sketch is told to make way for the bootloader."""
    wait_for_port: bool = False
    """A new port is expected then."""
    on_line: Callable[[str], None]
    """Told each line of the tool."""

    @property
    def tool(self) -> str:
        """Name of the program."""
        return clean_text(self.run.program.replace("\\", "/").rpartition("/")[2])

    def __repr__(self) -> str:
        return f"ToolUpload({self.name!r}, {self.tool})"


@dataclass(frozen=True, slots=True)
class PortNow:
    """Where the tool finds the board."""

    address: str
    serial_number: str


@dataclass(frozen=True, slots=True)
class EnterPort(KitEffect):
    """Touch the board if that is wanted, and wait for its port. Value: :class:`PortNow`."""

    upload: ToolUpload


@dataclass(frozen=True, slots=True)
class RunProgram(KitEffect):
    """Run the tool to its end. Value: None."""

    let_go_s: ClassVar[float] = 2.0
    """A cancelled run has ended within a second (:mod:`agent.flash.child`)."""

    upload: ToolUpload
    port: PortNow


@dataclass(frozen=True, slots=True)
class AwaitSketch(KitEffect):
    """Done when the board shows itself with a sketch. Value: whether it did."""

    upload: ToolUpload
    port: PortNow
    seconds: float


class ToolFlash(Machine):
    """Result: as :class:`agent.jobs.flash.Flash` has it, and ``tool``."""

    def __init__(self, upload: ToolUpload) -> None:
        super().__init__(attended=False)
        self._upload = upload
        self._port = PortNow(upload.port, "")
        self._began = 0.0
        self._running = False
        self._shows = True
        self.state = State.ENTERING
        fail, stop = self._fail_tool, self._stop_tool
        self.rules = {
            State.ENTERING: Rule(self._entering, ENTER_LIMIT_S, fail, stop),
            State.WRITING: Rule(self._writing, WRITE_LIMIT_S, fail, stop),
            State.STARTING: Rule(self._starting, START_LIMIT_S, lambda _: self._ran(), self._ran),
            State.CLOSING: self._closing_rule(),
        }

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        return [
            ("enter", "Prepare the board"),
            ("write", self._write_name),
            ("restart", "Start the new sketch"),
        ]

    @property
    def _write_name(self) -> str:
        return f"Write the sketch with {self._upload.tool}"

    def _entering(self, event: Event) -> bool:
        match event:
            case Entered():
                self._began = self.now
                self._begin("enter", "Prepare the board")
                self._do(EnterPort(self._upload))
            case Done(EnterPort(), port):
                self._port = port
                self._complete(clean_text(port.address))
                self._go(State.WRITING)
            case _:
                return False
        return True

    def _writing(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("write", self._write_name)
                self._running = True
                self._record(RUNNING, tool=self._upload.tool)
                self._do(RunProgram(self._upload, self._port))
            case Advanced(message=message):
                self._say(message)
            case Done(RunProgram()):
                self._complete(f"{len(self._upload.data)} bytes")
                self._go(State.STARTING)
            case LimitReached():
                detail = f"{self._upload.tool} did not end within {WRITE_LIMIT_S:.0f} s"
                self._fail_tool(FlashFailed(stage="write", detail=detail))
            case _:
                return False
        return True

    def _starting(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("restart", "Start the new sketch")
                self._do(AwaitSketch(self._upload, self._port, SHOWS_S))
            case Done(AwaitSketch(), shows):
                self._shows = bool(shows)
                self._ran()
            case Failed() | LimitReached():
                self._shows = False
                self._ran()
            case _:
                return False
        return True

    def _ran(self) -> None:
        """The tool has said that it is done; what came behind that does not change it."""
        self._settle()
        notes = [] if self._shows else ["The sketch does not show itself on USB."]
        self._complete("the board is back" if self._shows else "it does not show itself on USB")
        data = self._upload.data
        result: dict[str, Any] = {
            "sketch": self._upload.name,
            "version": None,
            "sha256": hashlib.sha256(data).hexdigest(),
            "bytes": len(data),
            "seconds": round(self.now - self._began, 3),
            "tool": self._upload.tool,
            "notes": notes,
        }
        self._close(result=result)

    def _settle(self) -> None:
        if self._running:
            self._running = False
            self._record(ENDED)
            # What was known of the old sketch is no longer true.
            self._effects.append(Learn(installed=""))

    def _fail_tool(self, error: MooringError) -> None:
        self._settle()
        self._close(error=error)

    def _stop_tool(self) -> None:
        if not self._running:
            self._close()
            return
        self._left = _INCOMPLETE
        self._settle()
        interrupted = self.stopped is not None and self.stopped.interrupted
        self._close(error=None if interrupted else FlashStopped())


class Recall(Machine):
    """Says of a run that was cut off with the agent what it left; asks nobody for anything."""

    def __init__(self, tool: str) -> None:
        super().__init__(attended=False)
        self.state = State.CLOSING
        self.rules = {State.CLOSING: self._closing_rule()}
        self.stopped = Cancelled(interrupted=True)
        self._left = f"{tool} was writing a sketch then. {_INCOMPLETE}"


def recovery(facts: Sequence[Fact]) -> Machine | None:
    """See :class:`agent.jobs.kit.RecoveringKit`."""
    running: str | None = None
    for fact in facts:
        if fact.kind == RUNNING:
            running = str(fact.data.get("tool") or "a tool")
        elif fact.kind == ENDED:
            running = None
    return None if running is None else Recall(running)


def tool_trouble(tool: str, status: int, tail: Sequence[str]) -> FlashError:
    """What a tool's last words and its status stand for."""
    said = next((line.strip() for line in reversed(tail) if line.strip()), "")
    ended = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    detail = f"{tool} {ended}" + (f": {clean_text(said, _LINE_CHARS)}" if said else "")
    return FlashFailed(stage="write", detail=detail.rstrip(". "))


def short(line: str) -> str:
    """A line of the tool for the steps of a job."""
    return clean_text(line, _LINE_CHARS)
