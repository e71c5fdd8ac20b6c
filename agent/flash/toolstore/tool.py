"""A tool as people name it, the order of its versions, and the computers that an archive is for.

Source: agent-api-compat, section 9; the format of the vendor's package index (arduino/arduino-cli:
docs/package_index_json-specification.md).
"""

from __future__ import annotations

import platform
import re
import sys
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from agent.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

LATEST: Final = "latest"
"""In the place of a version: the highest one."""

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}")
_DIGITS: Final = "0123456789"
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|(com|lpt)[\d¹²³]) *(\.|$)")
_VERSION = re.compile(r"v?(\d+(?:\.\d+)*)(?:[-.]?([^+]*))?(?:\+(.*))?")

VersionKey: TypeAlias = tuple[
    tuple[int, ...], int, tuple[tuple[int, str, int], ...], tuple[tuple[int, str, int], ...], str
]


class ToolId(msgspec.Struct, frozen=True, order=True):
    """A tool in one version; each part can be the name of a folder on every system."""

    packager: str
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.packager}:{self.name}@{self.version}"


def tool_id(packager: str, name: str, version: str) -> ToolId:
    """The id, checked; :class:`InputError` names the part that cannot be one."""
    for field, value in (("packager", packager), ("name", name), ("version", version)):
        if not _PART.fullmatch(value) or value.endswith(".") or _RESERVED.match(value):
            problem = "may have letters, digits and . _ + - only, 64 of them at most"
            raise InputError(field=field, problem=problem)
    return ToolId(packager, name, version)


def version_key(version: str) -> VersionKey:
    """What versions are compared by: that of semantic versioning, but ``arduino9 < arduino18``.

    Vendors also write ``1.3-arduino`` and ``7-2017q4``: numbers that are missing count as 0, and
    what follows them is a pre-release. What comes after a ``+`` decides between equal ones, so that
    the order is total. Text without a number at its begin is lower than all others.
    """
    found = _VERSION.fullmatch(version)
    if found is None:
        return ((), 0, (), (), version)
    numbers = [int(number[:18]) for number in found[1].split(".")]
    while len(numbers) < 3:
        numbers.append(0)
    before = _identifiers(found[2] or "")
    return (tuple(numbers), 0 if before else 1, before, _identifiers(found[3] or ""), version)


def _identifiers(text: str) -> tuple[tuple[int, str, int], ...]:
    """Numbers are lower than words (semver.org, 11.4); a number that ends a word counts as one."""
    found: list[tuple[int, str, int]] = []
    for part in text.split("."):
        word, number = part.rstrip(_DIGITS), part[len(part.rstrip(_DIGITS)) :]
        if part:
            found.append((1 if word else 0, word, int(number[:18] or 0)))
    return tuple(found)


class Computer(msgspec.Struct, frozen=True):
    """A kind of computer, in the words of ``/info``."""

    system: str
    """``linux``, ``windows``, ``darwin``."""
    processor: str
    """``amd64``, ``386``, ``arm64``, ``arm``."""

    def __str__(self) -> str:
        return f"{self.system}:{self.processor}"


_PROCESSORS: Final = {
    "x86_64": "amd64",
    "amd64": "amd64",
    "i386": "386",
    "i486": "386",
    "i586": "386",
    "i686": "386",
    "x86": "386",
    "aarch64": "arm64",
    "arm64": "arm64",
}


def computer_here() -> Computer:
    """What runs here; a 32-bit Python on a 64-bit processor counts as what the processor is."""
    system = {"win32": "windows", "darwin": "darwin"}.get(sys.platform, "linux")
    machine = platform.machine().lower()
    return Computer(
        system, _PROCESSORS.get(machine, "arm" if machine.startswith("arm") else machine)
    )


_MINGW: Final = r".*(mingw32|cygwin)"
_HOSTS: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("linux", "amd64"): (r"x86_64-.*linux-gnu",),
    ("linux", "386"): (r"i[3456]86-.*linux-gnu",),
    ("linux", "arm64"): (r"(aarch64|arm64)-linux-gnu",),
    ("linux", "arm"): (r"arm.*-linux-gnueabihf",),
    ("windows", "amd64"): (rf"(amd64|x86_64)-{_MINGW}", rf"i[3456]86-{_MINGW}"),
    ("windows", "386"): (rf"i[3456]86-{_MINGW}",),
    # Windows on ARM runs programs of both kinds.
    ("windows", "arm64"): (
        rf"(aarch64|arm64)-{_MINGW}",
        rf"(amd64|x86_64)-{_MINGW}",
        rf"i[3456]86-{_MINGW}",
    ),
    ("darwin", "amd64"): (r"x86_64-apple-darwin.*", r"i[3456]86-apple-darwin.*"),
    # Rosetta runs what was made for Intel; names with i386 hold 64-bit programs in this list.
    ("darwin", "arm64"): (
        r"arm64-apple-darwin.*",
        r"x86_64-apple-darwin.*",
        r"i[3456]86-apple-darwin.*",
    ),
}
"""Patterns of ``host`` by computer, the best one first."""
ALL_HOSTS: Final = "all"


def best_host(hosts: Iterable[str], computer: Computer) -> str | None:
    """The one of ``hosts`` that suits a computer best; None if none does."""
    there = list(hosts)
    patterns = _HOSTS.get((computer.system, computer.processor), ())
    for rank, pattern in enumerate(patterns):
        for host in there:
            if re.fullmatch(pattern, host) or (rank == 0 and host == ALL_HOSTS):
                return host
    return ALL_HOSTS if ALL_HOSTS in there else None
