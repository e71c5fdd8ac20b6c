"""How a batch is watched: a line for each row that has ended, and below them the sockets as they are.

For programs one JSON object for each thing that happens.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.cli.output import cell_width, seconds_text
from agent.cli.progress import bar
from agent.jobs.batch_select import socket
from agent.jobs.job import JobState, StepState
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.boards.board import Board
    from agent.cli.output import Colour, Output
    from agent.jobs.batch_machine import BatchMachine, Live
    from agent.jobs.batch_records import Kept
    from agent.jobs.batch_row import Row
    from agent.jobs.job import Job

SPARE_LINES: Final = 4
"""Of the terminal, for the line with the numbers and for what has scrolled by."""
NAME_COLUMNS: Final = 32
_MARKS: Final[dict[str, tuple[str, Colour]]] = {"done": ("✓", "green"), "failed": ("✗", "red")}
_ORDER: Final = ("asks", "runs", "failed", "done", "free", "other")
"""What needs somebody comes first where not all fits."""


class BatchView:
    """Shows a machine as it changes."""

    def __init__(self, output: Output, machine: BatchMachine) -> None:
        self._output = output
        self._machine = machine
        self._told: dict[int, tuple[str, str]] = {}
        """Job and step that programs were told of."""

    def concluded(self, row: Row, kept: Kept) -> None:
        """A row has ended."""
        if self._output.as_json:
            self._output.document(row_document(row, kept))
            return
        mark, colour = _MARKS[kept.state]
        parts = [f"row {kept.n}", clean_text(kept.device) or _device(row), kept.socket, kept.board]
        if kept.error is None:
            parts += [seconds_text(kept.seconds), *kept.files]
        else:
            parts.append(f"{clean_text(kept.error.title, 300)} [{kept.error.code}]")
        self._output.line(f"{mark} " + "  ".join(map(clean_text, filter(None, parts))), colour)

    def moved(self) -> None:
        """Something has changed; for programs the steps of the jobs."""
        if not self._output.as_json:
            return
        for n, live in self._machine.live.items():
            if not live.kept.job or (live.job is not None and live.job.state.final):
                continue
            step = _step(live.job)[0] if live.job is not None else ""
            told = self._told.get(n, ("", ""))
            if told == (live.kept.job, step) or (told[0] == live.kept.job and not step):
                continue
            self._told[n] = live.kept.job, step
            document = {
                "row": n,
                "state": "running",
                "board": live.kept.board,
                "socket": live.kept.socket,
                "job": live.kept.job,
                **({"step": step} if step else {}),
            }
            self._output.document(document)

    def show(self, now: float) -> None:
        """The sockets and the numbers; called again and again. ``now``: Unix seconds."""
        height = shutil.get_terminal_size().lines - SPARE_LINES
        lines = self._sockets(now)
        if len(lines) > max(height, 1):
            hidden = len(lines) - height + 1
            lines = [*lines[: height - 1], f"… and {hidden} more"]
        self._output.status("\n".join([*lines, self.summary]))

    @property
    def summary(self) -> str:
        """``12 of 40 done · 1 failed · 3 under way · 24 wait for a board``."""
        counts = self._machine.counts
        parts = [f"{counts.done} of {counts.total} done"]
        if counts.failed:
            parts.append(f"{counts.failed} failed")
        if counts.live:
            parts.append(f"{counts.live} under way")
        in_turn = self._machine.waits_for_turn
        if in_turn:
            parts.append(f"{in_turn} wait for their turn")
        if waiting := counts.left - counts.live - in_turn:
            parts.append(f"{waiting} wait for a board")
        return " · ".join(parts)

    def _sockets(self, now: float) -> list[str]:
        seats = [self._seat(board, now) for board in self._machine.boards.there.values()]
        lives = self._machine.live.values()
        seats += [("runs", "", self._under_way(live, now)) for live in lives if not live.kept.board]
        seats.sort(key=lambda seat: _ORDER.index(seat[0]))
        places = max((cell_width(seat[1]) for seat in seats), default=0)
        return [f"{place:{places}}  {text}" for _, place, text in seats]

    def _seat(self, board: Board, now: float) -> tuple[str, str, str]:
        """How urgent it is, the socket, and what is there."""
        machine, place = self._machine, clean_text(socket(board))
        n = machine.row_of(board)
        live = machine.live.get(n) if n is not None else None
        name = clean_text(board.name, NAME_COLUMNS)
        if n is None:
            known = "starts soon" if machine.waits_with(board) else "no row for it"
            return ("free" if machine.waits_with(board) else "other"), place, f"– {name}  {known}"
        ended = machine.ended.get(n)
        if live is not None:
            asks = live.job is not None and live.job.state is JobState.ASKING
            return ("asks" if asks else "runs"), place, self._under_way(live, now)
        if ended is not None:
            what = f"row {n}  {clean_text(ended.device) or name}  "
            if ended.error is None:
                return "done", place, f"✓ {what}done: take it out"
            return "failed", place, f"✗ {what}failed: {clean_text(ended.error.title, 120)}"
        return "free", place, f"– row {n}  {name}  waits"

    def _under_way(self, live: Live, now: float) -> str:
        step, message, progress = _step(live.job) if live.job is not None else ("begins", "", None)
        took = seconds_text(max(0.0, now - live.kept.since))
        parts = [f"row {live.row.n}", _device(live.row), step, took]
        parts.append(bar(progress) if progress is not None else message)
        return "… " + "  ".join(filter(None, parts))


def _device(row: Row) -> str:
    """The name, where it is not one that only the board can complete."""
    return "" if "{" in row.name else clean_text(row.name, NAME_COLUMNS)


def _step(job: Job) -> tuple[str, str, float | None]:
    """Name, message and progress of the step that runs."""
    for step in job.steps:
        if step.state in {StepState.RUNNING, StepState.ASKING}:
            return clean_text(step.name), clean_text(step.message, 80), step.progress
    return "", "", None


def row_document(row: Row, kept: Kept) -> dict[str, Any]:
    """One line of ``--json`` for a row that has ended."""
    document: dict[str, Any] = {
        "row": kept.n,
        "state": kept.state,
        "kind": row.kind,
        "board": kept.board,
        "socket": kept.socket,
        "job": kept.job,
        "device": kept.device,
        "hardware_id": kept.hardware_id,
        "seconds": kept.seconds,
        "link": kept.link,
        "files": kept.files,
        "notes": kept.notes,
        "error": None if kept.error is None else msgspec.to_builtins(kept.error),
    }
    return {key: value for key, value in document.items() if value not in (None, "", [])}
