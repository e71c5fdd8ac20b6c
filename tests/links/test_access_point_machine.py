"""Into a board's access point and back: no path leaves the computer away without a word."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import ApLimit, ApNotHeard, WifiFailed, WifiStopped, WifiUnremembered
from agent.links.access_point_machine import (
    Done,
    Excursion,
    Failed,
    Forget,
    GoBack,
    Join,
    Leave,
    Look,
    Pause,
    Remember,
    Seen,
    Stage,
    Stay,
)
from agent.links.access_point_wifi import Adapter, Computer, Network, WayBack
from tests.links.access_point_world import BOARD, HOME, POINT, SSID, WAY

SEEN = Seen(Computer((Adapter("wlan0", HOME, internet=True),)), (POINT,), "ours")
BROKEN = Failed(WifiFailed(detail="it broke"))


def excursion(**more) -> Excursion:
    return Excursion("test", SSID, limit_s=60.0, tries=2, pause_s=1.0, **more)


def test_the_way_back_is_remembered_before_anything_changes_and_forgotten_after_the_return():
    machine = excursion()
    assert machine.start() == Look()
    assert machine.handle(SEEN) == Remember(WAY)
    assert machine.handle(Done()) == Join(WAY, POINT, 60.0)
    assert machine.handle(Done()) == Stay(WAY)
    assert machine.handle(Leave()) == GoBack(WAY, late=False)
    assert machine.handle(Done()) == Forget()
    assert machine.handle(Done()) is None
    assert (machine.stage, machine.error, machine.stranded) == (Stage.HOME, None, None)


def test_a_board_that_is_not_heard_changes_nothing():
    machine = excursion()
    machine.start()
    assert machine.handle(Seen(SEEN.computer, (), "ours")) is None
    assert machine.stage is Stage.HOME
    assert isinstance(machine.error, ApNotHeard)


def test_what_cannot_be_remembered_is_not_begun():
    machine = excursion()
    machine.start()
    machine.handle(SEEN)
    assert machine.handle(Failed(WifiUnremembered())) == Forget()
    assert machine.handle(Done()) is None
    assert isinstance(machine.error, WifiUnremembered)


def test_a_failed_attempt_to_join_leads_back_and_keeps_its_reason():
    machine = excursion()
    machine.start()
    machine.handle(SEEN)
    machine.handle(Done())
    assert machine.handle(BROKEN) == GoBack(WAY, late=False)
    machine.handle(Done())
    machine.handle(Done())
    assert machine.stage is Stage.HOME
    assert machine.error is BROKEN.error


def test_the_return_is_tried_again_and_then_the_person_is_told():
    machine = excursion(way=WAY)
    assert machine.start() == GoBack(WAY, late=True)
    assert machine.handle(Failed(WifiStopped(detail="."))) == Pause(1.0)
    assert machine.handle(Done()) == GoBack(WAY, late=True)
    assert machine.handle(Failed(WifiStopped(detail="."))) is None
    assert machine.stage is Stage.STRANDED
    assert machine.stranded is not None
    assert "Home" in machine.stranded.report().remedy


def test_leaving_while_on_the_way_back_does_not_start_a_second_return():
    machine = excursion(way=WAY)
    machine.start()
    assert machine.handle(Leave(ApLimit())) is None
    assert machine.stage is Stage.RETURNING


@dataclass
class World:
    """A computer with one adapter; what a system does, and what it may do instead."""

    home: Network | None = HOME
    volatile: bool = True
    """The access point is left when the agent ends, as NetworkManager does."""
    current: Network | None = field(init=False)
    home_there: bool = True
    board_there: bool = True
    running: bool = True
    note: WayBack | None = None
    told: bool = False
    changed: bool = False
    chosen: bool = False
    before: Network | None = None
    """What it was in when the way back was written."""

    def __post_init__(self) -> None:
        self.current = self.home

    @property
    def seen(self) -> Seen:
        points = (POINT,) if self.board_there else ()
        return Seen(Computer((Adapter("wlan0", self.current),)), points, "ours")

    def perform(self, effect: object, luck: str):
        """The event that follows. ``half``: something was done, and then it failed."""
        match effect:
            case Look():
                return self.seen if self.running else BROKEN
            case Remember(way):
                if luck == "fails":
                    return Failed(WifiUnremembered())
                self.note, self.before = way, way.before
                return BROKEN if luck == "half" else Done()
            case Join():
                assert self.note is not None, "changed without a way back"
                if not self.running or luck == "fails":
                    return BROKEN
                self.changed, self.current = True, None
                if luck == "half" or not self.board_there:
                    return BROKEN
                self.current = BOARD
                return Done()
            case GoBack(way, late):
                if not self.running or luck == "fails":
                    return BROKEN
                if self.current == BOARD:
                    self.current = None
                if luck == "half":
                    return BROKEN
                if late and self.current not in (None, way.before):
                    return Done()
                if way.before is not None and not self.home_there:
                    return BROKEN
                self.current = way.before
                return Done()
            case Forget():
                if luck != "fails":
                    self.note = None
                return Done()
            case _:
                return Done()

    def crash(self) -> None:
        if self.volatile and self.current == BOARD:
            self.current = None

    def happen(self, what: str) -> None:
        if what == "board gone":
            self.board_there = False
            if self.current == BOARD:
                self.current = None
        elif what == "home gone":
            self.home_there = False
            if self.current == HOME:
                self.current = None
        elif what == "home back":
            self.home_there = True
        elif what == "stops":
            self.running = False
        elif what == "runs":
            self.running = True


OTHER = Network(id="other", name="Phone")
HAPPENINGS = ["nothing", "board gone", "home gone", "home back", "stops", "runs"]
steps = st.tuples(
    st.sampled_from(["works", "works", "fails", "half"]),
    st.sampled_from(["goes on", "goes on", "goes on", "crash", "cancel"]),
    st.sampled_from(HAPPENINGS),
)


def run(world: World, machine: Excursion, script: list[tuple[str, str, str]]) -> bool:
    """To the end of the machine; False: the agent crashed. Without a script all works."""
    effect = machine.start()
    for _ in range(200):
        if effect is None:
            break
        luck, fate, happening = script.pop(0) if script else ("works", "goes on", "nothing")
        world.happen(happening)
        event = world.perform(effect, luck)
        if fate == "crash":
            world.crash()
            return False
        effects = [machine.handle(Leave())] if fate == "cancel" else []
        effect = next((each for each in effects if each is not None), None) or (
            None if machine.ended else machine.handle(event)
        )
        if effect is None and machine.stage is Stage.INSIDE:
            effect = machine.handle(Leave())
    assert machine.ended
    world.told = world.told or machine.stranded is not None
    return True


@settings(max_examples=400)
@given(
    st.lists(steps, max_size=12),
    st.sampled_from([HOME, None]),
    st.booleans(),
    st.lists(steps, max_size=6),
    st.booleans(),
)
def test_whatever_happens_the_computer_is_back_or_the_person_was_told_and_the_note_stays(
    script, home, volatile, later, chooses
):
    world = World(home=home, volatile=volatile)
    finished = run(world, excursion(), script)
    restarts: list[list[tuple[str, str, str]]] = [later, []]
    for restart in restarts:  # the second start meets no more trouble of its own
        if finished and world.note is None:
            break
        if not finished and chooses and world.current is None:
            world.current, world.chosen = OTHER, True
        if world.note is not None:
            finished = run(world, excursion(way=world.note), list(restart))
    if world.note is not None:
        assert world.told or not world.changed or world.current == world.before
    elif world.changed and not world.chosen:
        assert world.current == world.before or not world.home_there
    assert world.current != BOARD or (world.told and world.note is not None)
