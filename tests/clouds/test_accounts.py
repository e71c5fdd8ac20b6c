"""Where accounts rest, without a keyring of the system."""

from __future__ import annotations

import asyncio
import os
import stat
import threading
from typing import TYPE_CHECKING

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null

from agent.clouds.accounts import ENTRY_LIMIT, AccountStore, Storage
from agent.errors import FolderFailed
from agent.settings import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MARKER = "MARKER-77aa"
ACCOUNT = {"client_id": Secret("me"), "client_secret": Secret(MARKER)}


class MemoryKeyring(KeyringBackend):
    """A backend as the library wants it, with moods."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False
        self.asks = threading.Event()
        self.asks.set()

    def _answer(self) -> None:
        self.asks.wait()
        if self.locked:
            raise keyring.errors.KeyringLocked(MARKER)

    def get_password(self, service: str, username: str) -> str | None:
        self._answer()
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._answer()
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._answer()
        del self.entries[service, username]


@pytest.fixture
def restored() -> Iterator[None]:
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


@pytest.fixture
def memory(restored: None) -> MemoryKeyring:
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    return backend


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "accounts.json"


async def test_without_a_keyring_the_account_rests_in_a_file_of_this_user_alone(file: Path) -> None:
    store = AccountStore(file, use_keyring=False)
    assert await store.get("arduino") is None
    assert await store.where("arduino") is None
    assert await store.set("arduino", ACCOUNT) is Storage.FILE
    assert await store.where("arduino") is Storage.FILE
    assert await AccountStore(file, use_keyring=False).get("arduino") == ACCOUNT
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in file.parent.iterdir()] == ["accounts.json"]


async def test_accounts_of_several_clouds_do_not_touch_each_other(file: Path) -> None:
    store = AccountStore(file, use_keyring=False)
    await asyncio.gather(*(store.set(f"cloud{n}", {"id": Secret(str(n))}) for n in range(20)))
    await store.set("cloud3", ACCOUNT)
    await store.delete("cloud4")
    await store.delete("never")
    assert await store.get("cloud3") == ACCOUNT
    assert await store.get("cloud4") is None
    assert await store.get("cloud19") == {"id": Secret("19")}


async def test_the_last_account_takes_the_file_with_it(file: Path) -> None:
    store = AccountStore(file, use_keyring=False)
    await store.set("arduino", ACCOUNT)
    await store.delete("arduino")
    assert not file.exists()


@pytest.mark.system("linux", "darwin")
async def test_a_file_that_others_can_read_is_closed_when_it_is_read(file: Path) -> None:
    store = AccountStore(file, use_keyring=False)
    await store.set("arduino", ACCOUNT)
    file.chmod(0o644)
    await store.get("arduino")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_file_that_cannot_be_used_is_named(file: Path) -> None:
    file.mkdir(parents=True)
    store = AccountStore(file, use_keyring=False)
    with pytest.raises(FolderFailed) as caught:
        await store.get("arduino")
    with pytest.raises(FolderFailed):
        await store.set("arduino", ACCOUNT)
    assert str(file.parent) in caught.value.report().title
    assert "accounts.json" in caught.value.report().title


async def test_a_folder_that_cannot_be_written_is_named(file: Path) -> None:
    file.parent.write_text("a file")
    with pytest.raises(FolderFailed) as caught:
        await AccountStore(file, use_keyring=False).set("arduino", ACCOUNT)
    assert MARKER not in repr(caught.value.report())


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"arduino": 5}', b"\xff\xfe", b'{"a":{"b":1}}']
)
async def test_a_file_that_cannot_be_understood_is_set_aside(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    store = AccountStore(file, use_keyring=False)
    assert await store.get("arduino") is None
    await store.set("arduino", ACCOUNT)
    assert await store.get("arduino") == ACCOUNT
    assert file.with_suffix(".unreadable").read_bytes() == content


async def test_a_keyring_is_used_where_there_is_one(memory: MemoryKeyring, file: Path) -> None:
    store = AccountStore(file, use_keyring=True)
    assert await store.set("arduino", ACCOUNT) is Storage.KEYRING
    assert await store.get("arduino") == ACCOUNT
    assert await store.where("arduino") is Storage.KEYRING
    assert not file.exists()
    await store.delete("arduino")
    assert await store.get("arduino") is None
    assert memory.entries == {}
    assert not file.exists()


async def test_the_keyring_is_not_touched_when_it_is_not_wanted(
    memory: MemoryKeyring, file: Path
) -> None:
    await AccountStore(file, use_keyring=True).set("arduino", ACCOUNT)
    portable = AccountStore(file, use_keyring=False)
    assert await portable.get("arduino") is None
    await portable.set("arduino", {"client_id": Secret("other")})
    await portable.delete("arduino")
    assert len(memory.entries) == 1


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring])
async def test_no_keyring_and_one_that_is_switched_off_fall_back_to_the_file(
    restored: None, file: Path, backend: type[KeyringBackend]
) -> None:
    keyring.set_keyring(backend())
    store = AccountStore(file, use_keyring=True)
    assert await store.get("arduino") is None
    assert await store.set("arduino", ACCOUNT) is Storage.FILE
    assert await store.get("arduino") == ACCOUNT
    await store.delete("arduino")
    assert await store.get("arduino") is None


async def test_a_locked_keyring_falls_back_and_the_newer_account_counts_later(
    memory: MemoryKeyring, file: Path
) -> None:
    store = AccountStore(file, use_keyring=True)
    await store.set("arduino", {"client_id": Secret("old")})
    memory.locked = True
    assert await store.get("arduino") is None
    assert await store.set("arduino", ACCOUNT) is Storage.FILE
    memory.locked = False
    assert await store.get("arduino") == ACCOUNT
    assert await store.set("arduino", ACCOUNT) is Storage.KEYRING
    assert not file.exists()


async def test_signing_out_counts_even_while_the_keyring_is_locked(
    memory: MemoryKeyring, file: Path
) -> None:
    store = AccountStore(file, use_keyring=True)
    await store.set("arduino", ACCOUNT)
    memory.locked = True
    await store.delete("arduino")
    assert MARKER not in file.read_text()
    memory.locked = False
    assert len(memory.entries) == 1
    assert await AccountStore(file, use_keyring=True).get("arduino") is None
    assert memory.entries == {}
    assert not file.exists()


async def test_a_keyring_that_waits_for_the_person_is_not_waited_for_long(
    memory: MemoryKeyring, file: Path
) -> None:
    memory.asks.clear()
    store = AccountStore(file, use_keyring=True, keyring_limit_s=0.05)
    assert await store.set("arduino", ACCOUNT) is Storage.FILE
    assert await store.get("arduino") == ACCOUNT
    memory.asks.set()


async def test_an_account_that_is_too_long_for_a_keyring_goes_into_the_file(
    memory: MemoryKeyring, file: Path
) -> None:
    store = AccountStore(file, use_keyring=True)
    long = {"certificate": Secret("x" * ENTRY_LIMIT)}
    assert await store.set("arduino", long) is Storage.FILE
    assert await store.get("arduino") == long
    assert memory.entries == {}


async def test_an_entry_that_is_not_ours_is_no_account(memory: MemoryKeyring, file: Path) -> None:
    memory.entries["mooring", "arduino"] = "not json"
    assert await AccountStore(file, use_keyring=True).get("arduino") is None


async def test_no_secret_reaches_the_log(
    memory: MemoryKeyring, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    store = AccountStore(file, use_keyring=True)
    await store.set("arduino", ACCOUNT)
    memory.locked = True
    await store.set("arduino", ACCOUNT)
    await store.get("arduino")
    await store.delete("arduino")
    assert "KeyringLocked" in caplog.text
    assert MARKER not in caplog.text
    assert MARKER not in repr((store, vars(store), await store.get("arduino")))
