"""The vendor's public list of 1.0 sketches: fetched, checked, and kept for the time without it.

Format and address: ``flashing.md`` section 7; arduino/arduino-cloud-cli c6c9ee2:
internal/binary/index.go. The list is compressed, its signature covers the decompressed JSON.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from agent.errors import IndexRefused, InputError, StoreFailed
from agent.flash.signed_list import ListKind, ListWrong, SignedList, check_address
from agent.flash.sketch import SKETCH_LIMIT, without_options
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.flash.fetcher import Fetcher

INDEX_KEY: Final = Path(__file__).with_name("arduino_index_key.asc")
"""The vendor's public key, as its own client carries it."""

PACKED_LIMIT: Final = 1024 * 1024
"""Bytes of the list as it travels; a dozen boards take some hundred."""
PLAIN_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of the decompressed list; a longer one is an attack or a mistake."""

_SHA256 = re.compile(r"(?i)sha-?256:([0-9a-f]{64})")


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


class IndexSource(SignedList[Index]):
    """The list of sketches."""

    def __init__(
        self,
        fetcher: Fetcher,
        kept: Path,
        *,
        url: str,
        key_file: Path = INDEX_KEY,
        now: Callable[[], float],
    ) -> None:
        """As :class:`SignedList`."""
        kind = ListKind(
            setting="sketches.index_url",
            limit=PACKED_LIMIT,
            signature_of=signature_address,
            unpack=_unpack,
            # Only a list on this computer may name files on this computer.
            read=partial(_read, local=urlsplit(url).scheme == "http"),
            refused=IndexRefused,
            failed=StoreFailed,
        )
        super().__init__(kind, fetcher, kept, url=url, key_file=key_file, now=now)


def _unpack(packed: bytes) -> bytes:
    unpacking = zlib.decompressobj(wbits=31)
    try:
        plain = unpacking.decompress(packed, PLAIN_LIMIT + 1)
    except zlib.error:
        problem = "it cannot be decompressed"
        raise ListWrong(problem) from None
    if len(plain) > PLAIN_LIMIT:
        problem = f"it is longer than {PLAIN_LIMIT} bytes"
        raise ListWrong(problem)
    if not unpacking.eof:
        problem = "it is cut off"
        raise ListWrong(problem)
    return plain


def _read(plain: bytes, fetched_at: float, signed_at: datetime | None, *, local: bool) -> Index:
    document = msgspec.json.decode(plain, type=_Document)
    entries: list[IndexEntry] = []
    refused: dict[str, str] = {}
    for board in document.boards:
        if board.provision is None:
            continue
        try:
            entries.append(_entry(board.fqbn, board.provision, local=local))
        except InputError as error:
            refused[without_options(board.fqbn)] = str(error.facts["problem"])
    return Index(
        entries=tuple(entries), refused=refused, fetched_at=fetched_at, signed_at=signed_at
    )


def _entry(fqbn: str, provision: _Provision, *, local: bool) -> IndexEntry:
    digest = _SHA256.fullmatch(provision.checksum.strip())
    if digest is None:
        raise InputError(field="checksum", problem="its checksum is not a SHA-256")
    size = str(provision.size)
    if not re.fullmatch(r"[0-9]{1,9}", size) or not 0 < int(size) <= SKETCH_LIMIT:
        raise InputError(field="size", problem=f"its size is not 1 to {SKETCH_LIMIT} bytes")
    url = check_address("url", provision.url, local=local)
    return IndexEntry(fqbn=fqbn, url=url, sha256=digest[1].lower(), size=int(size))


def signature_address(url: str) -> str:
    """Where the signature is: ``index.json.gz`` becomes ``index.json.sig``."""
    return f"{url.removesuffix('.gz')}.sig"


def date_text(moment: float) -> str:
    """``2026-03-01``, in the time of this computer."""
    return datetime.fromtimestamp(moment, UTC).astimezone().strftime("%Y-%m-%d")
