"""Where packages are made, what they are called, and how programs are run for them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
INSTALLERS: Final = ROOT / "installers"
BUILD: Final = ROOT / "build" / "packages"
"""Everything that is made on the way."""
DIST: Final = ROOT / "dist"
"""The packages themselves."""
ICONS: Final = BUILD / "icons"
FOLDER: Final = BUILD / "folder" / "mooring"
"""The one-folder program."""
APP: Final = BUILD / "folder" / "Mooring.app"


class PackagingError(Exception):
    """What stopped a package from being made or tried, in one sentence for a person."""


class ToolMissing(PackagingError):
    """A program is not there; the text says how to get it."""


DEBIAN_PACKAGES: Final = {
    "dpkg-deb": "dpkg",
    "desktop-file-validate": "desktop-file-utils",
    "makensis": "nsis",
    "wixl": "wixl",
    "msibuild": "msitools",
    "msiinfo": "msitools",
    "wine64": "wine64",
    "osslsigncode": "osslsigncode",
    "openssl": "openssl",
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "uv": "",
}
"""What brings the programs that packages are made and tried with."""


def tool(name: str) -> str:
    """The path of a program; raises :class:`ToolMissing`."""
    # Debian keeps wine64 out of the way, for it is meant to be called by a package of its own.
    extra = f"{os.pathsep}/usr/lib/wine{os.pathsep}/usr/sbin"
    found = shutil.which(name, path=os.environ.get("PATH", os.defpath) + extra)
    if found is None:
        package = DEBIAN_PACKAGES.get(name, "")
        how = f"on Debian: apt-get install {package}" if package else "it is not on this computer"
        msg = f"{name} is missing; {how}"
        raise ToolMissing(msg)
    return found


def run(
    *words: str | Path, cwd: Path = ROOT, environ: dict[str, str] | None = None, limit_s: int = 900
) -> str:
    """Run a program to its end; its standard output. What it said is in the error if it fails."""
    command = [str(word) for word in words]
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=limit_s,
            check=False,
            # What a program does to its process group must not reach this one.
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        msg = f"{command[0]} did not end within {limit_s} s"
        raise PackagingError(msg) from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        msg = f"{' '.join(command)[:300]}: failed with status {done.returncode}\n{said}"
        raise PackagingError(msg)
    return done.stdout


def version() -> str:
    """The version of the agent, which is that of every package."""
    text = (ROOT / "agent" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    if found is None:
        msg = "agent/__init__.py names no version"
        raise PackagingError(msg)
    return found[1]


def whole_version() -> str:
    """The version as Windows wants it: numbers with dots only."""
    found = re.match(r"\d+(?:\.\d+)*", version())
    if found is None:
        msg = f"the version does not begin with a number: {version()}"
        raise PackagingError(msg)
    return ".".join([*found[0].split("."), "0", "0"][:3])


def fresh(folder: Path) -> Path:
    """The folder, empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def say(text: str) -> None:
    """A line for whoever waits."""
    print(f"packages: {text}", file=sys.stderr, flush=True)


def fill(template: Path, **values: str) -> str:
    """The text of a template with each ``@NAME@`` replaced; an unknown or unused one is an error."""
    text = template.read_text(encoding="utf-8")
    wanted = set(re.findall(r"@([A-Z_]+)@", text))
    if wanted != {name.upper() for name in values}:
        msg = f"{template.name} has other places than {sorted(values)}: {sorted(wanted)}"
        raise PackagingError(msg)
    for name, value in values.items():
        text = text.replace(f"@{name.upper()}@", value)
    return text
