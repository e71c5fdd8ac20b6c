"""Looking what a board runs, and which boards that is done for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.boards.board import Board, BoardState, Port, Provisioning
from agent.errors import NotSupported, PortGone
from agent.jobs import effects as fx
from agent.jobs.blink import Blink
from agent.jobs.flash_effects import AskBoard
from agent.jobs.identify import Identify
from agent.jobs.improv_effects import ShowWhich
from agent.jobs.improv_plan import blink_machine, chance_of, join_machine, with_improv
from agent.jobs.job import JobKind, JobState
from agent.jobs.look_first import LookFirst
from agent.jobs.networks import Networks
from agent.jobs.request import Request
from agent.jobs.which import BoardSays
from tests.jobs.drive import Drive
from tests.jobs.samples import board_facts, option, wifi

if TYPE_CHECKING:
    from agent.boards.board import Via
    from agent.catalog import Catalog

ESPS = ["esp32", "esp32c3", "esp8266"]


def look(*, both: bool = True) -> Drive:
    other = Identify(attended=True) if both else None
    return Drive(LookFirst(Networks(attended=True), other, attended=True))


def board(via: Via = "usb", service: Any = None, **changes: Any) -> Board:
    vid = changes.pop("vid", None)
    port = (
        Port(kind="ble", address="ble://A1", service=service)
        if via == "ble"
        else Port(kind="serial", address="/dev/ttyUSB0", vid=vid)
    )
    given: dict[str, Any] = {
        "id": "b",
        "name": "lamp",
        "model": None,
        "fqbn": None,
        "ports": [port],
        "first_seen": 0.0,
    }
    return Board(**(given | changes))


def asked(**changes: Any) -> Request:
    given: dict[str, Any] = {"kind": JobKind.PROVISION, "board": "b"}
    return Request(**(given | changes))


# --- the machine -----------------------------------------------------------------------------


def test_a_device_of_improv_goes_on_as_such():
    drive = look()
    request = drive.waits_for(AskBoard)
    assert request
    assert (request.patience_s, request.improv) == (5.0, "last")
    drive.done(AskBoard, BoardSays(answer="improv"))
    drive.done(fx.OpenSession).done(fx.ReadBoard, board_facts()).done(fx.Scan, [option("New")])
    drive.done(fx.CloseSession)
    assert drive.finish
    assert drive.finish.result
    assert drive.finish.result["networks"][0]["ssid"] == "New"
    assert drive.job.steps[0].message == "it speaks Improv Wi-Fi"


def test_that_a_board_speaks_improv_is_known_before_it_is_opened_again():
    machine = LookFirst(Networks(attended=True), None, attended=True)
    (asks,) = [each for each in machine.start(0.0) if isinstance(each, AskBoard)]
    effects = machine.handle(fx.Done(asks, BoardSays(answer="improv")), 1.0)
    learned = effects.index(fx.Learn(installed="improv"))
    assert learned < effects.index(fx.OpenSession())


@pytest.mark.parametrize("answer", ["2.0", "application", "1.0", "console", "silence", "text"])
def test_any_other_board_goes_on_as_it_always_did(answer: Any):
    drive = look().done(AskBoard, BoardSays(answer=answer))
    drive.done(fx.OpenSession).done(fx.ReadBoard, board_facts()).done(fx.CloseSession)
    assert drive.state is JobState.DONE
    assert drive.steps() == {"look": "done", "read": "done"}


def test_a_family_without_anything_else_is_asked_in_nothing_else():
    drive = look(both=False)
    request = drive.waits_for(AskBoard)
    assert request
    assert request.improv == "only"
    assert "restarts many boards with an ESP chip" in drive.job.steps[0].message
    assert "10 s" in drive.job.steps[0].message
    drive.done(AskBoard, BoardSays(answer="silence")).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "board-improv-silent")


def test_a_board_that_is_unplugged_while_it_is_asked_ends_the_job():
    drive = look().fail(AskBoard, PortGone(port="/dev/ttyUSB0")).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "port-gone")


def test_a_board_that_answers_nothing_for_too_long_ends_the_job():
    drive = look().fire("limit").done(fx.CloseSession)
    assert drive.state is JobState.FAILED


def test_a_cancel_ends_the_job_before_and_after_the_answer():
    assert look().cancel().done(fx.CloseSession).state is JobState.CANCELLED
    drive = look().done(AskBoard, BoardSays(answer="improv"))
    assert drive.cancel().done(fx.CloseSession).state is JobState.CANCELLED


def test_what_it_goes_on_as_talks_over_the_same_link():
    machine = LookFirst(Networks(attended=True), None, attended=True)
    machine.via = "ble"
    Drive(machine).done(AskBoard, BoardSays(answer="improv"))
    assert machine.improv.via == "ble"


# --- which boards ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "chance"),
    [
        ({}, "unknown"),
        ({"candidates": ESPS}, "may"),
        ({"candidates": [*ESPS, "nano_33_iot"]}, "unknown"),
        ({"candidates": ["no_such_model"]}, "unknown"),
        ({"model": "esp32c3"}, "may"),
        ({"model": "nano_esp32"}, "may"),
        ({"model": "uno_r4_wifi"}, "no"),
        ({"model": "mkr_1000_wifi"}, "no"),
        ({"model": "portenta_x8"}, "no"),
        ({"provisioning": Provisioning(installed="2.0")}, "no"),
        ({"provisioning": Provisioning(installed="improv")}, "speaks"),
        ({"provisioning": Provisioning(installed="improv"), "model": "esp32"}, "speaks"),
        ({"provisioning": Provisioning(installed="1.0"), "candidates": ESPS}, "may"),
        ({"state": BoardState.BOOTLOADER, "model": "esp32"}, "no"),
        ({"via": "ble", "service": "improv"}, "speaks"),
        ({"via": "ble", "service": "2.0"}, "no"),
    ],
)
def test_only_boards_of_which_nothing_better_is_known_are_asked(
    catalog: Catalog, known: dict[str, Any], chance: str
):
    made = board(**known)
    model = catalog.get(made.model) if made.model else None
    assert chance_of(asked(), made, model, catalog, known.get("via", "usb")) == chance


def test_a_person_may_say_that_a_board_speaks_it(catalog: Catalog):
    model = catalog.get("uno_r4_wifi")
    said = asked(procedure="improv")
    assert chance_of(said, board(model="uno_r4_wifi"), model, catalog, "usb") == "may"


def test_each_chance_has_its_procedure():
    improv, other = Networks(attended=True), Identify(attended=True)
    assert with_improv("speaks", improv, lambda: other) is improv
    assert with_improv("no", improv, lambda: other) is other
    may = with_improv("may", improv, lambda: other)
    assert isinstance(may, LookFirst)
    assert may.other is None
    unknown = with_improv("unknown", improv, lambda: other)
    assert isinstance(unknown, LookFirst)
    assert unknown.other is other


def test_who_asks_for_another_network_means_it(catalog: Catalog):
    for kind, another in ((JobKind.CONFIGURE, True), (JobKind.PROVISION, False)):
        said = asked(kind=kind, name="desk")
        machine = join_machine(said, board(), catalog, wifi(), attended=True)
        assert machine.order.another is another
        assert machine.order.name == "desk"


@pytest.mark.parametrize(
    ("known", "unnamed"),
    [
        ({"name": "ESP32 or similar", "candidates": ESPS}, True),
        ({"name": "ESP32-C3 (generic)", "model": "esp32c3"}, True),
        ({"name": "Unknown board"}, True),
        ({"name": "ESP32 or similar (CP210x)", "candidates": ESPS, "vid": 0x10C4}, True),
        ({"name": "desk", "candidates": ESPS}, False),
        ({"name": "desk", "model": "esp32c3"}, False),
    ],
)
def test_a_name_that_a_person_gave_stays(catalog: Catalog, known: dict[str, Any], unnamed: bool):
    machine = join_machine(asked(), board(**known), catalog, wifi(), attended=True)
    assert machine.order.unnamed is unnamed


# --- blink -----------------------------------------------------------------------------------


def test_a_device_blinks():
    drive = Drive(blink_machine(board("ble", "improv"), "ble", attended=False))
    drive.done(fx.OpenSession).done(ShowWhich).done(fx.CloseSession)
    assert drive.finish
    assert drive.finish.result == {"blinks": True}
    assert drive.job.steps[0].message == "it blinks for some seconds, or makes a sound"


@pytest.mark.parametrize("at", [fx.OpenSession, ShowWhich])
def test_a_device_that_does_not_blink_says_why(at: type[fx.Request]):
    drive = Drive(Blink(attended=True))
    if at is ShowWhich:
        drive.done(fx.OpenSession)
    drive.fail(at, PortGone(port="ble://A1")).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "port-gone")


@pytest.mark.parametrize(
    ("via", "service", "way"), [("usb", None, "Unplug it"), ("ble", "2.0", "strongest signal")]
)
def test_a_board_without_such_a_command_is_refused_with_another_way(
    via: Via, service: Any, way: str
):
    with pytest.raises(NotSupported) as refused:
        blink_machine(board(via, service), via, attended=True)
    assert way in refused.value.report().remedy
