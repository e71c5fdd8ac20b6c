"""What a person types while the event loop runs.

Reading a terminal blocks, so a thread of its own reads it line by line. A question that is
withdrawn meanwhile leaves nothing behind: what is typed for it is dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.cli.output import Output


class InputEnded(Exception):
    """The person closed the input (Ctrl-D) instead of answering."""


class Keyboard:
    """Answers of the person at the terminal, one question at a time."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._answer: asyncio.Future[str] | None = None
        self._typed = ""
        self._goes_on: Callable[[str], bool] = _one_line
        self._reader: threading.Thread | None = None
        self._restore: Callable[[], None] | None = None

    async def ask(
        self,
        prompt: str,
        *,
        secret: bool = False,
        goes_on: Callable[[str], bool] | None = None,
    ) -> str:
        """The line that is typed; ``secret``: without showing it. Raises :class:`InputEnded`.

        ``goes_on``: whether to what has come so far one more line belongs, as of several that are
        pasted at once.
        """
        self._answer = asyncio.get_running_loop().create_future()
        self._typed, self._goes_on = "", goes_on or _one_line
        self._start_reader()
        try:
            # Hidden before it is asked for: who types at once is not seen either.
            with self._without_echo() if secret else contextlib.nullcontext():
                self._output.prompt(prompt)
                return await self._answer
        except asyncio.CancelledError:
            if not secret:
                # The question is withdrawn; what follows begins on a line of its own.
                self._output.note("")
            raise
        finally:
            self._answer, self._typed = None, ""

    def restore(self) -> None:
        """Show what is typed again; for a way out that runs nothing else."""
        if self._restore is not None:
            self._restore()

    def _start_reader(self) -> None:
        if self._reader is None:
            loop = asyncio.get_running_loop()
            # A daemon: at the end of the process nobody waits for one more line.
            self._reader = threading.Thread(target=self._read, args=(loop,), daemon=True)
            self._reader.start()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        line = "begin"
        # The loop is closed when the command has ended while the thread still reads.
        with contextlib.suppress(RuntimeError):
            while line:
                try:
                    line = sys.stdin.readline()
                except (OSError, ValueError):
                    line = ""
                loop.call_soon_threadsafe(self._take, line)

    def _take(self, line: str) -> None:
        if self._answer is None or self._answer.done():
            return
        if line:
            self._typed += line
            typed = self._typed.rstrip("\r\n")
            if not self._goes_on(typed):
                self._answer.set_result(typed)
        else:
            self._answer.set_exception(InputEnded())

    @contextlib.contextmanager
    def _without_echo(self) -> Iterator[None]:
        restore = hide_input()
        self._restore = restore
        try:
            yield
        finally:
            restore()
            self._restore = None
            # The return key was not shown either.
            self._output.note("")


def _one_line(_typed: str) -> bool:
    return False


def hide_input() -> Callable[[], None]:
    """Stop the terminal from showing what is typed; returns what undoes it."""
    if sys.platform == "win32":
        import ctypes
        import msvcrt
        from ctypes import wintypes

        enable_echo_input = 0x0004
        handle = msvcrt.get_osfhandle(sys.stdin.fileno())
        mode = wintypes.DWORD()
        kernel = ctypes.windll.kernel32
        kernel.GetConsoleMode(handle, ctypes.byref(mode))
        kernel.SetConsoleMode(handle, mode.value & ~enable_echo_input)
        return lambda: kernel.SetConsoleMode(handle, mode.value)
    import termios

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    hidden = before.copy()
    hidden[3] &= ~termios.ECHO
    # Flushing drops what was typed before the question appeared.
    termios.tcsetattr(descriptor, termios.TCSAFLUSH, hidden)
    return lambda: termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
