"""Whatever fails and whoever cancels: each path ends, once, and no claim is forgotten.

The surroundings are a cloud that keeps its claims, may lose its answers and may be down, and a
board that may fail at each request. Events are drawn; after them everything fails, so that a
machine that waits for luck would never end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from agent.clouds.cloud import Claim, Requirements
from agent.jobs import effects as fx
from agent.jobs import facts
from agent.jobs.configure import Configure
from agent.jobs.flash_effects import AskBoard
from agent.jobs.forget import Forget
from agent.jobs.forget import Order as ForgetOrder
from agent.jobs.guide import Guide
from agent.jobs.identify import Identify
from agent.jobs.job import JobState
from agent.jobs.networks import Networks
from agent.jobs.provision import Provision
from agent.jobs.recover import Recover
from agent.jobs.which import BoardSays
from agent.settings import Secret
from agent.settings.network import Ethernet
from tests.jobs.drive import Drive
from tests.jobs.samples import (
    BOARD_ERRORS,
    DOWN,
    LOST,
    NETWORK_ERRORS,
    REFUSALS,
    UHWID,
    board_facts,
    identity,
    option,
    order,
    wifi,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.boards.board import Via
    from agent.jobs.machine import Machine

STEPS_TO_THE_END = 2000
"""Far above what is left once everything fails: an hour of looks each 10 s while a question is open."""


Answer: TypeAlias = "Callable[[Drive, ModelCloud, fx.Request, st.DataObject], None]"


VIAS: st.SearchStrategy[Via] = st.sampled_from(["usb", "ble"])


def over(via: Via, machine: Machine) -> Drive:
    """The machine at work over this link."""
    machine.via = via
    return Drive(machine)


class ModelCloud:
    """What the cloud really has, whatever it answers."""

    def __init__(self) -> None:
        self.claims: dict[str, Claim] = {}
        self.made = 0

    def claim(self, request: Any, now: float) -> str:
        self.made += 1
        name = f"c-{self.made}"
        self.claims[name] = Claim(
            id=name, uhwid=request.uhwid, name=request.name, created_at=now, device_id=None
        )
        return name


def step(
    drive: Drive, cloud: ModelCloud, data: st.DataObject, answer: Answer | None = None
) -> None:
    """One event that could happen now; ``answer`` answers a request in another way."""
    choices = [f"request {i}" for i in range(len(drive.waiting))]
    choices += [f"timer {name}" for name in drive.timers] + ["cancel", "lost", "interrupt"]
    if drive.question:
        choices += [f"answer {a.id}" for a in drive.question.actions]
    kind, _, what = data.draw(st.sampled_from(choices)).partition(" ")
    match kind:
        case "timer":
            drive.fire(what)
        case "cancel":
            drive.cancel()
        case "interrupt":
            drive.cancel(interrupted=True)
        case "lost":
            drive.lose_session()
        case "answer":
            network = data.draw(st.sampled_from([wifi("HomeNet"), wifi("Nowhere"), Ethernet()]))
            drive.answer(what, password=Secret("password"), network=network)
        case _:
            (answer or usual_answer)(drive, cloud, drive.waiting[int(what)], data)


def usual_answer(drive: Drive, cloud: ModelCloud, request: fx.Request, data: st.DataObject) -> None:
    outcome = data.draw(st.sampled_from(["ok", "ok", "ok", "fail", "lost"]))
    if isinstance(request, fx.ClaimBoard):
        if outcome == "fail":
            drive.fail(fx.ClaimBoard, data.draw(st.sampled_from(REFUSALS)))
        else:
            made = cloud.claim(request.claim, drive.now)
            if outcome == "ok":
                drive.done(fx.ClaimBoard, made)
            else:
                drive.fail(fx.ClaimBoard, data.draw(st.sampled_from(LOST)))
    elif isinstance(request, fx.Unclaim):
        if outcome != "fail":
            cloud.claims.pop(request.claim, None)
        if outcome == "ok":
            drive.done(fx.Unclaim)
        else:
            drive.fail(fx.Unclaim, data.draw(st.sampled_from([*LOST, *REFUSALS])))
    elif isinstance(request, fx.FindClaims):
        if outcome == "ok":
            if data.draw(st.booleans()):
                online = {k: with_device(c) for k, c in cloud.claims.items()}
                cloud.claims.update(online)
            drive.done(fx.FindClaims, list(cloud.claims.values()))
        else:
            drive.fail(fx.FindClaims, DOWN)
    elif outcome == "ok":
        drive.done(type(request), value_of(request, data))
    else:
        errors = NETWORK_ERRORS if isinstance(request, fx.Configure) else BOARD_ERRORS
        drive.fail(type(request), data.draw(st.sampled_from([*errors, *BOARD_ERRORS])))


def with_device(claim: Claim) -> Claim:
    return Claim(
        id=claim.id, uhwid=claim.uhwid, name=claim.name, created_at=claim.created_at, device_id="d"
    )


def value_of(request: fx.Request, data: st.DataObject) -> Any:
    match request:
        case fx.ReadBoard():
            application = data.draw(st.booleans())
            return board_facts(
                application_sketch=application,
                online=data.draw(st.booleans()),
                uhwid=None if application else UHWID,
                initial_status=data.draw(st.sampled_from([None, 2, -1])),
            )
        case fx.Scan():
            return [option("HomeNet")]
        case fx.ReadIdentity():
            return identity()
        case fx.SettleLeftovers():
            return []
        case fx.CloudRequirements():
            return Requirements(min_sketch="0.6.0")
        case AskBoard():
            return BoardSays(answer=data.draw(st.sampled_from(["1.0", "console", "silence"])))
    return None


def run_out(drive: Drive) -> None:
    """From here on everything fails and nobody answers."""
    for _ in range(STEPS_TO_THE_END):
        if drive.finish:
            return
        if drive.waiting:
            error = DOWN if isinstance(drive.waiting[0], CLOUD_REQUESTS) else BOARD_ERRORS[0]
            drive.fail(type(drive.waiting[0]), error)
        else:
            drive.fire(min(drive.due, key=lambda name: drive.due[name]))
    msg = f"no end in {drive.machine.state}"
    raise AssertionError(msg)


CLOUD_REQUESTS = (fx.ClaimBoard, fx.FindClaims, fx.Unclaim, fx.CloudRequirements)


def check_claims(drive: Drive, cloud: ModelCloud) -> None:
    """What the cloud has is either online and reported, or open in the journal."""
    assert drive.finish
    still = drive.open_claim
    complete = completed(drive)
    for claim in cloud.claims.values():
        if claim.id in complete and claim.device_id:
            # The board has what it needs, and the end says so.
            assert drive.finish.result or drive.finish.error
            continue
        reported = drive.finish.state is JobState.DONE and drive.finish.result
        if reported and reported["claim"] == claim.id:
            continue
        assert still, f"{claim.id} is forgotten"
        assert still.claim in {claim.id, None}
    # A second claim only after the first one is gone or was never made.
    assert len(cloud.claims) <= 1
    if drive.finish.state is JobState.DONE:
        assert still is None


def completed(drive: Drive) -> set[str]:
    """Claims that the journal knows to be online."""
    claims: set[str] = set()
    last = ""
    for fact in drive.facts:
        if fact.kind == facts.CLAIMED:
            last = fact.data["claim"]
        elif fact.kind == facts.SETTLED and fact.data["how"] == "online":
            claims.add(last)
    return claims


@given(data=st.data(), attended=st.booleans(), in_cloud=st.booleans(), via=VIAS)
def test_provisioning_always_ends_and_forgets_no_claim(data, attended, in_cloud, via):
    cloud = ModelCloud()
    wanted = order(cloud="arduino" if in_cloud else "none")
    drive = over(via, Provision(wanted, wifi(), attended=attended))
    steps = data.draw(st.integers(0, 60))
    for _ in range(steps):
        if drive.finish is None:
            step(drive, cloud, data)
    run_out(drive)
    check_claims(drive, cloud)
    if not in_cloud:
        assert drive.facts == []


@given(data=st.data(), joined=st.booleans(), known=st.booleans(), made=st.booleans())
def test_recovery_always_ends_and_forgets_no_claim(data, joined, known, made):
    cloud = ModelCloud()
    drive = Drive(Provision(order(), wifi(), attended=False))
    to_claim(drive)
    if made or known:
        request = drive.waits_for(fx.ClaimBoard)
        assert request
        cloud.claim(request.claim, drive.now)
    if known:
        drive.done(fx.ClaimBoard, "c-1")
        if joined:
            drive.done(fx.ResetBoard).done(fx.Configure)
    assert drive.open_claim
    recovery = Drive(Recover(drive.open_claim, "Arduino Cloud"), now=drive.now)
    recovery.facts = list(drive.facts)
    for _ in range(data.draw(st.integers(0, 30))):
        if recovery.finish is None:
            step(recovery, cloud, data)
    run_out(recovery)
    check_claims(recovery, cloud)


def to_claim(drive: Drive) -> None:
    drive.done(fx.CloudRequirements, Requirements()).done(fx.OpenSession)
    drive.done(fx.ReadBoard, board_facts()).done(fx.SettleLeftovers, [])
    drive.done(fx.ReadIdentity, identity())


GUIDE = Guide(pin="2", hold_seconds=3, procedure="Connect pin 2 to GND.", drawing="uno")


@given(data=st.data(), attended=st.booleans(), kind=st.sampled_from(range(4)), via=VIAS)
def test_the_other_procedures_always_end(data, attended, kind, via):
    machine = (
        Identify(attended=attended),
        Networks(attended=attended),
        Configure(wifi(), in_run="Set it up again.", confirmed=False, attended=attended),
        Forget(ForgetOrder("UNO R4 WiFi", GUIDE, ""), attended=attended),
    )[kind]
    drive = over(via, machine)
    for _ in range(data.draw(st.integers(0, 40))):
        if drive.finish is None:
            step(drive, ModelCloud(), data)
    run_out(drive)
    assert drive.facts == []
