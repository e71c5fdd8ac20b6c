"""How this Mooring came onto the computer, and so how a newer one does."""

from __future__ import annotations

import platform
import shlex
import sys
from enum import Enum
from pathlib import Path
from typing import Final

from agent.desktop.autostart.program import INSTALLED_IN, PACKAGE

DEB_PROGRAM: Final = Path("/usr/lib/mooring/mooring")
"""Where the Debian package puts it (installers/deb.py)."""
_OWN_MARKS: Final = {"pipx_metadata.json": "pipx", "uv-receipt.toml": "uv"}
"""What these programs leave in the environments that they make."""


class Installed(Enum):
    """By what it was installed (docs/installing.md)."""

    DEB = "the Debian package"
    MSI = "the MSI"
    SETUP = "the setup program"
    APP = "the package for macOS"
    PIPX = "pipx"
    UV = "uv"
    PIP = "pip"
    SOURCE = "nothing: it runs from its source"
    FOLDER = "hand: a folder of its own"


_WHEEL: Final = "mooring-{version}-py3-none-any.whl"
_COMMANDS: Final = {
    Installed.DEB: "sudo apt install ./mooring_{version}_{machine}.deb",
    Installed.PIPX: f"pipx install --force {_WHEEL}",
    Installed.UV: f"uv tool install --force {_WHEEL}",
    Installed.PIP: f"{{python}} -m pip install --upgrade {_WHEEL}",
}
_WORDS: Final = {
    Installed.MSI: "have the administrator of this computer install its MSI.",
    Installed.SETUP: "run mooring-{version}-setup.exe. Settings stay as they are.",
    Installed.APP: "open its package for macOS. Settings stay as they are.",
    Installed.SOURCE: "take its source in the place of this one.",
    Installed.FOLDER: "put its folder in the place of this one.",
}
_MACHINES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
"""Debian's words for what the system says."""


def find_installed(
    *,
    frozen: bool,
    program: Path,
    prefix: Path,
    package: Path = PACKAGE,
    system: str = sys.platform,
) -> Installed:
    """How the program ``program`` was installed; ``prefix`` is that of its interpreter."""
    if not frozen:
        for mark, tool in _OWN_MARKS.items():
            if (prefix / mark).is_file():
                return Installed[tool.upper()]
        return Installed.PIP if package.parent.name in INSTALLED_IN else Installed.SOURCE
    if system == "win32":
        # Each user has a setup of his own; the MSI is for everybody (docs/installing.md).
        own = "AppData" in program.parts
        return Installed.SETUP if own else Installed.MSI
    if system == "darwin":
        return Installed.APP if "Contents" in program.parts else Installed.FOLDER
    return Installed.DEB if program == DEB_PROGRAM else Installed.FOLDER


def own_installed() -> Installed:
    """How this Mooring was installed."""
    return find_installed(
        frozen=bool(getattr(sys, "frozen", False)),
        program=Path(sys.executable),
        prefix=Path(sys.prefix),
    )


def update_command(way: Installed, version: str) -> str:
    """What to run where the package of ``version`` was put; empty: nothing in a terminal."""
    machine = platform.machine()
    return _COMMANDS.get(way, "").format(
        version=version,
        machine=_MACHINES.get(machine, machine),
        python=shlex.quote(sys.executable),
    )


def update_words(way: Installed, version: str) -> str:
    """What a person does to get ``version``, once it is downloaded."""
    command = update_command(way, version)
    return f"run: {command}" if command else _WORDS[way].format(version=version)
