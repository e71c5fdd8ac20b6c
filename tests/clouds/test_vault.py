"""The vault: states, damage, lost keys, two programs at a time, disks that refuse."""

from __future__ import annotations

import asyncio
import contextlib
import stat
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from agent.clouds.vault import EARLIER_MAX
from agent.errors import (
    ErrorReport,
    VaultFailed,
    VaultFull,
    VaultUnknown,
    VaultUnreadable,
)
from tests.clouds.vaults import (
    MARKER,
    add,
    add_proven,
    basic,
    certificate,
    entry_files,
    require_absent,
    settings,
    spellings,
    states,
    token,
    vault_in,
)

if TYPE_CHECKING:
    from pathlib import Path

    from agent.settings.credentials import Credentials


def whole(home: Path) -> bytes:
    return b"\0".join(path.read_bytes() for path in home.rglob("*") if path.is_file())


async def test_an_empty_vault_makes_no_files_and_asks_for_no_key(tmp_path: Path) -> None:
    listed = await vault_in(tmp_path).list()
    assert listed.entries == []
    assert not listed.key_in_file
    await vault_in(tmp_path).look()
    assert list(tmp_path.iterdir()) == []


async def test_what_the_board_said_of_itself_is_kept_through_all_states(tmp_path: Path) -> None:
    entry = await add(vault_in(tmp_path), hardware_id="24a160ff")
    other = await add(vault_in(tmp_path))
    await vault_in(tmp_path).replace(entry, settings("given"))
    await vault_in(tmp_path).prove(entry)
    assert (await vault_in(tmp_path).find(entry)).hardware_id == "24a160ff"
    assert (await vault_in(tmp_path).find(other)).hardware_id == ""


@pytest.mark.parametrize("kind", [token(), basic(), certificate()], ids=lambda k: type(k).__name__)
async def test_credentials_come_back_as_they_were_and_their_text_is_in_no_file(
    tmp_path: Path, kind: Credentials
) -> None:
    given = settings(credentials=kind)
    entry = await add_proven(vault_in(tmp_path), given=given)
    assert await vault_in(tmp_path).entry(entry) == given
    require_absent(MARKER, whole(tmp_path), "the files")
    (listed,) = (await vault_in(tmp_path).list()).entries
    assert (listed.device, listed.server) == ("bench-7", "mqtts://tb.test:8883")
    assert MARKER not in repr(listed)


def test_the_search_for_secrets_finds_each_spelling() -> None:
    for spelling in spellings(MARKER):
        with pytest.raises(AssertionError):
            require_absent(MARKER, b"\0" + spelling + b"\0", "here")


@pytest.mark.system("linux", "darwin")
async def test_only_this_user_can_read_the_files(tmp_path: Path) -> None:
    await add(vault_in(tmp_path))
    for path in tmp_path.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    (key,) = (tmp_path / "vault-keys").glob("*.key")
    key.chmod(0o644)
    assert (await vault_in(tmp_path).list()).key_in_file
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


