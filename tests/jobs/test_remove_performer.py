"""What the vault forgets of a device that is removed: only what no server takes any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.errors import Unreachable
from agent.jobs.remove_effects import EntriesOf, ForgetDead, Forgotten
from agent.jobs.remove_performer import ALIVE, UNTRIED, perform_removal
from tests.clouds.vaults import add, add_proven, settings, states, token, vault_in

if TYPE_CHECKING:
    from pathlib import Path

    from agent.settings.credentials import CloudSettings

NAME = "bench-7"


class Server:
    """Says of each token whether it takes it."""

    id = "thingsboard"

    def __init__(self, **tokens: bool | Exception | None) -> None:
        self.tokens = tokens

    async def prove(self, given: CloudSettings) -> bool | None:
        credentials: Any = given.credentials
        said = self.tokens[credentials.token.reveal()]
        if isinstance(said, Exception):
            raise said
        return said


async def forget(home: Path, server: Server, *, unless_alive: bool = False) -> Forgotten:
    cloud: Any = server
    request = ForgetDead(NAME, unless_alive)
    forgotten: Forgotten = await perform_removal(
        request, board="b1", cloud=cloud, vault=vault_in(home)
    )
    return forgotten


async def test_what_is_taken_or_cannot_be_tried_stays_and_says_why(tmp_path: Path):
    vault = vault_in(tmp_path)
    kept = {
        said: await add(vault, given=settings(credentials=token(said)))
        for said in ("dead", "alive", "untried", "away")
    }
    other = await add_proven(vault, "b2", settings("other", token("dead")))
    empty = await vault.add(board="b1", board_name="b", cloud="thingsboard", device=NAME, job="1")
    away = Unreachable(cloud="ThingsBoard", detail="No answer.")
    server = Server(dead=False, alive=True, untried=None, away=away)
    forgotten = await forget(tmp_path, server)
    assert set(forgotten.gone) == {kept["dead"], empty}
    assert dict(forgotten.kept) == {
        kept["alive"]: ALIVE,
        kept["untried"]: UNTRIED,
        kept["away"]: away.report().title,
    }
    left = {kept["alive"], kept["untried"], kept["away"], other}
    assert set(await states(vault)) == left


@pytest.mark.parametrize("alive", [True, False])
async def test_nothing_is_forgotten_of_a_device_that_was_not_deleted(tmp_path: Path, alive: bool):
    vault = vault_in(tmp_path)
    for said in ("old", "new"):
        await add_proven(vault, given=settings(credentials=token(said)))
    forgotten = await forget(tmp_path, Server(old=False, new=alive), unless_alive=True)
    assert forgotten.alive is alive
    assert len(forgotten.gone) == (0 if alive else 2)
    assert len(await states(vault)) == (2 if alive else 0)


async def test_entries_are_found_by_device_or_by_board(tmp_path: Path):
    vault, cloud = vault_in(tmp_path), Server()
    mine = await add(vault, "b1")
    theirs = await add(vault, "b2")
    ask: Any = cloud
    by_name = await perform_removal(EntriesOf(NAME), board="b1", cloud=ask, vault=vault)
    by_board = await perform_removal(EntriesOf(), board="b1", cloud=ask, vault=vault)
    assert {each.id for each in by_name} == {mine, theirs}
    assert {each.id for each in by_board} == {mine}
