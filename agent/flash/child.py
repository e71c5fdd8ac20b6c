"""Runs another program for a flash method: no shell, output line by line, killed as a whole.

The program and all that it starts form one group, which ends together: on cancellation, when it
says nothing for too long, and when the caller's line handler raises. What leaves the group is found
on Linux by a mark in its environment.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

from agent.settings.text import clean_text

LINE_LIMIT: Final = 1000
"""Characters of one line; a longer one is cut into several."""
LINES_AT_ONCE: Final = 500
"""Of what is read at one time, some hundred kilobytes at most; before them lines are left out, and
counted. A tool that prints nothing but line ends would keep the agent from everything else."""
TAIL_LINES: Final = 40
"""Kept for the error report: what a tool says about its end fits many times."""

TERMINATE_S: Final = 0.4
"""For a program to end by itself when asked to. It is killed then, so that a cancelled run has
ended within one second."""
KILLED_S: Final = 0.5
"""A killed process is gone at once unless it hangs in the system, which nobody can wait for."""
END_S: Final = 0.5
"""Between the end of a program and that of its output, which is a matter of microseconds unless a
process that it left behind holds the pipe open."""

OUR_VARIABLES: Final = "MOORING_"
"""Begin of the variables that are for Mooring alone (docs/configuration.md)."""
RUN_VARIABLE: Final = "RUN_OF_MOORING"
"""Names the run that a process belongs to, wherever it was started from."""
PROXY_VARIABLES: Final = "_proxy"
"""End of the variables that name a proxy, maybe with its password: no tool here uses a network."""

OnLine: TypeAlias = Callable[[str], None]


class ChildSilent(Exception):
    """The program said nothing for too long and was killed; ``tail`` holds its last lines."""

    def __init__(self, seconds: float, tail: tuple[str, ...]) -> None:
        super().__init__(f"no output for {seconds:g} s")
        self.seconds = seconds
        self.tail = tail


class ChildResult(msgspec.Struct, frozen=True):
    """How a program ended."""

    status: int
    """Exit status; negative: the signal that ended it (POSIX)."""
    tail: tuple[str, ...]
    """Its last lines, standard output and error together, cleaned."""


class LineCutter:
    """Cuts text into lines at CR and LF, whatever parts it comes in; no line is empty.

    Of more than LINES_AT_ONCE in one part only the last are handed on.
    """

    _END = re.compile(r"[\r\n]+")

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._limit = limit
        self._rest = ""

    def feed(self, text: str) -> list[str]:
        """The lines that ``text`` completes."""
        *whole, self._rest = self._END.split(self._rest + text)
        left_out = len(whole) - LINES_AT_ONCE
        if left_out > 0:
            whole = [f"({left_out} lines are left out)", *whole[left_out:]]
        lines = [part for line in whole for part in self._parts(line)]
        if len(self._rest) > self._limit:
            *full, self._rest = self._parts(self._rest)
            lines += full
        return lines

    def end(self) -> list[str]:
        """What stands behind the last line end."""
        rest, self._rest = self._rest, ""
        return self._parts(rest)

    def _parts(self, line: str) -> list[str]:
        return [line[at : at + self._limit] for at in range(0, len(line), self._limit)]


async def run_child(
    command: Sequence[str | Path],
    on_line: OnLine,
    *,
    silence_s: float,
    environ: Mapping[str, str] | None = None,
) -> ChildResult:
    """Run ``command`` to its end and hand each line of its output to ``on_line``.

    Of a flood only the last lines are handed over, see LINES_AT_ONCE.

    ``environ`` is added to this process's, which goes along without our own variables and those of
    the proxy: a password may be among them. Raises OSError if the program cannot be started, and
    :class:`ChildSilent` when nothing came for ``silence_s`` seconds. When cancelled, the program
    has ended before this returns, within a second.
    """
    run = secrets.token_hex(16)
    transport, child = await asyncio.get_running_loop().subprocess_exec(
        lambda: _Child(on_line),
        *(str(word) for word in command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**_without_secrets(os.environ), **(environ or {}), RUN_VARIABLE: run},
        **_own_group(),
    )
    try:
        await child.finish(silence_s)
    finally:
        try:
            await _unhurried(_end_group(transport.get_pid(), child, run))
        finally:
            transport.close()
    return ChildResult(transport.get_returncode() or 0, tuple(child.tail))


def _without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: text
        for name, text in environ.items()
        if not name.startswith(OUR_VARIABLES) and not name.lower().endswith(PROXY_VARIABLES)
    }


def _own_group() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


class _Child(asyncio.SubprocessProtocol):
    """Hands on lines as they come, so nothing queues up; knows how far the program is."""

    def __init__(self, on_line: OnLine) -> None:
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.exited = asyncio.Event()
        self._on_line = on_line
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._cutter = LineCutter()
        self._failure: Exception | None = None
        self._closed = False
        self._news = asyncio.Event()

    # The three callbacks of the event loop.

    def pipe_data_received(self, _fd: int, data: bytes | str) -> None:
        assert isinstance(data, bytes)  # noqa: S101  (pipes of a loop carry nothing else)
        self._hand_over(self._cutter.feed(self._decoder.decode(data)))
        self._news.set()

    def pipe_connection_lost(self, _fd: int, _exc: Exception | None) -> None:
        self._closed = True
        self._hand_over(self._cutter.feed(self._decoder.decode(b"", final=True)))
        self._hand_over(self._cutter.end())
        self._news.set()

    def process_exited(self) -> None:
        self.exited.set()
        self._news.set()

    async def finish(self, silence_s: float) -> None:
        """Wait for the end of the program and, a little, for that of its output."""
        while not (self._closed and self.exited.is_set()):
            ended = self.exited.is_set()
            try:
                async with asyncio.timeout(END_S if ended else silence_s):
                    await self._news.wait()
            except TimeoutError:
                if ended:
                    return
                raise ChildSilent(silence_s, tuple(self.tail)) from None
            self._news.clear()
            if self._failure is not None:
                raise self._failure

    def _hand_over(self, lines: list[str]) -> None:
        for line in lines:
            clean = clean_text(line.replace("\t", " "), LINE_LIMIT)
            self.tail.append(clean)
            if self._failure is None:
                try:
                    self._on_line(clean)
                except Exception as failure:  # noqa: BLE001 - raised again by finish()
                    self._failure = failure


async def _unhurried(work: Coroutine[None, None, None]) -> None:
    """Do ``work`` to its end also when this is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled


