"""Which deliveries a board is asked for, in which order, and what is told of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from agent.boards.board import Board, Port
from agent.errors import (
    AdminMissing,
    BoardHasNoDelivery,
    MooringError,
    NoBootloader,
    PortGone,
)
from agent.jobs import enrol_effects as wanted
from agent.jobs.enrol_performer import EnrolPerformer
from agent.sessions.delivery import BoardHardware
from tests.jobs.enrol_world import settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.clouds.enrolment import EnrolRequest
    from agent.settings.credentials import CloudSettings

SILENT = BoardHasNoDelivery(tried="the serial console of a sketch: no answer")
NO_PYTHON = BoardHasNoDelivery(tried="the prompt of MicroPython or CircuitPython: no answer")
NO_AREA = BoardHasNoDelivery(tried="the settings area: the board is of no family that has one")
NO_LOADER = NoBootloader(board="kitchen", why="", action="")


class Way:
    """A delivery, and how it is opened."""

    def __init__(self, kind: str, asked: list[str], problem: MooringError | None) -> None:
        self.kind = kind
        self._asked = asked
        self._problem = problem

    async def __call__(self, lease: object) -> Way:
        self._asked.append(self.kind)
        if self._problem is not None:
            raise self._problem
        return self

    async def identify(self) -> BoardHardware:
        return BoardHardware(hardware_id="24a1")

    async def close(self) -> None:
        pass


class KnowingWay(Way):
    """One that knows of the board that it cannot have it."""

    def require_fit(self, board: Board) -> None:
        raise NO_AREA


def board(manufacturer: str = "", interface: str | None = None) -> Board:
    port = Port(
        kind="serial", address="/dev/ttyACM0", manufacturer=manufacturer, interface=interface
    )
    return Board(id="b", name="kitchen", model=None, fqbn=None, ports=[port], first_seen=0.0)


class Bench:
    """A board with three ways, each of which may have a problem."""

    def __init__(
        self, manufacturer: str = "", interface: str | None = None, **problems: MooringError
    ) -> None:
        self.asked: list[str] = []
        self.told: list[str] = []
        ways: dict[str, Any] = {
            kind: Way(kind, self.asked, problems.get(kind)) for kind in ("console", "repl", "nvs")
        }
        if problems.get("nvs") is NO_AREA:
            ways["nvs"] = KnowingWay("nvs", self.asked, NO_AREA)
        surroundings: Any = SimpleNamespace(deliveries=ways)
        lease: Any = SimpleNamespace(board=board(manufacturer, interface))
        cloud: Any = Busy()
        self.performer = EnrolPerformer(
            surroundings,
            "b",
            lease,
            cloud,
            job="1",
            deliver=None,
            advanced=lambda _request, _done, _total, told: self.told.append(told),
        )

    async def find(self, *kinds: Any) -> wanted.Found:
        found = await self.performer.perform(wanted.FindWays(kinds))
        assert isinstance(found, wanted.Found)
        return found


class Busy:
    """A cloud that asks for patience once."""

    async def enrol(self, request: EnrolRequest, *, say: Callable[[str], None]) -> CloudSettings:
        say("Too many requests.\nThe next try is in 1 s.")
        return settings("t", request.name)

    async def link(self, name: str) -> str:
        if name == "kitchen":
            return "https://tb.example/kitchen"
        raise AdminMissing(cloud="TB", action="see its devices")


def states(found: wanted.Found) -> dict[str, str]:
    return {each.kind: each.state for each in found.looked}


async def test_nothing_is_asked_of_a_board_that_has_answered() -> None:
    bench = Bench()
    found = await bench.find()
    assert found.way.kind == "console"
    assert bench.asked == ["console"]
    assert states(found) == {"console": "answers", "repl": "untried", "nvs": "untried"}


async def test_the_next_is_asked_where_one_does_not_answer() -> None:
    bench = Bench(console=SILENT, nvs=NO_AREA)
    found = await bench.find()
    assert found.way.kind == "repl"
    assert bench.asked == ["console", "repl"]
    assert states(found) == {"console": "none", "repl": "answers", "nvs": "none"}
    assert [each.why for each in found.looked if each.state == "none"] == [
        "No answer.",
        "The board is of no family that has one.",
    ]
    assert bench.told == [
        "Asking for a sketch with the serial console",
        "Asking for MicroPython or CircuitPython",
    ]


async def test_a_board_that_calls_itself_micropython_is_asked_for_its_prompt_first() -> None:
    bench = Bench(manufacturer="MicroPython")
    assert (await bench.find()).way.kind == "repl"
    assert bench.asked == ["repl"]


async def test_a_port_that_circuitpython_named_is_asked_for_its_prompt_first() -> None:
    bench = Bench(manufacturer="Raspberry Pi", interface="CircuitPython CDC control")
    assert (await bench.find()).way.kind == "repl"
    assert bench.asked == ["repl"]


async def test_what_was_tried_and_what_each_answered_is_told_where_there_is_none() -> None:
    bench = Bench(console=SILENT, repl=NO_PYTHON, nvs=NO_LOADER)
    with pytest.raises(BoardHasNoDelivery) as caught:
        await bench.find()
    meaning = caught.value.report().meaning
    assert "serial console of the sketch: no answer; " in meaning
    assert "file on the board (Python): no answer; " in meaning
    assert "settings area of the chip (NVS): " in meaning
    assert NO_LOADER.report().title[1:].rstrip(".") in meaning


async def test_a_way_that_was_asked_for_tells_its_own_problem() -> None:
    with pytest.raises(NoBootloader):
        await Bench(nvs=NO_LOADER).find("nvs")


async def test_a_board_that_is_gone_is_no_board_without_deliveries() -> None:
    with pytest.raises(PortGone):
        await Bench(console=PortGone(port="/dev/ttyACM0")).find()


async def test_a_wait_of_the_cloud_is_told_cleaned() -> None:
    bench = Bench()
    assert await bench.performer.perform(wanted.Enrol(settings("t"))) == settings("t")
    (told,) = bench.told
    assert "The next try is in 1 s." in told
    assert "\n" not in told


async def test_a_device_whose_address_nobody_may_see_has_no_link() -> None:
    bench = Bench()
    found = [await bench.performer.perform(wanted.FindLink(name)) for name in ("kitchen", "hall")]
    assert found == ["https://tb.example/kitchen", ""]
