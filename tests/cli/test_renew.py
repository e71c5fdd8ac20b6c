"""``mooring renew``: what goes together, and that nothing of a key is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from click.testing import CliRunner

from agent.boards.board import Board
from agent.cli.renew_commands import board_or_device, renew
from agent.errors import AmbiguousBoard, NrfDeviceAmbiguous

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s3cret-in-a-file"


def output(*words: str) -> str:
    return CliRunner().invoke(renew, list(words)).output


def test_commands_of_a_renewal_are_a_list_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "commands.json"
    for text, said in (
        (f'[{{"psk": "{SECRET}"', "is not valid JSON"),
        (f'{{"psk": "{SECRET}"}}', "is not a list of commands"),
    ):
        file.write_text(text)
        told = output("b", "--cloud", "nrf", "--commands", str(file))
        assert said in told
        assert SECRET not in told
    both = ("--commands", str(file), "--command", "finished")
    assert "leave --command out" in output("b", "--cloud", "nrf", *both)


def test_what_belongs_to_the_other_cloud_is_refused() -> None:
    assert "not one of blynk, nrf" in output("b", "--cloud", "x")
    assert "is used with --cloud nrf" in output("b", "--cloud", "blynk", "--command", "finished")
    assert "is used with --cloud blynk" in output("--cloud", "nrf", "--access-point", "x")
    assert "Missing argument" in output("--cloud", "nrf")


class Desk:
    """What of a client and a shell is asked: two boards, and a device that begins like one of them."""

    output = None
    devices = ({"id": "0fd41111-0000", "name": "Shed", "imei": "350"},)

    async def call(self, method: str) -> dict[str, Any]:
        if method == "nrf.devices":
            return {"devices": self.devices}
        ids = ("thingy-0FD4", "thingy-77AA")
        boards = [
            Board(id=each, name="Thingy", model=None, fqbn=None, ports=[], first_seen=0.0)
            for each in ids
        ]
        return {"boards": msgspec.to_builtins(boards)}


async def meant(what: str) -> dict[str, Any]:
    desk: Any = Desk()
    return await board_or_device(desk, desk, what)


async def test_a_part_of_a_board_that_begins_the_id_of_a_device_is_neither() -> None:
    with pytest.raises(NrfDeviceAmbiguous) as caught:
        await meant("0fd4")
    assert "the board thingy-0FD4, 0fd41111-0000" in caught.value.report().title
    assert await meant("thingy-0fd4") == {"board": "thingy-0FD4"}
    assert await meant("77aa") == {"board": "thingy-77AA"}
    for device in ("0fd41", "shed"):
        assert await meant(device) == {"board": "", "name": device}
    with pytest.raises(AmbiguousBoard):
        await meant("thingy")
