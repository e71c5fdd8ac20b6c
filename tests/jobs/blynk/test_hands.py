"""Which entries of the vault are a board's: the same on every way to it, and no other board's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.clouds.accounts import AccountStore
from agent.clouds.blynk.cloud import Blynk
from agent.clouds.vault import Vault
from agent.clouds.vault_file import VaultFolder
from agent.clouds.vault_key import VaultKeys
from agent.jobs.blynk import effects as bx
from agent.jobs.blynk.deliver import Pace
from agent.jobs.blynk.hands import BlynkHands
from agent.jobs.blynk.point import Place
from agent.jobs.kit import Hold
from agent.settings import Secret
from tests.jobs.blynk.samples import OTHER, TOKEN

if TYPE_CHECKING:
    from pathlib import Path

KITCHEN = ("Blynk Thermo-FK8D",)
ATTIC = ("Blynk Thermo-4Y1H",)


class Here:
    """A board that is listed."""

    def __init__(self, number: str) -> None:
        self.id = number


class Around:
    """A vault, and the boards that are here."""

    def __init__(self, folder: Path) -> None:
        self.vault = Vault(
            VaultFolder(folder / "vault"), VaultKeys(folder / "keys", use_keyring=False)
        )
        self.cloud = Blynk(accounts=AccountStore(folder / "accounts.json", use_keyring=False))
        self.here: list[Here] = []
        self.boards = self

    def list(self) -> list[Here]:
        return self.here

    def hands(self, board: str) -> BlynkHands:
        hold = Hold(
            surroundings=self,  # type: ignore[arg-type]  # all that is used of it here
            board=board,
            lease=None,
            job="1",
            deliver=None,
            advanced=lambda *_: None,
        )
        return BlynkHands(hold, self.cloud, Pace(), Place("127.0.0.1", 1))

    async def keep(self, board: str, said: tuple[str, ...], token: Secret = TOKEN) -> str:
        put = await self.hands(board).perform(bx.Keep("Kitchen", token, said[0] if said else ""))
        assert isinstance(put, bx.Put)
        return put.entry

    async def found(self, board: str, said: tuple[str, ...]) -> str | None:
        kept = await self.hands(board).perform(bx.FindKept(said=said))
        return kept.entry if isinstance(kept, bx.Kept) else None


@pytest.fixture
def around(tmp_path: Path) -> Around:
    return Around(tmp_path)


async def test_a_board_is_the_same_on_a_cable_and_in_its_own_network(around: Around) -> None:
    entry = await around.keep("ap:Blynk Thermo-FK8D", KITCHEN)
    assert await around.found("usb-10c4-ea60-1-1", KITCHEN) == entry
    newer = await around.keep("usb-10c4-ea60-1-1", KITCHEN)
    assert await around.found("ap:Blynk Thermo-FK8D", KITCHEN) == newer
    assert await around.found("ap:Blynk Thermo-4Y1H", ATTIC) is None


async def test_another_board_with_the_same_number_or_name_gets_no_token_of_it(
    around: Around,
) -> None:
    await around.keep("usb-10c4-ea60-1-1", KITCHEN)
    assert await around.found("usb-10c4-ea60-1-1", ATTIC) is None
    around.here = [Here("usb-10c4-ea60-1-1"), Here("usb-10c4-ea60-1-2")]
    assert await around.found("usb-10c4-ea60-1-2", KITCHEN) is None
    assert await around.found("usb-10c4-ea60-1-1", ()) is not None


async def test_a_device_that_is_removed_leaves_the_token_of_another_of_its_name(
    around: Around,
) -> None:
    first = await around.keep("usb-10c4-ea60-1-1", KITCHEN)
    second = await around.keep("usb-10c4-ea60-1-2", ATTIC, OTHER)
    third = await around.keep("ap:Blynk Thermo-FK8D", KITCHEN)
    forget = bx.ForgetTokens(("Kitchen",), TOKEN, KITCHEN)
    assert set(await around.hands("usb-10c4-ea60-1-1").perform(forget)) == {first, third}
    assert [each.id for each in (await around.vault.list()).entries] == [second]


@pytest.mark.parametrize("token", [OTHER, Secret()])
async def test_without_its_board_the_token_says_which_is_meant(
    around: Around, token: Secret
) -> None:
    await around.keep("usb-10c4-ea60-1-1", KITCHEN)
    second = await around.keep("usb-10c4-ea60-1-2", ATTIC, OTHER)
    gone = await around.hands("").perform(bx.ForgetTokens(("Kitchen",), token))
    assert gone == ([second] if token else [])
    await around.vault.forget(second) if not token else None
    assert len(await around.hands("").perform(bx.ForgetTokens(("Kitchen",), Secret()))) == 1


async def test_a_token_that_waits_for_its_board_is_found_by_name_and_becomes_the_boards(
    around: Around,
) -> None:
    waiting = await around.vault.add(
        board="",
        board_name="",
        cloud="blynk",
        device="Garden pump",
        job="",
        settings=await around.cloud.settings("Garden pump", OTHER),
    )
    hands = around.hands("usb-10c4-ea60-1-1")
    assert await hands.perform(bx.FindKept("", KITCHEN)) is None
    assert await hands.perform(bx.FindKept("Shed", KITCHEN)) is None
    kept = await hands.perform(bx.FindKept("Garden pump", KITCHEN))
    assert isinstance(kept, bx.Kept)
    assert (kept.entry, kept.token, kept.proven) == (waiting, OTHER, False)
    put = await hands.perform(bx.Keep("Garden pump", OTHER, KITCHEN[0], waiting))
    assert isinstance(put, bx.Put)
    (entry,) = (await around.vault.list()).entries
    assert (entry.id, entry.board, entry.hardware_id) == (
        put.entry,
        "usb-10c4-ea60-1-1",
        KITCHEN[0],
    )
    assert await hands.perform(bx.Keep("Garden pump", OTHER, KITCHEN[0], put.entry)) == put
