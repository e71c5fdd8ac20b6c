"""A vendor's signed list: fetched, its signature checked, and kept for the time without it.

Not here: what stands in a list (:mod:`agent.flash.index`, :mod:`agent.flash.toolstore.index`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec

from agent.errors import (
    CloudError,
    IndexRefused,
    InputError,
    StoreFailed,
    ToolIndexRefused,
    ToolStoreFailed,
)
from agent.flash.openpgp import SignatureWrong, check_detached
from agent.settings import clean_text
from agent.settings.addresses import is_here
from agent.settings.files import write_private

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from agent.flash.fetcher import Fetcher

SIGNATURE_LIMIT: Final = 16 * 1024
"""Bytes of a signature; one of an RSA key has less than a thousand."""
FRESH_S: Final = 3600.0
"""How long a list is used without asking again: it changes a few times a year."""
FAILED_S: Final = 10.0
"""How long a failure answers for the next one who asks: a dozen boards in a row wait for it once,
and a person who has just mended the network is not held up."""


class ListWrong(Exception):
    """What travelled cannot be unpacked; the text says why."""


class Dated(Protocol):
    """A list whose signature is right."""

    @property
    def fetched_at(self) -> float:
        """Unix seconds."""

    @property
    def signed_at(self) -> datetime | None:
        """When its vendor signed it."""


L = TypeVar("L", bound=Dated)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListKind(Generic[L]):
    """What one vendor's list has of its own."""

    setting: str
    """What names the address in the settings."""
    limit: int
    """Bytes of the list as it travels."""
    signature_of: Callable[[str], str]
    """Where the signature of a list is."""
    read: Callable[[bytes, float, datetime | None], L]
    """The list of its plain bytes, when it was fetched, and when it was signed.

    Raises what msgspec raises.
    """
    refused: type[IndexRefused | ToolIndexRefused]
    failed: type[StoreFailed | ToolStoreFailed]
    unpack: Callable[[bytes], bytes] = bytes
    """What is signed, from what travels; :class:`ListWrong`."""
    sha1: bool = False
    """Whether signatures over a SHA-1 count."""


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The last good list as a file; its signature is checked again whenever it is used."""

    url: str
    plain: bytes
    signature: bytes
    fetched_at: float


class SignedList(Generic[L]):
    """The list from its address, or the last good one from the disk."""

    def __init__(
        self,
        kind: ListKind[L],
        fetcher: Fetcher,
        kept: Path,
        *,
        url: str,
        key_file: Path,
        now: Callable[[], float],
    ) -> None:
        """``kept`` is the file of the last good list; ``now`` gives Unix seconds.

        :class:`InputError` if ``url`` is not https, or http to this computer.
        """
        self.url = check_address(kind.setting, url, local=True)
        self._kind = kind
        self._fetcher = fetcher
        self._kept = kept
        self._key_file = key_file
        self._now = now
        self._turn = asyncio.Lock()
        self._failed: tuple[float, CloudError | IndexRefused | ToolIndexRefused] | None = None

    async def get(self, *, fresh_s: float = FRESH_S) -> tuple[L, str | None]:
        """A list that is right, and a sentence if it is not as new as it should be.

        One that is younger than ``fresh_s`` is used without asking. Raises
        :class:`agent.errors.CloudError` or ``refused`` of its kind only if there is no good one.
        """
        # A dozen pages that open at once ask the vendor once.
        async with self._turn:
            return await self._get(fresh_s)

    async def _get(self, fresh_s: float) -> tuple[L, str | None]:
        kept = self.last_good()
        if kept is not None and 0 <= self._now() - kept.fetched_at < fresh_s:
            return kept, None
        if self._failed is not None and 0 <= self._now() - self._failed[0] < FAILED_S:
            error = self._failed[1]
        else:
            try:
                fetched = await self._fetch(kept)
            except (CloudError, IndexRefused, ToolIndexRefused) as raised:
                self._failed = self._now(), raised
                error = raised
            else:
                self._failed = None
                return fetched, None
        if kept is None:
            raise error
        age = age_text(self._now() - kept.fetched_at)
        return kept, f"{error.report().title} The last good list is used; it is {age} old."

    @property
    def problem(self) -> IndexRefused | ToolIndexRefused | None:
        """Why the list was refused when it was fetched last; None: it was not."""
        error = self._failed[1] if self._failed is not None else None
        return error if isinstance(error, IndexRefused | ToolIndexRefused) else None

    def last_good(self) -> L | None:
        """The list on the disk; None if there is none for this address and key."""
        try:
            kept = msgspec.json.decode(self._kept.read_bytes(), type=_Kept)
            if kept.url == self.url:
                return self._check(kept)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, self._kind.refused):
            pass
        return None

    async def _fetch(self, before: L | None) -> L:
        packed = await self._fetcher.get(self.url, limit=self._kind.limit)
        beside = self._kind.signature_of(self.url)
        signature = await self._fetcher.get(beside, limit=SIGNATURE_LIMIT)
        try:
            plain = self._kind.unpack(packed.data)
        except ListWrong as error:
            raise self._refused(str(error)) from None
        kept = _Kept(url=self.url, plain=plain, signature=signature.data, fetched_at=self._now())
        fetched = self._check(kept)
        if (
            before
            and before.signed_at
            and fetched.signed_at
            and fetched.signed_at < before.signed_at
        ):
            # Signed once, but replaced since: somebody plays an old one back.
            raise self._refused("it is older than the list that was used before")
        try:
            write_private(self._kept, msgspec.json.encode(kept))
        except OSError as error:
            detail = error.strerror or str(error)
            raise self._kind.failed(path=str(self._kept), detail=detail) from error
        return fetched

    def _check(self, kept: _Kept) -> L:
        try:
            key = self._key_file.read_bytes()
        except OSError as error:
            problem = f"its key {self._key_file} cannot be read: {error.strerror}"
            raise self._refused(problem) from None
        try:
            signed_at = check_detached(kept.plain, kept.signature, key, sha1=self._kind.sha1)
        except SignatureWrong as error:
            raise self._refused(clean_text(str(error))) from None
        try:
            return self._kind.read(kept.plain, kept.fetched_at, signed_at)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._refused(clean_text(f"it is not understood: {error}")) from None

    def _refused(self, problem: str) -> IndexRefused | ToolIndexRefused:
        source = urlsplit(self.url).hostname or self.url
        return self._kind.refused(source=source, problem=problem)


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
    if parts.scheme == "https" or (local and parts.scheme == "http" and is_here(host)):
        return url
    raise InputError(field=name, problem="must begin with https://")


def age_text(seconds: float) -> str:
    """``3 days``, ``5 hours``, ``10 minutes``."""
    for unit, length_s in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(seconds // length_s)
        if count > 0:
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return "less than a minute"
