"""Questions of a job at a real terminal."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from typing import TYPE_CHECKING

import pytest

from tests.cli.terminal import echoes, open_terminal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.cli.conftest import Mooring

pytestmark = pytest.mark.system("linux", "darwin")


class Person:
    """Somebody at a terminal: sees what is shown, types, presses Ctrl-C."""

    def __init__(self, mooring: Mooring) -> None:
        self.mooring = mooring
        self.shown = ""
        self._master, self._slave = open_terminal()
        self._process: asyncio.subprocess.Process | None = None
        self._news = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._master, self._read)

    async def start(self, *words: str) -> None:
        # A session of its own, so that Ctrl-C of this terminal reaches the command.
        self._process = await self.mooring.start(
            *words,
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            start_new_session=True,
        )

    async def sees(self, text: str) -> None:
        """Wait until ``text`` is shown; what came before it is out of sight."""
        while text not in self.shown:
            self._news.clear()
            await self._news.wait()
        self.shown = self.shown[self.shown.index(text) + len(text) :]

    def types(self, text: str) -> None:
        os.write(self._master, text.encode())

    @property
    def sees_what_is_typed(self) -> bool:
        return echoes(self._master)

    def interrupts(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)

    async def status(self) -> int:
        assert self._process is not None
        return await self._process.wait()

    async def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        os.close(self._master)
        os.close(self._slave)

    def _read(self) -> None:
        text = os.read(self._master, 65536).decode(errors="replace")
        self.shown += re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
        self._news.set()


@pytest.fixture
async def person(alone: Mooring) -> AsyncIterator[Person]:
    await alone.sign_in()
    person = Person(alone)
    yield person
    await person.close()


PROVISION = ("--cloud", "arduino", "--name", "kitchen-sensor", "--ssid", "HomeNet")


async def begin_with_a_wrong_password(person: Person) -> None:
    await person.start("provision", person.mooring.board, *PROVISION)
    await person.sees("Password of “HomeNet”")
    assert not person.sees_what_is_typed
    person.types("wrong password\n")
    await person.sees("The board could not join HomeNet.")


async def test_a_wrong_password_is_asked_again_and_the_claim_stays(person: Person):
    await begin_with_a_wrong_password(person)
    await person.sees("Password (empty for other choices): ")
    assert not person.sees_what_is_typed
    assert len(person.mooring.claims) == 1
    person.types("correct horse\n")
    await person.sees("Online as kitchen-sensor")
    assert await person.status() == 0
    assert person.sees_what_is_typed
    assert len(person.mooring.demo.cloud.state.onboardings) == 1


async def test_another_network_can_be_chosen_from_what_the_board_sees(person: Person):
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


async def test_giving_up_undoes_the_claim(person: Person):
    await begin_with_a_wrong_password(person)
    await person.sees("Password (empty for other choices): ")
    person.types("\n")
    await person.sees("Your choice (1-3): ")
    person.types("3\n")
    await person.sees("Undo the claim")
    assert await person.status() == 1
    assert person.mooring.claims == []


async def test_ctrl_c_at_a_question_undoes_the_claim_and_shows_typing_again(person: Person):
    await begin_with_a_wrong_password(person)
    await person.sees("Password (empty for other choices): ")
    person.interrupts()
    await person.sees("Stopping; what was begun is undone.")
    assert await person.status() == 130
    assert person.sees_what_is_typed
    assert person.mooring.claims == []


async def test_a_network_that_the_board_does_not_see_is_questioned_first(person: Person):
    await person.start("provision", person.mooring.board, *PROVISION[:-1], "Homenet")
    await person.sees("Password of “Homenet”")
    person.types("correct horse\n")
    await person.sees("Is Homenet the right network?")
    await person.sees("it sees “HomeNet”")
    await person.sees("Your choice")
    assert person.mooring.claims == []
    person.interrupts()
    assert await person.status() == 130
