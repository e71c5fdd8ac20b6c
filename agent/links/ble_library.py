"""The Bluetooth library, held at arm's length: loaded late, silent about values, bounded in time.

What bleak is asked for may hang, as the system beneath it may. It also tidies up when it is
cancelled, and what it then asks of the system may hang as well: its client for BlueZ waits for the
answer to Disconnect without a limit. So each call runs in a task of its own, see :func:`within`.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

CANCEL_LIMIT_S: Final = 3.0
"""For the library to tidy up after it was cancelled; asked of a healthy system it takes a few
milliseconds. After that it is cancelled once more, which ends the tidying."""


class CancelledBySystemError(OSError):
    """The system cancelled an operation that nobody here gave up.

    Windows does so when a link falls; the library passes it on as if we had been cancelled (bleak,
    ``winrt/client.py``, ``FutureLike.result``; bleak issue 1137).
    """


class LinkEndedError(Exception):
    """The link ended while an operation on it was under way."""


def load() -> None:
    """Import the library, and switch off its debug log, which holds each value written and read."""
    importlib.import_module("bleak")  # its own switch, BLEAK_LOGGING, acts at the import
    for name in ("bleak", "dbus_fast"):
        logger = logging.getLogger(name)
        if logger.level < logging.INFO:
            logger.setLevel(logging.INFO)


async def within(
    limit_s: float,
    work: Coroutine[Any, Any, T],
    *,
    unless: asyncio.Event | None = None,
    cancel_limit_s: float = CANCEL_LIMIT_S,
) -> T:
    """The result of ``work``, which has ended or been given up when this returns or raises.

    Raises what ``work`` raises, :class:`TimeoutError` after ``limit_s``, :class:`LinkEndedError`
    as soon as ``unless`` is set, and :class:`CancelledBySystemError`.
    """
    task = asyncio.create_task(work)
    ended = asyncio.create_task(unless.wait()) if unless is not None else None
    waited: set[asyncio.Task[Any]] = {task} if ended is None else {task, ended}
    try:
        await asyncio.wait(waited, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise TimeoutError if ended is None or not ended.done() else LinkEndedError
        if task.cancelled():
            raise CancelledBySystemError("the system cancelled the operation")
        return task.result()
    finally:
        if ended is not None:
            ended.cancel()
        task.add_done_callback(take_note)
        await _give_up(task, cancel_limit_s)


async def _give_up(task: asyncio.Task[Any], limit_s: float) -> None:
    for _ in range(2):
        if task.done():
            return
        task.cancel()
        await asyncio.wait({task}, timeout=limit_s)


def take_note(task: asyncio.Task[Any]) -> None:
    """How a task ended that nobody waits for any more is of no interest."""
    if not task.cancelled():
        task.exception()
