"""Which Mooring this is, on which system, and how it came there."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

LIBRARIES: Final = (
    "bleak",
    "cbor2",
    "click",
    "cryptography",
    "dbus-fast",
    "filelock",
    "httpx",
    "keyring",
    "msgspec",
    "pillow",
    "platformdirs",
    "pyopenssl",
    "pysequoia",
    "pyserial",
    "pystray",
    "serialx",
    "starlette",
    "truststore",
    "uvicorn",
    "websockets",
)
"""What Mooring stands on; other packages of this computer are nobody's business."""
_ENVIRONMENT: Final = (
    "XDG_CURRENT_DESKTOP",
    "XDG_SESSION_TYPE",
    "LANG",
    "SSH_CONNECTION",
    "INVOCATION_ID",
    "WSL_DISTRO_NAME",
    "SNAP",
    "container",
)
_SHOWN: Final = frozenset({"XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE", "LANG"})
"""Of these the value; of the others only that they are set."""


def computer_lines(environ: Mapping[str, str] = os.environ) -> list[str]:
    """One fact a line."""
    return [
        f"Mooring {__version__}, {installed_as()}",
        f"System: {_system()}, {platform.machine()}",
        f"Python {platform.python_version()} ({platform.python_implementation()}), "
        f"text as {sys.getfilesystemencoding()}",
        f"Surroundings: {', '.join(_surroundings(environ)) or 'nothing of a desktop'}",
        f"Libraries: {', '.join(f'{name} {_version(name)}' for name in LIBRARIES)}",
    ]


def installed_as(program: Path | None = None, *, frozen: bool | None = None) -> str:
    """How it was installed, as far as its place tells. By default: this program."""
    place = program or Path(__file__).resolve()
    parts = place.parts
    if getattr(sys, "frozen", False) if frozen is None else frozen:
        return "package with everything inside"
    if "pipx" in parts:
        return "installed with pipx"
    if "uv" in parts and "tools" in parts:
        return "installed with uv"
    if "site-packages" in parts or "dist-packages" in parts:
        return "installed with pip"
    return "run from its source"


def _system() -> str:
    if sys.platform.startswith("linux"):
        try:
            name = platform.freedesktop_os_release().get("PRETTY_NAME", "")
        except OSError:
            name = ""
        return f"{name or 'Linux'}, kernel {platform.release()}"
    return platform.platform()


def _surroundings(environ: Mapping[str, str]) -> list[str]:
    found = [name for name in _ENVIRONMENT if environ.get(name)]
    return [f"{name}={environ[name]}" if name in _SHOWN else f"{name} is set" for name in found]


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "absent"
