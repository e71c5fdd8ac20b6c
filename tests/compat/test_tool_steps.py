"""The procedure of a tool: what is told and kept whatever comes, and what a killed agent left."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.compat.tool_steps import (
    ENDED,
    RUNNING,
    AwaitSketch,
    EnterPort,
    PortNow,
    RunProgram,
    ToolFlash,
    ToolUpload,
    recovery,
    tool_trouble,
)
from agent.compat.upload_plan import RunTool
from agent.errors import FlashFailed, PortGone
from agent.jobs.effects import Advanced, Cancelled
from agent.jobs.facts import Fact
from agent.jobs.job import JobState
from agent.jobs.machine import LIMIT
from tests.jobs.drive import Drive

NOW = PortNow("/dev/b", "N1")


def upload() -> ToolUpload:
    run = RunTool(program="C:\\t\\bossac.exe", folder="C:\\t", words=("x",), needs_port=True)
    return ToolUpload(
        name="s.bin",
        data=b"abc",
        run=run,
        folder=Path("none"),
        port="/dev/a",
        on_line=lambda _: None,
    )


def begun() -> Drive:
    return Drive(ToolFlash(upload()))


def kinds(drive: Drive) -> list[str]:
    return [fact.kind for fact in drive.facts]


def test_a_run_that_works_tells_what_was_written_and_with_what():
    drive = begun().done(EnterPort, NOW)
    assert kinds(drive) == [RUNNING]
    assert drive.facts[0].data == {"tool": "bossac.exe"}
    (request,) = drive.waiting
    assert isinstance(request, RunProgram)
    assert request.port == NOW
    drive.give(Advanced(request, "write", 0, 0, "page 3"))
    drive.done(RunProgram).done(AwaitSketch, True)
    drive.done(drive.waiting[0].__class__)
    assert drive.finish is not None
    assert drive.finish.state is JobState.DONE
    assert drive.finish.result is not None
    assert drive.finish.result["bytes"] == 3
    assert drive.finish.result["tool"] == "bossac.exe"
    assert drive.finish.result["notes"] == []
    assert kinds(drive) == [RUNNING, ENDED]


def test_a_sketch_that_does_not_show_itself_was_written_all_the_same():
    drive = begun().done(EnterPort, NOW).done(RunProgram)
    drive.fail(AwaitSketch, PortGone(port="/dev/b"))
    drive.done(drive.waiting[0].__class__)
    assert drive.finish is not None
    assert drive.finish.result is not None
    assert drive.finish.result["notes"]


def test_a_tool_that_fails_ends_the_job_with_what_it_said():
    drive = begun().done(EnterPort, NOW)
    drive.fail(RunProgram, tool_trouble("bossac", 1, ["SAM-BA operation failed", " "]))
    drive.done(drive.waiting[0].__class__)
    assert drive.finish is not None
    assert drive.finish.state is JobState.FAILED
    assert drive.finish.error is not None
    assert "status 1: SAM-BA operation failed" in drive.finish.error.title
    assert kinds(drive) == [RUNNING, ENDED]


def test_a_tool_that_never_ends_is_ended_by_the_limit():
    drive = begun().done(EnterPort, NOW).fire(LIMIT)
    drive.done(drive.waiting[0].__class__)
    assert drive.finish is not None
    assert drive.finish.error is not None
    assert "did not end within" in drive.finish.error.title


@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize("interrupted", [False, True])
def test_a_stop_says_what_is_left(running, interrupted):
    drive = begun()
    if running:
        drive.done(EnterPort, NOW)
    drive.give(Cancelled(interrupted=interrupted))
    drive.done(drive.waiting[0].__class__)
    assert drive.finish is not None
    wanted = JobState.INTERRUPTED if interrupted else JobState.CANCELLED
    assert drive.finish.state is wanted
    said = drive.finish.error
    if running and interrupted:
        assert said is not None
        assert "incomplete" in said.meaning
    assert kinds(drive) == ([RUNNING, ENDED] if running else [])


def test_a_killed_agent_leaves_a_word_about_a_tool_that_was_writing_and_nothing_else():
    assert recovery([]) is None
    ran = [Fact(kind=RUNNING, data={"tool": "bossac"}, at=1.0), Fact(kind=ENDED, at=2.0)]
    assert recovery(ran) is None
    machine = recovery(ran[:1])
    assert machine is not None
    drive = Drive(machine)
    drive.done(drive.waiting[0].__class__)
    assert drive.finish is not None
    assert drive.finish.state is JobState.INTERRUPTED
    assert drive.finish.error is not None
    assert "bossac was writing" in drive.finish.error.meaning


def test_a_tool_that_was_ended_by_a_signal_and_said_nothing_is_told_so():
    error = tool_trouble("bossac", -9, [])
    assert isinstance(error, FlashFailed)
    assert "bossac was ended by signal 9" in error.report().title
