"""An account that is typed at a real terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.person import Person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.cli.conftest import Mooring

pytestmark = pytest.mark.system("linux", "darwin")


@pytest.fixture
async def person(alone: Mooring) -> AsyncIterator[Person[Mooring]]:
    person = Person(alone)
    yield person
    await person.close()


async def test_what_may_stay_empty_is_said_and_what_has_lines_comes_out_of_a_file(
    person: Person[Mooring], tmp_path: Path
):
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    await person.start("cloud", "login", "thingsboard")
    for prompt, typed in (
        ("Server: ", "mqtts://127.0.0.1:1"),
        ("Provision device key: ", "k"),
        ("Provision device secret: ", "s"),
        ("Server for boards (may stay empty): ", ""),
        ("Authority, a file (may stay empty): ", str(tmp_path / "none.pem")),
        ("ca: cannot be read from its file", None),
        ("Authority, a file (may stay empty): ", str(file)),
        ("Administrator (may stay empty): ", ""),
    ):
        await person.sees(prompt)
        if typed is not None:
            person.types(f"{typed}\n")
    # Without an administrator there is nothing to ask about one.
    await person.sees("Unprotected host (may stay empty): ")
    person.types("\n")
    await person.sees("ca: is no certificate in the form PEM")
    assert await person.status() == 2
