"""Starts simulated boards in a process of their own and talks to it.

``async with await start_simulator(config) as boards: …``; ``boards.ports`` are the ports,
``boards.command`` changes things, ``boards.wait_for`` waits for evidence.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.errors import ErrorReport, MooringError, ReportedError
from agent.simulator.announcement import Announcement
from agent.simulator.ble_bus import PrivateBus
from agent.simulator.commands import LINE_BYTES
from agent.simulator.events import DeviceEvent, DeviceStatus
from agent.simulator.world import reveal_for_pipe

if TYPE_CHECKING:
    from types import TracebackType

    from agent.simulator.config import SimulatorConfig

START_LIMIT_S: Final = 15.0
"""Starting Python and making the ports takes some 0.3 s; a busy machine may need much longer."""
STOP_LIMIT_S: Final = 5.0
ANSWER_LIMIT_S: Final = 10.0
"""Commands take milliseconds; on a busy machine somewhat more."""
EVENTS: Final = 2_000
"""Events kept for :meth:`SimulatorHandle.wait_for`; beyond it the oldest are forgotten."""


class SimulatorFailed(MooringError):
    """The process of the simulator ended, or said something that is no answer."""

    code = "simulator_failed"
    title = "The simulated board's process ended: {problem}."
    meaning = "There is no simulated board now."
    remedy = "Start it again; if it happens again, report it with this text."


class SimulatorHandle:
    """A running simulator process; an asynchronous context manager that ends it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._events: deque[DeviceEvent] = deque(maxlen=EVENTS)
        self._changed = asyncio.Condition()
        self._reader: asyncio.Task[None] | None = None
        self.ports: list[Announcement] = []
        """The ports as they were at the start; a later one is in its event ``plugged``."""
        self.environment: dict[str, str] = {}
        """What a program needs in its environment to hear what is in the air."""

    async def __aenter__(self) -> SimulatorHandle:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """Exit status; None while it runs."""
        return self._process.returncode

    @property
    def address(self) -> str:
        """Address of the first board at the start."""
        return self.ports[0].address

    @property
    def events(self) -> tuple[DeviceEvent, ...]:
        """What happened so far."""
        return tuple(self._events)

    async def begin(self, config: SimulatorConfig) -> None:
        """Send the configuration and wait for the ports; raises :class:`SimulatorFailed`."""
        await self._write(msgspec.json.encode(config, enc_hook=reveal_for_pipe))
        if config.uses_air:
            self.environment = msgspec.json.decode(await self._first_line())["environment"]
        for _ in range(config.board_count + len(config.improv) + len(config.nrf)):
            self.ports.append(msgspec.json.decode(await self._first_line(), type=Announcement))
        self._reader = asyncio.get_running_loop().create_task(self._read())

    async def command(self, command: dict[str, Any]) -> dict[str, Any]:
        """Send a command of ``agent.simulator.control``; its answer.

        Raises :class:`~agent.errors.ReportedError` for a command that was refused,
        :class:`SimulatorFailed` if the process is gone, :class:`TimeoutError` if it hangs.
        """
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        line = msgspec.json.encode({**command, "id": number}, enc_hook=reveal_for_pipe)
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                await self._write(line)
                said = await answer
        finally:
            self._answers.pop(number, None)
        if "error" in said:
            raise ReportedError(msgspec.convert(said["error"], ErrorReport))
        return said

    async def status(self) -> list[DeviceStatus]:
        """What the boards are doing."""
        said = await self.command({"status": True})
        return msgspec.convert(said["boards"], list[DeviceStatus])

    async def wait_for(
        self, event: str, *, step: str | None = None, times: int = 1, board: str | None = None
    ) -> DeviceEvent:
        """Wait until an event happened ``times`` times since the start; the last of them.

        ``board`` is the serial number of the one that is meant, if it is not any.
        """
        async with self._changed:
            while True:
                found = [
                    e
                    for e in self._events
                    if e.event == event and step in {None, e.step} and board in {None, e.board}
                ]
                if len(found) >= times:
                    return found[times - 1]
                if self._reader is None or self._reader.done():
                    raise SimulatorFailed(problem=f"while {event} was waited for")
                await self._changed.wait()

    async def stop(self) -> None:
        """End the process in order: its input closes, so it unplugs its boards and goes."""
        stdin = self._process.stdin
        if stdin is not None:
            stdin.close()
            with contextlib.suppress(ConnectionError):
                await stdin.wait_closed()
        try:
            async with asyncio.timeout(STOP_LIMIT_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
        await self._end()

    async def kill(self) -> None:
        """End the process without giving it a chance to clean up."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._end()

    async def _end(self) -> None:
        await self._process.wait()
        if self._reader is not None:
            await self._reader
        stdin = self._process.stdin
        if stdin is not None:
            stdin.close()
            with contextlib.suppress(ConnectionError):
                await stdin.wait_closed()

    async def _write(self, line: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101  (started with a pipe)
        try:
            self._process.stdin.write(line + b"\n")
            await self._process.stdin.drain()
        except ConnectionError:
            raise SimulatorFailed(problem="it reads no commands") from None

    async def _first_line(self) -> bytes:
        line = await self._read_line()
        if not line:
            raise SimulatorFailed(problem="before it had a port")
        return line

    async def _read_line(self) -> bytes:
        assert self._process.stdout is not None  # noqa: S101  (started with a pipe)
        return await self._process.stdout.readline()

    async def _read(self) -> None:
        while line := await self._read_line():
            said = msgspec.json.decode(line)
            if "event" in said:
                self._events.append(msgspec.convert(said, DeviceEvent))
                async with self._changed:
                    self._changed.notify_all()
            elif (answer := self._answers.get(said.get("id", 0))) and not answer.done():
                answer.set_result(said)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(SimulatorFailed(problem="before it answered"))
        async with self._changed:
            self._changed.notify_all()


async def start_simulator(
    config: SimulatorConfig, *, python: str = sys.executable
) -> SimulatorHandle:
    """Start a process with all boards of ``config`` and wait until they are plugged in.

    The configuration, passwords included, goes through a pipe. The process ends when its input
    closes, so it never outlives this one. Raises :class:`SimulatorFailed`, and ``NoBusError``
    where nothing can be in the air.
    """
    if config.uses_air:
        PrivateBus.require()
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    process = await asyncio.create_subprocess_exec(
        python,
        "-m",
        "agent.simulator",
        "-",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_BYTES,
        env={**os.environ, "PYTHONPATH": path},
    )
    handle = SimulatorHandle(process)
    try:
        async with asyncio.timeout(START_LIMIT_S):
            await handle.begin(config)
    except TimeoutError:
        await handle.kill()
        raise SimulatorFailed(problem=f"no port within {START_LIMIT_S:g} s") from None
    except BaseException:
        await handle.kill()
        raise
    return handle
