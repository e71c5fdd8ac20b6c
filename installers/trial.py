"""The steps of a trial: each says what is so, or fails with that sentence."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from installers.tree import PackagingError, say

if TYPE_CHECKING:
    from collections.abc import Callable

STEP_LIMIT_S: Final = 20.0
"""For what goes on after a command has ended (systemd, an uninstaller's copy of itself); it takes
about a second."""
_POLL_S: Final = 0.1


def require(true: object, what: str) -> None:
    """Something is so now."""
    if not true:
        msg = f"not so: {what}"
        raise PackagingError(msg)
    say(f"  {what}")


def same(found: object, wanted: object, what: str) -> None:
    """Something is exactly this; tells what was found if it is something else."""
    if found != wanted:
        msg = f"not so: {what}: found {found!r}, not {wanted!r}"
        raise PackagingError(msg)
    say(f"  {what}")


def until(true: Callable[[], object], what: str, limit_s: float = STEP_LIMIT_S) -> None:
    """Something is so after a moment; a question that fails is asked again."""
    end = time.monotonic() + limit_s
    while True:
        told = ""
        try:
            if true():
                break
        except PackagingError as error:
            told = f" ({error})"
        if time.monotonic() > end:
            msg = f"not so within {limit_s:g} s: {what}{told}"
            raise PackagingError(msg)
        time.sleep(_POLL_S)
    say(f"  {what}")
