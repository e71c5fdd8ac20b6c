"""The vendor's public list of 1.0 sketches: fetched, checked, and kept for the time without it.

Format and address: ``flashing.md`` section 7; arduino/arduino-cloud-cli c6c9ee2:
internal/binary/index.go. The list is compressed, its signature covers the decompressed JSON.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from agent.errors import CloudError, IndexRefused, InputError, StoreFailed
from agent.flash.openpgp import SignatureWrong, check_detached
from agent.flash.sketch import SKETCH_LIMIT, without_options
from agent.settings import clean_text
from agent.settings.files import write_private

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.flash.fetcher import Fetcher

INDEX_KEY: Final = Path(__file__).with_name("arduino_index_key.asc")
"""The vendor's public key, as its own client carries it."""

PACKED_LIMIT: Final = 1024 * 1024
"""Bytes of the list as it travels; a dozen boards take some hundred."""
PLAIN_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of the decompressed list; a longer one is an attack or a mistake."""
SIGNATURE_LIMIT: Final = 16 * 1024
FRESH_S: Final = 3600.0
"""How long a list is used without asking again: it changes a few times a year."""
FAILED_S: Final = 10.0
"""How long a failure answers for the next one who asks: a dozen boards in a row wait for it once,
and a person who has just mended the network is not held up."""

_SHA256 = re.compile(r"(?i)sha-?256:([0-9a-f]{64})")
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class _Provision(msgspec.Struct, frozen=True):
    url: str
    checksum: str
    size: str | int


class _Board(msgspec.Struct, frozen=True):
    fqbn: str
    provision: _Provision | None = None


class _Document(msgspec.Struct, frozen=True):
    boards: list[_Board]


class IndexEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One sketch of the list."""

    fqbn: str
    url: str
    sha256: str
    size: int
    """Bytes."""


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The last good list as a file; its signature is checked again whenever it is used."""

    url: str
    plain: bytes
    signature: bytes
    fetched_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A list whose signature is right."""

    entries: tuple[IndexEntry, ...]
    refused: dict[str, str] = field(default_factory=dict)
    """FQBNs whose entry cannot be used, and why."""
    fetched_at: float
    """Unix seconds."""
    signed_at: datetime | None

    def find(self, fqbn: str) -> IndexEntry | None:
        """The entry for a kind of board; :class:`IndexRefused` if it has one of no use."""
        wanted = without_options(fqbn)
        for entry in self.entries:
            if without_options(entry.fqbn) == wanted:
                return entry
        if wanted in self.refused:
            source, problem = "the vendor", f"{clean_text(wanted)}: {self.refused[wanted]}"
            raise IndexRefused(source=source, problem=problem)
        return None


