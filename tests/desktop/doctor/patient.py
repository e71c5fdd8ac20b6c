"""What the tests of several families share."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.boards.board import Board, Port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.desktop.doctor import Family, Found

NOBODY = 65534
"""User and group without rights on every Linux."""


def is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


ONLY_ROOT = pytest.mark.skipif(not is_root(), reason="needs the rights of the administrator")
"""Only the administrator can give files away and lose his rights again."""


def give(path: Path, user: int, group: int) -> None:
    if sys.platform != "win32":
        os.chown(path, user, group)


async def look(family: Family) -> list[Found]:
    """What a family finds, held against what every finding must have."""
    findings = list(await family.look())
    for one in findings:
        finding = one.finding
        assert finding.title
        assert finding.area
        assert finding.fixable == (one.fix is not None) == bool(finding.will)
        assert all(command in finding.mend for command in finding.commands)
        # What follows “run” is there to be copied.
        assert bool(finding.commands) >= ("un: " in finding.mend)
        if finding.level.value != "fine":
            assert finding.meaning
            assert finding.mend
    return findings


def facts(one: Found) -> dict[str, Any]:
    return dict(one.finding.facts)


async def codes(family: Family) -> list[str]:
    return [one.finding.code for one in await look(family)]


def board(*ports: Port, **fields: Any) -> Board:
    given = {"id": "uno", "name": "UNO", "model": None, "fqbn": None, "first_seen": 0.0}
    return Board(ports=list(ports), **given | fields)


def serial_port(address: object, **fields: Any) -> Port:
    return Port(kind="serial", address=str(address), **fields)


@contextlib.contextmanager
def running(words: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs meanwhile."""
    process = subprocess.Popen(words, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def program_called(folder: Path, name: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A real process that the system calls ``name``; it waits for its end."""
    sleep = shutil.which("sleep")
    assert sleep
    link = folder / name
    link.symlink_to(sleep)
    with running([str(link), "60"], **options) as process:
        comm = Path(f"/proc/{process.pid}/comm")
        # The system names a program only after Popen knows that it runs.
        while comm.read_text().strip() != name[:15]:
            time.sleep(0.001)
        yield process


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of the administrator, which CI has; groups stay as they are."""
    if sys.platform == "win32" or not is_root():
        yield
        return
    # The files of an interpreter in the administrator's home are closed afterwards.
    for name in ("grp", "pwd"):
        importlib.import_module(name)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
