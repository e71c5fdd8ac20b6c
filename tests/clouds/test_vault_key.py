"""Where the keys of the vault rest: in a keyring, in a file, and after either was lost."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null

from agent.clouds.accounts import Storage
from agent.clouds.vault_key import VaultKey, VaultKeys
from agent.errors import ErrorReport, VaultFailed, VaultUnreadable
from tests.clouds.vaults import add, add_proven, settings, states, vault_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class MemoryKeyring(KeyringBackend):
    """A backend as the library wants it, with moods."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False
        self.questions = 0
        self.answers = threading.Event()
        self.answers.set()

    def _answer(self) -> None:
        self.questions += 1
        self.answers.wait()
        if self.locked:
            raise keyring.errors.KeyringLocked

    def get_password(self, service: str, username: str) -> str | None:
        self._answer()
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._answer()
        assert (service, username) not in self.entries, "no key is written over"
        self.entries[service, username] = password


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


def keys_in(home: Path, *, use_keyring: bool = True, keyring_limit_s: float = 5.0) -> VaultKeys:
    return VaultKeys(
        home / "vault-keys",
        use_keyring=use_keyring,
        service="mooring-test",
        keyring_limit_s=keyring_limit_s,
    )


def shown(key: VaultKey) -> bool:
    return key.data.hex() in repr(key) or repr(key.data) in repr(key)


async def test_a_key_rests_in_the_keyring_and_in_no_file(
    memory: MemoryKeyring, tmp_path: Path
) -> None:
    key = await keys_in(tmp_path).current()
    assert key.storage is Storage.KEYRING
    assert memory.entries == {("mooring-test", f"vault-key-{key.id}"): key.data.hex()}
    assert await keys_in(tmp_path).current() == key
    found = await keys_in(tmp_path).find([key.id])
    assert found.data == {key.id: key.data}
    assert not found.in_files
    for file in (tmp_path / "vault-keys").iterdir():
        assert key.data.hex() not in file.read_text()
    assert not shown(key)
    assert key.data.hex() not in repr(found)


async def test_without_entries_the_keyring_is_not_asked(
    memory: MemoryKeyring, tmp_path: Path
) -> None:
    vault = vault_in(tmp_path, use_keyring=True)
    await vault.list()
    await vault.look()
    await keys_in(tmp_path).find([])
    assert memory.questions == 0


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring])
async def test_without_a_keyring_the_key_rests_in_a_file_and_that_is_told(
    restored: None, tmp_path: Path, backend: type[KeyringBackend]
) -> None:
    keyring.set_keyring(backend())
    vault = vault_in(tmp_path, use_keyring=True)
    entry = await add_proven(vault)
    assert (await vault.list()).key_in_file
    assert await vault_in(tmp_path, use_keyring=True).entry(entry) == settings()
    assert (await keys_in(tmp_path).current()).storage is Storage.FILE


async def test_a_locked_keyring_costs_no_entry(memory: MemoryKeyring, tmp_path: Path) -> None:
    told: list[ErrorReport | None] = []
    old = await add_proven(vault_in(tmp_path, use_keyring=True))
    memory.locked = True
    vault = vault_in(tmp_path, use_keyring=True, on_problem=told.append)
    (listed,) = (await vault.list()).entries
    assert "locked" in listed.problem
    with pytest.raises(VaultUnreadable, match="locked") as caught:
        await vault.entry(old)
    assert "Unlock" in caught.value.report().remedy
    new = await add_proven(vault)
    assert (await vault.list()).key_in_file
    assert await states(vault) == {old: "earlier", new: "proven"}
    memory.locked = False
    assert await states(vault) == {old: "earlier", new: "proven"}
    assert await vault.entry(old) == settings()
    assert told[-1] is None
    later = await keys_in(tmp_path).current()
    assert later.storage is Storage.KEYRING
    assert len(memory.entries) == 1


