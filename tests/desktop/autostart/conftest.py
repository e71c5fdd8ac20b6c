"""Programs and folders that start at login is tried with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from agent.desktop.autostart import Program
from tests.desktop.autostart.sessions import can_log_in

if TYPE_CHECKING:
    from pathlib import Path

collect_ignore = [] if can_log_in() else ["test_session.py"]
"""A manager of systemd runs for a test where control groups may be made: as root on Linux."""

AWKWARD = "a b (c) é;e & ~ # f ! d"
"""A folder with much that some format of these files has a meaning for."""


class Home:
    """A person's home with a program that notes how it was started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told = folder / "told"
        self.config = folder / "config"
        self.shared = folder / "shared"
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(self.config),
            "XDG_CONFIG_DIRS": str(self.shared),
            "LANG": "C.UTF-8",
            # Without it dex asks for the user's terminal.
            "XDG_RUNTIME_DIR": str(folder),
        }

    def program(self, name: str = "bin", *, home: str = "", folder: str = "") -> Program:
        """A program in a folder of that name; it notes its words and its MOORING_HOME."""
        place = self.folder / name
        place.mkdir(exist_ok=True)
        program = place / "mooring"
        program.write_text(
            "#!/bin/sh\n"
            f'printf "%s\\n" "$0" "$@" "home=$MOORING_HOME" "in=$PWD" > {self.told}.new\n'
            f"mv {self.told}.new {self.told}\n"
        )
        program.chmod(0o755)
        return Program((str(program), "two words", "a;b"), home=home, folder=folder)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)