class IndexSource:
    """The list from its address, or the last good one from the disk."""

    def __init__(
        self,
        fetcher: Fetcher,
        kept: Path,
        *,
        url: str,
        key_file: Path = INDEX_KEY,
        now: Callable[[], float],
    ) -> None:
        """``kept`` is the file of the last good list; ``now`` gives Unix seconds.

        :class:`InputError` if ``url`` is not https, or http to this computer.
        """
        self.url = check_address("sketches.index_url", url, local=True)
        self._local = urlsplit(url).scheme == "http"
        self._fetcher = fetcher
        self._kept = kept
        self._key_file = key_file
        self._now = now
        self._failed: tuple[float, CloudError | IndexRefused] | None = None

    async def get(self, *, fresh_s: float = FRESH_S) -> tuple[Index, str | None]:
        """A list that is right, and a sentence if it is not as new as it should be.

        One that is younger than ``fresh_s`` is used without asking. Raises
        :class:`agent.errors.CloudError` or :class:`IndexRefused` only if there is no good one.
        """
        kept = self.last_good()
        if kept is not None and 0 <= self._now() - kept.fetched_at < fresh_s:
            return kept, None
        if self._failed is not None and 0 <= self._now() - self._failed[0] < FAILED_S:
            error = self._failed[1]
        else:
            try:
                index = await self._fetch(kept)
            except (CloudError, IndexRefused) as raised:
                self._failed = self._now(), raised
                error = raised
            else:
                self._failed = None
                return index, None
        if kept is None:
            raise error
        age = age_text(self._now() - kept.fetched_at)
        return kept, f"{error.report().title} The last good list is used; it is {age} old."

    def last_good(self) -> Index | None:
        """The list on the disk; None if there is none for this address and key."""
        try:
            kept = msgspec.json.decode(self._kept.read_bytes(), type=_Kept)
            if kept.url == self.url:
                return self._check(kept)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, IndexRefused):
            pass
        return None

    async def _fetch(self, before: Index | None) -> Index:
        packed = await self._fetcher.get(self.url, limit=PACKED_LIMIT)
        signature = await self._fetcher.get(signature_address(self.url), limit=SIGNATURE_LIMIT)
        kept = _Kept(
            url=self.url,
            plain=self._unpack(packed.data),
            signature=signature.data,
            fetched_at=self._now(),
        )
        index = self._check(kept)
        if before and before.signed_at and index.signed_at and index.signed_at < before.signed_at:
            # Signed once, but replaced since: somebody plays an old one back.
            raise self._refused("it is older than the list that was used before")
        try:
            write_private(self._kept, msgspec.json.encode(kept))
        except OSError as error:
            detail = error.strerror or str(error)
            raise StoreFailed(path=str(self._kept), detail=detail) from error
        return index

    def _unpack(self, packed: bytes) -> bytes:
        unpacking = zlib.decompressobj(wbits=31)
        try:
            plain = unpacking.decompress(packed, PLAIN_LIMIT + 1)
        except zlib.error:
            raise self._refused("it cannot be decompressed") from None
        if len(plain) > PLAIN_LIMIT:
            raise self._refused(f"it is longer than {PLAIN_LIMIT} bytes")
        if not unpacking.eof:
            raise self._refused("it is cut off")
        return plain

    def _check(self, kept: _Kept) -> Index:
        try:
            key = self._key_file.read_bytes()
        except OSError as error:
            problem = f"its key {self._key_file} cannot be read: {error.strerror}"
            raise self._refused(problem) from None
        try:
            signed_at = check_detached(kept.plain, kept.signature, key)
        except SignatureWrong as error:
            raise self._refused(clean_text(str(error))) from None
        try:
            document = msgspec.json.decode(kept.plain, type=_Document)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._refused(clean_text(f"it is not understood: {error}")) from None
        entries: list[IndexEntry] = []
        refused: dict[str, str] = {}
        for board in document.boards:
            if board.provision is None:
                continue
            try:
                entries.append(self._entry(board.fqbn, board.provision))
            except InputError as error:
                refused[without_options(board.fqbn)] = str(error.facts["problem"])
        return Index(
            entries=tuple(entries),
            refused=refused,
            fetched_at=kept.fetched_at,
            signed_at=signed_at,
        )

    def _entry(self, fqbn: str, provision: _Provision) -> IndexEntry:
        digest = _SHA256.fullmatch(provision.checksum.strip())
        if digest is None:
            raise InputError(field="checksum", problem="its checksum is not a SHA-256")
        size = str(provision.size)
        if not re.fullmatch(r"[0-9]{1,9}", size) or not 0 < int(size) <= SKETCH_LIMIT:
            raise InputError(field="size", problem=f"its size is not 1 to {SKETCH_LIMIT} bytes")
        url = check_address("url", provision.url, local=self._local)
        return IndexEntry(fqbn=fqbn, url=url, sha256=digest[1].lower(), size=int(size))

    def _refused(self, problem: str) -> IndexRefused:
        return IndexRefused(source=urlsplit(self.url).hostname or self.url, problem=problem)


def check_address(name: str, url: str, *, local: bool) -> str:
    """``url`` if it is https, or http to this computer where ``local``; else InputError."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise InputError(field=name, problem="is not an address") from None
    plain = url.isascii() and url.isprintable() and " " not in url
    if not plain or not host or parts.username is not None or parts.fragment:
        raise InputError(field=name, problem="is not an address of a file")
    if parts.scheme == "https" or (local and parts.scheme == "http" and host in _LOOPBACK):
        return url
    raise InputError(field=name, problem="must begin with https://")


def signature_address(url: str) -> str:
    """Where the signature is: ``index.json.gz`` becomes ``index.json.sig``."""
    return f"{url.removesuffix('.gz')}.sig"


def age_text(seconds: float) -> str:
    """``3 days``, ``5 hours``, ``10 minutes``."""
    for unit, length_s in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(seconds // length_s)
        if count > 0:
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return "less than a minute"


def date_text(moment: float) -> str:
    """``2026-03-01``, in the time of this computer."""
    return datetime.fromtimestamp(moment, UTC).astimezone().strftime("%Y-%m-%d")
