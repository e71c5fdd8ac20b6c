"""Finds the programs that some methods need: ``dfu-util`` and ``esptool``.

Where to look is decided purely, over a view of the file system; the first candidate that runs and
is new enough is taken. Source: flashing, section 8.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

import msgspec

from agent.errors import ToolMissing
from agent.flash.child import ChildSilent, run_child

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

System: TypeAlias = Literal["linux", "darwin", "win32"]
Version: TypeAlias = tuple[int, ...]

VERSION_S: Final = 20.0
"""For a tool to say its version. A Python program that starts for the first time, from a slow disk
and past a virus scanner, takes seconds."""
CANDIDATES_MAX: Final = 8
"""So many are tried: each is a program that is started."""


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A program that a method needs."""

    name: str
    """As people call it, and the name of its file."""
    folders: tuple[tuple[str, str], ...]
    """Package and folder below ``packages/<package>/tools`` of the Arduino data folder."""
    version_words: tuple[str, ...]
    version_pattern: str
    """Finds the version in what it prints; one group."""
    minimum: Version
    module: str = ""
    """A Python package that brings it; run as ``python -m``."""
    mends: dict[str, str]
    """How a person gets it, by system; whole sentences."""


DFU_UTIL: Final = Tool(
    name="dfu-util",
    folders=(("arduino", "dfu-util"),),
    version_words=("--version",),
    version_pattern=r"dfu-util (\d+(?:\.\d+)+)",
    minimum=(0, 10),
    mends={
        "linux": "Install it (on Debian or Ubuntu: sudo apt-get install dfu-util).",
        "darwin": "Install it (with Homebrew: brew install dfu-util).",
        "win32": "Install a board package with the Arduino IDE, which brings dfu-util along.",
    },
)

ESPTOOL: Final = Tool(
    name="esptool",
    folders=(("esp32", "esptool_py"), ("arduino", "esptool_py")),
    version_words=("version",),
    version_pattern=r"(?m)^(?:esptool(?:\.py)? v)?(\d+\.\d+(?:\.\d+)?)",
    minimum=(5, 0),
    module="esptool",
    mends=dict.fromkeys(("linux", "darwin", "win32"), "Install it: pip install 'esptool>=5.2'."),
)


class Files(Protocol):
    """What has to be known of a file system to look for tools."""

    def is_program(self, path: PurePath) -> bool:
        """Whether a file is there that may be run."""

    def names(self, folder: PurePath) -> list[str]:
        """What a folder holds; nothing if it cannot be read."""


class RealFiles:
    """The file system of this computer."""

    def is_program(self, path: PurePath) -> bool:
        """Whether a file is there that may be run."""
        return Path(path).is_file() and os.access(path, os.X_OK)

    def names(self, folder: PurePath) -> list[str]:
        """What a folder holds; nothing if it cannot be read."""
        try:
            return [path.name for path in Path(folder).iterdir()]
        except OSError:
            return []


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where tools may be, in the order in which they are looked for."""

    system: System
    explicit: dict[str, PurePath] = {}
    """Set by the person; by the tool's name. Then nothing else is tried."""
    bundled: PurePath | None = None
    """Folder next to the agent."""
    arduino: PurePath | None = None
    """Data folder of the Arduino IDE."""
    path: tuple[PurePath, ...] = ()
    """Folders of ``PATH``."""
    python: PurePath | None = None
    """Interpreter that may have a tool as a package."""


class FoundTool(msgspec.Struct, frozen=True):
    """A tool that runs and is new enough."""

    tool: Tool
    command: tuple[str, ...]
    """Its first words; arguments follow."""
    version: Version


def places_here(
    environ: Mapping[str, str] = os.environ,
    *,
    explicit: Mapping[str, str] | None = None,
    bundled: Path | None = None,
) -> Places:
    """The places of this computer and user."""
    home = Path.home()
    system: System = (
        "win32" if sys.platform == "win32" else "darwin" if sys.platform == "darwin" else "linux"
    )
    return Places(
        system=system,
        explicit={name: Path(path) for name, path in (explicit or {}).items()},
        bundled=bundled,
        arduino=arduino_folder(system, home, environ),
        path=tuple(Path(part) for part in environ.get("PATH", "").split(os.pathsep) if part),
        # In a program made of the agent this is that program.
        python=None if getattr(sys, "frozen", False) else Path(sys.executable),
    )


