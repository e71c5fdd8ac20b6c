"""Runs a simulator as a program: ports on standard output, commands on standard input."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import queue
import signal
import threading
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.catalog import Catalog
from agent.simulator.commands import LINE_BYTES
from agent.simulator.control import Simulator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from agent.simulator.config import SimulatorConfig
    from agent.simulator.device import DeviceEvent

READ_BYTES: Final = 64 * 1024
UNREAD_LINES: Final = 10_000
"""Lines that wait for a reader who does not read. Beyond it new ones are dropped, and their
number is said with the next one that fits: a board never stands still for its reader."""
WAITING_COMMANDS: Final = 64
"""Commands that wait for the ones before; beyond it standard input is not read."""
LAST_WORDS_S: Final = 1.0
"""How long the end waits for what was still to be printed."""


async def run_simulator(
    config: SimulatorConfig,
    *,
    as_json: bool,
    until_stdin_closes: bool,
    read_commands: bool = True,
    pending: bytes = b"",
) -> None:
    """Run until SIGINT, SIGTERM, the command ``stop``, or (if asked for) the end of the input.

    Prints first, if something is in the air, the environment in which it is heard
    (``NAME=value``, or an object with ``environment``); then one line per board: its addresses, or
    with ``as_json`` an object that describes the port. Then one JSON object per line: answers to
    commands and, with ``as_json``, events.
    ``pending`` is what was already read of the input.
    """
    printer = Printer()
    output = printer.print
    started = False

    def report(event: DeviceEvent) -> None:
        if as_json and started:
            output(msgspec.json.encode(event))

    simulator = Simulator(config, Catalog.load(), report)
    printer.start(asyncio.get_running_loop(), simulator.stopped.set)
    lines: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING_COMMANDS)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        on_signal(loop, number, simulator.stopped.set)
    try:
        await simulator.start()
        for line in first_lines(simulator, as_json=as_json):
            output(line)
        started = True
        if read_commands:
            read_lines(loop, lines, pending)
        loop.run_in_executor(None, _load_keys)
        await serve(
            simulator.stopped,
            simulator.handle_line,
            lines,
            output,
            until_stdin_closes=until_stdin_closes,
        )
    finally:
        await simulator.stop()
        await asyncio.to_thread(printer.finish)


def first_lines(simulator: Simulator, *, as_json: bool) -> list[bytes]:
    """How the boards of a simulator that runs are reached."""
    said: list[bytes] = []
    if simulator.room is not None:
        environment = simulator.room.environment
        if as_json:
            said.append(msgspec.json.encode({"environment": environment}))
        else:
            said += (f"{name}={value}".encode() for name, value in environment.items())
    for thing in simulator.things:
        port, *others = simulator.ports_of(thing)
        air = "" if thing.air is None else f"ble://{thing.air.address}"
        if as_json:
            both: dict[str, Any] = {"ble": air} if air and port.kind != "ble" else {}
            if others:
                both["others"] = [each.address for each in others]
            said.append(msgspec.json.encode(msgspec.to_builtins(port) | both))
        else:
            addresses = [each for each in (port.address, *(p.address for p in others), air) if each]
            said.append(" ".join(dict.fromkeys(addresses)).encode())
    return said


async def run_program(
    running: AbstractAsyncContextManager[bytes],
    handle: Callable[[bytes], Awaitable[dict[str, Any]]],
    stop: asyncio.Event,
    *,
    until_stdin_closes: bool,
    read_commands: bool = True,
) -> None:
    """Print what ``running`` says of where it is, then answer commands while it runs.

    Ends at SIGINT, SIGTERM, when ``stop`` is set, or (if asked for) at the end of the input.
    """
    printer, loop = Printer(), asyncio.get_running_loop()
    printer.start(loop, stop.set)
    lines: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING_COMMANDS)
    for number in (signal.SIGINT, signal.SIGTERM):
        on_signal(loop, number, stop.set)
    try:
        async with running as said:
            printer.print(said)
            if read_commands:
                read_lines(loop, lines)
            await serve(stop, handle, lines, printer.print, until_stdin_closes=until_stdin_closes)
    finally:
        await asyncio.to_thread(printer.finish)


async def serve(
    stop: asyncio.Event,
    handle: Callable[[bytes], Awaitable[dict[str, Any]]],
    lines: asyncio.Queue[bytes | None],
    output: Callable[[bytes], None],
    *,
    until_stdin_closes: bool,
) -> None:
    """Answer commands until ``stop`` is set, or (if asked for) until the input ends."""
    stopped = asyncio.ensure_future(stop.wait())
    next_line = asyncio.ensure_future(lines.get())
    try:
        while True:
            await asyncio.wait({stopped, next_line}, return_when=asyncio.FIRST_COMPLETED)
            if stopped.done():
                return
            line = next_line.result()
            if line is None and until_stdin_closes:
                return
            if line is not None and line.strip():
                output(msgspec.json.encode(await handle(line)))
            # After the end of the input nothing comes any more: only a signal ends the run.
            next_line = asyncio.ensure_future(lines.get())
    finally:
        stopped.cancel()
        next_line.cancel()


def read_lines(
    loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[bytes | None], pending: bytes = b""
) -> None:
    """Read standard input in a thread: pipes, terminals and files, on every system.

    Unbuffered, because a thread that waits inside a buffered reader cannot be left at the end.
    """

    def read() -> None:
        rest = pending
        while True:
            *whole, rest = rest.split(b"\n")
            if len(rest) > LINE_BYTES:
                whole, rest = [*whole, rest], b""
            for line in whole:
                _put(loop, lines, line)
            try:
                data = os.read(0, READ_BYTES)
            except OSError:
                data = b""
            if not data:
                _put(loop, lines, rest)
                _put(loop, lines, None)
                return
            rest += data

    threading.Thread(target=read, name="commands", daemon=True).start()


def _put(
    loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[bytes | None], line: bytes | None
) -> None:
    """In the thread: wait for room; nothing at the end of the loop."""
    coming = lines.put(line)
    try:
        asyncio.run_coroutine_threadsafe(coming, loop).result()
    except (RuntimeError, concurrent.futures.CancelledError):
        coming.close()


def on_signal(
    loop: asyncio.AbstractEventLoop, number: signal.Signals, stop: Callable[[], Any]
) -> None:
    """Call ``stop`` when the signal comes, on every system."""
    try:
        loop.add_signal_handler(number, stop)
    except NotImplementedError:  # Windows
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))


def _load_keys() -> None:
    """Load the library for keys after the port is there and before somebody waits for it."""
    from cryptography.hazmat.primitives.asymmetric import ec

    ec.generate_private_key(ec.SECP256R1())


class Printer:
    """Writes lines to standard output from a thread, so that a slow reader blocks nothing."""

    def __init__(self) -> None:
        self._lines: queue.Queue[bytes | None] = queue.Queue(UNREAD_LINES)
        self._dropped = 0
        self._thread: threading.Thread | None = None

    def start(self, loop: asyncio.AbstractEventLoop, gone: Callable[[], None]) -> None:
        """Begin; ``gone`` is called when nobody can read any more."""

        def write() -> None:
            while (line := self._lines.get()) is not None:
                data = line + b"\n"
                try:
                    while data:
                        data = data[os.write(1, data) :]
                except OSError:
                    if not loop.is_closed():
                        loop.call_soon_threadsafe(gone)
                    return

        self._thread = threading.Thread(target=write, name="printer", daemon=True)
        self._thread.start()

    def print(self, line: bytes) -> None:
        """Print a line as soon as it can be."""
        try:
            if self._dropped:
                self._lines.put_nowait(msgspec.json.encode({"dropped": self._dropped}))
                self._dropped = 0
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def finish(self) -> None:
        """Wait a little for what is still to be printed."""
        if self._thread is not None:
            with contextlib.suppress(queue.Full):
                self._lines.put(None, timeout=LAST_WORDS_S)
            self._thread.join(LAST_WORDS_S)
