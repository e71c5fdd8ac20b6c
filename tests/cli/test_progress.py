"""The lines of a job's steps stand below each other, whatever their titles become."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from agent.cli.output import Output, cell_width
from agent.cli.progress import STEP_COLUMNS, TIME_COLUMNS, StepReporter
from agent.jobs.effects import StepEnd, StepStart
from agent.jobs.job import Job, JobKind, StepState
from agent.jobs.progress import apply, planned

if TYPE_CHECKING:
    from collections.abc import Sequence

PLAN = [("read", "Read the board"), ("enrol", "Register it in ThingsBoard"), ("online", "See it")]
LONG = "serial console of the sketch · mooring_console 1.0 · id a0118a8e4b01. It goes on running."


class Stream(io.TextIOWrapper):
    """Eighty columns wide where it is a terminal: it cannot be asked."""

    def __init__(self, *, terminal: bool) -> None:
        self.kept = io.BytesIO()
        super().__init__(self.kept, encoding="utf-8", write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    @property
    def lines(self) -> list[str]:
        return self.kept.getvalue().decode().splitlines()


def shown(
    name: str, *, terminal: bool, plan: Sequence[tuple[str, str]] = PLAN, message: str = LONG
) -> list[str]:
    """The lines of a job that registers a device of this name."""
    out = Stream(terminal=terminal)
    reporter = StepReporter(Output(out=out, err=Stream(terminal=terminal)))
    job = Job(
        id="1",
        kind=JobKind.PROVISION,
        board="b",
        title="t",
        created_at=0.0,
        steps=planned(plan),
    )
    for number, (step, title) in enumerate(plan, 1):
        begun = f"Register {name} in ThingsBoard" if step == "enrol" else title
        job = apply(job, StepStart(step, begun), number)
        reporter.show(job)
        job = apply(job, StepEnd(step, StepState.DONE, message), number + 0.5)
        reporter.show(job)
    return out.lines


def times_at(lines: Sequence[str]) -> set[int]:
    """In which columns the times end."""
    found = [line for line in lines if "0.5 s" in line]
    return {cell_width(line[: line.index("0.5 s")]) for line in found}


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("name", ["a", "weather-station", "kitchen-sensor-north-" * 4, "家" * 30])
def test_the_times_are_in_one_column_whatever_a_title_becomes(
    monkeypatch: pytest.MonkeyPatch, name: str, terminal: bool
):
    monkeypatch.setenv("NO_COLOR", "1")
    lines = shown(name, terminal=terminal)
    assert times_at(lines) == {len("✓ ") + STEP_COLUMNS + len(" ") + TIME_COLUMNS - len("0.5 s")}
    (registered,) = [line for line in lines if "Register" in line]
    assert "in ThingsBoard" in registered
    if terminal:
        assert all(cell_width(line) < 80 for line in lines)
    else:
        assert len(lines) == len(PLAN), "one line for each where no person reads them"


@pytest.mark.parametrize(
    ("message", "indent"),
    [("weather-station is in ThingsBoard", None), (LONG, 4)],
)
def test_a_message_that_does_not_fit_goes_on_below(
    monkeypatch: pytest.MonkeyPatch, message: str, indent: int | None
):
    monkeypatch.setenv("NO_COLOR", "1")
    first, *rest = shown("a", terminal=True, message=message, plan=PLAN[:1])
    if indent is None:
        indent = first.index(message.split()[0])
    said = " ".join([first.partition(" s  ")[2], *rest]).split()
    assert said == message.split()
    assert rest
    assert all(line[:indent].isspace() and line[indent] != " " for line in rest)


def test_a_plan_with_longer_titles_gets_its_room_where_there_is_any(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("NO_COLOR", "1")
    plan = [("read", "Read"), ("other", "x" * 60)]
    assert "x" * 60 in "".join(shown("a", terminal=False, plan=plan, message=""))
    narrow = shown("a", terminal=True, plan=plan, message="")
    assert "x…x" in narrow[1]
    assert len(times_at(narrow)) == 1
