"""What commands print, on terminals and elsewhere."""

from __future__ import annotations

import io
import json
import os
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.cli.output import Output, cell_width, clean_lines, cut_to_width, seconds_text
from agent.cli.progress import StepReporter, bar
from agent.errors import PortBusy, StatusReported
from agent.jobs.job import Job, JobKind, Step, StepState
from tests.cli.terminal import open_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator


class Streams:
    def __init__(self, encoding: str = "utf-8", *, as_json: bool = False) -> None:
        self._out, self._err = io.BytesIO(), io.BytesIO()
        out = io.TextIOWrapper(self._out, encoding=encoding, write_through=True)
        err = io.TextIOWrapper(self._err, encoding=encoding, write_through=True)
        self.output = Output(as_json=as_json, out=out, err=err)
        self._encoding = encoding

    @property
    def out(self) -> str:
        return self._out.getvalue().decode(self._encoding)

    @property
    def err(self) -> str:
        return self._err.getvalue().decode(self._encoding)


@pytest.fixture
def terminal() -> Iterator[tuple[Output, int]]:
    master, slave = open_terminal()
    with os.fdopen(slave, "w", encoding="utf-8") as stream:
        yield Output(out=stream, err=stream), master
    os.close(master)


def test_results_go_to_stdout_and_everything_else_to_stderr():
    streams = Streams()
    streams.output.line("a result")
    streams.output.note("a remark")
    assert streams.out == "a result\n"
    assert streams.err == "a remark\n"


def test_a_paragraph_keeps_its_column():
    streams = Streams()
    streams.output.wrapped("  lost  ", "word " * 40)
    first, *rest = streams.err.splitlines()
    assert first.startswith("  lost  word")
    assert rest
    assert all(line.startswith("        word") for line in rest)


@pytest.mark.parametrize(
    ("progress", "shown"), [(0, "░" * 12 + "   0%"), (0.5, "█" * 6 + "░" * 6 + "  50%")]
)
def test_a_bar_says_how_far_a_step_is(progress, shown):
    assert bar(progress) == shown
    assert bar(1.5) == bar(1.0) == "█" * 12 + " 100%"


def test_a_step_that_goes_on_after_a_question_to_the_same_end_is_told_once():
    streams = Streams()
    reporter = StepReporter(streams.output)
    done = Step(id="look", name="Look", state=StepState.DONE, started_at=1.0, message="1.0")
    job = Job(id="1", kind=JobKind.MIGRATE, board="b", title="t", created_at=1.0, steps=[done])
    asking = msgspec.structs.replace(done, state=StepState.ASKING)
    later = msgspec.structs.replace(done, seconds=9.0)
    for step in (done, asking, later):
        reporter.show(msgspec.structs.replace(job, steps=[step]))
    assert len(streams.out.splitlines()) == 1


def test_steps_stand_beside_a_result_that_has_standard_output_for_itself():
    streams = Streams()
    done = Step(id="look", name="Look", state=StepState.DONE, started_at=1.0)
    job = Job(id="1", kind=JobKind.MIGRATE, board="b", title="t", created_at=1.0, steps=[done])
    StepReporter(streams.output, aside=True).show(job)
    assert streams.out == ""
    assert "Look" in streams.err


def test_columns_are_aligned_also_with_wide_characters():
    streams = Streams()
    streams.output.table(("NAME", "DBM"), [("家", "-40"), ("e\u0301a", "-50")], empty="none")
    # The second name has a combining accent: three characters, two columns.
    assert streams.out.splitlines() == ["NAME  DBM", "家    -40", "e\u0301a    -50"]


def test_a_table_that_folds_keeps_to_a_narrow_terminal(terminal):
    output, master = terminal
    page = f"https://{'a' * 60}.example"
    output.table(("PAGE", "MAY"), [(page, "boards"), (page, "")], empty="", folds=True)
    shown = ""
    while shown.count("\r\n") < 5:  # a terminal gives what it has by now
        shown += os.read(master, 4096).decode()
    lines = [line.removesuffix("\x1b[0m").split("m")[-1] for line in shown.split("\r\n")[:2]]
    assert lines == ["PAGE", "    MAY"]
    assert shown.split("\r\n")[2:] == [page, "    boards", page, ""]
    streams = Streams()
    streams.output.table(("PAGE", "MAY"), [(page, "x" * 60)], empty="", folds=True)
    assert streams.out.splitlines()[1] == f"{page}  {'x' * 60}"


