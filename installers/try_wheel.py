"""Tries the wheel as people install it: with pipx and with uv, into folders of its own."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from installers import wheel
from installers.tree import BUILD, DIST, run, say, version
from installers.trial import require

if TYPE_CHECKING:
    from collections.abc import Callable


def try_wheel() -> str:
    """Install, use, install again and remove with each of the two."""
    package = DIST / f"mooring-{version()}-py3-none-any.whl"
    if not package.is_file():
        wheel.build_wheel()
    told = [f"{name} {_try(name, package):.1f} s" for name in ("pipx", "uv")]
    return f"{package.name} installed, used and removed: {', '.join(told)}"


def _try(name: str, package: Path) -> float:
    say(f"installing the wheel with {name}")
    program = installer(name)
    with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=BUILD) as folder:
        home = Path(folder)
        call, commands = WAYS[name](home, program)
        environ = {"HOME": str(home), "MOORING_HOME": str(home / "mooring"), "PYTHONPATH": ""}
        environ |= {"USE_EMOJI": "0"}
        began = time.monotonic()
        run(*call, "install", package, environ=environ | commands)
        seconds = time.monotonic() - began
        script = "mooring.exe" if sys.platform == "win32" else "mooring"
        command = home / "bin" / script
        said = run(command, "--version", environ=environ).strip()
        require(said.endswith(version()), f"it says {said}")
        said = run(command, "demo", "--once", cwd=home, environ=environ)
        require("Online as kitchen-sensor" in said, "the demo sets up its board")
        run(*call, "install", "--force", package, environ=environ | commands)
        require(command.exists(), "it can be installed over")
        run(*call, "uninstall", "mooring", environ=environ | commands)
        require(not os.path.lexists(command), "it is gone")
        left = [path.name for path in (home / "tools").rglob("mooring*")]
        require(not left, f"nothing of it is left{f': {left}' if left else ''}")
    return seconds


def _pipx(home: Path, program: Path) -> tuple[list[str | Path], dict[str, str]]:
    folders = {"PIPX_HOME": home / "tools", "PIPX_BIN_DIR": home / "bin"}
    return [program], {name: str(path) for name, path in folders.items()}


def _uv(home: Path, program: Path) -> tuple[list[str | Path], dict[str, str]]:
    folders = {"UV_TOOL_DIR": home / "tools", "UV_TOOL_BIN_DIR": home / "bin"}
    environ = {name: str(path) for name, path in folders.items()}
    # No Python is fetched for a trial; the one that runs this is new enough.
    return [program, "tool"], {
        **environ,
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
    }


WAYS: dict[str, Callable[[Path, Path], tuple[list[str | Path], dict[str, str]]]] = {
    "pipx": _pipx,
    "uv": _uv,
}


def installer(name: str) -> Path:
    """The program of that name, in an environment made for that."""
    folder = BUILD / "tools"
    scripts = folder / ("Scripts" if sys.platform == "win32" else "bin")
    program = scripts / (f"{name}.exe" if sys.platform == "win32" else name)
    if not program.is_file():
        python = scripts / ("python.exe" if sys.platform == "win32" else "python")
        if not python.is_file():
            run(sys.executable, "-m", "venv", folder)
        run(python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", name)
    return program
