"""A vault that moves to another computer in a file with a passphrase."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from agent.clouds.vault_transfer import open_entries, require_passphrase, seal_entries
from agent.errors import InputError, VaultFull, VaultSealed
from agent.settings import Secret
from tests.clouds.vaults import (
    MARKER,
    add,
    add_proven,
    basic,
    entry_files,
    require_absent,
    settings,
    states,
    vault_in,
)

if TYPE_CHECKING:
    from pathlib import Path

PASSPHRASE = Secret("correct horse battery")


async def moved(home: Path) -> bytes:
    return seal_entries(await vault_in(home).take_out(), PASSPHRASE)


async def test_everything_that_can_be_read_moves_with_its_state(tmp_path: Path) -> None:
    here, there = tmp_path / "a", tmp_path / "b"
    vault = vault_in(here)
    first = await add_proven(vault, given=settings("one"))
    second = await add_proven(vault, given=settings("two", basic()))
    await add(vault, given=settings("three"))
    await vault.add(board="b", board_name="", cloud="c", device="empty", job="1")
    broken = await add_proven(vault, "b2")
    (file,) = (path for path in entry_files(here) if broken in path.name)
    file.write_bytes(b"damaged")
    data = await moved(here)
    require_absent(MARKER, data, "the file")
    require_absent(PASSPHRASE.reveal(), data, "the file")
    entries = open_entries(data, PASSPHRASE, "f")
    new = vault_in(there)
    taken = await new.take_in(entries)
    assert len(taken) == 3
    listed = {each.device: each for each in (await new.list()).entries}
    assert {name: each.state for name, each in listed.items()} == {
        "one": "earlier",
        "two": "proven",
        "three": "pending",
    }
    assert await new.entry(listed["one"].id) == await vault.entry(first)
    assert await new.entry(listed["two"].id) == await vault.entry(second)
    assert await new.take_in(entries) == []
    assert await vault.take_in(entries) == []


async def test_what_is_proven_on_this_computer_stays_the_proven_one(tmp_path: Path) -> None:
    here, there = vault_in(tmp_path / "a"), vault_in(tmp_path / "b")
    for _ in range(3):
        await add_proven(here, given=settings("old"))
    ours = await add_proven(there, given=settings("ours"))
    taken = await there.take_in(await here.take_out())
    assert len(taken) == 1, "the three hold the same"
    assert await states(there) == {ours: "proven", taken[0]: "earlier"}
    await there.prove(taken[0])
    assert await states(there) == {ours: "earlier", taken[0]: "proven"}


async def test_a_full_vault_takes_in_what_fits_and_says_so(tmp_path: Path) -> None:
    here = vault_in(tmp_path / "a")
    for number in range(3):
        await add(here, given=settings(f"d{number}"))
    there = vault_in(tmp_path / "b", limit=2)
    with pytest.raises(VaultFull):
        await there.take_in(await here.take_out())
    assert len((await there.list()).entries) == 2


async def test_another_passphrase_and_any_damage_open_nothing(tmp_path: Path) -> None:
    await add_proven(vault_in(tmp_path))
    data = await moved(tmp_path)
    with pytest.raises(VaultSealed):
        open_entries(data, Secret("correct horse batterx"), "f")
    file = msgspec.json.decode(data)
    for part, value in {"scrypt_n": 1 << 10, "salt": "AAAA", "nonce": "A" * 16}.items():
        changed = {**file, "head": {**file["head"], part: value}}
        with pytest.raises(VaultSealed):
            open_entries(msgspec.json.encode(changed), PASSPHRASE, "f")
    changed = {**file, "sealed": "AAAA" + file["sealed"][4:]}
    with pytest.raises(VaultSealed):
        open_entries(msgspec.json.encode(changed), PASSPHRASE, "f")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"\xff",
        b"[" * 5000,
        b'{"head":{"mooring_vault":2,"salt":"","nonce":"AAAAAAAAAAAAAAAA"},"sealed":""}',
        b'{"head":{"mooring_vault":1,"scrypt_n":1073741824,"salt":"","nonce":"AAAAAAAAAAAAAAAA"},'
        b'"sealed":""}',
    ],
)
def test_a_file_of_another_kind_is_refused_before_the_passphrase_is_tried(content: bytes) -> None:
    with pytest.raises(InputError) as caught:
        open_entries(content, PASSPHRASE, "my file")
    assert caught.value.facts["field"] == "my file"


def test_a_count_that_scrypt_does_not_know_opens_nothing() -> None:
    file = b'{"head":{"mooring_vault":1,"scrypt_n":3,"salt":"","nonce":"AAAAAAAAAAAAAAAA"},"sealed":""}'
    with pytest.raises(VaultSealed):
        open_entries(file, PASSPHRASE, "f")


def test_a_short_passphrase_is_refused_without_being_told() -> None:
    for text in ("", "MARKERshort"):
        with pytest.raises(InputError) as caught:
            require_passphrase(Secret(text))
        assert "MARKER" not in repr(caught.value.report())
    require_passphrase(PASSPHRASE)
