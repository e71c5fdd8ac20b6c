"""Other programs: their output, their end, and the end of all that they started."""

from __future__ import annotations

import asyncio
import sys

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.flash.child import (
    KILLED_S,
    LINE_LIMIT,
    LINES_AT_ONCE,
    TAIL_LINES,
    TERMINATE_S,
    ChildSilent,
    LineCutter,
    run_child,
)

FOREVER_S = 60.0


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


async def output_of(code: str, **options) -> tuple[int, list[str], tuple[str, ...]]:
    lines: list[str] = []
    result = await run_child(python(code), lines.append, silence_s=FOREVER_S, **options)
    return result.status, lines, result.tail


async def gone(pid: int) -> None:
    """Wait until no process has this number, or a dead one only."""
    while psutil.pid_exists(pid):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return
        except psutil.NoSuchProcess:
            return
        await asyncio.sleep(0.005)


@given(st.text(alphabet="ab\r\n", max_size=60), st.integers(1, 7))
def test_any_split_gives_the_same_lines(text, step):
    cutter = LineCutter()
    lines = [line for at in range(0, len(text), step) for line in cutter.feed(text[at : at + step])]
    lines += cutter.end()
    assert lines == text.replace("\r", "\n").replace("\n", " ").split()


@given(st.lists(st.text(max_size=3000), max_size=5))
def test_a_line_without_an_end_is_cut_and_never_lost(parts):
    cutter = LineCutter(limit=100)
    lines = [line for part in parts for line in cutter.feed(part)] + cutter.end()
    assert all(0 < len(line) <= 100 for line in lines)
    assert "".join(lines) == "".join(parts).replace("\r", "").replace("\n", "")


async def test_a_program_is_not_told_the_passwords_in_our_variables(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://ada:marker-proxy@proxy.test:3128")
    monkeypatch.setenv("MOORING_WIFI_PASSWORD", "marker-wifi")
    monkeypatch.setenv("MOORING_CLOUD_CLIENT_SECRET", "marker-cloud")
    monkeypatch.setenv("OTHER_VARIABLE", "goes along")
    code = "import os; [print(name, text) for name, text in os.environ.items()]"
    _, lines, _ = await output_of(code, environ={"ADDED": "too"})
    assert "marker" not in "".join(lines)
    assert {"OTHER_VARIABLE goes along", "ADDED too"} <= set(lines)


async def test_both_outputs_come_line_by_line_with_the_exit_status():
    status, lines, tail = await output_of(
        "import sys; print('one\\rtwo'); sys.stdout.flush(); sys.stderr.write('three'); sys.exit(7)"
    )
    assert status == 7
    assert lines == ["one", "two", "three"]
    assert tail == ("one", "two", "three")


async def test_a_line_arrives_before_the_program_ends():
    seen = asyncio.Event()
    code = "import sys, time; print('here', flush=True); time.sleep(60)"
    run = asyncio.ensure_future(
        run_child(python(code), lambda _line: seen.set(), silence_s=FOREVER_S)
    )
    await seen.wait()
    assert not run.done()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run


async def test_much_output_is_read_counted_and_only_its_tail_kept():
    status, lines, tail = await output_of("for n in range(50_000): print('line', n)")
    left_out = [int(line[1:].split()[0]) for line in lines if line.endswith("are left out)")]
    assert status == 0
    assert len(lines) - len(left_out) + sum(left_out) == 50_000
    assert lines[-1] == "line 49999"
    assert tail == tuple(lines[-TAIL_LINES:])


def test_of_a_flood_the_last_lines_are_handed_on_and_the_others_counted():
    lines = LineCutter().feed("y\n" * 100_000 + "end\n")
    assert lines[0] == f"({100_001 - LINES_AT_ONCE} lines are left out)"
    assert len(lines) == LINES_AT_ONCE + 1
    assert lines[-1] == "end"


async def test_output_is_cleaned_and_its_lines_are_bounded():
    code = r"import sys; sys.stdout.buffer.write(b'\x1b[31mred\x07\xff\xc3' + b'y' * 2500)"
    _, lines, _ = await output_of(code)
    assert lines[0].startswith("·[31mred·\N{REPLACEMENT CHARACTER}")
    assert [len(line) for line in lines] == [LINE_LIMIT, LINE_LIMIT, 2511 - 2 * LINE_LIMIT]


async def test_the_environment_is_added_to_ours():
    code = "import os; print(os.environ['MORE'], 'PATH' in os.environ)"
    _, lines, _ = await output_of(code, environ={"MORE": "more"})
    assert lines == ["more True"]


async def test_a_program_cannot_ask_and_no_shell_reads_its_words():
    _, lines, _ = await output_of("print(repr(__import__('sys').stdin.read()), '$HOME; `id`')")
    assert lines == ["'' $HOME; `id`"]


async def test_a_program_that_is_not_there_is_an_os_error():
    with pytest.raises(OSError):
        await run_child(["/nowhere/dfu-util"], print, silence_s=FOREVER_S)


async def test_silence_ends_the_program_with_its_last_words():
    with pytest.raises(ChildSilent) as silent:
        await run_child(
            python("import time; print('busy', flush=True); time.sleep(60)"),
            lambda _line: None,
            silence_s=0.6,
        )
    assert silent.value.tail in {("busy",), ()}


TREE = """
import signal, subprocess, sys, time
if {deaf}:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
grand = subprocess.Popen([sys.executable, "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN) if {deaf} else 0;"
    "print('up', flush=True); time.sleep(60)"], stdout=subprocess.PIPE)
grand.stdout.readline()
print(grand.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("deaf", [False, True])
async def test_a_cancelled_run_ends_the_whole_tree(deaf):
    line: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    run = asyncio.ensure_future(
        run_child(python(TREE.format(deaf=deaf)), line.set_result, silence_s=FOREVER_S)
    )
    grandchild = int(await line)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await gone(grandchild)


def test_no_program_has_more_than_a_second_to_end():
    """What a busy computer adds is not ours."""
    assert TERMINATE_S + KILLED_S <= 1.0


@pytest.mark.system("linux", "darwin")
async def test_what_a_program_leaves_behind_is_ended_too():
    code = "import subprocess, sys; print(subprocess.Popen(['sleep', '60']).pid)"
    lines: list[str] = []
    result = await run_child(python(code), lines.append, silence_s=FOREVER_S)
    assert result.status == 0
    await gone(int(lines[0]))


async def test_an_error_of_the_reader_ends_the_program():
    pids: list[int] = []

    def on_line(line: str) -> None:
        pids.append(int(line))
        raise ValueError

    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with pytest.raises(ValueError):
        await run_child(python(code), on_line, silence_s=FOREVER_S)
    await gone(pids[0])


async def test_a_second_cancellation_waits_for_the_end_too():
    line: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    code = (
        "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print(os.getpid(), flush=True); time.sleep(60)"
    )
    run = asyncio.ensure_future(run_child(python(code), line.set_result, silence_s=FOREVER_S))
    pid = int(await line)
    run.cancel()
    await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await gone(pid)


@pytest.mark.system("linux", "darwin")
async def test_a_second_cancellation_spares_nothing_that_the_program_started():
    line: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    run = asyncio.ensure_future(
        run_child(python(TREE.format(deaf=True)), line.set_result, silence_s=FOREVER_S)
    )
    grandchild = int(await line)
    run.cancel()
    await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await gone(grandchild)
