"""Whatever fails and whoever cancels: each path ends, once, and no device is forgotten.

The surroundings are a cloud that keeps its devices, may lose its answers and may be down, and a
board that may fail at each request. Events are drawn; after them everything fails, so that a
machine that waits for luck would never end.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.clouds.devices import Device
from agent.errors import FlashFailed, InternalError, JournalFailed
from agent.jobs import device_effects as dx
from agent.jobs import effects as fx
from agent.jobs import flash_effects as flash
from agent.jobs.facts import handed_over
from agent.jobs.job import JobState
from agent.jobs.recover import recovery
from agent.jobs.states import State
from agent.settings import Secret
from tests.jobs.device_samples import (
    BOARD_ERRORS,
    CERTIFICATE,
    CLOUD_ERRORS,
    CSR,
    DOWN,
    EUI,
    GONE,
    KEY,
    LOST,
    PLANS,
    REFUSALS,
    SERIAL,
    device,
    lora,
    lora_device,
    prepared,
    provision_v1,
    secret_key,
    to_making,
)
from tests.jobs.drive import Drive

STEPS_TO_THE_END = 2000
"""Far above what is left once everything fails."""

FLASH_FAILED = FlashFailed(stage="write", detail="a cable")
CLOUD_REQUESTS = (
    fx.Make,
    fx.Look,
    fx.TakeBack,
    fx.SettleLeftovers,
    dx.Certify,
    dx.SecretKey,
    dx.ShowDevice,
    dx.FrequencyPlans,
)
VALUES: dict[type[fx.Request], Any] = {
    dx.MakeCsr: CSR,
    dx.Certify: CERTIFICATE,
    dx.ReadEui: EUI,
    dx.SecretKey: Secret(KEY),
    dx.ShowDevice: device(),
    dx.FrequencyPlans: PLANS,
    fx.SettleLeftovers: [],
    flash.PrepareFlash: prepared(),
    flash.EnterBootloader: flash.Source(),
}


STARTS = [
    State.CONFIRMING,
    State.CHOOSING,
    State.STARTING,
    State.LISTENING,
    State.PREPARING,
    State.CLAIMING,
    State.CERTIFYING,
    State.KEYING,
    State.DELIVERING,
    State.CLOSING,
]


class ModelCloud:
    """What the cloud really has, whatever it answers."""

    def __init__(self) -> None:
        self.devices = {"older": device("older", name="kitchen-sensor")}
        self.made = 0

    def make(self) -> str:
        self.made += 1
        name = f"d-{self.made}"
        self.devices[name] = device(name)
        return name

    @property
    def ours(self) -> set[str]:
        return set(self.devices) - {"older"}


def step(drive: Drive, cloud: ModelCloud, data: st.DataObject) -> None:
    """One event that could happen now."""
    choices = [f"request {i}" for i in range(len(drive.waiting))] * 6
    choices += [f"timer {name}" for name in drive.timers] * 2 + ["cancel", "lost", "interrupt"]
    if drive.question:
        choices += [f"answer {a.id}" for a in drive.question.actions] * 2
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
            drive.answer(what, choice=data.draw(st.sampled_from(["AS_920_923", "nowhere"])))
        case _:
            answer(drive, cloud, drive.waiting[int(what)], data)


def answer(drive: Drive, cloud: ModelCloud, request: fx.Request, data: st.DataObject) -> None:
    outcome = data.draw(st.sampled_from(["ok", "ok", "ok", "fail", "lost"]))
    give(drive, cloud, request, outcome, data)


def give(
    drive: Drive, cloud: ModelCloud, request: fx.Request, outcome: str, data: st.DataObject
) -> None:
    kind = type(request)
    match request:
        case fx.Make():
            if outcome == "fail":
                drive.fail(kind, data.draw(st.sampled_from(REFUSALS)))
                return
            made = cloud.make()
            if outcome == "lost":
                drive.fail(kind, data.draw(st.sampled_from(LOST)))
            elif isinstance(request, dx.CreateLoRa):
                drive.done(kind, lora_device(made))
            else:
                drive.done(kind, cloud.devices[made])
        case dx.DeleteDevice(device=wanted):
            assert wanted != "older", "it is somebody else's"
            if outcome != "fail":
                cloud.devices.pop(wanted, None)
            if outcome == "ok":
                drive.done(kind)
            else:
                drive.fail(kind, data.draw(st.sampled_from([*LOST, *REFUSALS])))
        case fx.Look() if outcome == "ok":
            drive.done(kind, list(cloud.devices.values()))
        case _ if outcome == "ok":
            drive.done(kind, VALUES.get(kind))
        case _:
            drive.fail(kind, data.draw(st.sampled_from(errors_of(request))))


def lead(drive: Drive, cloud: ModelCloud, target: State, data: st.DataObject) -> None:
    """As it should go, up to a state; to the end for one that is not on the way."""
    while drive.finish is None and drive.machine.state is not target:
        if drive.question:
            drive.answer(drive.question.actions[0].id, choice="AS_920_923")
        else:
            give(drive, cloud, drive.waiting[0], "ok", data)


def errors_of(request: fx.Request) -> list[Any]:
    if isinstance(request, CLOUD_REQUESTS):
        return CLOUD_ERRORS
    if isinstance(request, flash.FlashRequest):
        return [FLASH_FAILED, GONE]
    if isinstance(request, fx.CloseSession):
        # Also when a fact could not be written, see the runner.
        return [InternalError(kind="OSError")]
    return BOARD_ERRORS


def run_out(drive: Drive) -> None:
    """From here on everything fails and nobody answers."""
    for _ in range(STEPS_TO_THE_END):
        if drive.finish:
            return
        if drive.waiting:
            request = drive.waiting[0]
            error = DOWN if isinstance(request, CLOUD_REQUESTS) else errors_of(request)[0]
            drive.fail(type(request), error)
        else:
            drive.fire(min(drive.due, key=lambda name: drive.due[name]))
    msg = f"no end in {drive.machine.state}"
    raise AssertionError(msg)


def check_devices(drive: Drive, cloud: ModelCloud) -> None:
    """What the cloud has is either reported as the result, or open in the journal."""
    assert drive.finish
    still = drive.open_claim
    for made in cloud.ours:
        reported = drive.finish.state is JobState.DONE and drive.finish.result
        if reported and reported["device_id"] == made:
            continue
        assert still, f"{made} is forgotten"
        assert still.claim in {made, None}
    # A second device only after the first one is gone or was never made.
    assert len(cloud.ours) <= 1
    assert "older" in cloud.devices
    if drive.finish.state is JobState.DONE:
        assert still is None
        assert cloud.ours


@settings(max_examples=400)
@given(
    data=st.data(),
    attended=st.booleans(),
    confirmed=st.booleans(),
    make=st.sampled_from([provision_v1, lora, secret_key]),
    start=st.sampled_from(STARTS),
)
def test_a_procedure_always_ends_and_forgets_no_device(data, attended, confirmed, make, start):
    cloud = ModelCloud()
    drive = make(attended=attended, confirmed=confirmed)
    lead(drive, cloud, start, data)
    for _ in range(data.draw(st.integers(0, 60))):
        if drive.finish is None:
            step(drive, cloud, data)
    run_out(drive)
    check_devices(drive, cloud)


@given(data=st.data(), made=st.booleans(), told=st.booleans())
def test_recovery_always_ends_and_forgets_no_device(data, made, told):
    cloud = ModelCloud()
    drive = to_making(secret_key(), *cloud.devices.values())
    if made or told:
        number = cloud.make()
        if told:
            drive.done(dx.CreateDevice, cloud.devices[number])
    assert drive.open_claim
    again = Drive(recovery(drive.open_claim, "Arduino Cloud"), now=drive.now)
    again.facts = list(drive.facts)
    for _ in range(data.draw(st.integers(0, 30))):
        if again.finish is None:
            step(again, cloud, data)
    run_out(again)
    check_devices(again, cloud)
    assert handed_over(again.facts) is None


def test_a_device_of_the_same_board_that_was_there_before_is_never_taken():
    """The vendor's tool, or the person, may have made it under the same name."""
    older = Device(id="older", name="kitchen-sensor", serial=SERIAL)
    drive = to_making(secret_key(), older).fail(dx.CreateDevice, DOWN)
    drive.done(dx.FindDevices, [older]).fire("again").done(dx.FindDevices, [older])
    assert drive.waits_for(dx.DeleteDevice) is None


def test_a_record_that_fails_is_a_failure_of_the_request_behind_it():
    drive = secret_key().done(fx.SettleLeftovers, []).done(dx.FindDevices, [])
    drive.fail(dx.CreateDevice, JournalFailed(path="j", detail="disk is full"))
    drive.done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "journal")
