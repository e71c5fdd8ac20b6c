"""Machines at work over Bluetooth LE: what they never try, and what they make of a lost link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.catalog import Catalog
from agent.clouds.cloud import Requirements
from agent.errors import (
    BleLost,
    BleUnreachable,
    BluetoothOff,
    BoardSilent,
    MooringError,
    NotSupported,
    OtherBoard,
    OtherInTheAir,
    PortBusy,
    StatusReported,
)
from agent.jobs import effects as fx
from agent.jobs.claim_steps import POLL_AFTER_END_S
from agent.jobs.configure import Configure
from agent.jobs.flash_effects import FlashRequest
from agent.jobs.forget import Forget
from agent.jobs.forget import Order as ForgetOrder
from agent.jobs.guide import guide_of
from agent.jobs.identify import Identify
from agent.jobs.improv import ImprovOrder, JoinImprov
from agent.jobs.job import JobState
from agent.jobs.provision import Provision
from agent.jobs.return_steps import RETURNS_MAX
from agent.jobs.setup import Setup, SetupOrder
from agent.jobs.states import PARTING_S, RETURN_AIR_S
from tests.jobs.samples import board_facts, claim, identity, order, wifi
from tests.jobs.test_machine_properties import ModelCloud, over, run_out, step

if TYPE_CHECKING:
    from agent.jobs.machine import Machine
    from tests.jobs.drive import Drive

CATALOG = Catalog.load()
UNO = CATALOG.get("uno_r4_wifi")
GUIDE = guide_of(UNO)
PORT = "ble://F4:12:FA:00:00:01"
LOST = BleLost(port=PORT)
UNREACHABLE = BleUnreachable(port=PORT, attempts=4, detail="it was not heard")


def provision(*, attended: bool = True, **changes: Any) -> Drive:
    wanted = order(guide=GUIDE, air_firmware="0.6.0", **changes)
    return over("ble", Provision(wanted, wifi(), attended=attended))


def setup(*, attended: bool = True) -> Drive:
    wanted = SetupOrder(
        cloud="arduino",
        cloud_title="Arduino Cloud",
        name="kitchen-sensor",
        fqbn="arduino:renesas_uno:unor4wifi",
        guide=GUIDE,
        air_firmware="0.6.0",
        model=UNO,
    )
    return over("ble", Setup(wanted, wifi(), attended=attended))


def configure(*, attended: bool = True) -> Drive:
    machine = Configure(
        wifi(),
        in_run="Set it up again.",
        guide=GUIDE,
        air_firmware="0.6.0",
        confirmed=False,
        attended=attended,
    )
    return over("ble", machine)


def read(drive: Drive, **facts: Any) -> Drive:
    if drive.waits_for(fx.CloudRequirements):
        drive.done(fx.CloudRequirements, Requirements(min_sketch="0.6.0"))
    return drive.done(fx.OpenSession).done(fx.ReadBoard, board_facts(**facts))


def to_joining(drive: Drive) -> Drive:
    read(drive).done(fx.SettleLeftovers, []).done(fx.ReadIdentity, identity())
    return drive.done(fx.ClaimBoard, "c-1").done(fx.ResetBoard)


def ended(drive: Drive) -> tuple[JobState, str | None]:
    while drive.waits_for(fx.CloseSession):
        drive.done(fx.CloseSession)
    return drive.state, drive.error


def offered(drive: Drive) -> list[str]:
    return [action.id for action in drive.question.actions] if drive.question else []


def back(drive: Drive, **facts: Any) -> Drive:
    """Heard again, opened and read."""
    if drive.waits_for(fx.CloseSession):
        drive.done(fx.CloseSession)
    drive.done(fx.WaitBoardBack).done(fx.OpenSession)
    return drive.done(fx.ReadBoard, board_facts(**facts))


# --- how it says what it does --------------------------------------------------------------------


@pytest.mark.parametrize(("via", "how"), [("usb", "Over USB"), ("ble", "Over Bluetooth")])
def test_the_first_step_says_which_link_it_takes(via, how):
    drive = over(via, Provision(order(), wifi(), attended=True))
    assert drive.job.steps[0].message == how
    read(drive)
    assert drive.job.steps[0].message.startswith("over Bluetooth · ") is (via == "ble")


def test_a_board_that_is_no_longer_heard_is_told_before_its_link_is_given_up():
    drive = to_joining(provision())
    drive.lose_session()
    (joining,) = (step for step in drive.job.steps if step.id == "join")
    assert "no longer heard" in joining.message
    assert drive.waits_for(fx.Configure)


# --- the end of provisioning ---------------------------------------------------------------------


def test_a_link_that_ends_once_the_board_has_joined_is_no_trouble():
    drive = to_joining(provision()).done(fx.Configure)
    drive.fail(fx.WaitEnded, LOST)
    assert drive.question is None
    drive.done(fx.CloseSession).done(fx.FindClaims, [claim("d-1")])
    assert ended(drive) == (JobState.DONE, None)
    assert drive.finish
    assert drive.finish.result
    (note,) = drive.finish.result["notes"]
    assert note.startswith("Its Bluetooth is off now. To change its network later: connect pin 2")


def test_a_board_without_a_cloud_keeps_its_bluetooth():
    drive = read(provision(cloud="none")).done(fx.ResetBoard).done(fx.Configure)
    assert ended(drive) == (JobState.DONE, None)
    assert drive.finish
    assert "notes" not in (drive.finish.result or {})


# --- the board is away ---------------------------------------------------------------------------


@pytest.mark.parametrize("error", [LOST, UNREACHABLE])
def test_a_lost_link_is_a_question_with_the_guide_that_answers_itself(error: MooringError):
    drive = to_joining(provision()).fail(fx.Configure, error)
    assert drive.question
    assert drive.question.title == "The board is no longer heard over Bluetooth."
    assert "connect pin 2 to GND for 3 seconds" in drive.question.meaning
    assert drive.question.guide == {"pin": "2", "hold_seconds": 3, "drawing": "uno", "led": ""}
    assert offered(drive) == ["undo"]
    back(drive)
    assert drive.question is None
    assert drive.waits_for(fx.ResetBoard)


def test_bluetooth_that_was_switched_off_says_how_to_switch_it_on():
    off = BluetoothOff(action="Switch it on in the settings.")
    drive = to_joining(provision()).fail(fx.Configure, off)
    assert drive.question
    assert drive.question.title == off.report().title
    assert "Switch it on in the settings." in drive.question.meaning
    assert drive.question.guide == {}


def test_a_board_without_such_an_input_is_only_to_be_brought_nearer():
    wanted = order(guide=None)
    drive = to_joining(over("ble", Provision(wanted, wifi(), attended=True)))
    drive.fail(fx.Configure, LOST)
    assert drive.question
    assert drive.question.guide == {}
    assert "Bring it nearer" in drive.question.meaning


def test_a_board_that_has_its_settings_may_come_online_while_nobody_hears_it():
    drive = to_joining(provision()).fail(fx.Configure, UNREACHABLE).done(fx.CloseSession)
    assert drive.timers["poll"] == POLL_AFTER_END_S
    drive.fire("poll").fail(fx.FindClaims, UNREACHABLE)
    drive.fire("poll").done(fx.FindClaims, [claim()])
    drive.fire("poll").done(fx.FindClaims, [claim("d-1")])
    assert ended(drive) == (JobState.DONE, None)
    assert drive.open_claim is None


def test_a_board_without_settings_cannot_come_online():
    drive = read(provision()).done(fx.SettleLeftovers, []).done(fx.ReadIdentity, identity())
    drive.done(fx.ClaimBoard, "c-1").fail(fx.ResetBoard, UNREACHABLE)
    assert "poll" not in drive.timers


def test_a_reset_that_may_have_been_lost_leaves_it_open_whether_it_comes_online():
    drive = to_joining(provision()).fail(fx.Configure, UNREACHABLE)
    back(drive).fail(fx.ResetBoard, LOST).done(fx.CloseSession)
    assert "poll" in drive.timers


def test_with_nobody_there_it_is_waited_for_long_enough_to_be_heard_then_undone():
    drive = to_joining(provision(attended=False)).fail(fx.Configure, UNREACHABLE)
    drive.done(fx.CloseSession)
    assert drive.waits_for(fx.WaitBoardBack) == fx.WaitBoardBack(RETURN_AIR_S)
    drive.fail(fx.WaitBoardBack, UNREACHABLE).done(fx.Unclaim)
    assert ended(drive) == (JobState.FAILED, "ble-unreachable")
    assert drive.open_claim is None


def test_a_board_that_is_heard_but_never_linked_to_is_asked_about_in_the_end():
    drive = to_joining(provision()).fail(fx.Configure, UNREACHABLE)
    for _ in range(RETURNS_MAX - 1):
        drive.done(fx.CloseSession).done(fx.WaitBoardBack).fail(fx.OpenSession, UNREACHABLE)
    drive.done(fx.CloseSession).done(fx.WaitBoardBack).fail(fx.OpenSession, UNREACHABLE)
    assert offered(drive) == ["retry", "undo"]
    # Whoever tries again is waited with as long as before.
    drive.answer("retry").fail(fx.OpenSession, UNREACHABLE)
    assert offered(drive) == ["undo"]


def test_a_board_that_another_program_holds_is_not_waited_for():
    busy = PortBusy(port=PORT, holder="another program")
    drive = to_joining(provision()).fail(fx.Configure, busy)
    assert offered(drive) == ["retry", "undo"]


def test_another_board_that_answers_is_told():
    drive = to_joining(provision()).fail(fx.Configure, LOST)
    back(drive, uhwid="ff" * 32)
    assert drive.question
    assert drive.question.error
    assert drive.question.error.code == OtherBoard.code


# --- what answers in the place of a board that is known ------------------------------------------


def forget() -> Drive:
    wanted = ForgetOrder("Arduino UNO R4 WiFi", GUIDE, "Upload its sketch again.", confirmed=True)
    return over("ble", Forget(wanted, attended=True))


def improv() -> Drive:
    return over("ble", JoinImprov(ImprovOrder(board="kitchen"), wifi(), attended=True))


def identify() -> Drive:
    return over("ble", Identify(attended=True))


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (provision, {}),
        (setup, {}),
        (configure, {}),
        (forget, {}),
        (identify, {}),
        (configure, {"uhwid": None}),
        (improv, {"protocol": "improv", "uhwid": None}),
    ],
)
def test_whatever_has_another_hardware_id_is_sent_nothing(make, found):
    drive = make()
    drive.machine.known_as = "ff" * 32
    read(drive, **found)
    assert ended(drive) == (JobState.FAILED, OtherInTheAir.code)
    assert not any(isinstance(each, fx.Make | fx.ResetBoard | fx.Configure) for each in drive.asked)
    assert drive.facts == []


@pytest.mark.parametrize("make", [provision, setup, configure])
def test_the_board_that_is_known_is_served(make):
    drive = make()
    drive.machine.known_as = board_facts().uhwid
    assert not read(drive).finish
    assert not drive.waits_for(fx.CloseSession)


def test_the_sketch_of_an_application_does_not_tell_its_hardware_id():
    drive = configure()
    drive.machine.known_as = "ff" * 32
    assert read(drive, application_sketch=True, uhwid=None).waits_for(fx.Configure)


def test_on_a_cable_the_board_is_what_is_plugged_in():
    machine = Configure(
        wifi(), in_run="Set it up again.", guide=GUIDE, confirmed=False, attended=True
    )
    machine.known_as = "ff" * 32
    assert read(over("usb", machine)).waits_for(fx.Configure)


# --- changing the network ------------------------------------------------------------------------


def test_a_board_that_hangs_up_after_it_joined_has_switched_its_bluetooth_off():
    drive = read(configure()).done(fx.Configure)
    assert drive.timers["limit"] == PARTING_S
    drive.done(fx.WaitEnded)
    assert ended(drive) == (JobState.DONE, None)
    assert drive.finish
    assert (drive.finish.result or {})["notes"]


@pytest.mark.parametrize("way", ["limit", "failed", "cancel"])
def test_a_board_that_stays_has_its_network_all_the_same(way: str):
    drive = read(configure()).done(fx.Configure)
    match way:
        case "limit":
            drive.fire("limit")
        case "failed":
            drive.fail(fx.WaitEnded, LOST)
        case _:
            drive.cancel()
    assert ended(drive) == (JobState.DONE, None)
    assert drive.finish
    assert drive.finish.result == {"network": "HomeNet", "uhwid": board_facts().uhwid}


def test_an_application_is_not_waited_for():
    drive = read(configure(), application_sketch=True, uhwid=None).done(fx.Configure)
    assert drive.waits_for(fx.WaitEnded) is None
    assert ended(drive) == (JobState.DONE, None)


def test_a_board_that_goes_away_while_it_joins_gets_its_settings_again():
    drive = read(configure()).fail(fx.Configure, LOST)
    assert drive.question
    assert drive.question.guide["pin"] == "2"
    assert offered(drive) == ["stop"]
    assert back(drive).waits_for(fx.Configure)


def test_a_board_that_joined_while_it_was_away_is_done():
    drive = read(configure()).fail(fx.Configure, LOST)
    back(drive, online=True, initial_status=2)
    assert drive.waits_for(fx.WaitEnded)
    drive.done(fx.WaitEnded)
    assert ended(drive) == (JobState.DONE, None)


def test_an_application_that_is_online_may_still_have_its_old_network():
    facts: dict[str, Any] = {"application_sketch": True, "uhwid": None}
    drive = read(configure(), **facts).fail(fx.Configure, LOST)
    assert back(drive, online=True, **facts).waits_for(fx.Configure)


@pytest.mark.parametrize(("answer", "again"), [("retry", True), ("stop", False)])
def test_a_board_that_fails_while_its_network_is_changed_may_be_tried_again(answer, again):
    drive = read(configure()).fail(fx.Configure, BoardSilent(seconds=30))
    drive.answer(answer)
    if again:
        assert drive.done(fx.OpenSession).done(fx.ReadBoard, board_facts()).waits_for(fx.Configure)
    else:
        assert ended(drive) == (JobState.FAILED, "board-silent")


def test_with_nobody_there_a_lost_link_fails_the_change():
    drive = read(configure(attended=False)).fail(fx.Configure, LOST)
    assert ended(drive) == (JobState.FAILED, "ble-lost")


# --- what the air cannot do ----------------------------------------------------------------------


@pytest.mark.parametrize("make", [provision, configure, setup])
def test_firmware_that_is_too_old_for_bluetooth_is_told_before_anything_is_changed(make):
    drive = read(make(), wifi_firmware="0.5.2")
    assert ended(drive) == (JobState.FAILED, "board-old-firmware")
    assert drive.finish
    assert drive.finish.error
    assert "firmware updater" in drive.finish.error.remedy
    changing = fx.Make | fx.ResetBoard | fx.Configure
    assert not any(isinstance(request, changing) for request in drive.asked)
    assert drive.facts == []


@pytest.mark.parametrize("make", [provision, configure, setup])
def test_firmware_that_does_not_tell_its_version_is_not_held_against_the_board(make):
    drive = read(make(), wifi_firmware=None)
    assert drive.finish is None


@pytest.mark.parametrize("make", [provision, configure])
def test_over_a_cable_that_firmware_does_not_matter(make):
    drive = make()
    over_cable = over("usb", fresh(drive.machine))
    read(over_cable, wifi_firmware="0.5.2")
    assert over_cable.finish is None


def fresh(machine: Machine) -> Machine:
    if isinstance(machine, Provision):
        return Provision(machine.order, wifi(), attended=True)
    return Configure(
        wifi(), in_run="", air_firmware="0.6.0", confirmed=False, attended=machine.attended
    )


@pytest.mark.parametrize(
    "facts",
    [{"sketch_version": "0.5.0"}, {"application_sketch": True, "uhwid": None}],
    ids=["old", "application"],
)
def test_a_sketch_that_will_not_do_needs_a_cable(facts: dict[str, Any]):
    drive = read(setup(), **facts)
    assert ended(drive) == (JobState.FAILED, "needs-cable")
    assert drive.finish
    assert drive.finish.error
    assert "USB cable" in drive.finish.error.remedy
    assert drive.question is None


@pytest.mark.parametrize(
    "error",
    [
        BoardSilent(seconds=30),
        StatusReported(name="HW", status=-150, text="t", action="a"),
        UNREACHABLE,
    ],
)
def test_a_board_that_cannot_be_read_in_the_air_is_not_looked_at_in_other_ways(error):
    drive = setup().done(fx.CloudRequirements, Requirements()).fail(fx.OpenSession, error)
    assert ended(drive) == (JobState.FAILED, error.code)


def test_a_cloud_without_provisioning_2_0_cannot_be_served_in_the_air():
    no = NotSupported(model="UNO", what="take 2.0", why="No.", action="Take 1.0.")
    drive = setup().fail(fx.CloudRequirements, no)
    assert ended(drive) == (JobState.FAILED, "board-not-supported")


def test_a_silent_board_in_the_air_is_not_asked_in_1_0():
    drive = over("ble", Identify(attended=True)).fail(fx.OpenSession, BoardSilent(seconds=30))
    assert ended(drive) == (JobState.FAILED, "board-silent")


def test_an_application_in_the_air_forgets_by_hand_only():
    wanted = ForgetOrder("UNO R4 WiFi", GUIDE, "", overwrites=False)
    drive = over("ble", Forget(wanted, attended=True))
    read(drive, application_sketch=True, uhwid=None)
    assert offered(drive) == ["done", "stop"]
    drive.done(fx.WaitEnded).done(fx.OpenSession)
    drive.done(fx.ReadBoard, board_facts(application_sketch=True, uhwid=None, initial_status=-1))
    assert drive.question
    assert drive.question.title.startswith("It did not work yet")
    drive.fail(fx.WaitEnded, LOST)
    drive.answer("done").done(fx.OpenSession)
    drive.done(fx.ReadBoard, board_facts(application_sketch=True, uhwid=None))
    assert ended(drive) == (JobState.DONE, None)
    alone = over("ble", Forget(wanted, attended=False))
    read(alone, application_sketch=True, uhwid=None)
    assert ended(alone) == (JobState.FAILED, "board-not-supported")
    assert alone.finish
    assert alone.finish.error
    assert "over Bluetooth" in alone.finish.error.title


@given(data=st.data(), attended=st.booleans(), kind=st.sampled_from(["setup", "forget"]))
def test_no_way_through_a_job_in_the_air_leads_to_a_sketch(data, attended, kind):
    if kind == "setup":
        drive = setup(attended=attended)
    else:
        wanted = ForgetOrder("UNO R4 WiFi", GUIDE, "", overwrites=False)
        drive = over("ble", Forget(wanted, attended=attended))
    cloud = ModelCloud()
    for _ in range(data.draw(st.integers(0, 40))):
        if drive.finish is None:
            step(drive, cloud, data)
    run_out(drive)
    assert not any(isinstance(request, FlashRequest) for request in drive.asked)
