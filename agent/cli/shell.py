"""What every command has: its output, the keyboard, the agent, and a way out.

The first Ctrl-C cancels the command, which undoes what it began; the second leaves at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Protocol

from agent.cli.inputs import can_ask
from agent.cli.keyboard import InputEnded, Keyboard
from agent.cli.output import Output
from agent.errors import ExitStatus, InternalError, MooringError, ReportedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from contextlib import AbstractContextManager
    from types import FrameType
    from typing import NoReturn

_logger = logging.getLogger(__name__)


class Shell:
    """The surroundings of one command."""

    def __init__(self, *, as_json: bool) -> None:
        self.output = Output(as_json=as_json)
        self.keyboard = Keyboard(self.output)

    @property
    def attended(self) -> bool:
        """Whether a person is there to answer questions."""
        return can_ask() and not self.output.as_json


class MainThread(Protocol):
    """Something that needs the main thread, so that the command runs in another one."""

    def beside(self, work: Callable[[], ExitStatus]) -> ExitStatus:
        """Run ``work`` in a thread until it returns; returns and raises what it does."""

    def on_signal(self, listener: Callable[[], None]) -> AbstractContextManager[None]:
        """Call ``listener`` at each signal that asks for the end."""


def run_command(
    as_json: bool,
    body: Callable[[Shell], Awaitable[ExitStatus]],
    main_thread: MainThread | None = None,
) -> NoReturn:
    """Run ``body`` to its end and leave with its exit status; errors are shown.

    What ``body`` does before it returns its coroutine (prompts, reading files) runs without a loop.
    """
    _leave_no_core()
    shell = Shell(as_json=as_json)

    def work() -> ExitStatus:
        return asyncio.run(_interruptible(shell, body(shell), main_thread))

    try:
        status = work() if main_thread is None else main_thread.beside(work)
        if shell.output.failed and status is ExitStatus.DONE:
            status = ExitStatus.FAILED
    except MooringError as error:
        shell.output.error(error.report())
        status = status_of(error)
    except (InputEnded, KeyboardInterrupt):
        status = ExitStatus.INTERRUPTED
    except Exception as error:
        _open_log()
        _logger.exception("the command failed")
        shell.output.error(InternalError(kind=type(error).__name__).report())
        status = ExitStatus.FAILED
    sys.exit(status)


def _leave_no_core() -> None:
    """A crash must not write memory to a file: there are passwords in it."""
    if sys.platform == "win32":
        return
    import resource

    with contextlib.suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def _open_log() -> None:
    """See that there is a log; without one, a traceback would go to the terminal."""
    from agent.settings.log import start_logging
    from agent.settings.paths import find_paths

    with contextlib.suppress(OSError, MooringError):
        if not logging.getLogger().handlers:
            paths = find_paths()
            paths.make()
            start_logging(paths.log_file, "info", stderr=False)


def status_of(error: MooringError) -> ExitStatus:
    """Exit status for an error, also for one that arrived as a report."""
    return error.reported_exit_status if isinstance(error, ReportedError) else error.exit_status


async def _interruptible(
    shell: Shell, running: Awaitable[ExitStatus], main_thread: MainThread | None
) -> ExitStatus:
    task = asyncio.ensure_future(running)
    interrupt = _interrupt(shell, task)
    signals = _on_signal(interrupt) if main_thread is None else main_thread.on_signal(interrupt)
    with signals:
        try:
            return await task
        except asyncio.CancelledError:
            return ExitStatus.INTERRUPTED


def _interrupt(shell: Shell, task: asyncio.Future[ExitStatus]) -> Callable[[], None]:
    loop = asyncio.get_running_loop()
    presses = 0

    def interrupt() -> None:
        nonlocal presses
        presses += 1
        if presses == 1:
            loop.call_soon_threadsafe(task.cancel)
            return
        shell.keyboard.restore()
        # The journal has what was begun; the next start finishes or undoes it.
        os._exit(ExitStatus.INTERRUPTED)

    return interrupt


@contextlib.contextmanager
def _on_signal(listener: Callable[[], None]) -> Iterator[None]:
    def heard(_number: int, _frame: FrameType | None) -> None:
        listener()

    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
