"""The vendor's list of tools: fetched, its signature checked, and kept for the time without it.

Format: arduino/arduino-cli: docs/package_index_json-specification.md. The signature is beside the
list, at its address with ``.sig`` behind. Source: agent-api-compat, section 9.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from agent.errors import (
    InputError,
    ToolIndexRefused,
    ToolNotForSystem,
    ToolStoreFailed,
    ToolUnknown,
)
from agent.flash.signed_list import ListKind, SignedList, check_address
from agent.flash.toolstore.tool import LATEST, Computer, ToolId, best_host, tool_id, version_key
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from agent.flash.fetcher import Fetcher

PACKAGE_KEY: Final = Path(__file__).with_name("arduino_package_key.asc")
"""The vendor's public key, as its own agent carries it."""
INDEX_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of the list; the vendor's had 0.3 MB in 2020 and grows by some versions a year."""
ARCHIVE_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of one archive. Tools that write to boards have 0.03 to 20 MB; the compilers of the same
list have up to 220 MB and are of no use here."""

_SHA256 = re.compile(r"(?i)sha-?256:([0-9a-f]{64})")


class _System(msgspec.Struct, frozen=True):
    host: str = ""
    url: str = ""
    checksum: str = ""
    size: str | int = ""


class _Tool(msgspec.Struct, frozen=True):
    name: str = ""
    version: str = ""
    systems: list[_System] | None = None


class _Package(msgspec.Struct, frozen=True):
    name: str = ""
    tools: list[_Tool] | None = None


class _Document(msgspec.Struct, frozen=True):
    packages: list[_Package]


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """Where a tool is fetched from, and what must come."""

    url: str
    sha256: str
    """Lower-case hexadecimal digits."""
    size: int | None = None
    """Bytes; None where nobody said."""


def archive_of(url: str, checksum: str, size: str | int | None = None) -> Archive:
    """An archive as a vendor names it; :class:`InputError` names what is of no use.

    The vendor's list says ``http`` for files that its servers also give out encrypted.
    """
    digest = _SHA256.fullmatch(checksum.strip())
    if digest is None:
        raise InputError(field="checksum", problem="is not a SHA-256")
    count: int | None = None
    if size is not None:
        text = str(size)
        if not re.fullmatch(r"[0-9]{1,12}", text) or not 0 < int(text) <= ARCHIVE_LIMIT:
            raise InputError(field="size", problem=f"is not 1 to {ARCHIVE_LIMIT} bytes")
        count = int(text)
    try:
        address = check_address("url", url, local=True)
    except InputError:
        encrypted = re.sub(r"^http://", "https://", url)
        address = check_address("url", encrypted, local=False)
    return Archive(url=address, sha256=digest[1].lower(), size=count)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolIndex:
    """A list whose signature is right."""

    tools: dict[ToolId, dict[str, _System]]
    """What there is for each tool, by host."""
    fetched_at: float
    """Unix seconds."""
    signed_at: datetime | None

    def available(self) -> list[ToolId]:
        """All tools of the list, by packager, name and version."""
        return sorted(self.tools, key=lambda t: (t.packager, t.name, version_key(t.version)))

    def find(
        self, packager: str, name: str, version: str, computer: Computer
    ) -> tuple[ToolId, Archive]:
        """A tool and its archive for ``computer``; ``latest``: the highest one that has an archive.

        Raises :class:`ToolUnknown`, :class:`ToolNotForSystem`, :class:`InputError` for an entry of
        no use.
        """
        named = [t for t in self.available() if (t.packager, t.name) == (packager, name)]
        wanted = named if version == LATEST else [t for t in named if t.version == version]
        shown = clean_text(f"{packager}:{name}@{version}")
        if not wanted:
            raise ToolUnknown(wanted=shown, detail="The vendor's list does not have it.")
        for tool in reversed(wanted):
            systems = self.tools[tool]
            host = best_host(systems, computer)
            if host is not None:
                system = systems[host]
                return tool, archive_of(system.url, system.checksum, system.size)
        raise ToolNotForSystem(wanted=shown, system=str(computer))


class ToolIndexSource(SignedList[ToolIndex]):
    """The list of tools."""

    def __init__(
        self,
        fetcher: Fetcher,
        kept: Path,
        *,
        url: str,
        key_file: Path = PACKAGE_KEY,
        now: Callable[[], float],
    ) -> None:
        """As :class:`SignedList`."""
        super().__init__(_KIND, fetcher, kept, url=url, key_file=key_file, now=now)


def _read(plain: bytes, fetched_at: float, signed_at: datetime | None) -> ToolIndex:
    document = msgspec.json.decode(plain, type=_Document)
    tools: dict[ToolId, dict[str, _System]] = {}
    for package in document.packages:
        for tool in package.tools or ():
            try:
                found = tool_id(package.name, tool.name, tool.version)
            except InputError:
                continue  # One entry of a third party must not take the others away.
            hosts = {system.host: system for system in reversed(tool.systems or ())}
            tools.setdefault(found, hosts)
    return ToolIndex(tools=tools, fetched_at=fetched_at, signed_at=signed_at)


_KIND: Final = ListKind(
    setting="compat.tool_index_url",
    limit=INDEX_LIMIT,
    signature_of="{}.sig".format,
    read=_read,
    refused=ToolIndexRefused,
    failed=ToolStoreFailed,
    # The vendor has signed with SHA-1 (seen in 2020); the way here is encrypted too.
    sha1=True,
)
