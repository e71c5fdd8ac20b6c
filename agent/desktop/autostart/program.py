"""How this Mooring is started again: as a program, a script, or a package of an interpreter."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.errors import AutostartFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

HOME_VARIABLE: Final = "MOORING_HOME"
PACKAGE: Final = Path(__file__).parents[2]
"""The folder ``agent``."""
INSTALLED_IN: Final = frozenset({"site-packages", "dist-packages"})


@dataclass(frozen=True, slots=True)
class Program:
    """What is started at login, before the words of the way itself."""

    words: tuple[str, ...]
    """The program by its whole path, and what must follow it."""
    folder: str = ""
    """Folder that it must be started in; empty: any."""
    home: str = ""
    """``MOORING_HOME`` of the agent that is started; empty: the usual folders."""

    def __post_init__(self) -> None:
        for text in (*self.words, self.folder, self.home):
            # No format of these files keeps them, and in some a new line begins a new key.
            if not text.isprintable():
                raise AutostartFailed(
                    place=ascii(text), detail="The name has characters that cannot be printed"
                )


def own_program(environ: Mapping[str, str] = os.environ) -> Program:
    """How this Mooring is started, by a path that an update keeps where there is one."""
    given = environ.get(HOME_VARIABLE)
    home = str(Path(given).expanduser().absolute()) if given else ""
    program = Path(sys.executable)
    if getattr(sys, "frozen", False):
        return Program((str(_windowed(program, "mooring")),), home=home)
    script = Path(sys.argv[0])
    if sys.platform != "win32" and script.name == "mooring" and script.is_file():
        # A link of pipx or uv stays when they replace what is behind it: not resolved.
        return Program((str(script.absolute()),), home=home)
    parent = PACKAGE.parent
    folder = "" if parent.name in INSTALLED_IN else str(parent)
    return Program((str(_windowed(program, "python")), "-m", "agent"), folder=folder, home=home)


def _windowed(program: Path, name: str) -> Path:
    """On Windows the program beside it that opens no console window, if there is one."""
    other = program.with_name(f"{name}w.exe")
    return other if sys.platform == "win32" and other.is_file() else program