def test_an_empty_table_is_a_remark():
    streams = Streams()
    streams.output.table(("NAME",), [], empty="No board is connected.")
    assert streams.out == ""
    assert streams.err == "No board is connected.\n"


def test_cells_cannot_command_the_terminal():
    streams = Streams()
    streams.output.table(("NETWORK",), [("\x1b[2J\nevil",)], empty="")
    assert "\x1b" not in streams.out
    assert len(streams.out.splitlines()) == 2


def test_an_error_is_three_sentences_and_its_code():
    streams = Streams()
    streams.output.error(PortBusy(port="COM3", holder="job 7").report())
    title, meaning, remedy, code = streams.err.splitlines()
    assert title == "COM3 is in use by job 7."
    assert meaning
    assert remedy
    assert code == "[port-busy]"
    assert streams.out == ""


def test_an_error_for_a_program_is_one_object_on_stdout():
    streams = Streams(as_json=True)
    streams.output.error(PortBusy(port="COM3", holder="job 7").report())
    error = json.loads(streams.out)["error"]
    assert error["code"] == "port-busy"
    assert error["facts"] == {"port": "COM3", "holder": "job 7"}
    assert "COM3 is in use" in streams.err


def test_text_of_a_board_in_an_error_cannot_command_the_terminal():
    streams = Streams()
    streams.output.error(
        StatusReported(name="X", status=-1, text="a\x1b]0;title\x07b", action="c").report()
    )
    assert "\x1b" not in streams.err
    assert "\x07" not in streams.err


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "latin-1"])
def test_a_terminal_without_our_characters_gets_plain_ones(encoding):
    streams = Streams(encoding)
    streams.output.line("✓ Join “Home” … −40 dBm 家")
    assert "Join" in streams.out
    assert "Home" in streams.out
    assert "?" in streams.out


@given(st.text())
def test_any_text_can_be_printed_in_any_encoding(text):
    streams = Streams("ascii")
    streams.output.line(text)
    streams.output.note(text)
    streams.output.status(text)


@given(st.dictionaries(st.text(), st.text()))
def test_json_can_be_read_again_in_any_encoding(value):
    streams = Streams("cp1252", as_json=True)
    try:
        json.dumps(value).encode()
        text = "".join([*value, *value.values()])
        text.encode("utf-8")
    except UnicodeEncodeError:
        return
    streams.output.document(value)
    assert json.loads(streams.out) == value


def test_the_status_line_shows_on_a_terminal_only():
    streams = Streams()
    streams.output.status("Join Home 3 s")
    assert streams.err == ""


def read_until(master: int, end: str) -> str:
    """What the terminal shows up to ``end``; the system may hand it over in pieces."""
    shown = ""
    while end not in shown:
        shown += os.read(master, 1000).decode()
    return shown


@pytest.mark.system("linux", "darwin")
def test_the_status_line_is_cleared_before_the_next_line(terminal):
    output, master = terminal
    output.status("Join Home 3 s")
    output.line("done")
    shown = read_until(master, "done")
    assert "Join Home 3 s\r\x1b[2Kdone" in shown


@pytest.mark.system("linux", "darwin")
def test_colour_is_for_terminals_and_can_be_switched_off(terminal, monkeypatch):
    output, master = terminal
    monkeypatch.delenv("NO_COLOR", raising=False)
    output.line("red", "red")
    monkeypatch.setenv("NO_COLOR", "1")
    output.line("plain", "red")
    first, second = read_until(master, "plain").splitlines()
    assert first == "\x1b[31mred\x1b[0m"
    assert second == "plain"
    streams = Streams()
    streams.output.line("plain", "red")
    assert streams.out == "plain\n"


@given(st.text(), st.integers(min_value=1, max_value=60))
def test_a_text_cut_to_a_width_fits(text, columns):
    assert cell_width(cut_to_width(text, columns)) <= columns


@given(st.text())
def test_cleaned_lines_hold_no_control_characters(text):
    assert all(line.isprintable() for line in clean_lines(text).split("\n"))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (12.3, "12 s"),
        (125, "2 min 05 s"),
    ],
)
def test_times_are_short(seconds, text):
    assert seconds_text(seconds) == text


def test_the_streams_of_the_process_are_the_usual_ones(capsys):
    Output().line("here")
    assert capsys.readouterr().out == "here\n"
    assert sys.stdout is not None
