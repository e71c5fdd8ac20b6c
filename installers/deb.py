"""The Debian package: the one-folder program with everything that a desktop wants beside it."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from typing import TYPE_CHECKING, Final

from installers import frozen
from installers.icon import LINUX_SIZES
from installers.tree import (
    BUILD,
    DIST,
    FOLDER,
    ICONS,
    INSTALLERS,
    PackagingError,
    fill,
    fresh,
    run,
    say,
    tool,
    version,
)

if TYPE_CHECKING:
    from pathlib import Path

LINUX: Final = INSTALLERS / "linux"
HOME: Final = "usr/lib/mooring"
PROGRAM: Final = f"/{HOME}/mooring"
AUTOSTART: Final = "usr/share/mooring/autostart/mooring.desktop"
"""Linked from /etc/xdg/autostart by postinst, so that an administrator can take it away for good."""
AUTOSTART_LINKS: Final = "etc/xdg/autostart"
UNIT: Final = "usr/lib/systemd/user/mooring.service"
RULES: Final = "usr/lib/udev/rules.d/60-mooring.rules"
SCRIPTS: Final = ("postinst", "prerm", "postrm")

# The same words that `mooring service` writes; it recognises these files as the package's.
TEXTS_CODE: Final = f"""
import json
from agent.desktop.autostart.program import Program
from agent.desktop.autostart.systemd import unit_text
from agent.desktop.autostart.xdg import entry_text
program = Program(({PROGRAM!r},))
print(json.dumps({{"autostart": entry_text(program), "unit": unit_text(program)}}))
"""


def build_deb() -> Path:
    """Make the package; makes the one-folder program first if there is none."""
    tool("dpkg-deb")
    tool("desktop-file-validate")
    if not (FOLDER / "mooring").is_file():
        frozen.build_folder()
    say("building the Debian package")
    texts = json.loads(run(frozen.ensure_venv(), "-c", TEXTS_CODE))
    stage = fresh(BUILD / "deb")
    lay_out(stage, FOLDER, ICONS, autostart=texts["autostart"], unit=texts["unit"])
    for entry in ("usr/share/applications/mooring.desktop", AUTOSTART):
        run(tool("desktop-file-validate"), stage / entry)
    architecture = run("dpkg", "--print-architecture").strip()
    package = DIST / f"mooring_{version()}_{architecture}.deb"
    write_control(stage, architecture)
    DIST.mkdir(exist_ok=True)
    run(tool("dpkg-deb"), "--root-owner-group", "-Zxz", "--build", stage, package)
    return package


def lay_out(stage: Path, folder: Path, icons: Path, *, autostart: str, unit: str) -> None:
    """Put every file where the system looks for it."""
    shutil.copytree(folder, stage / HOME, symlinks=True)
    for path in (stage / HOME).rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o755 if path == stage / HOME / "mooring" else 0o644)
    link = stage / "usr/bin/mooring"
    link.parent.mkdir(parents=True)
    link.symlink_to("../lib/mooring/mooring")
    for size in LINUX_SIZES:
        _copy(
            icons / f"mooring-{size}.png",
            stage / f"usr/share/icons/hicolor/{size}x{size}/apps/mooring.png",
        )
    _copy(icons / "mooring.svg", stage / "usr/share/icons/hicolor/scalable/apps/mooring.svg")
    _copy(LINUX / "mooring.desktop", stage / "usr/share/applications/mooring.desktop")
    _copy(LINUX / "60-mooring.rules", stage / RULES)
    _copy(LINUX / "debian" / "copyright", stage / "usr/share/doc/mooring/copyright")
    (stage / AUTOSTART_LINKS).mkdir(parents=True)
    _write(stage / AUTOSTART, autostart)
    _write(stage / UNIT, unit)
    for path in [stage, *stage.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)


def write_control(stage: Path, architecture: str) -> None:
    """The part that dpkg reads."""
    files = sorted(path for path in stage.rglob("*") if path.is_file() and not path.is_symlink())
    size = sum(path.stat().st_size for path in files) // 1024
    control = stage / "DEBIAN"
    control.mkdir(mode=0o755)
    text = fill(
        LINUX / "debian" / "control",
        version=version(),
        architecture=architecture,
        size=str(size),
        libc=newest_libc(files),
    )
    _write(control / "control", text)
    sums = "".join(
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}"
        f"  {path.relative_to(stage).as_posix()}\n"
        for path in files
    )
    _write(control / "md5sums", sums)
    for name in SCRIPTS:
        _copy(LINUX / "debian" / name, control / name)
        (control / name).chmod(0o755)


def newest_libc(files: list[Path]) -> str:
    """The oldest C library that has all functions which these files ask for by version."""
    found = {(2, 17)}  # the first that every supported computer has
    for path in files:
        if path.suffix == ".so" or ".so." in path.name or not path.suffix:
            data = path.read_bytes()
            if data[:4] == b"\x7fELF":
                found |= {(2, int(minor)) for minor in re.findall(rb"GLIBC_2\.(\d+)", data)}
    return ".".join(map(str, max(found)))


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        msg = f"{source} is not there"
        raise PackagingError(msg)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o644)


def _write(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8", newline="\n")
    target.chmod(0o644)
