"""Short calls of programs that belong to the system."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

ANSWER_S: Final = 10.0
"""They look at a few files or ask a daemon on this computer; after this the daemon is stuck."""


class Answer(NamedTuple):
    """What a program said."""

    status: int
    """Its exit status; -1: it could not be run, or did not end in time."""
    out: str
    problem: str
    """The last line of its complaints; empty: it had none."""


def ask_system(*words: str, environ: Mapping[str, str]) -> Answer:
    """Run a program of the system to its end; blocks for some milliseconds."""
    program = shutil.which(words[0], path=environ.get("PATH"))
    if program is None:
        return Answer(-1, "", f"There is no program {words[0]} on this computer")
    try:
        done = subprocess.run(  # noqa: S603 - whole path, and words of our own
            [program, *words[1:]],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ANSWER_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(-1, "", f"{words[0]} did not answer within {ANSWER_S:.0f} s")
    except OSError as error:
        return Answer(-1, "", f"{words[0]}: {error.strerror}")
    complaints = done.stderr.strip().splitlines()
    return Answer(done.returncode, done.stdout, complaints[-1] if complaints else "")
