"""The one-folder program: agent, Python and libraries, for computers without Python.

It is made by PyInstaller in an environment of its own, with the versions that the lock files name,
on the system that it is for, and best on the oldest release of it that is to be supported.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Final

from installers import icon
from installers.tree import (
    BUILD,
    FOLDER,
    ICONS,
    INSTALLERS,
    ROOT,
    PackagingError,
    run,
    say,
    version,
)
from installers.tree import whole_version as dotted

VENV: Final = BUILD / "venv"
LOCK: Final = INSTALLERS / "requirements.lock"
PYTHON: Final = "MOORING_BUILD_PYTHON"
"""Name of a variable of the environment: the Python to be packed, instead of the one found."""
NOTICES: Final = "THIRD-PARTY.txt"


def build_icons() -> Path:
    """Draw the icon in all formats."""
    say("drawing the icon")
    icon.write_icons(ICONS)
    return ICONS


def build_folder() -> Path:
    """Make the one-folder program, with the licences of everything in it."""
    build_icons()
    python = ensure_venv()
    say("collecting the program")
    work = BUILD / "work"
    work.mkdir(parents=True, exist_ok=True)
    environ = {
        "MOORING_ICONS": str(ICONS),
        "MOORING_VERSION": version(),
        # The same bytes for the same source: PyInstaller and Python both go by this.
        "PYTHONHASHSEED": "0",
    }
    if sys.platform == "win32":
        resource = work / "version.txt"
        resource.write_text(version_resource(), encoding="utf-8")
        environ["MOORING_VERSION_RESOURCE"] = str(resource)
    run(
        *(python, "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level", "WARN"),
        *("--distpath", FOLDER.parent, "--workpath", work, INSTALLERS / "mooring.spec"),
        environ=environ,
    )
    notices = json.loads(run(python, "-c", NOTICES_CODE))
    text = notices_text(notices) + system_notices(FOLDER / "_internal")
    (FOLDER / NOTICES).write_text(text, encoding="utf-8")
    (FOLDER / "LICENSE.txt").write_bytes((ROOT / "LICENSE").read_bytes())
    program = FOLDER / ("mooring.exe" if sys.platform == "win32" else "mooring")
    said = run(program, "--version").strip()
    if not said.endswith(version()):
        say(f"the program says {said!r}")
    return FOLDER


def base_python() -> str:
    """The Python that goes into the program.

    On Linux that of the distribution where it is new enough: one that was compiled for a folder of
    this computer carries that folder's name in every library.
    """
    given = os.environ.get(PYTHON)
    if given or sys.platform != "linux":
        return given or sys.executable
    ours = "import ensurepip, sys; print(sys.version_info >= (3, 11))"
    try:
        fits = run("/usr/bin/python3", "-c", ours).strip() == "True"
    except (OSError, PackagingError):
        fits = False
    if not fits:
        say("the distribution's Python does not fit; taking the one that runs this")
    return "/usr/bin/python3" if fits else sys.executable


def ensure_venv() -> Path:
    """The interpreter of the environment with the locked versions; made if it is not current."""
    python = VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    stamp = VENV / "installed"
    base = base_python()
    about = run(base, "-c", "import sys; print(sys.base_prefix, sys.version)").strip()
    wanted = f"{hashlib.sha256(LOCK.read_bytes()).hexdigest()} {about}"
    if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted):
        say(f"installing {LOCK.name} into {VENV.relative_to(ROOT)}")
        run(base, "-m", "venv", "--clear", VENV)
        pip = (python, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet")
        run(*pip, "install", "--require-hashes", "-r", LOCK)
        stamp.write_text(wanted, encoding="utf-8")
    return python


def version_resource() -> str:
    """What Windows shows under “Details” of the program, in PyInstaller's format."""
    numbers = (*map(int, dotted().split(".")), 0)
    strings = {
        "FileDescription": "Mooring",
        "FileVersion": version(),
        "ProductName": "Mooring",
        "ProductVersion": version(),
        "CompanyName": "The Mooring authors",
        "LegalCopyright": "Apache License 2.0",
        "OriginalFilename": "mooring.exe",
    }
    pairs = ", ".join(f"StringStruct({name!r}, {text!r})" for name, text in strings.items())
    return (
        "VSVersionInfo(\n"
        f"  ffi=FixedFileInfo(filevers={numbers}, prodvers={numbers}, mask=0x3f, flags=0x0,\n"
        "    OS=0x40004, fileType=0x1, subtype=0x0, date=(0, 0)),\n"
        f"  kids=[StringFileInfo([StringTable('040904B0', [{pairs}])]),\n"
        "    VarFileInfo([VarStruct('Translation', [1033, 1200])])])\n"
    )


