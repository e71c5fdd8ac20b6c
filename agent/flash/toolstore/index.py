"""The vendor's list of tools: fetched, its signature checked, and kept for the time without it.

Format: arduino/arduino-cli: docs/package_index_json-specification.md. The signature is beside the
list, at its address with ``.sig`` behind. Source: agent-api-compat, section 9.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from agent.errors import (
    CloudError,
    InputError,
    ToolIndexRefused,
    ToolNotForSystem,
    ToolStoreFailed,
    ToolUnknown,
)
from agent.flash.index import FAILED_S, FRESH_S, age_text, check_address
from agent.flash.openpgp import SignatureWrong, check_detached
from agent.flash.toolstore.tool import LATEST, Computer, ToolId, best_host, tool_id, version_key
from agent.settings import clean_text
from agent.settings.files import write_private

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from agent.flash.fetcher import Fetcher

PACKAGE_KEY: Final = Path(__file__).with_name("arduino_package_key.asc")
"""The vendor's public key, as its own agent carries it."""
INDEX_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of the list; the vendor's had 0.3 MB in 2020 and grows by some versions a year."""
SIGNATURE_LIMIT: Final = 16 * 1024
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


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The last good list as a file; its signature is checked again whenever it is used."""

    url: str
    plain: bytes
    signature: bytes
    fetched_at: float


class ToolIndexSource:
    """The list from its address, or the last good one from the disk."""

    def __init__(
        self,
        fetcher: Fetcher,
        kept: Path,
        *,
        url: str,
        key_file: Path = PACKAGE_KEY,
        now: Callable[[], float],
    ) -> None:
        """``kept`` is the file of the last good list; ``now`` gives Unix seconds.

        :class:`InputError` if ``url`` is not https, or http to this computer.
        """
        self.url = check_address("index_url", url, local=True)
        self._fetcher = fetcher
        self._kept = kept
        self._key_file = key_file
        self._now = now
        self._failed: tuple[float, CloudError | ToolIndexRefused] | None = None

    async def get(self, *, fresh_s: float = FRESH_S) -> tuple[ToolIndex, str | None]:
        """A list that is right, and a sentence if it is not as new as it should be.

        One that is younger than ``fresh_s`` is used without asking. Raises
        :class:`agent.errors.CloudError` or :class:`ToolIndexRefused` only if there is no good one.
        """
        kept = self.last_good()
        if kept is not None and 0 <= self._now() - kept.fetched_at < fresh_s:
            return kept, None
        if self._failed is not None and 0 <= self._now() - self._failed[0] < FAILED_S:
            error = self._failed[1]
        else:
            try:
                index = await self._fetch(kept)
            except (CloudError, ToolIndexRefused) as raised:
                self._failed = self._now(), raised
                error = raised
            else:
                self._failed = None
                return index, None
        if kept is None:
            raise error
        age = age_text(self._now() - kept.fetched_at)
        return kept, f"{error.report().title} The last good list is used; it is {age} old."

    def last_good(self) -> ToolIndex | None:
        """The list on the disk; None if there is none for this address and key."""
        try:
            kept = msgspec.json.decode(self._kept.read_bytes(), type=_Kept)
            if kept.url == self.url:
                return self._check(kept)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, ToolIndexRefused):
            pass
        return None

    async def _fetch(self, before: ToolIndex | None) -> ToolIndex:
        plain = await self._fetcher.get(self.url, limit=INDEX_LIMIT)
        signature = await self._fetcher.get(f"{self.url}.sig", limit=SIGNATURE_LIMIT)
        kept = _Kept(
            url=self.url, plain=plain.data, signature=signature.data, fetched_at=self._now()
        )
        index = self._check(kept)
        if before and before.signed_at and index.signed_at and index.signed_at < before.signed_at:
            # Signed once, but replaced since: somebody plays an old one back.
            raise self._refused("it is older than the list that was used before")
        try:
            write_private(self._kept, msgspec.json.encode(kept))
        except OSError as error:
            detail = error.strerror or str(error)
            raise ToolStoreFailed(path=str(self._kept), detail=detail) from error
        return index

    def _check(self, kept: _Kept) -> ToolIndex:
        try:
            key = self._key_file.read_bytes()
        except OSError as error:
            problem = f"its key {self._key_file} cannot be read: {error.strerror}"
            raise self._refused(problem) from None
        try:
            # The vendor has signed with SHA-1 (seen in 2020); the way here is encrypted too.
            signed_at = check_detached(kept.plain, kept.signature, key, sha1=True)
        except SignatureWrong as error:
            raise self._refused(clean_text(str(error))) from None
        try:
            document = msgspec.json.decode(kept.plain, type=_Document)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._refused(clean_text(f"it is not understood: {error}")) from None
        tools: dict[ToolId, dict[str, _System]] = {}
        for package in document.packages:
            for tool in package.tools or ():
                try:
                    found = tool_id(package.name, tool.name, tool.version)
                except InputError:
                    continue  # One entry of a third party must not take the others away.
                hosts = {system.host: system for system in reversed(tool.systems or ())}
                tools.setdefault(found, hosts)
        return ToolIndex(tools=tools, fetched_at=kept.fetched_at, signed_at=signed_at)

    def _refused(self, problem: str) -> ToolIndexRefused:
        return ToolIndexRefused(source=urlsplit(self.url).hostname or self.url, problem=problem)
