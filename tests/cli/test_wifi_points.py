"""``mooring boards --wifi``: the networks that boards have opened, and why there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agent.bridge.methods.wifi import Point
from agent.cli.client import Client
from agent.cli.output import Output
from agent.cli.wifi_points import hear_points, show_points
from agent.errors import ReportedError, WifiOff

if TYPE_CHECKING:
    import pytest

    from tests.cli.conftest import Mooring

BOARD = Point(
    access_point="Blynk Bob's-4Y1H",
    name="Blynk Bob's-4Y1H",
    strength=60,
    looks_like="blynk",
    product="Bob's",
)
CAFE = Point(access_point="hex:636166e9", name="caf\ufffd", strength=10)


class Agent(Client):
    """An agent of which nothing but its Wi-Fi is asked."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    async def call(self, method: str, **params: Any) -> Any:
        assert (method, params) == ("wifi.points", {})
        if isinstance(self.answer, Exception):
            raise self.answer
        return msgspec.to_builtins({"points": self.answer})


async def test_each_network_has_the_text_that_means_it_and_one_says_how_it_is_set_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = Output()
    found = await hear_points(Agent([BOARD, CAFE]), output)
    show_points(output, found["access_points"], found["wifi_problem"])
    told = capsys.readouterr()
    _, head, board, cafe = told.out.splitlines()
    assert head.split() == ["NETWORK", "SIGNAL", "BOARD"]
    assert board.split("  ")[0] == "Blynk Bob's-4Y1H"
    assert (board.endswith("Blynk: Bob's"), "▂▄▆" in board) == (True, True)
    assert (cafe.startswith("hex:636166e9"), cafe.endswith("other open network")) == (True, True)
    assert "--access-point 'Blynk Bob'\\''s-4Y1H'" in told.err


async def test_without_a_network_a_person_reads_how_a_board_opens_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = Output()
    found = await hear_points(Agent([]), output)
    show_points(output, found["access_points"], None)
    assert "hold its button for ten seconds" in "".join(capsys.readouterr())


async def test_what_is_in_the_way_is_told_and_the_boards_are_listed_all_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = Output()
    problem = WifiOff(action="Switch it on.").report()
    found = await hear_points(Agent(ReportedError(problem)), output)
    assert found == {"access_points": [], "wifi_problem": problem}
    show_points(output, [], problem)
    told = capsys.readouterr()
    assert (told.out, "Switch it on." in told.err) == ("", True)


async def test_the_command_has_both_in_one_document_and_does_not_follow_networks(
    alone: Mooring,
) -> None:
    with (alone.home / "config.toml").open("a") as config:
        config.write('[wifi]\njoin = "never"\n')
    found = (await alone.run("boards", "--wifi", "--json")).document
    assert len(found["boards"]) == 1
    assert found["access_points"] == []
    assert found["wifi_problem"]["code"] == "wifi-never"
    refused = await alone.run("boards", "--wifi", "--watch", "--json")
    assert (refused.status, refused.document["error"]["facts"]["field"]) == (2, "--wifi")
