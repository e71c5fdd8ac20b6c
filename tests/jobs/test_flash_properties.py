"""Whatever happens while a sketch is written: each path ends, once, and no board is forgotten.

Events are drawn; after them everything fails, so that a machine that waits for luck never ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from agent.clouds.cloud import Requirements
from agent.clouds.devices import Device
from agent.jobs import device_effects as dx
from agent.jobs import effects as fx
from agent.jobs import flash_effects as flash
from agent.jobs.job import JobState
from agent.jobs.which import BoardSays
from tests.jobs.flash_samples import ERRORS, TARGET, fate, flashing, owed, prepared, setup
from tests.jobs.samples import BOARD_ERRORS, DOWN
from tests.jobs.test_machine_properties import (
    CLOUD_REQUESTS,
    STEPS_TO_THE_END,
    ModelCloud,
    check_claims,
    step,
    usual_answer,
)

if TYPE_CHECKING:
    from agent.errors import MooringError
    from agent.flash.method import Stage
    from tests.jobs.drive import Drive

STAGES: list[Stage] = ["prepare", "erase", "write", "verify", "reset"]
ANSWERS: list[BoardSays] = [
    BoardSays(answer="1.0"),
    BoardSays(answer="2.0", sketch_version="0.6.2"),
    BoardSays(answer="2.0", sketch_version="0.5.0", wifi_firmware="0.4.1"),
    BoardSays(answer="2.0", status=-7),
    BoardSays(answer="silence"),
    BoardSays(answer="bootloader"),
]
NEEDS = [Requirements(), Requirements(min_sketch="0.6.0", min_wifi_firmware="0.6.0")]
VALUES: dict[type[fx.Request], list[Any]] = {
    flash.AskBoard: ANSWERS,
    flash.PrepareFlash: [prepared(), prepared(shows=False)],
    flash.EnterBootloader: [TARGET],
    flash.WriteFlash: [None],
    flash.WaitSketch: [None],
    fx.CloudRequirements: NEEDS,
    dx.FindDevices: [[], [Device(id="d", name="now")], [Device(id="d-old", name="old")]],
    dx.DeleteDevice: [None],
}


def answer(drive: Drive, cloud: ModelCloud, request: fx.Request, data: st.DataObject) -> None:
    """What may come of a request; those of other tests as there."""
    kind = type(request)
    if kind not in VALUES:
        usual_answer(drive, cloud, request, data)
        return
    match data.draw(st.sampled_from(["ok", "ok", "ok", "fail", "advance"])):
        case "ok":
            drive.done(kind, data.draw(st.sampled_from(VALUES[kind])))
        case "fail":
            drive.fail(kind, data.draw(st.sampled_from(ERRORS.get(kind, [DOWN]))))
        case _:
            stage = data.draw(st.sampled_from(STAGES))
            drive.give(fx.Advanced(request, stage, data.draw(st.integers(0, 9)), 8))


def run_out(drive: Drive) -> None:
    """From here on everything fails and nobody answers."""
    for _ in range(STEPS_TO_THE_END):
        if drive.finish:
            return
        if drive.waiting:
            kind = type(drive.waiting[0])
            cloud = issubclass(kind, (*CLOUD_REQUESTS, dx.DeviceRequest))
            errors: list[MooringError] = [DOWN] if cloud else BOARD_ERRORS
            drive.fail(kind, ERRORS.get(kind, errors)[0])
        else:
            drive.fire(min(drive.due, key=lambda name: drive.due[name]))
    msg = f"no end in {drive.machine.state}"
    raise AssertionError(msg)


def check_sketch(drive: Drive) -> None:
    """Whatever was begun is settled, or left to the next start by an agent that ended."""
    assert drive.finish
    entered = [r for r in drive.asked if isinstance(r, flash.EnterBootloader)]
    begun = [fact for fact in drive.facts if fact.kind == "flashing"]
    assert bool(entered) == bool(begun)
    assert len(begun) <= 1
    if drive.finish.state is not JobState.INTERRUPTED:
        assert not owed(drive)
    if any(isinstance(r, flash.WriteFlash) for r in drive.asked):
        assert fate(drive) != ["untouched"]
    if "written" in fate(drive):
        assert any(isinstance(r, flash.WaitSketch) for r in drive.asked)


@given(data=st.data(), attended=st.booleans())
def test_writing_a_sketch_always_ends_and_forgets_no_board(data, attended):
    drive = flashing(attended=attended)
    for _ in range(data.draw(st.integers(0, 40))):
        if drive.finish is None:
            step(drive, ModelCloud(), data, answer)
    run_out(drive)
    check_sketch(drive)
    assert drive.finish
    if drive.finish.state is JobState.DONE:
        assert fate(drive) == ["written"]


@given(
    data=st.data(),
    attended=st.booleans(),
    migrate=st.booleans(),
    prepare_only=st.booleans(),
    confirmed=st.booleans(),
    procedure=st.sampled_from([None, "provision-2.0", "flash-then-2.0"]),
)
def test_setting_up_always_ends_and_forgets_neither_board_nor_claim(
    data, attended, migrate, prepare_only, confirmed, procedure
):
    cloud = ModelCloud()
    drive = setup(
        attended=attended,
        migrate=migrate,
        prepare_only=migrate and prepare_only,
        confirmed=confirmed,
        procedure=procedure,
        delete_old=data.draw(st.booleans()),
    )
    for _ in range(data.draw(st.integers(0, 60))):
        if drive.finish is None:
            step(drive, cloud, data, answer)
    run_out(drive)
    check_sketch(drive)
    assert drive.finish
    if drive.finish.state is JobState.DONE and (drive.finish.result or {}).get("prepared"):
        assert cloud.claims == {}
        return
    check_claims(drive, cloud)
    # A network that the cloud was not told of is never sent, nor one without a RESET before.
    order = [
        type(r) for r in drive.asked if isinstance(r, fx.ClaimBoard | fx.ResetBoard | fx.Configure)
    ]
    if fx.Configure in order:
        assert fx.ResetBoard in order[: order.index(fx.Configure)]
    if not attended and not confirmed:
        assert not any(isinstance(r, flash.EnterBootloader) for r in drive.asked)
    if any(isinstance(r, dx.DeleteDevice) for r in drive.asked):
        assert drive.finish.state is JobState.DONE
    assert all(
        r != dx.DeleteDevice("d") or (drive.finish.result or {}).get("device_id") != "d"
        for r in drive.asked
    )
