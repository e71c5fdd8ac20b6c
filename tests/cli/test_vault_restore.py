"""``mooring vault restore``: a board, a simulated server and commands in processes of their own."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from agent.protocols.nvs.store import read_store
from tests.cli.board_home import NAME, BoardHome
from tests.cli.person import Person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[BoardHome]:
    async with BoardHome(tmp_path / "home") as made:
        yield made


async def test_a_board_is_its_device_again_and_files_are_made(home: BoardHome) -> None:
    entry = await home.set_up()
    token = home.token
    home.board.values.clear()
    ended = await home.run("vault", "restore", entry[:6])
    assert ended.status == 0, ended.err
    assert f"{NAME} is connected" in ended.out
    assert home.token == token
    assert token not in ended.out + ended.err

    home.board.unplug()
    header, image = home.folder / "settings.h", home.folder / "unit.bin"
    ended = await home.run("vault", "restore", entry, "--header", str(header))
    assert ended.status == 0, ended.err
    assert f'MOORING_TB_TOKEN "{token}"' in header.read_text()
    if os.name == "posix":
        assert stat.S_IMODE(header.stat().st_mode) == 0o600
    with home.folder.joinpath("config.toml").open("a") as config:
        config.write("[nvs]\nnamespace = 'app'\nkeys = { tb_token = 'token' }\n")
    document = (await home.run("vault", "restore", entry, "--nvs", str(image), "--json")).document
    assert document == {"entry": entry, "device": NAME, "nvs": str(image)}
    assert read_store(image.read_bytes()).get("app", "token") == token.encode()
    gone = await home.run("vault", "restore", entry, "--json")
    assert (gone.status, gone.document["error"]["code"]) == (3, "board-unknown")


async def test_credentials_that_the_server_no_longer_takes_are_refused(home: BoardHome) -> None:
    entry = await home.set_up()
    before = dict(home.board.values)
    home.server.state.delete(home.server.state.devices[NAME])
    header = home.folder / "settings.h"
    for words in ((), ("--header", str(header))):
        ended = await home.run("vault", "restore", entry, *words)
        assert ended.status == 1
        assert "[vault-stale]" in ended.err
    assert home.board.values == before
    assert not header.exists()
    ended = await home.run("vault", "restore", entry, "--header", "-", "--yes")
    assert ended.status == 0
    assert before["tb_token"].decode() in ended.out
    assert "[vault-stale]" in ended.err


async def test_a_person_is_asked_about_another_board(home: BoardHome) -> None:
    entry = await home.set_up()
    home.board.unplug()
    home.board.facts["id"] = "3cc66105ffff"
    home.board.values.clear()
    await home.board.plug()
    person = Person(home)
    try:
        await person.start("vault", "restore", entry, "3CC66105FFFF")
        await person.sees("of another board")
        await person.sees("Your choice")
        person.types("1\n")
        await person.sees(f"{NAME} is connected")
        assert await person.status() == 0
    finally:
        await person.close()
    assert len((await home.vault.list()).entries) == 2
