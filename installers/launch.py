"""Where the one-folder program begins: the command ``mooring`` without an interpreter beside it."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from typing import Final

PROCESSES: Final = ("agent.simulator",)
"""Modules that the agent starts as processes of their own, by ``sys.executable -m``; in a frozen
program that interpreter is this program, so it has to know what ``-m`` means."""


def main() -> None:
    """Run the command line, or the module that is asked for with ``-m``."""
    give_streams()
    words = sys.argv[1:]
    if len(words) > 1 and words[0] == "-m" and words[1] in PROCESSES:
        sys.argv = [words[1], *words[2:]]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        return
    from agent.cli import main as command_line

    command_line()


def give_streams() -> None:
    """Without a console (Windows) there are no standard streams, and every output would fail."""
    nothing = Path(os.devnull)
    # They stay open until the end, as standard streams do.
    sys.stdin = sys.stdin or nothing.open(encoding="utf-8")
    sys.stdout = sys.stdout or nothing.open("w", encoding="utf-8")
    sys.stderr = sys.stderr or nothing.open("w", encoding="utf-8")


if __name__ == "__main__":
    main()