# Runs in the build environment, whose packages it lists.
NOTICES_CODE: Final = """
import importlib.metadata as metadata, json
told = []
for found in metadata.distributions():
    texts = {}
    for file in found.files or ():
        name = file.name.lower()
        if name.startswith(("license", "licence", "copying", "notice", "authors")):
            if file.suffix.lower() in ("", ".txt", ".md", ".rst", ".apache", ".bsd", ".apache2"):
                path = found.locate_file(file)
                texts[str(file)] = path.read_text(encoding="utf-8", errors="replace")
    data = found.metadata
    told.append({
        "name": data["Name"],
        "version": data["Version"],
        "licence": data["License-Expression"] or (data["License"] or "").split("\\n")[0],
        "classifiers": [text for text in data.get_all("Classifier", []) if "License" in text],
        "texts": texts,
    })
print(json.dumps(told))
"""
BUILD_ONLY: Final = frozenset(
    {"altgraph", "macholib", "packaging", "pefile", "pip", "pyinstaller-hooks-contrib"}
    | {"pywin32-ctypes", "setuptools"}
)
"""Of the build environment, not of the program. PyInstaller itself stays: its starter is inside."""


def notices_text(found: list[dict[str, object]]) -> str:
    """The licences of what the program is made of."""
    parts = [
        "Mooring is under the Apache License 2.0 (LICENSE.txt). This folder also holds the",
        "following software of others, each under its own licence. Python itself is under the",
        "PSF License 2; https://docs.python.org/3/license.html has its text.",
        "",
    ]
    for each in sorted(found, key=lambda each: str(each["name"]).lower()):
        if str(each["name"]).lower().replace("_", "-") in BUILD_ONLY:
            continue
        classifiers = each["classifiers"] if isinstance(each["classifiers"], list) else []
        told = each["licence"] or ", ".join(
            text.rpartition(" :: ")[2] for text in map(str, classifiers)
        )
        parts += ["=" * 78, f"{each['name']} {each['version']}: {told or 'see its text'}", ""]
        texts = each["texts"] if isinstance(each["texts"], dict) else {}
        parts += [line for text in texts.values() for line in (str(text).strip(), "")]
    return os.linesep.join("\n".join(parts).splitlines()) + os.linesep


def system_notices(inside: Path) -> str:
    """The licences of the libraries of the distribution that the program brings along.

    On Debian and its family, which keep them in one place; elsewhere Python brings its libraries
    itself, and its own licence text names them.
    """
    if shutil.which("dpkg-query") is None:
        return ""
    parts: dict[str, str] = {}
    for library in sorted(inside.glob("lib*.so*")):
        try:
            owner = run("dpkg-query", "--search", f"*/{library.name}").partition(":")[0]
        except PackagingError:
            continue
        copyright_file = Path("/usr/share/doc") / owner / "copyright"
        if copyright_file.is_file():
            parts[owner] = copyright_file.read_text(encoding="utf-8", errors="replace").strip()
    return "".join(f"{'=' * 78}\n{owner}\n\n{text}\n\n" for owner, text in parts.items())