async def test_who_does_not_answer_is_asked_once_and_not_for_each_board(
    memory: MemoryKeyring, tmp_path: Path
) -> None:
    memory.answers.clear()
    keys = keys_in(tmp_path, keyring_limit_s=0.05)
    try:
        made = [await keys.current() for _ in range(5)]
    finally:
        memory.answers.set()
    assert {key.storage for key in made} == {Storage.FILE}
    assert len({key.id for key in made}) == 1
    assert memory.questions == 1


async def test_a_wiped_keyring_gets_another_key_and_one_that_comes_back_opens_its_entries(
    memory: MemoryKeyring, tmp_path: Path
) -> None:
    old = await add_proven(vault_in(tmp_path, use_keyring=True))
    kept, memory.entries = memory.entries, {}
    vault = vault_in(tmp_path, use_keyring=True)
    new = await add_proven(vault)
    with pytest.raises(VaultUnreadable, match="not on this computer"):
        await vault.entry(old)
    memory.entries |= kept
    assert len(memory.entries) == 2
    for entry in (old, new):
        assert await vault_in(tmp_path, use_keyring=True).entry(entry) == settings()


async def test_a_key_that_only_this_program_has_is_put_back_before_it_is_used(
    memory: MemoryKeyring, tmp_path: Path
) -> None:
    vault = vault_in(tmp_path, use_keyring=True)
    old = await add_proven(vault)
    memory.entries = {}
    new = await add(vault)
    for entry in (old, new):
        assert await vault_in(tmp_path, use_keyring=True).entry(entry) == settings()


async def test_an_entry_of_the_keyring_that_is_no_key_is_left_alone(
    memory: MemoryKeyring, tmp_path: Path
) -> None:
    key = await keys_in(tmp_path).current()
    (place,) = memory.entries
    memory.entries[place] = "something"
    other = await keys_in(tmp_path).current()
    assert other.id != key.id
    assert memory.entries[place] == "something"


async def test_programs_that_make_a_key_at_the_same_time_lose_none(
    memory: MemoryKeyring, tmp_path: Path
) -> None:
    stores = [keys_in(tmp_path) for _ in range(4)] + [
        keys_in(tmp_path, use_keyring=False) for _ in range(4)
    ]
    made = await asyncio.gather(*(each.current() for each in stores))
    found = await keys_in(tmp_path).find([key.id for key in made])
    assert found.data == {key.id: key.data for key in made}


@pytest.mark.parametrize("content", [b"", b"\xff", b"../../etc", b"0" * 15])
async def test_a_damaged_pointer_costs_no_key(
    memory: MemoryKeyring, tmp_path: Path, content: bytes
) -> None:
    key = await keys_in(tmp_path).current()
    (tmp_path / "vault-keys" / "current").write_bytes(content)
    await keys_in(tmp_path).current()
    assert (await keys_in(tmp_path).find([key.id])).data == {key.id: key.data}


async def test_names_of_keys_that_are_none_are_not_looked_for(
    memory: MemoryKeyring, tmp_path: Path
) -> None:
    found = await keys_in(tmp_path).find(["", "../x", "0" * 17, "G" * 16])
    assert found.data == {}
    assert memory.questions == 0
    await keys_in(tmp_path).find([f"{n:016x}" for n in range(100)])
    assert memory.questions == 16


async def test_a_folder_for_keys_that_cannot_be_made_is_named(
    memory: MemoryKeyring, tmp_path: Path
) -> None:
    (tmp_path / "vault-keys").write_text("a file")
    with pytest.raises(VaultFailed) as caught:
        await keys_in(tmp_path).current()
    assert str(tmp_path / "vault-keys") in caught.value.report().remedy
    assert memory.entries == {}, "no key that nobody would find"


async def test_a_key_in_a_file_is_news_once_for_all_programs(
    restored: None, tmp_path: Path
) -> None:
    keyring.set_keyring(fail.Keyring())
    first = keys_in(tmp_path)
    assert not await first.is_file_news()
    await first.current()
    assert await first.is_file_news()
    assert not await first.is_file_news()
    assert not await keys_in(tmp_path).is_file_news()


async def test_a_key_in_the_keyring_is_no_news(memory: MemoryKeyring, tmp_path: Path) -> None:
    keys = keys_in(tmp_path)
    await keys.current()
    assert not await keys.is_file_news()
