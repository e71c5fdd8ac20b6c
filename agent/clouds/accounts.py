"""Where accounts of clouds rest: the system's keyring, else a file only this user can read."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from agent.errors import FolderFailed
from agent.settings import Secret
from agent.settings.files import write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

log = logging.getLogger(__name__)

SERVICE: Final = "mooring"
"""Name under which the keyring lists the entries."""
ENTRY_LIMIT: Final = 1200
"""Characters of one entry: Windows Credential Manager holds about 1280; the same everywhere."""
KEYRING_LIMIT_S: Final = 60.0
"""The system may ask the person to unlock the keyring; without an answer the file is used."""

T = TypeVar("T")


class Storage(Enum):
    """Where an account rests."""

    KEYRING = "keyring"
    FILE = "file"


class KeyringFailed(Exception):
    """No keyring, a locked one, or one that does not keep what it is given."""


class AccountStore:
    """Keeps one account per cloud: a few short texts, all treated as secret.

    The file holds what the keyring could not take, so it is looked at first. It also holds the
    mark of an account whose keyring entry could not be deleted when the person signed out.
    """

    def __init__(
        self,
        file: Path,
        *,
        use_keyring: bool,
        service: str = SERVICE,
        keyring_limit_s: float = KEYRING_LIMIT_S,
    ) -> None:
        self._file = _AccountsFile(file)
        self._use_keyring = use_keyring
        self._service = service
        self._limit_s = keyring_limit_s
        self._lock = asyncio.Lock()
        self.keyring_failed = False
        """The keyring did not answer when it was asked last; it may be locked for now."""

    async def get(self, cloud: str) -> dict[str, Secret] | None:
        """The account's fields, or None if nobody is signed in."""
        async with self._lock:
            fields, _ = await self._find(cloud)
        return fields

    async def where(self, cloud: str) -> Storage | None:
        """Where the account rests, for a person who wants to know; None: nowhere."""
        async with self._lock:
            _, storage = await self._find(cloud)
        return storage

    async def set(self, cloud: str, fields: Mapping[str, Secret]) -> Storage:
        """Store an account in place of the earlier one; says where it rests now."""
        plain = {name: value.reveal() for name, value in fields.items()}
        text = msgspec.json.encode(plain).decode()
        async with self._lock:
            if self._use_keyring and len(text) <= ENTRY_LIMIT:
                try:
                    await in_keyring(lambda: keep(self._service, cloud, text), self._limit_s)
                except KeyringFailed as error:
                    log.warning("accounts rest in a file, because the keyring failed: %s", error)
                else:
                    await asyncio.to_thread(self._file.remove, cloud)
                    return Storage.KEYRING
            await asyncio.to_thread(self._file.put, cloud, plain)
            return Storage.FILE

    async def delete(self, cloud: str) -> None:
        """Forget an account; none is not an error."""
        async with self._lock:
            # First the mark, so that a crash or a locked keyring leaves nobody signed in.
            if self._use_keyring:
                await asyncio.to_thread(self._file.put, cloud, None)
                await self._erase_entry(cloud)
            else:
                await asyncio.to_thread(self._file.remove, cloud)

    async def _find(self, cloud: str) -> tuple[dict[str, Secret] | None, Storage | None]:
        entries = await asyncio.to_thread(self._file.read)
        if cloud in entries:
            kept = entries[cloud]
            if kept is None:
                if self._use_keyring:
                    await self._erase_entry(cloud)
                return None, None
            return {name: Secret(value) for name, value in kept.items()}, Storage.FILE
        if not self._use_keyring:
            return None, None
        try:
            text = await in_keyring(lambda: look_up(self._service, cloud), self._limit_s)
        except KeyringFailed as error:
            log.info("the keyring cannot be read: %s", error)
            self.keyring_failed = True
            return None, None
        self.keyring_failed = False
        if text is None:
            return None, None
        try:
            plain = msgspec.json.decode(text, type=dict[str, str])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            log.warning("the keyring's entry for %s is not an account", cloud)
            return None, None
        return {name: Secret(value) for name, value in plain.items()}, Storage.KEYRING

    async def _erase_entry(self, cloud: str) -> None:
        """Delete the keyring's entry and then the mark; if it fails, the next look tries again."""
        try:
            await in_keyring(lambda: _erase(self._service, cloud), self._limit_s)
        except KeyringFailed as error:
            log.info("the keyring's entry for %s stays for now: %s", cloud, error)
        else:
            await asyncio.to_thread(self._file.remove, cloud)