async def test_a_new_proven_entry_makes_the_former_one_an_earlier_one(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    first = await add_proven(vault)
    second = await add(vault, given=settings("bench-8"))
    assert await states(vault) == {first: "proven", second: "pending"}
    await vault.prove(second)
    assert await states(vault) == {first: "earlier", second: "proven"}
    before = {path: path.read_bytes() for path in entry_files(tmp_path)}
    await vault.prove(second)
    assert {path: path.read_bytes() for path in entry_files(tmp_path)} == before


async def test_an_earlier_entry_can_be_proven_again(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    first = await add_proven(vault)
    second = await add_proven(vault)
    await vault.prove(first)
    assert await states(vault) == {first: "proven", second: "earlier"}


async def test_boards_and_clouds_do_not_touch_each_other(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    one = await add_proven(vault, "b1")
    other = await add_proven(vault, "b2")
    cloud = await vault.add(
        board="b1", board_name="", cloud="blynk", device="d", job="1", settings=settings()
    )
    await vault.prove(cloud)
    assert set((await states(vault)).values()) == {"proven"}
    assert [each.id for each in await vault.of_board("b1", "thingsboard")] == [one]
    assert [each.id for each in await vault.of_board("b2", "thingsboard")] == [other]


async def test_devices_without_a_board_do_not_touch_each_other(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    names = [f"gate-{number}" for number in range(EARLIER_MAX + 3)]
    made = {name: await add_proven(vault, "", settings(name)) for name in names}
    assert set((await states(vault)).values()) == {"proven"}
    for name, entry in made.items():
        assert [e.id for e in await vault.of_board("", "thingsboard", device=name)] == [entry]
    assert len({path.name.partition("-")[0] for path in entry_files(tmp_path)}) == len(names)
    newer = await add_proven(vault, "", settings("gate-0"))
    listed = await vault.of_board("", "thingsboard", device="gate-0")
    assert {each.id: each.state for each in listed} == {made["gate-0"]: "earlier", newer: "proven"}


async def test_a_device_without_a_board_keeps_its_name(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    entry = await add(vault, "", settings("gate-0"))
    with pytest.raises(ValueError, match="name of its device"):
        await vault.replace(entry, settings("gate-1"))
    await vault.replace(entry, settings("gate-0", basic()))
    assert (await vault.find(entry)).credentials == "mqtt_basic"


async def test_only_the_last_few_earlier_entries_stay_and_pending_ones_all(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    waiting = await add(vault)
    made = [await add_proven(vault) for _ in range(EARLIER_MAX + 3)]
    found = await states(vault)
    assert found[waiting] == "pending"
    assert found[made[-1]] == "proven"
    assert {each for each, state in found.items() if state == "earlier"} == set(
        made[-EARLIER_MAX - 1 : -1]
    )


async def test_what_the_cloud_really_gave_replaces_what_was_sent(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    entry = await vault.add(board="b1", board_name="", cloud="thingsboard", device="wish", job="1")
    with pytest.raises(VaultUnreadable, match="not answered"):
        await vault.entry(entry)
    with pytest.raises(ValueError, match="empty"):
        await vault.prove(entry)
    assert (await vault.list()).entries[0].credentials == ""
    await vault.replace(entry, settings("given", basic()))
    assert await vault.entry(entry) == settings("given", basic())
    listed = await vault.find(entry[:6])
    assert (listed.device, listed.credentials, listed.problem) == ("given", "mqtt_basic", "")
    await vault.prove(entry)
    with pytest.raises(ValueError, match="proven"):
        await vault.replace(entry, settings())
    assert await vault.entry(entry) == settings("given", basic())


async def test_a_clock_that_goes_back_does_not_bring_an_old_entry_back(tmp_path: Path) -> None:
    late, early = (lambda: 2e9), (lambda: 1e9)
    first = await add_proven(vault_in(tmp_path, now=late))
    second = await add_proven(vault_in(tmp_path, now=early))
    assert await states(vault_in(tmp_path)) == {first: "earlier", second: "proven"}


async def test_forgetting_erases_one_entry_and_no_other(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    first, second = await add_proven(vault), await add_proven(vault)
    assert (await vault.forget(first)).state == "earlier"
    assert await states(vault) == {second: "proven"}
    with pytest.raises(VaultUnknown):
        await vault.forget(first)


async def test_an_entry_is_named_by_any_beginning_that_no_other_has(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    entries = [await add(vault) for _ in range(17)]
    assert (await vault.find(entries[3])).id == entries[3]
    for wanted in ("", "zz", "../lock"):
        with pytest.raises(VaultUnknown, match="no entry"):
            await vault.find(wanted)
    # Of 17 ids two begin with the same digit.
    twice = next(a for a in "0123456789abcdef" if sum(e.startswith(a) for e in entries) > 1)
    with pytest.raises(VaultUnknown, match="several"):
        await vault.find(twice)


# Damage --------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"{}", b"\0" * 70_000])
async def test_a_damaged_file_stays_as_it_is_and_the_others_work(
    tmp_path: Path, content: bytes
) -> None:
    told: list[ErrorReport | None] = []
    vault = vault_in(tmp_path, on_problem=told.append)
    broken = await add_proven(vault, "b1")
    other = await add_proven(vault, "b2")
    (file,) = (path for path in entry_files(tmp_path) if broken in path.name)
    file.write_bytes(content)
    await vault.look()
    found = {each.id: each for each in (await vault.list()).entries}
    assert "damaged" in found[broken].problem
    assert found[other].problem == ""
    assert told[0] == told[1]
    assert told[0] is not None
    assert told[0].code == "vault-damaged"
    assert told[0].facts["count"] == 1
    with pytest.raises(VaultUnreadable, match="damaged"):
        await vault.entry(broken)
    with pytest.raises(VaultUnreadable):
        await vault.prove(broken)
    newer = await add_proven(vault, "b1")
    for _ in range(EARLIER_MAX + 2):
        newer = await add_proven(vault, "b1")
    assert file.read_bytes() == content
    assert await vault.entry(newer) == settings()
    await vault.forget(broken)
    await vault.list()
    assert told[-1] is None


async def test_parts_that_were_swapped_between_entries_are_refused(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    one = await add_proven(vault, "b1", settings("one"))
    two = await add_proven(vault, "b2", settings("two"))
    first, second = (next(p for p in entry_files(tmp_path) if e in p.name) for e in (one, two))
    a, b = first.read_bytes(), second.read_bytes()
    first.write_bytes(b)
    second.write_bytes(a)
    assert {each.problem for each in (await vault.list()).entries} == {"its file is damaged"}
    first.write_bytes(a)
    second.write_bytes(b)
    assert await vault.entry(one) == settings("one")


async def test_a_copy_that_somebody_made_of_a_file_is_not_the_entry(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    entry = await add_proven(vault)
    (file,) = entry_files(tmp_path)
    (file.parent / f"{'0' * 16}-{entry}.json").write_bytes(file.read_bytes())
    (file.parent / "notes.txt").write_text("mine")
    (file.parent / "copy of a.json").write_bytes(file.read_bytes())
    assert await vault.entry(entry) == settings()
    assert len((await vault.list()).entries) == 2
    await add_proven(vault)
    assert (file.parent / "notes.txt").exists()


async def test_what_a_killed_program_left_half_written_is_removed(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    await add(vault)
    (file,) = entry_files(tmp_path)
    draft = file.with_name(f".{file.name}.0123456789ab")
    draft.write_bytes(file.read_bytes()[:40])
    await vault.list()
    await add(vault)
    assert not draft.exists()
    assert len(entry_files(tmp_path)) == 2


# Keys ----------------------------------------------------------------------------------------


async def test_without_their_key_entries_are_listed_and_new_ones_work(tmp_path: Path) -> None:
    told: list[ErrorReport | None] = []
    old = await add_proven(vault_in(tmp_path))
    (key,) = (tmp_path / "vault-keys").glob("*.key")
    kept = key.read_bytes()
    key.unlink()
    vault = vault_in(tmp_path, on_problem=told.append)
    (listed,) = (await vault.list()).entries
    assert (listed.board, listed.device, listed.state) == ("b1", "bench-7", "proven")
    assert "not on this computer" in listed.problem
    assert told[-1] is not None
    with pytest.raises(VaultUnreadable, match="not on this computer"):
        await vault.entry(old)
    with pytest.raises(VaultUnreadable):
        await vault.prove(old)
    new = await add_proven(vault)
    assert await vault.entry(new) == settings()
    assert await states(vault) == {old: "earlier", new: "proven"}
    # The key comes back, as from a backup.
    key.write_bytes(kept)
    assert await states(vault_in(tmp_path)) == {old: "earlier", new: "proven"}
    assert await vault_in(tmp_path).entry(old) == settings()
    assert await vault_in(tmp_path).entry(new) == settings()


@pytest.mark.parametrize("content", [b"", b"no key", b"00" * 32, b"\xff\xfe"])
async def test_a_damaged_key_file_stays_and_another_key_is_made(
    tmp_path: Path, content: bytes
) -> None:
    old = await add_proven(vault_in(tmp_path))
    (key,) = (tmp_path / "vault-keys").glob("*.key")
    key.write_bytes(content)
    vault = vault_in(tmp_path)
    new = await add_proven(vault, "b2")
    assert await vault_in(tmp_path).entry(new) == settings()
    with pytest.raises(VaultUnreadable):
        await vault_in(tmp_path).entry(old)
    assert key.read_bytes() == content


# Several programs, and disks -----------------------------------------------------------------


async def test_two_programs_write_at_the_same_time_and_nothing_is_lost(tmp_path: Path) -> None:
    one, two = vault_in(tmp_path), vault_in(tmp_path)
    made = await asyncio.gather(*(add(vault, f"b{n}") for n in range(12) for vault in (one, two)))
    await asyncio.gather(
        *(vault.prove(entry) for entry, vault in zip(made, [one, two] * 12, strict=True))
    )
    found = await states(vault_in(tmp_path))
    assert set(found) == set(made)
    assert sorted(state or "" for state in found.values()) == ["earlier"] * 12 + ["proven"] * 12
    for entry in made:
        assert await vault_in(tmp_path).entry(entry) == settings()


async def test_a_program_that_holds_the_vault_for_too_long_is_told_of(tmp_path: Path) -> None:
    entry = await add(vault_in(tmp_path))
    vault = vault_in(tmp_path, wait_s=0.05)
    with FileLock(tmp_path / "vault" / "lock"):
        with pytest.raises(VaultFailed, match="another program"):
            await add(vault)
        assert await vault.entry(entry) == settings()
    await add(vault)


async def test_a_full_vault_says_so_and_keeps_what_it_has(tmp_path: Path) -> None:
    vault = vault_in(tmp_path, limit=2)
    entry = await add(vault)
    await add(vault)
    with pytest.raises(VaultFull, match="2 entries"):
        await add(vault)
    await vault.prove(entry)
    await vault.forget(entry)
    await add(vault)


async def test_a_folder_that_cannot_be_used_is_named_before_anything_is_written(
    tmp_path: Path,
) -> None:
    (tmp_path / "vault").write_text("a file")
    vault = vault_in(tmp_path)
    with pytest.raises(VaultFailed) as caught:
        await add(vault)
    assert str(tmp_path / "vault") in caught.value.report().remedy
    assert MARKER not in repr(caught.value.report())
    with pytest.raises(VaultFailed):
        await vault.list()
    assert not (tmp_path / "vault-keys").exists()


async def test_a_cancelled_call_leaves_an_entry_whole_or_none(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    await add(vault)
    for turns in range(8):
        task = asyncio.ensure_future(add(vault, "b2"))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    last = await add_proven(vault, "b2")
    listed = (await vault.list()).entries
    assert all(each.problem == "" for each in listed)
    assert await vault.entry(last) == settings()
