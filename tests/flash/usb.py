"""Starts simulated boards on a simulated USB bus (``usb_bench.py``) for one test."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
SYSTEM_PYTHON = "/usr/bin/python3"
"""The interpreter that Debian's packages for it are installed in."""
PRELOAD = "libumockdev-preload.so.0"


class Bus:
    """A running bench."""

    def __init__(self, process: subprocess.Popen[str], boards: list[dict[str, Any]]) -> None:
        self._process = process
        self.root = str(self._ask(boards))
        """Folder of the bus; umockdev does not remove it."""
        self.environ = {"LD_PRELOAD": PRELOAD, "UMOCKDEV_DIR": self.root}
        """A program that gets these finds the boards."""

    def report(self) -> list[dict[str, Any]]:
        """What each board has seen."""
        reports: list[dict[str, Any]] = self._ask("report")
        return reports

    def _ask(self, what: object) -> Any:
        told, heard = self._process.stdin, self._process.stdout
        assert told is not None
        assert heard is not None
        told.write(json.dumps(what) + "\n")
        told.flush()
        line = heard.readline()
        assert line, "the bench ended"
        return json.loads(line)


@contextlib.contextmanager
def usb_bus(*boards: dict[str, Any]) -> Iterator[Bus]:
    """Boards on a bus: each with the fields of ``DfuDevice``; the first is at 1-1."""
    root = HERE.parent.parent
    process = subprocess.Popen(
        ["umockdev-wrapper", SYSTEM_PYTHON, str(HERE / "usb_bench.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    pipes: tuple[IO[str] | None, ...] = (process.stdin, process.stdout)
    bus: Bus | None = None
    try:
        bus = Bus(process, list(boards))
        yield bus
    finally:
        for pipe in pipes:
            if pipe is not None:
                pipe.close()
        process.wait(10)
        if bus is not None:
            shutil.rmtree(bus.root, ignore_errors=True)
