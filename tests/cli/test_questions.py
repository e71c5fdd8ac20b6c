"""Questions of a job at a real terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.person import Person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.cli.conftest import Mooring

pytestmark = pytest.mark.system("linux", "darwin")


@pytest.fixture
async def person(alone: Mooring) -> AsyncIterator[Person[Mooring]]:
    await alone.have_account()
    person = Person(alone)
    yield person
    await person.close()


PROVISION = ("--cloud", "arduino", "--name", "kitchen-sensor", "--ssid", "HomeNet")


async def begin_with_a_wrong_password(person: Person[Mooring]) -> None:
    await person.start("provision", person.mooring.board, *PROVISION)
    await person.sees("Password of “HomeNet”")
    assert not person.sees_what_is_typed
    person.types("wrong password\n")
    await person.sees("The board could not join HomeNet.")


async def test_a_wrong_password_is_asked_again_and_the_claim_stays(person: Person[Mooring]):
    await begin_with_a_wrong_password(person)
    await person.sees("Password (empty for other choices): ")
    assert not person.sees_what_is_typed
    assert len(person.mooring.claims) == 1
    person.types("correct horse\n")
    await person.sees("Online as kitchen-sensor")
    assert await person.status() == 0
    assert person.sees_what_is_typed
    assert len(person.mooring.demo.cloud.state.onboardings) == 1


async def test_another_network_can_be_chosen_from_what_the_board_sees(person: Person[Mooring]):
    await begin_with_a_wrong_password(person)
    await person.sees("Password (empty for other choices): ")
    person.types("\n")
    await person.sees("2  Choose another network")
    await person.sees("Your choice (1-3): ")
    person.types("9\n")
    await person.sees("Your choice (1-3): ")
    person.types("2\n")
    await person.sees("1  HomeNet  -45 dBm")
    await person.sees("2  Café Größe 🧀")
    await person.sees("Network (1-")
    person.types("2\n")
    await person.sees("Password (empty for an open network): ")
    person.types("zwei Stück\n")
    await person.sees("Join Café Größe 🧀")
    await person.sees("Online as kitchen-sensor")
    assert await person.status() == 0


async def test_giving_up_undoes_the_claim(person: Person[Mooring]):
    await begin_with_a_wrong_password(person)
    await person.sees("Password (empty for other choices): ")
    person.types("\n")
    await person.sees("Your choice (1-3): ")
    person.types("3\n")
    await person.sees("Undo the claim")
    assert await person.status() == 1
    assert person.mooring.claims == []


async def test_ctrl_c_at_a_question_undoes_the_claim_and_shows_typing_again(
    person: Person[Mooring],
):
    await begin_with_a_wrong_password(person)
    await person.sees("Password (empty for other choices): ")
    person.interrupts()
    await person.sees("Stopping; what can be undone is undone.")
    assert await person.status() == 130
    assert person.sees_what_is_typed
    assert person.mooring.claims == []


async def test_a_network_that_the_board_does_not_see_is_questioned_first(person: Person[Mooring]):
    await person.start("provision", person.mooring.board, *PROVISION[:-1], "Homenet")
    await person.sees("Password of “Homenet”")
    person.types("correct horse\n")
    await person.sees("Is Homenet the right network?")
    await person.sees("it sees “HomeNet”")
    await person.sees("Your choice")
    assert person.mooring.claims == []
    person.interrupts()
    assert await person.status() == 130
