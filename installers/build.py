#!/usr/bin/env python3
"""Makes the packages of Mooring, and tries them where that is possible.

    python3 installers/build.py WHAT ...

        all       everything that can be made here, then every trial
        wheel     the Python package, for pipx and uv
        folder    the one-folder program for this system (PyInstaller)
        deb       Debian package around the folder
        nsis      Windows installer for one user, around a Windows folder or a stand-in
        msi       Windows package for managed computers, likewise
        pkg       macOS package around Mooring.app (macOS only)
        try-wheel, try-deb, try-nsis, try-msi
                  install, use and remove that package as people do

It needs only Python 3.11; what else a package needs is named when it is missing. Packages are put
into dist/, everything on the way into build/packages/. `--payload FOLDER` takes a one-folder program
that was made elsewhere, as the Windows packages need it on Linux. Signing: see docs/installing.md.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if __package__ in {None, ""}:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from installers import deb, frozen, macos, try_deb, try_wheel, try_windows, wheel, windows
from installers.tree import PackagingError, ToolMissing, say

if TYPE_CHECKING:
    from collections.abc import Callable


def targets(payload: Path | None) -> dict[str, Callable[[], object]]:
    """What can be asked for, in the order in which `all` does it."""
    return {
        "wheel": wheel.build_wheel,
        "folder": frozen.build_folder,
        "deb": deb.build_deb,
        "nsis": lambda: windows.build_nsis(payload),
        "msi": lambda: windows.build_msi(payload),
        "pkg": macos.build_pkg,
        "try-wheel": try_wheel.try_wheel,
        "try-deb": try_deb.try_deb,
        "try-nsis": try_windows.try_nsis,
        "try-msi": try_windows.try_msi,
    }


def here(name: str) -> bool:
    """Whether `all` includes this target on this system."""
    if name in {"deb", "try-deb"}:
        return sys.platform == "linux"
    return name != "pkg" or sys.platform == "darwin"


def main(words: list[str]) -> int:
    """Make what is asked for; the exit status tells whether all of it was made."""
    payload = None
    if "--payload" in words:
        at = words.index("--payload")
        payload = Path(words[at + 1]).resolve() if at + 1 < len(words) else None
        words = words[:at] + words[at + 2 :]
        if payload is None or not payload.is_dir():
            return usage("--payload needs a folder")
    known = targets(payload)
    if not words or set(words) - {*known, "all"}:
        return usage("" if words in ([], ["--help"], ["-h"]) else f"no such package: {words}")
    wanted = [name for name in known if name in words or ("all" in words and here(name))]
    results = [attempt(name, known[name], lenient="all" in words) for name in wanted]
    for name, seconds, told in results:
        print(f"{name:10}{seconds:7.1f} s  {told}")
    return int(any(told.startswith("FAILED") for _, _, told in results))


def attempt(name: str, make: Callable[[], object], *, lenient: bool) -> tuple[str, float, str]:
    """Make one thing: its name, seconds, and what came of it."""
    began = time.monotonic()
    try:
        made = make()
    except ToolMissing as error:
        # `all` makes what can be made here; a package that was asked for by name must be made.
        told = f"not {'tried' if name.startswith('try-') else 'made'}: {error}"
        return name, time.monotonic() - began, told if lenient else f"FAILED: {error}"
    except PackagingError as error:
        say(f"{name}: {error}")
        return name, time.monotonic() - began, f"FAILED: {str(error).splitlines()[0]}"
    return name, time.monotonic() - began, f"ok: {made}"


def usage(problem: str) -> int:
    """How it is called."""
    print(f"{problem}\n\n{__doc__}" if problem else __doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
