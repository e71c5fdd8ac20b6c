"""Work in a process that is killed at a chosen one of its changes to the disk."""

from __future__ import annotations

import asyncio
import os
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

T = TypeVar("T")

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.chmod"}
KILLED = 9


class AtOnce(ThreadPoolExecutor):
    """Runs in the thread that asks: a busy machine takes long to change between threads."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


def run(work: Coroutine[Any, Any, T]) -> T:
    """What ``work`` returns, without a thread."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(AtOnce())
        return runner.run(work)


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
        run(work())
    except BaseException:  # a child that returned would go on with the test
        os._exit(1)
    os._exit(0)