def arduino_folder(system: System, home: PurePath, environ: Mapping[str, str]) -> PurePath:
    """Where the Arduino IDE keeps its board packages."""
    if system == "win32":
        local = environ.get("LOCALAPPDATA")
        return (type(home)(local) if local else home / "AppData" / "Local") / "Arduino15"
    if system == "darwin":
        return home / "Library" / "Arduino15"
    return home / ".arduino15"


def candidates(tool: Tool, places: Places, files: Files) -> Iterator[tuple[str, ...]]:
    """The commands that may be the tool, best first, each only once."""
    explicit = places.explicit.get(tool.name)
    if explicit is not None:
        if files.is_program(explicit):
            yield (str(explicit),)
        return
    seen: set[tuple[str, ...]] = set()
    for command in _everywhere(tool, places, files):
        if command not in seen:
            seen.add(command)
            yield command


def _everywhere(tool: Tool, places: Places, files: Files) -> Iterator[tuple[str, ...]]:
    file = f"{tool.name}.exe" if places.system == "win32" else tool.name
    folders = [places.bundled] if places.bundled else []
    # What is installed with the agent was tried with it; what is found elsewhere was not.
    if tool.module and places.python is not None:
        yield from ((str(folder / file),) for folder in folders if files.is_program(folder / file))
        yield (str(places.python), "-P", "-m", tool.module)
        folders = []
    if places.arduino is not None:
        folders += _arduino_versions(tool, places.arduino, files)
    folders += places.path
    for folder in folders:
        if files.is_program(folder / file):
            yield (str(folder / file),)


def _arduino_versions(tool: Tool, arduino: PurePath, files: Files) -> list[PurePath]:
    """Folders with the tool in the Arduino data folder, newest version first."""
    found: list[PurePath] = []
    for package, folder in tool.folders:
        versions = arduino / "packages" / package / "tools" / folder
        names = sorted(files.names(versions), key=parse_version, reverse=True)
        found += [versions / name for name in names]
    return found


def parse_version(text: str) -> Version:
    """The numbers in a version: ``0.11.0-arduino5`` is (0, 11, 0, 5); of other text: empty."""
    return tuple(int(number[:9]) for number in re.findall(r"[0-9]+", text)[:6])


async def find_tool(
    tool: Tool, places: Places, files: Files, environ: Mapping[str, str] | None = None
) -> FoundTool:
    """The first candidate that says a version that is new enough.

    Raises :class:`ToolMissing`, which says what was found instead and how to get the tool.
    """
    old: list[str] = []
    for tried, command in enumerate(candidates(tool, places, files)):
        if tried == CANDIDATES_MAX:
            break
        version = await _version(tool, command, environ)
        if version >= tool.minimum:
            return FoundTool(tool, command, version)
        if version:
            old.append(f"{_shown(command)} has version {dotted(version)}")
    raise ToolMissing(
        tool=f"{tool.name} {dotted(tool.minimum)} or newer",
        why=_why(tool, places, old),
        mend=tool.mends[places.system],
    )


async def _version(
    tool: Tool, command: Sequence[str], environ: Mapping[str, str] | None
) -> Version:
    """What a candidate says; empty if it does not run or is another program."""
    lines: list[str] = []
    words = [*command, *tool.version_words]
    try:
        await run_child(words, lines.append, silence_s=VERSION_S, environ=environ)
    except (OSError, ChildSilent):
        return ()
    found = re.search(tool.version_pattern, "\n".join(lines))
    return parse_version(found[1]) if found else ()


def _why(tool: Tool, places: Places, old: list[str]) -> str:
    if old:
        return f"An older one is there: {'; '.join(old)}."
    explicit = places.explicit.get(tool.name)
    if explicit is not None:
        return f"The settings name {explicit}, which is not this program or does not run."
    return "It was looked for next to Mooring, in the Arduino data folder and on the PATH."


def _shown(command: Sequence[str]) -> str:
    return " ".join(command)


def dotted(version: Version) -> str:
    """A version for people: ``0.11``."""
    return ".".join(map(str, version))
