"""The parts of a report as lines."""

from __future__ import annotations

from agent.boards.board import Board, Port, Provisioning
from agent.desktop.report.sections import (
    board_lines,
    doctor_lines,
    job_lines,
    notice_lines,
    page_lines,
    settings_lines,
)
from agent.errors import Examination, Finding, JournalFailed, Level, PortBusy
from agent.jobs.job import Job, JobKind, JobState, Question, Step, StepState
from agent.settings.config import BridgeConfig, Config, NetworkConfig
from agent.settings.proxy import ProxyAddress


def test_only_settings_that_differ_are_told_and_no_login_of_a_proxy():
    assert settings_lines(Config()) == ["All as they are by default."]
    proxy = ProxyAddress("http://me:MARKER@proxy.example:3128")
    changed = Config(bridge=BridgeConfig(first_port=9000), network=NetworkConfig(proxy=proxy))
    assert settings_lines(changed) == [
        "bridge.first_port = 9000",
        'network.proxy = "http://***@proxy.example:3128"',
    ]


def test_findings_show_what_is_wrong_with_its_facts():
    fine = Finding(code="serial-fine", area="serial", level=Level.FINE, title="All is well.")
    full = Finding(
        code="disk-full",
        area="disk",
        level=Level.PROBLEM,
        title="The disk is full.",
        meaning="No job starts.",
        mend="Remove something.",
        facts={"free_bytes": 7},
    )
    assert doctor_lines(Examination(findings=[fine, full])) == [
        "  All is well. [serial-fine]",
        "X The disk is full. [disk-full]",
        "    No job starts.",
        "    free_bytes=7",
    ]


def test_a_board_is_shown_with_its_ports():
    port = Port(kind="serial", address="/dev/ttyACM0", vid=0x2341, pid=0x1002, location="1-2")
    board = Board(
        id="uno-1",
        name="lamp",
        model="uno_r4_wifi",
        fqbn=None,
        ports=[port],
        provisioning=Provisioning(installed="2.0"),
        first_seen=0.0,
    )
    assert board_lines([board]) == [
        "uno-1: uno_r4_wifi, ready, provisioning 2.0",
        "    serial /dev/ttyACM0 2341:1002, 1-2",
    ]
    assert board_lines([]) == ["None."]


def test_a_job_is_shown_with_its_steps_its_question_and_its_error():
    job = Job(
        id="7",
        kind=JobKind.PROVISION,
        board="uno-1",
        title="Setting up lamp",
        state=JobState.FAILED,
        created_at=1_000_000_000.0,
        ended_at=1_000_000_002.5,
        steps=[
            Step(id="read", name="Read it", state=StepState.DONE, seconds=0.25, message="2.0"),
            Step(id="join", name="Join HomeNet", state=StepState.FAILED),
        ],
        question=Question(id=1, step="join", title="Again?", actions=[]),
        error=PortBusy(port="COM3", holder="an IDE").report(),
    )
    lines = job_lines([job])
    assert lines[:5] == [
        "7 provision: failed, 2001-09-09 01:46:40 UTC, 2.5 s",
        "    board uno-1",
        "    done 0.2 s  read (Read it): 2.0",
        "    failed  join (Join HomeNet)",
        "    asks: Again?",
    ]
    assert lines[5].startswith("    [port-busy] ")
    assert lines[-1] == "        port=COM3, holder=an IDE"


def test_a_line_cannot_break_out_of_its_place():
    step = Step(id="read", name="a\nb\x1b[2J", message="x" * 5000)
    job = Job(id="1", kind=JobKind.FLASH, board="b", title="t", created_at=0.0, steps=[step])
    text = "\n".join(job_lines([job]))
    assert "\x1b" not in text
    assert "a·b" in text
    assert len(text) < 1300


def test_pages_and_notices():
    kept = {"origins": [{"url": "https://a.example", "may": ["boards"]}, {"url": 7}, "x"]}
    assert page_lines(kept) == ["https://a.example for boards"]
    assert page_lines(None) == page_lines([]) == ["None."]
    assert notice_lines([]) == ["Nothing."]
    (first, *_) = notice_lines([JournalFailed(path="/x", detail="no").report()])
    assert first.startswith("[journal] The journal /x cannot be used")
