"""The keys of the vault: in the system's keyring, else in files that only this user can read.

Every key rests under its own id and none is ever written over, so two processes that make one at
the same time lose nothing, and a key that comes back (a keyring from a backup) opens its entries
again. Which one seals new entries says a small file without secrets.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from agent.clouds.accounts import (
    KEYRING_LIMIT_S,
    SERVICE,
    KeyringFailed,
    Storage,
    in_keyring,
    keep,
    look_up,
)
from agent.clouds.vault_entry import KEY_BYTES, KEY_ID, key_id, key_text, parse_key
from agent.errors import VaultFailed
from agent.settings.files import write_private

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

WANTED_MAX: Final = 16
"""Keys that are asked for at once. There is one, and a few more where keyrings were lost; a damaged
entry may name one that never was."""

_CURRENT: Final = "current"
_TOLD: Final = "told"
"""File that is there once a person has read that a key is in a file."""
_ENTRY: Final = "vault-key-"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VaultKey:
    """A key and where it rests."""

    id: str
    data: bytes = field(repr=False)
    storage: Storage


@dataclass(frozen=True, slots=True)
class FoundKeys:
    """The keys that can be had now."""

    data: dict[str, bytes] = field(repr=False)
    in_files: frozenset[str]
    """Ids of those that rest in files."""
    failed: str = ""
    """Why the keyring could not be asked; empty: it was, or nothing was wanted of it."""


class VaultKeys:
    """The keys of one vault. ``folder`` holds those that the keyring could not take."""

    def __init__(
        self,
        folder: Path,
        *,
        use_keyring: bool,
        service: str = SERVICE,
        keyring_limit_s: float = KEYRING_LIMIT_S,
    ) -> None:
        self._folder = folder
        self._use_keyring = use_keyring
        self._service = service
        self._limit_s = keyring_limit_s
        self._known: dict[str, bytes] = {}
        self._failed = ""
        self._lock = asyncio.Lock()

    async def current(self) -> VaultKey:
        """The key for new entries; one is made if there is none. Raises :class:`VaultFailed`.

        It surely rests where it says: a key that only this process still has is put back.
        """
        async with self._lock:
            # Where nobody unlocked the keyring, the person is not asked again for each board.
            if self._use_keyring and not self._failed:
                try:
                    key = await in_keyring(self._of_keyring, self._limit_s)
                except KeyringFailed as error:
                    self._failed = str(error)
                    _log.info("the key of the vault is in a file: the keyring failed: %s", error)
                else:
                    self._known[key.id] = key.data
                    return key
            return await asyncio.to_thread(self._of_file)

    async def find(self, wanted: Iterable[str]) -> FoundKeys:
        """The keys with these ids, as far as they can be had; makes none."""
        often = [each for each, _ in Counter(wanted).most_common() if KEY_ID.fullmatch(each)]
        async with self._lock:
            files = await asyncio.to_thread(self._files)
            found = {**self._known, **files}
            missing = [each for each in often if each not in found][:WANTED_MAX]
            failed = ""
            if missing and self._use_keyring:
                try:
                    found |= await in_keyring(lambda: self._look_up(missing), self._limit_s)
                except KeyringFailed as error:
                    failed = str(error)
                else:
                    self._failed = ""
                    self._known |= {each: found[each] for each in missing if each in found}
            data = {each: found[each] for each in often if each in found}
            return FoundKeys(data, frozenset(files) & frozenset(data), failed)

    async def is_file_news(self) -> bool:
        """Whether a key rests in a file and nobody was told so; true once for all."""

        def look() -> bool:
            told = self._folder / _TOLD
            if told.exists() or not self._files():
                return False
            with contextlib.suppress(OSError):
                write_private(told, b"")
            return True

        async with self._lock:
            return await asyncio.to_thread(look)

    def _look_up(self, wanted: Iterable[str]) -> dict[str, bytes]:
        keys = {each: parse_key(look_up(self._service, _ENTRY + each), each) for each in wanted}
        return {each: key for each, key in keys.items() if key is not None}

    def _of_keyring(self) -> VaultKey:
        current = self._read_current()
        if current:
            data = self._look_up([current]).get(current)
            if data is None and (data := self._known.get(current)) is not None:
                keep(self._service, _ENTRY + current, key_text(data).reveal())
            if data is not None:
                return VaultKey(current, data, Storage.KEYRING)
        data = secrets.token_bytes(KEY_BYTES)
        number = key_id(data)
        # Its name first: if that cannot be written, the keyring gets no key that nobody finds.
        write_private(self._folder / _CURRENT, number.encode())
        keep(self._service, _ENTRY + number, key_text(data).reveal())
        return VaultKey(number, data, Storage.KEYRING)

    def _of_file(self) -> VaultKey:
        files = self._files()
        if files:
            number = min(files)
            return VaultKey(number, files[number], Storage.FILE)
        data = secrets.token_bytes(KEY_BYTES)
        number = key_id(data)
        try:
            write_private(self._folder / f"{number}.key", key_text(data).reveal().encode() + b"\n")
        except OSError as error:
            detail = error.strerror or type(error).__name__
            raise VaultFailed(path=str(self._folder), detail=detail) from error
        return VaultKey(number, data, Storage.FILE)

    def _files(self) -> dict[str, bytes]:
        """The keys in files; one that is damaged is none, and stays as it is."""
        found: dict[str, bytes] = {}
        with contextlib.suppress(OSError):
            for path in self._folder.glob("*.key"):
                if os.name == "posix":
                    with contextlib.suppress(OSError):
                        path.chmod(0o600)  # also after a careless copy
                with contextlib.suppress(OSError, UnicodeDecodeError):
                    key = parse_key(path.read_text("ascii"), path.stem)
                    if key is not None:
                        found[path.stem] = key
        return found

    def _read_current(self) -> str:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            text = (self._folder / _CURRENT).read_text("ascii").strip()
            if KEY_ID.fullmatch(text):
                return text
        return ""
