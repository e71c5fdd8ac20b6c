"""``mooring remove``: a board, a simulated server and commands in processes of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.board_home import NAME, BoardHome
from tests.cli.person import Person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[BoardHome]:
    async with BoardHome(tmp_path / "home") as made:
        yield made


async def test_a_person_is_told_what_is_lost_and_says_yes(home: BoardHome) -> None:
    await home.set_up()
    person = Person(home)
    try:
        await person.start("remove", NAME, "--cloud", "thingsboard")
        await person.sees(f"Remove {NAME} from ThingsBoard for good?")
        await person.sees("lost")
        await person.sees("(yes or no)")
        assert NAME in home.server.state.devices
        assert home.board.values
        person.types("yes\n")
        await person.sees(f"{NAME} is removed")
        await person.sees("erased from its board, forgotten by the vault (1)")
        assert await person.status() == 0
    finally:
        await person.close()
    assert home.board.values == {}
    assert home.server.state.devices == {}
    assert (await home.vault.list()).entries == []


async def test_a_command_that_is_killed_is_told_and_the_next_one_finishes(home: BoardHome) -> None:
    await home.set_up()
    words = ("remove", NAME, "--cloud", "thingsboard")
    refused = await home.run(*words)
    assert refused.status == 2
    assert "--yes" in refused.err
    home.board.mute_after = "begin"
    process = await home.start(*words, "--yes")
    await home.board.muted.wait()
    process.kill()
    await process.wait()
    assert NAME in home.server.state.devices
    assert len((await home.vault.list()).entries) == 1
    listed = await home.run("jobs")
    waits = f"mooring remove {NAME} --cloud thingsboard"
    assert f"{NAME} is not removed altogether" in listed.err + listed.out
    assert waits in " ".join((listed.err + listed.out).split())
    # Its board is not there any more.
    ended = await home.run(*words, "--yes")
    assert ended.status == 0, ended.err
    assert "deleted in the cloud, forgotten by the vault (1)" in ended.out
    listed = await home.run("jobs")
    assert "mooring remove" not in listed.err + listed.out
    assert home.board.values
    assert home.server.state.devices == {}
    assert (await home.vault.list()).entries == []
    _, killed = (await home.run("jobs", "--json")).document["jobs"]
    assert killed["state"] == "interrupted"
    assert f"{NAME} is still in ThingsBoard" in killed["error"]["title"]
