"""Work in a process that is killed at a chosen one of its changes to the disk."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.chmod"}
KILLED = 9


def run_and_kill(work: Callable[[], Coroutine[Any, Any, object]], home: Path, at: int) -> bool:
    """Run ``work`` in a child; just before change number ``at`` below ``home`` it is gone.

    Between opening a file and renaming it lies all of its content. Says whether it came to its end.
    """
    if sys.platform == "win32":
        raise NotImplementedError
    child = os.fork()
    if not child:
        _be_killed(work, str(home), at)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, KILLED), code
    return code == 0


def _be_killed(work: Callable[[], Coroutine[Any, Any, object]], home: str, at: int) -> None:
    left = at

    def seen(event: str, given: tuple[Any, ...]) -> None:
        nonlocal left
        if event != "open" and event not in CHANGES:
            return
        if not given or not isinstance(given[0], str | os.PathLike):
            return
        if not os.fspath(given[0]).startswith(home):
            return
        if event == "open" and not given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return
        if left == 0:
            os._exit(KILLED)
        left -= 1

    sys.addaudithook(seen)
    try:
        asyncio.run(work())
    except BaseException:  # a child that returned would go on with the test
        os._exit(1)
    os._exit(0)
