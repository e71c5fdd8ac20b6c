"""A kit: which jobs are its own, and that its hands do what its procedures ask for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from agent.errors import InputError, InternalError, PortGone
from agent.jobs.effects import Done, Entered, Event, ReadBoard
from agent.jobs.facts import Fact
from agent.jobs.job import Job, JobKind, JobState
from agent.jobs.kit import Hold, KitEffect
from agent.jobs.machine import Machine, Rule
from agent.jobs.performer import Performer
from agent.jobs.planner import Way
from agent.jobs.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.boards.board import Board, Via
    from agent.catalog import Model
    from agent.jobs.request import Request
    from agent.jobs.surroundings import Surroundings
    from tests.jobs.bench import Bench


@dataclass(frozen=True, slots=True)
class Knock(KitEffect):
    """Value: what the board says."""


class Greet(Machine):
    """A procedure of one knock."""

    def __init__(self, *, attended: bool) -> None:
        super().__init__(attended=attended)
        self.rules = {
            State.READING: Rule(self._reading, 5.0, self._fail, self._stop),
            State.CLOSING: self._closing_rule(),
        }

    @property
    def plan(self) -> list[tuple[str, str]]:
        return [("read", "Knock")]

    def _reading(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("read", "Knock")
                self._do(Knock())
            case Done(Knock(), said):
                self._close(result={"said": said})
            case _:
                return False
        return True


@dataclass(frozen=True, slots=True)
class Farewell(KitEffect):
    """Value: what is left."""


class Recall(Machine):
    """A procedure that tells what a killed job left."""

    def __init__(self) -> None:
        super().__init__(attended=False)
        self.rules = {
            State.READING: Rule(self._reading, 5.0, self._fail, self._stop),
            State.CLOSING: self._closing_rule(),
        }

    def _reading(self, event: Event) -> bool:
        match event:
            case Entered():
                self._do(Farewell())
            case Done(Farewell(), said):
                self._close(result={"said": said})
            case _:
                return False
        return True


class Doors:
    """A kit for boards that are greeted with the cloud “doors”."""

    def __init__(self) -> None:
        self.holds: list[Hold] = []
        self.closed = 0

    def takes(self, request: Request, board: Board, model: Model | None) -> bool:
        return request.kind is JobKind.PROVISION and request.cloud == "doors"

    async def plan(
        self, request: Request, board: Board, model: Model | None, via: Via, *, attended: bool
    ) -> Way:
        return Way(Greet(attended=attended), shown={"cloud": "doors"})

    def hands(self, hold: Hold) -> Doors:
        self.holds.append(hold)
        return self

    def recovery(self, facts: Sequence[Fact]) -> Machine | None:
        return Recall() if any(fact.kind == "door-open" for fact in facts) else None

    async def perform(self, request: KitEffect) -> Any:
        return f"who is there? {self.holds[-1].board}"

    async def close(self) -> None:
        self.closed += 1


async def test_a_job_of_a_kit_runs_with_its_procedure_and_its_hands(bench: Bench) -> None:
    await bench.plug()
    kit = Doors()
    await bench.start_agent(kits=(kit,))
    board = bench.board
    job = await bench.jobs.start(
        {"kind": "provision", "board": board.id, "cloud": "doors"}, attended=True
    )
    ended = await bench.jobs.wait(job)
    assert (ended.state, ended.result) == (JobState.DONE, {"said": f"who is there? {board.id}"})
    assert ended.request["cloud"] == "doors"
    (hold,) = kit.holds
    assert (hold.job, hold.lease is not None) == (job, True)
    assert kit.closed > 0


async def test_a_board_in_its_own_network_has_a_name_a_title_and_a_place_in_the_journal(
    bench: Bench,
) -> None:
    kit = Doors()
    await bench.start_agent(kits=(kit,))
    named = {"kind": "provision", "board": "", "access_point": "Blynk Thermo-4Y1H"}
    job = await bench.jobs.start({**named, "cloud": "doors"}, attended=True)
    ended = await bench.jobs.wait(job)
    assert (ended.state, ended.board, ended.board_name) == (
        JobState.DONE,
        "",
        named["access_point"],
    )
    assert ended.title == "Setting up Blynk Thermo-4Y1H"
    assert (ended.request["via"], ended.request["access_point"]) == ("ap", named["access_point"])
    assert kit.holds[-1].lease is None
    with pytest.raises(InputError, match="cloud"):
        await bench.jobs.start({**named, "kind": "identify"}, attended=True)


@pytest.mark.parametrize(
    ("fact", "state"), [("door-open", JobState.DONE), ("other", JobState.INTERRUPTED)]
)
async def test_a_job_that_was_killed_is_looked_after_by_the_kit_that_knows_its_facts(
    bench: Bench, fact: str, state: JobState
) -> None:
    kit = Doors()
    await bench.start_agent(kits=(kit,))
    number = await bench.journal.reserve()
    left = Job(id=number, kind=JobKind.PROVISION, board="b", title="t", created_at=0.0)
    await bench.journal.save(left)
    await bench.journal.record(number, Fact(kind=fact, data={}, at=0.0))
    await bench.jobs.start_up()
    while not (job := await bench.jobs.get(number)).state.final:
        await asyncio.sleep(0)
    assert job.state is state
    assert [(hold.board, hold.lease) for hold in kit.holds] == [("b", None)] * len(kit.holds)
    assert len(kit.holds) == (state is JobState.DONE)


async def test_what_no_kit_takes_goes_its_usual_way(bench: Bench) -> None:
    await bench.plug()
    kit = Doors()
    await bench.start_agent(kits=(kit,))
    job = await bench.jobs.start({"kind": "identify", "board": bench.board.id}, attended=True)
    assert (await bench.jobs.wait(job)).state is JobState.DONE
    assert kit.holds == []


async def test_a_request_of_a_kit_without_its_hands_is_a_defect(bench: Bench) -> None:
    await bench.start_agent()
    around: Surroundings = bench.jobs._surroundings
    performer = Performer(around, board="")
    with pytest.raises(InternalError):
        await performer.perform(Knock())
    with pytest.raises(PortGone):
        await performer.perform(ReadBoard())