async def in_keyring(call: Callable[[], T], limit_s: float = KEYRING_LIMIT_S) -> T:
    """Run a call of the keyring, which may block on a question to the person.

    In a daemon thread: one that still waits for an answer must not keep the agent from ending.
    Raises :class:`KeyringFailed`.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def succeed(value: T) -> None:
        if not result.done():
            result.set_result(value)

    def fail(reason: str) -> None:
        if not result.done():
            result.set_exception(KeyringFailed(reason))

    def work() -> None:
        with contextlib.suppress(RuntimeError):  # the loop may have ended meanwhile
            try:
                value = call()
            except Exception as error:  # noqa: BLE001 - backends raise what their system does
                reason = str(error) if isinstance(error, KeyringFailed) else type(error).__name__
                loop.call_soon_threadsafe(fail, reason)
            else:
                loop.call_soon_threadsafe(succeed, value)

    threading.Thread(target=work, name="keyring", daemon=True).start()
    try:
        async with asyncio.timeout(limit_s):
            return await result
    except TimeoutError:
        msg = f"no answer within {limit_s:g} s"
        raise KeyringFailed(msg) from None


def look_up(service: str, cloud: str) -> str | None:
    """The keyring's entry, for :func:`in_keyring`; None: there is none."""
    import keyring

    return keyring.get_password(service, cloud)


def keep(service: str, cloud: str, text: str) -> None:
    """Give the keyring an entry, for :func:`in_keyring`, and see that it has it."""
    import keyring

    keyring.set_password(service, cloud, text)
    # A backend that is switched off accepts everything and keeps nothing.
    if keyring.get_password(service, cloud) != text:
        msg = "it did not keep the entry"
        raise KeyringFailed(msg)


def _erase(service: str, cloud: str) -> None:
    import keyring

    if keyring.get_password(service, cloud) is not None:
        keyring.delete_password(service, cloud)


class _AccountsFile:
    """``{cloud: {field: text} | null}`` in a file of mode 0600, replaced as a whole.

    Raises :class:`agent.errors.FolderFailed`: a full disk, or a file that belongs to another user.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, dict[str, str] | None]:
        """What the file holds; a file that cannot be understood is set aside, not overwritten."""
        with self._failing():
            try:
                data = self._path.read_bytes()
            except FileNotFoundError:
                return {}
            if os.name == "posix":
                self._path.chmod(0o600)  # also after a careless copy
            try:
                return msgspec.json.decode(data, type=dict[str, dict[str, str] | None])
            except (msgspec.MsgspecError, UnicodeDecodeError):
                aside = self._path.with_suffix(".unreadable")
                log.warning("the file of accounts cannot be read; it is kept as %s", aside.name)
                self._path.replace(aside)
                return {}

    def put(self, cloud: str, fields: dict[str, str] | None) -> None:
        """Write one entry."""
        self._write({**self.read(), cloud: fields})

    def remove(self, cloud: str) -> None:
        """Take one entry out; without entries there is no file."""
        entries = self.read()
        if cloud not in entries:
            return
        del entries[cloud]
        if entries:
            self._write(entries)
        else:
            with self._failing():
                self._path.unlink()

    def _write(self, entries: dict[str, dict[str, str] | None]) -> None:
        with self._failing():
            write_private(self._path, msgspec.json.format(msgspec.json.encode(entries)))

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            detail = f"{self._path.name}: {error.strerror or error}"
            raise FolderFailed(path=str(self._path.parent), detail=detail) from error
