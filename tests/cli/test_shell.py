"""Ctrl-C, terminals and exit statuses, in real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.terminal import echoes, open_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.system("linux", "darwin")

HEAD = """
import asyncio, sys
from agent.cli.shell import run_command
from agent.errors import ExitStatus, PortBusy, ReportedError, UnknownBoard
"""
WAITS = (
    HEAD
    + """
async def body(shell):
    shell.output.note("begun")
    try:
        await asyncio.get_running_loop().create_future()
    except asyncio.CancelledError:
        shell.output.note("undoing")
        {undo}
        shell.output.line("undone")
        return ExitStatus.INTERRUPTED
run_command(False, body)
"""
)


def start(code: str, **streams: object) -> subprocess.Popen[str]:
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return] # streams are of any kind
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, text=True, **streams
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_interrupt_lets_the_command_undo_what_it_began(number):
    process = start(WAITS.format(undo="await asyncio.sleep(0)"))
    assert process.stderr is not None
    assert process.stderr.readline() == "begun\n"
    process.send_signal(number)
    assert finish(process) == (130, "undone\n", "undoing\n")


def test_the_second_interrupt_leaves_at_once():
    process = start(WAITS.format(undo="await asyncio.sleep(3600)"))
    assert process.stderr is not None
    assert process.stderr.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    assert process.stderr.readline() == "undoing\n"
    process.send_signal(signal.SIGINT)
    assert finish(process) == (130, "", "")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ('PortBusy(port="COM3", holder="job 7")', 4),
        ('UnknownBoard(wanted="x")', 3),
        ("ReportedError(UnknownBoard(wanted='x').report(), ExitStatus.NO_BOARD)", 3),
        ("ValueError('a password: hunter2hunter2')", 1),
    ],
)
def test_an_error_decides_the_exit_status(error, status):
    code = f"{HEAD}\nasync def body(shell):\n    raise {error}\nrun_command(False, body)\n"
    found, out, err = finish(start(code))
    assert (found, out) == (status, "")
    assert err.count("[") == 1
    assert "hunter2" not in err
    assert "Traceback" not in err


def test_a_reader_that_leaves_does_not_end_the_work():
    code = f"""{HEAD}
async def body(shell):
    for _ in range(100_000):
        shell.output.line("one more line of results")
    shell.output.note("the work was done")
    return ExitStatus.DONE
run_command(False, body)
"""
    process = start(code)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(15) == 0
    assert process.stderr is not None
    assert process.stderr.read() == "the work was done\n"
    process.stderr.close()


WORK = f"""{HEAD}
from agent.errors import UnknownBoard
async def body(shell):
    shell.output.note("a remark")
    shell.output.line("a result")
    raise UnknownBoard(wanted="x")
run_command(False, body)
"""


def test_the_exit_status_is_right_even_if_nobody_reads_anything():
    process = start(WORK)
    for stream in (process.stdout, process.stderr):
        assert stream is not None
        stream.close()
    assert process.wait(15) == 3


@pytest.mark.system("linux", "darwin")
def test_streams_that_the_caller_closed_are_no_defect():
    command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", WORK]
    assert subprocess.run(command, cwd=ROOT, check=False, timeout=30).returncode == 3


@pytest.mark.system("linux")
def test_results_that_cannot_be_written_are_told_and_not_called_done():
    code = f"""{HEAD}
async def body(shell):
    shell.output.line("a result")
    shell.output.line("another one")
    return ExitStatus.DONE
run_command(False, body)
"""
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=30,
        )
    assert ended.returncode == 1
    assert ended.stderr == "The results cannot be written: No space left on device.\n"


class Terminal:
    """A pseudo-terminal with a command on it."""

    def __init__(self, code: str) -> None:
        self.master, self.slave = open_terminal()
        self.process = start(code, stdin=self.slave, stderr=self.slave)
        self.shown = ""

    def wait_for(self, text: str) -> None:
        while text not in self.shown:
            self.shown += os.read(self.master, 1000).decode()

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    @property
    def echoes(self) -> bool:
        return echoes(self.master)

    def end(self) -> tuple[int, str]:
        assert self.process.stdout is not None
        out = self.process.stdout.read()
        status = self.process.wait(15)
        self.process.stdout.close()
        return status, out


@pytest.fixture
def terminal(request: pytest.FixtureRequest) -> Iterator[Terminal]:
    terminal = Terminal(request.param)
    yield terminal
    terminal.process.kill()
    terminal.process.wait()
    os.close(terminal.master)
    os.close(terminal.slave)


ASKS = f"""{HEAD}
async def body(shell):
    assert shell.attended
    name = await shell.keyboard.ask("Name: ")
    password = await shell.keyboard.ask("Password: ", secret=True)
    again = await shell.keyboard.ask("Again: ")
    shell.output.line(repr([name, password, again]))
    return ExitStatus.DONE
run_command(False, body)
"""


@pytest.mark.parametrize("terminal", [ASKS], indirect=True)
def test_a_secret_is_not_shown_while_it_is_typed(terminal):
    terminal.wait_for("Name: ")
    terminal.type("kitchen\n")
    terminal.wait_for("Password: ")
    assert not terminal.echoes
    terminal.type("hunter2hunter2\n")
    terminal.wait_for("Again: ")
    assert terminal.echoes
    terminal.type("yes\n")
    assert terminal.end() == (0, "['kitchen', 'hunter2hunter2', 'yes']\n")
    assert "kitchen" in terminal.shown
    assert "hunter2" not in terminal.shown


@pytest.mark.parametrize("terminal", [ASKS], indirect=True)
def test_an_interrupt_at_a_secret_shows_typing_again(terminal):
    terminal.wait_for("Name: ")
    terminal.type("kitchen\n")
    terminal.wait_for("Password: ")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == (130, "")
    assert terminal.echoes


@pytest.mark.parametrize("terminal", [ASKS], indirect=True)
def test_the_end_of_input_is_an_interrupt(terminal):
    terminal.wait_for("Name: ")
    terminal.type("\x04")
    assert terminal.end() == (130, "")


WITHDRAWS = f"""{HEAD}
async def body(shell):
    asking = asyncio.ensure_future(shell.keyboard.ask("First: ", secret=True))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    shell.output.line(await shell.keyboard.ask("Second: "))
    return ExitStatus.DONE
run_command(False, body)
"""


@pytest.mark.parametrize("terminal", [WITHDRAWS], indirect=True)
def test_a_question_that_is_withdrawn_leaves_the_terminal_as_it_was(terminal):
    terminal.wait_for("Second: ")
    assert terminal.echoes
    terminal.type("answer\n")
    assert terminal.end() == (0, "answer\n")