async def _end_group(leader: int, child: _Child, run: str) -> None:
    """End what is left of the group: first politely, where that reaches anybody."""
    if sys.platform == "win32":
        if not child.exited.is_set():
            await _kill_tree(leader)
            await _wait(child.exited, KILLED_S)
        return
    if not child.exited.is_set():
        _signal_group(leader, signal.SIGTERM)
        await _wait(child.exited, TERMINATE_S)
    # What it has left behind, too: the group exists as long as one of its processes does.
    _signal_group(leader, signal.SIGKILL)
    if sys.platform == "linux":
        await asyncio.to_thread(kill_marked, {f"{RUN_VARIABLE}={run}"})
    await _wait(child.exited, KILLED_S)


async def _wait(event: asyncio.Event, limit_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await event.wait()


def _signal_group(leader: int, number: int) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, number)


def kill_marked(marks: Iterable[str]) -> None:
    """End every process with one of these (``NAME=text``) in its environment; Linux only.

    They may have left their group, or outlived whoever started them. Blocks for milliseconds.
    """
    wanted = {mark.encode() for mark in marks}
    if sys.platform != "linux" or not wanted:
        return
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            # One that has ended meanwhile, or is somebody else's.
            with contextlib.suppress(OSError):
                if not wanted.isdisjoint(folder.joinpath("environ").read_bytes().split(b"\0")):
                    os.kill(int(folder.name), signal.SIGKILL)


async def _kill_tree(leader: int) -> None:
    """Windows: only the system's own tool ends the children of a process with it."""
    words = ["taskkill", "/F", "/T", "/PID", str(leader)]
    quiet = asyncio.subprocess.DEVNULL
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(KILLED_S):
            killer = await asyncio.create_subprocess_exec(
                *words, stdin=quiet, stdout=quiet, stderr=quiet
            )
            await killer.wait()
