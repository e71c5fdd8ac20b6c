"""The example sketch, compiled, at the end of a pseudo-terminal."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


def open_pty() -> tuple[int, int, str]:
    """Both ends of a new pseudo-terminal, the far one in raw mode, and its name."""
    if sys.platform == "win32":
        msg = "there are no pseudo-terminals"
        raise NotImplementedError(msg)
    else:  # noqa: RET506  (so that the type checker leaves it out)
        import tty

        master, slave = os.openpty()
        tty.setraw(slave)
        return master, slave, os.ttyname(slave)


@contextlib.contextmanager
def silent_port() -> Iterator[str]:
    """The address of a port on which nobody says anything."""
    master, slave, address = open_pty()
    try:
        yield address
    finally:
        os.close(master)
        os.close(slave)


class ArduinoBoard:
    """A board behind a USB bridge: its port stays while it restarts, and its EEPROM for ever."""

    def __init__(
        self, program: Path, eeprom: Path, environ: Mapping[str, str] | None = None, *words: str
    ) -> None:
        self.address = ""
        self.eeprom = eeprom
        self.environ = dict(environ or {})
        self._command = [str(program), *words]
        self._process: subprocess.Popen[bytes] | None = None
        self._ends: tuple[int, int] | None = None

    def plug_in(self) -> None:
        master, slave, self.address = open_pty()
        self._ends = (master, slave)
        self.power_on()

    def unplug(self) -> None:
        self.power_off()
        for end in self._ends or ():
            os.close(end)
        self._ends = None

    def restart(self) -> None:
        self.power_off()
        self.power_on()

    def wait_dead(self) -> int:
        """Until its power is gone; the exit status of the sketch."""
        assert self._process is not None
        return self._process.wait(10)

    def power_on(self) -> None:
        assert self._ends is not None
        environ = {**os.environ, "MOORING_EEPROM": str(self.eeprom), **self.environ}
        master = self._ends[0]
        self._process = subprocess.Popen(self._command, stdin=master, stdout=master, env=environ)

    def power_off(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
