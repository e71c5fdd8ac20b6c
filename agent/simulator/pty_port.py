"""A pseudo-terminal as the port of a simulated board (POSIX)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import sys
import termios
import tty
from collections import deque
from typing import TYPE_CHECKING, Final

from agent.simulator.ports import BACKLOG_BYTES, READ_BYTES

if TYPE_CHECKING:
    from agent.simulator.ports import OnData, OnHost, OnTouch

assert sys.platform != "win32"  # noqa: S101  (tells the type checker which systems this is for)

OPEN_POLL_S: Final = 0.05
"""For what the system does not tell: that a host opened the port, or chose another speed. With
``dtr`` only while no host has it open."""
NUMBER_HELD_S: Final = 5.0
"""The system gives a number that is free to the next pseudo-terminal of anybody. A host that opens
the port a moment after it was pulled must find nothing, not the board of somebody else."""
SPEEDS: Final = slice(4, 6)
"""Places of the speeds, in and out, in what ``tcgetattr`` returns."""


class PtyPort:
    """A pseudo-terminal in raw mode.

    Without ``dtr`` its far end is held open here too, so the port counts as open always, as that
    of an UNO R4 WiFi, and 1200 baud is a touch at once. With ``dtr`` the board learns when a host
    opens and closes it, and a touch is 1200 baud on a port that was closed.
    ``not_at`` is an address that the port shall not have.
    """

    def __init__(
        self,
        on_data: OnData,
        on_host: OnHost,
        on_touch: OnTouch | None = None,
        *,
        dtr: bool,
        not_at: str | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_data = on_data
        self._on_host = on_host
        self._on_touch = on_touch
        self._touched = False
        self._backlog: deque[bytes] = deque()
        self._backlog_bytes = 0
        self._poll: asyncio.TimerHandle | None = None
        self._number: _Number | None = None
        self.lost_bytes = 0
        self._master, far_end = _open_pair(not_at)
        self._far_end: int | None = far_end
        self.address = os.ttyname(far_end)
        tty.setraw(far_end)
        os.set_blocking(self._master, False)
        if dtr:
            os.close(far_end)
            self._far_end = None
            self._lose_host()
        else:
            self._loop.add_reader(self._master, self._read)
            if on_touch is not None:
                self._watch_speed()

    def write(self, data: bytes) -> None:
        """Send to the host; kept up to a limit while it does not read."""
        if self._master < 0:
            return
        room = BACKLOG_BYTES - self._backlog_bytes
        self.lost_bytes += max(0, len(data) - room)
        data = data[:room]
        if not data:
            return
        self._backlog.append(data)
        self._backlog_bytes += len(data)
        if len(self._backlog) == 1:
            self._flush()

    def forget_unread(self) -> None:
        """Throw away what no host has read: it was meant for an earlier one."""
        self._forget_backlog()
        if self._far_end is not None:
            with contextlib.suppress(termios.error):
                termios.tcflush(self._far_end, termios.TCIFLUSH)

    def look(self) -> None:
        """Notice a host that opened the port since the last look."""
        if self._far_end is None and self._poll is not None:
            self._poll.cancel()
            self._look_for_host()

    def close(self) -> None:
        """Pull the cable: the host reads an I/O error."""
        if self._master < 0:
            return
        if self._poll is not None:
            self._poll.cancel()
        self._loop.remove_reader(self._master)
        self._forget_backlog()
        if self._far_end is None:
            with contextlib.suppress(OSError):
                self._far_end = os.open(self.address, os.O_RDWR | os.O_NOCTTY)
        os.close(self._master)
        self._master = -1
        if self._far_end is not None:
            self._number = _Number(self._far_end)
            self._far_end = None
            self._loop.call_later(NUMBER_HELD_S, self._number.release)

    def free_address(self) -> None:
        """Give the number back at once."""
        if self._number is not None:
            self._number.release()

    def _read(self) -> None:
        try:
            data = os.read(self._master, READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._on_data(data)
        else:
            self._loop.remove_reader(self._master)
            self._lose_host()

    def _lose_host(self) -> None:
        self._forget_backlog()
        self._on_host(False)
        self._look_for_host()

    def _look_for_host(self) -> None:
        waiting = select.poll()
        waiting.register(self._master, select.POLLIN)
        if any(events & select.POLLHUP for _, events in waiting.poll(0)):
            self._poll = self._loop.call_later(OPEN_POLL_S, self._look_for_host)
            self._notice_touch()
            return
        self._poll = None
        self._touched = False
        self._loop.add_reader(self._master, self._read)
        self._on_host(True)

    def _notice_touch(self) -> None:
        """Last in what calls it: the board may close the port on this."""
        before, self._touched = self._touched, self._speed() == termios.B1200
        if self._touched and not before and self._on_touch is not None:
            self._on_touch()
        elif before and not self._touched:
            # Opened and closed between two looks, at another speed.
            self._on_host(True)
            self._on_host(False)

    def _watch_speed(self) -> None:
        """While the far end is held open here; a touch may come again, so the speed is undone."""
        self._poll = self._loop.call_later(OPEN_POLL_S, self._watch_speed)
        if self._speed() == termios.B1200 and self._far_end is not None:
            with contextlib.suppress(termios.error):
                settings = termios.tcgetattr(self._far_end)
                settings[SPEEDS] = [termios.B9600] * 2
                termios.tcsetattr(self._far_end, termios.TCSANOW, settings)
            if self._on_touch is not None:
                self._on_touch()

    def _speed(self) -> int:
        try:
            speed: int = termios.tcgetattr(self._master)[SPEEDS][0]
        except termios.error:
            return 0
        return speed

    def _flush(self) -> None:
        while self._backlog:
            data = self._backlog[0]
            try:
                sent = os.write(self._master, data)
            except BlockingIOError:
                self._loop.add_writer(self._master, self._flush)
                return
            except OSError:  # no host, where that shows
                self._forget_backlog()
                return
            self._backlog_bytes -= sent
            if sent < len(data):
                self._backlog[0] = data[sent:]
            else:
                self._backlog.popleft()
        self._loop.remove_writer(self._master)

    def _forget_backlog(self) -> None:
        self._backlog.clear()
        self._backlog_bytes = 0
        self._loop.remove_writer(self._master)


class _Number:
    """Keeps the number of a pseudo-terminal from others; no longer than the loop is there."""

    def __init__(self, far_end: int) -> None:
        self._far_end: int | None = far_end

    def release(self) -> None:
        """May be called again."""
        if self._far_end is not None:
            os.close(self._far_end)
            self._far_end = None

    __del__ = release


def _open_pair(not_at: str | None) -> tuple[int, int]:
    """Both ends of a new pseudo-terminal: the board's and the host's."""
    pair = os.openpty()
    if os.ttyname(pair[1]) != not_at:
        return pair
    other = os.openpty()  # while the first is open, so that it cannot have its number
    for end in pair:
        os.close(end)
    return other
