"""The queue between requests and a machine; all else of the runner is seen in whole jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.jobs.effects import Advanced, Done, Entered, Event
from agent.jobs.job import JobKind, JobState
from agent.jobs.kit import Hold, KitEffect
from agent.jobs.machine import Machine, Rule
from agent.jobs.planner import Way
from agent.jobs.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.boards.board import Board, Via
    from agent.catalog import Model
    from agent.jobs.facts import Fact
    from agent.jobs.request import Request
    from tests.jobs.bench import Bench


@dataclass(frozen=True, slots=True)
class Climb(KitEffect):
    """Tells of three stairs before anybody can listen."""


class Watch(Machine):
    """Counts what it hears of a climb."""

    def __init__(self, *, attended: bool) -> None:
        super().__init__(attended=attended)
        self._heard: list[int] = []
        self.rules = {
            State.READING: Rule(self._reading, 5.0, self._fail, self._stop),
            State.CLOSING: self._closing_rule(),
        }

    def _reading(self, event: Event) -> bool:
        match event:
            case Entered():
                self._do(Climb())
            case Advanced(done=stair):
                self._heard.append(stair)
            case Done(Climb()):
                self._close(result={"heard": self._heard})
            case _:
                return False
        return True


class Stairs:
    """A kit whose requests are faster than its machine."""

    def __init__(self) -> None:
        self._hold: Hold

    def takes(self, request: Request, board: Board, model: Model | None) -> bool:
        return request.kind is JobKind.PROVISION

    async def plan(
        self, request: Request, board: Board, model: Model | None, via: Via, *, attended: bool
    ) -> Way:
        return Way(Watch(attended=attended))

    def hands(self, hold: Hold) -> Stairs:
        self._hold = hold
        return self

    def recovery(self, facts: Sequence[Fact]) -> Machine | None:
        return None

    async def perform(self, request: KitEffect) -> Any:
        for stair in (1, 2, 3):
            self._hold.advanced(request, stair, 3, "")

    async def close(self) -> None:
        pass


async def test_of_what_is_told_faster_than_it_is_heard_the_newest_is_heard(bench: Bench) -> None:
    await bench.plug()
    await bench.start_agent(kits=(Stairs(),))
    request = {"kind": "provision", "board": bench.board.id, "cloud": "stairs"}
    ended = await bench.jobs.wait(await bench.jobs.start(request, attended=True))
    assert (ended.state, ended.result) == (JobState.DONE, {"heard": [3]})
