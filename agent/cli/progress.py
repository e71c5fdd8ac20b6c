"""The steps of a job as they happen: lines with times for people, JSON objects for programs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from agent.cli.columns import cut_in_middle, folded
from agent.cli.output import cell_width, seconds_text
from agent.jobs.job import StepState
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.cli.output import Colour, Output
    from agent.jobs.job import Job, Step

_ENDED: dict[StepState, tuple[str, Colour | None]] = {
    StepState.DONE: ("✓", "green"),
    StepState.FAILED: ("✗", "red"),
    StepState.SKIPPED: ("–", "dim"),
}
BAR_COLUMNS = 12
"""Leaves room for the bytes in a terminal of 80 columns."""
NOTE_CHARS = 500
"""Longest line that is shown of a note or an address."""
TIME_COLUMNS = len("2 min 05 s")
STEP_COLUMNS = 43
"""Of a title at least: the step that registers a device gets the device's name when it begins, and
then the lines above are written already. ``Register esp32-a0118a8e4b01 in ThingsBoard`` fits."""
MESSAGE_COLUMNS = 21
"""What is left to the message in a narrow terminal: of 80 columns the rest."""
BESIDE_LINES = 2
"""More of a message stand below its step."""
BELOW = " " * 4


class StepReporter:
    """Compares each snapshot of a job with what it has shown, and shows the difference."""

    def __init__(self, output: Output, *, aside: bool = False) -> None:
        """``aside``: lines for people do not go to standard output."""
        self._output = output
        self._write = output.note if aside else output.line
        self._shown: dict[str, Step] = {}
        self._told: dict[str, tuple[StepState, str]] = {}
        width = output.width_aside if aside else output.width
        # Some terminals begin the next line with what fills the last column.
        self._width = None if width is None else width - 1
        self._columns = 0

    def show(self, job: Job) -> None:
        """Show what is new in ``job``."""
        self._columns = self._columns or self._columns_for(job)
        for step in job.steps:
            before = self._shown.get(step.id)
            if step == before or (before is None and step.state is StepState.PENDING):
                continue
            self._shown[step.id] = step
            if self._output.as_json:
                self._output.document(step_document(job, step))
            elif step.state in _ENDED and (before is None or before.state is not step.state):
                self._line(step)

    def status(self, job: Job) -> None:
        """What runs now, with the time it has taken; called again and again."""
        for step in job.steps:
            if step.state is StepState.RUNNING and step.started_at is not None:
                took = seconds_text(max(0, time.time() - step.started_at))
                name = cut_in_middle(clean_text(step.name), self._columns or STEP_COLUMNS)
                parts = [name, took, clean_text(step.message)]
                if step.progress is not None:
                    # The time is what a narrow terminal may cut off.
                    parts = [parts[0], bar(step.progress), parts[2], took]
                self._output.status("  ".join(["…", *filter(None, parts)]))
                return

    def _line(self, step: Step) -> None:
        if step.started_at is None:
            # A planned step that was never begun.
            return
        if self._told.get(step.id) == (step.state, step.message):
            # It went on after a question, to the same end.
            return
        self._told[step.id] = (step.state, step.message)
        mark, colour = _ENDED[step.state]
        name = cut_in_middle(clean_text(step.name), self._columns)
        blanks = " " * (self._columns - cell_width(name))
        head = f"{mark} {name}{blanks} {seconds_text(step.seconds):>{TIME_COLUMNS}}  "
        lines = self._beside(head, clean_text(step.message))
        self._write("\n".join(line.rstrip() for line in lines), colour)

    def _beside(self, head: str, message: str) -> list[str]:
        """The message behind ``head``, or below it where it would be a narrow column of many lines."""
        if self._width is None:
            return [head + message]
        blanks = " " * cell_width(head)
        first, *rest = folded(message, max(self._width - len(blanks), MESSAGE_COLUMNS))
        if len(rest) < BESIDE_LINES:
            return [head + first, *(blanks + line for line in rest)]
        return [head, *(BELOW + line for line in folded(message, self._width - len(BELOW)))]

    def _columns_for(self, job: Job) -> int:
        """Of the titles, for all lines: as wide as those that are planned, where there is room."""
        wanted = max([STEP_COLUMNS, *(cell_width(clean_text(step.name)) for step in job.steps)])
        if self._width is None:
            return wanted
        others = len("✓ ") + len(" ") + TIME_COLUMNS + len("  ") + MESSAGE_COLUMNS
        return max(min(wanted, self._width - others), MESSAGE_COLUMNS)


def bar(progress: float) -> str:
    """``██████░░░░░░  50%``: how far a step is, 0 to 1."""
    progress = max(0.0, min(1.0, progress))
    full = int(progress * BAR_COLUMNS)
    return f"{'█' * full}{'░' * (BAR_COLUMNS - full)} {progress:4.0%}"


def result_notes(result: dict[str, Any]) -> list[str]:
    """What a person is told after the end of a job beside its result."""
    address = result.get("redirect")
    page = [f"It goes on at {clean_text(str(address), NOTE_CHARS)}"] if address else []
    return page + [clean_text(str(note), NOTE_CHARS) for note in result.get("notes", ())]


def step_document(job: Job, step: Step) -> dict[str, Any]:
    """One line of ``--json`` while a job runs."""
    document: dict[str, Any] = {
        "job": job.id,
        "state": job.state.value,
        "step": step.id,
        "name": step.name,
        "step_state": step.state.value,
        "started_at": step.started_at,
        "seconds": step.seconds,
        "progress": step.progress,
        "message": step.message,
    }
    return {key: value for key, value in document.items() if value not in (None, "")}


def end_document(job: Job) -> dict[str, Any]:
    """The last line of ``--json`` for a job."""
    seconds = None if job.ended_at is None else round(job.ended_at - job.created_at, 3)
    document: dict[str, Any] = {
        "job": job.id,
        "kind": job.kind.value,
        "board": job.board,
        **({"via": job.request["via"]} if job.request.get("via") else {}),
        "seconds": seconds,
        **(job.result or {}),
        "state": job.state.value,
    }
    if job.error is not None:
        document["error"] = job.error
    return document
