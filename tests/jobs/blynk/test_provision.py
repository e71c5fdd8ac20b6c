"""Setting a Blynk board up, step by step and without I/O: what can happen at each of them."""

from __future__ import annotations

from typing import Any

import pytest

from agent.errors import (
    ApNotHeard,
    BlynkForbidden,
    BlynkTokenLost,
    BlynkTokenUnknown,
    MooringError,
    NotSupported,
    PortGone,
    SketchHalted,
    StatusReported,
    Unreachable,
    VaultFailed,
    WifiNotBack,
)
from agent.jobs import effects as fx
from agent.jobs.blynk import effects as bx
from agent.jobs.blynk.facts import blynk_left, blynk_result
from agent.jobs.blynk.provision import ProvisionBlynk
from agent.jobs.job import JobState, StepState
from agent.protocols.blynk.config import StaticAddress
from agent.protocols.blynk.failures import FAILURES
from agent.protocols.blynk.platform import Device
from agent.protocols.blynk.tokens import Pasted
from agent.settings import Secret
from agent.settings.network import CatM1, Ethernet, WiFi
from tests.jobs.blynk.samples import (
    BOARD,
    FOUND,
    HOME,
    LEAVING,
    MADE,
    OTHER,
    PASSWORD,
    PENDING,
    POINT,
    PROVEN,
    PUT,
    SCAN,
    TEMPLATE,
    TOKEN,
    order,
)
from tests.jobs.drive import Drive

ONLINE = bx.Arrived("online", 3.2, joined=True)
GONE = PortGone(port="/dev/ttyUSB0")
DOWN = Unreachable(cloud="Blynk.Cloud", detail="no answer")
LOST = BlynkTokenLost(cloud="Blynk.Cloud", detail="x.", left="y.")
FULL = VaultFailed(path="/v", detail="disk full")


def machine(*, attended: bool = True, **changes: Any) -> Drive:
    return Drive(ProvisionBlynk(order(**changes), attended=attended))


def read(**changes: Any) -> Drive:
    return machine(**changes).done(bx.Reach, FOUND)


def delivering(**changes: Any) -> Drive:
    return read(**changes).done(bx.FindKept).done(bx.MakeToken, MADE).done(bx.Keep, PUT)


def failed(code: int, **changes: Any) -> Drive:
    failure = next(each for each in FAILURES if each.code == code)
    arrived = bx.Arrived("failed", failure=failure, joined=failure.part == "cloud")
    return delivering(**changes).done(bx.Deliver, arrived)


def end(drive: Drive, name: str = "Thermo-FK8D") -> dict[str, Any]:
    """The rest of a board that is online."""
    drive.done(bx.TellKey, False)
    if drive.waits_for(bx.Prove):
        drive.done(bx.Prove)
    if drive.waits_for(bx.Rename):
        drive.done(bx.Rename, Device(id=55, name=name))
    drive.done(fx.CloseSession)
    assert drive.finish is not None
    assert drive.state is JobState.DONE, drive.finish.error
    return drive.finish.result or {}


def actions(drive: Drive) -> list[str]:
    assert drive.question is not None
    return [action.id for action in drive.question.actions]


def closed(drive: Drive) -> Drive:
    return drive.done(fx.CloseSession)


# --- the way that is hoped for ---------------------------------------------------------------


def test_a_token_is_in_the_vault_before_the_board_gets_it() -> None:
    drive = read(name="Kitchen").done(bx.FindKept).done(bx.FindKept)
    assert drive.facts[-1].kind == "blynk-asked"
    drive.done(bx.MakeToken, MADE)
    keep = drive.waits_for(bx.Keep)
    assert keep is not None
    assert (keep.name, keep.token) == ("Kitchen", TOKEN)
    drive.done(bx.Keep, PUT)
    deliver = drive.waits_for(bx.Deliver)
    assert deliver is not None
    assert (deliver.config.token, deliver.config.wifi, deliver.fresh) == (TOKEN, HOME, True)
    result = end(drive.done(bx.Deliver, ONLINE), "Kitchen")
    assert (result["device"], result["device_id"], result["entry"]) == ("Kitchen", 55, PUT.entry)
    assert (result["connected"], result["token"], result["way"]) == ("cloud", "made", "console")
    assert blynk_result(drive.facts) is not None
    for secret in (TOKEN, PASSWORD):
        assert secret.reveal() not in f"{drive.asked}{drive.facts}{drive.job}"


def test_what_is_heard_moves_the_steps_even_if_some_of_it_is_lost() -> None:
    drive = delivering()
    request = drive.waits_for(bx.Deliver)
    assert request is not None
    for stage, detail, step in (
        (0, "", "join"),
        (2, "192.168.1.57", "join"),
        (4, "", "online"),
    ):
        drive.give(fx.Advanced(request, "write", stage, 0, detail))
        assert drive.steps()[step] == "running"
    end(drive.done(bx.Deliver, ONLINE))
    assert set(drive.steps().values()) == {"done"}
    quiet = delivering()
    end(quiet.done(bx.Deliver, ONLINE))
    assert set(quiet.steps().values()) == {"done"}


@pytest.mark.parametrize(
    ("wanted", "source", "named"),
    [
        ("", "made", "Thermo-FK8D"),
        ("Shed", "made", "Shed"),
        ("", "vault", ""),
        ("Shed", "vault", "Shed"),
    ],
)
def test_a_new_device_is_named_and_one_that_was_there_only_if_that_is_wanted(
    wanted: str, source: str, named: str
) -> None:
    drive = read(name=wanted)
    if source == "made":
        drive.done(bx.FindKept)
        if wanted:  # also under another name
            drive.done(bx.FindKept)
        drive.done(bx.MakeToken, MADE)
    else:
        drive.done(bx.FindKept, PROVEN).done(bx.CheckToken, False)
    drive.done(bx.Keep, PUT).done(bx.Deliver, ONLINE)
    rename = drive.waits_for(bx.Rename)
    assert rename is not None
    assert rename.name == named


def test_the_board_alone_says_that_it_is_online_where_the_cloud_cannot_be_asked() -> None:
    drive = delivering().done(bx.Deliver, bx.Arrived("told", joined=True))
    drive.done(bx.TellKey, True).done(bx.Prove).fail(bx.Rename, DOWN).done(fx.CloseSession)
    assert drive.finish is not None
    result = drive.finish.result or {}
    assert result["connected"] == "board"
    assert len(result["notes"]) == 2


# --- the board -------------------------------------------------------------------------------


@pytest.mark.parametrize("template", ["", "MyProduct"])
def test_firmware_without_a_template_is_refused_before_anything_is_made(template: str) -> None:
    board = BOARD.__class__(generation=2, name="x", template_id=template)
    drive = machine().done(bx.Reach, FOUND._replace(board=board))
    assert closed(drive).error == "board-not-supported"
    assert not any(isinstance(each, bx.MakeToken) for each in drive.asked)


@pytest.mark.parametrize(
    ("template", "cut"),
    [("Greenhouse controller south", True), ("Greenhouse controlle", False), ("Thermo", False)],
)
def test_a_name_that_was_too_long_for_a_network_is_told_of(template: str, cut: bool) -> None:
    board = BOARD.__class__(
        generation=1,
        name="Blynk Greenhouse controlle-FK8D",
        template_name=template,
        template_id=TEMPLATE,
    )
    drive = machine().done(bx.Reach, FOUND._replace(board=board))
    drive.done(bx.FindKept).done(bx.MakeToken, MADE).done(bx.Keep, PUT).done(bx.Deliver, ONLINE)
    notes = end(drive)["notes"]
    assert bool(notes) is cut
    assert not cut or "it may have 32 characters in all" in notes[0]


def test_a_console_that_takes_no_fixed_address_is_told_of_before_anything_is_made() -> None:
    fixed = StaticAddress("10.0.0.5", "255.255.255.0", "10.0.0.1")
    drive = closed(read(address=fixed))
    assert drive.error == "board-not-supported"
    assert not any(isinstance(each, bx.MakeToken) for each in drive.asked)
    air = machine(address=fixed).done(bx.Reach, FOUND._replace(way="ble"))
    air.done(bx.FindKept).done(bx.MakeToken, MADE).done(bx.Keep, PUT)
    deliver = air.waits_for(bx.Deliver)
    assert deliver is not None
    assert deliver.config.static == fixed


def test_another_template_is_refused_before_anything_is_made() -> None:
    drive = read(template="TMPLother0000")
    assert closed(drive).error == "blynk-template"
    assert not any(isinstance(each, bx.MakeToken) for each in drive.asked)


@pytest.mark.parametrize("error", [SketchHalted(seconds=12, why="x"), StatusReported(name="x")])
def test_a_board_that_does_not_answer_is_asked_again_or_left(error: MooringError) -> None:
    drive = machine().fail(bx.Reach, error)
    assert actions(drive) == ["retry", "stop"]
    assert drive.question is not None
    assert "own Wi-Fi network" in drive.question.meaning
    drive.answer("retry").done(bx.Reach, FOUND)
    assert drive.waits_for(bx.FindKept)
    assert closed(machine().fail(bx.Reach, error).answer("stop")).error == error.code
    assert closed(machine(attended=False).fail(bx.Reach, error)).error == error.code


def test_an_unplugged_board_is_waited_for_and_gets_what_it_was_about_to_get() -> None:
    drive = delivering().fail(bx.Deliver, GONE)
    assert actions(drive) == ["stop"]
    drive.done(fx.CloseSession).done(fx.WaitBoardBack).done(bx.Reach, FOUND)
    deliver = drive.waits_for(bx.Deliver)
    assert deliver is not None
    assert deliver.config.token == TOKEN
    end(drive.done(bx.Deliver, ONLINE))


def test_another_board_in_its_place_gets_nothing() -> None:
    drive = delivering().fail(bx.Deliver, GONE)
    drive.done(fx.CloseSession).done(fx.WaitBoardBack)
    other = FOUND._replace(board=BOARD.__class__(generation=1, name="Blynk Thermo-0000"))
    drive.done(bx.Reach, other)
    assert drive.question is not None
    assert drive.question.error is not None
    assert drive.question.error.code == "board-other"
    assert closed(drive.answer("stop")).error == "blynk-kept"


# --- the network -----------------------------------------------------------------------------


def test_without_a_network_the_person_chooses_one_that_the_board_sees() -> None:
    drive = read(network=None).done(bx.LookAround, SCAN)
    assert drive.question is not None
    assert [each["ssid"] for each in drive.question.networks] == ["HomeNet", "Guests"]
    drive.answer("network", network=HOME).done(bx.FindKept)
    assert drive.waits_for(bx.MakeToken)


@pytest.mark.parametrize("error", [GONE, NotSupported(model="x")])
def test_a_board_that_cannot_look_leaves_the_name_to_be_typed(error: MooringError) -> None:
    drive = read(network=None).fail(bx.LookAround, error)
    if error is GONE:
        drive.done(fx.CloseSession).done(fx.WaitBoardBack).done(bx.Reach, FOUND)
        drive.fail(bx.LookAround, NotSupported(model="x"))
    assert actions(drive) == ["network", "stop"]
    drive.answer("network", network=Ethernet())
    assert drive.waits_for(bx.FindKept)


def test_a_network_that_these_boards_are_not_given_is_refused() -> None:
    drive = read(network=None).done(bx.LookAround, SCAN).answer("network", network=CatM1(apn="x"))
    assert closed(drive).error == "board-not-supported"


def test_without_anybody_the_network_has_to_be_named() -> None:
    drive = closed(read(network=None, attended=False))
    assert drive.finish is not None
    assert drive.finish.error is not None
    assert drive.finish.error.facts["field"] == "network"


# --- the token -------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [LOST, DOWN, BlynkForbidden(cloud="b"), None])
def test_a_token_that_cannot_be_had_can_be_asked_for_again_or_pasted(
    error: MooringError | None,
) -> None:
    drive = read().done(bx.FindKept)
    if error is None:
        drive.fire("limit")
    else:
        drive.fail(bx.MakeToken, error)
    assert actions(drive) == ["new-token", "token", "stop"]
    drive.answer("new-token")
    assert drive.waits_for(bx.MakeToken)
    drive.fail(bx.MakeToken, LOST).answer("token", token=Secret("too short"))
    assert drive.question is not None
    assert drive.question.error is not None
    assert drive.question.error.facts["field"] == "token"
    drive.answer("token", token=OTHER).done(bx.CheckToken, False).done(bx.FindDevice)
    drive.done(bx.Keep, PUT)
    deliver = drive.waits_for(bx.Deliver)
    assert deliver is not None
    assert (deliver.config.token, deliver.fresh) == (OTHER, False)


def test_without_a_client_the_token_is_asked_for() -> None:
    drive = read(platform=False).done(bx.FindKept)
    assert actions(drive) == ["token", "stop"]
    assert drive.question is not None
    assert "Device info" in drive.question.meaning
    drive.answer(
        "token",
        token=Secret(
            f'#define BLYNK_TEMPLATE_ID "TMPLother0000"\n'
            f'#define BLYNK_AUTH_TOKEN "{OTHER.reveal()}"'
        ),
    )
    assert drive.question.error is not None
    assert drive.question.error.code == "blynk-template"
    assert closed(drive.answer("stop")).error == "blynk-template"
    alone = closed(read(platform=False, attended=False).done(bx.FindKept))
    assert alone.error == "blynk-no-platform"


def test_a_token_of_the_request_is_checked_before_it_is_used() -> None:
    drive = read(token=Pasted(OTHER, TEMPLATE), platform=False)
    drive.fail(bx.CheckToken, BlynkTokenUnknown(cloud="b", server="s"))
    assert actions(drive) == ["token", "stop"]
    assert not any(isinstance(each, bx.Keep) for each in drive.asked)
    unasked = read(token=Pasted(OTHER)).fail(bx.CheckToken, DOWN).done(bx.Keep, PUT)
    result = end(unasked.done(bx.Deliver, ONLINE))
    assert "could not be asked" in result["notes"][0]
    late = read(token=Pasted(OTHER)).fire("limit").done(bx.Keep, PUT)
    assert late.waits_for(bx.Deliver)


def test_a_token_alone_is_refused_where_the_platform_knows_another_template_for_it() -> None:
    drive = read(token=Pasted(OTHER)).done(bx.CheckToken, False)
    drive.done(bx.FindDevice, Device(id=9, name="Shed", template_id="TMPLother0000"))
    assert drive.question is not None
    assert drive.question.error is not None
    assert drive.question.error.code == "blynk-template"
    assert not any(isinstance(each, bx.Keep) for each in drive.asked)
    for known in (TEMPLATE, ""):
        right = read(token=Pasted(OTHER)).done(bx.CheckToken, False)
        right.done(bx.FindDevice, Device(id=9, name="Shed", template_id=known))
        assert right.done(bx.Keep, PUT).facts[-2].data["device_id"] == 9
    unseen = read(token=Pasted(OTHER)).done(bx.CheckToken, False)
    assert unseen.fail(bx.FindDevice, BlynkForbidden(cloud="b")).waits_for(bx.Keep)
    late = read(token=Pasted(OTHER)).done(bx.CheckToken, False).fire("limit")
    end(late.done(bx.Keep, PUT).done(bx.Deliver, ONLINE))
    assert late.finish is not None
    assert (late.finish.result or {})["notes"] == []
    for told in (Pasted(OTHER, TEMPLATE), None):
        client = told is not None
        sure = read(token=told or Pasted(OTHER), platform=client).done(bx.CheckToken, False)
        assert sure.waits_for(bx.Keep)


def test_the_token_in_the_vault_is_used_again() -> None:
    drive = read().done(bx.FindKept, PROVEN).done(bx.CheckToken, False)
    keep = drive.waits_for(bx.Keep)
    assert keep is not None
    assert (keep.entry, keep.name) == (PROVEN.entry, "Kitchen")
    drive.done(bx.Keep, PUT)
    deliver = drive.waits_for(bx.Deliver)
    assert deliver is not None
    assert (deliver.config.token, deliver.fresh) == (OTHER, False)
    unused = read().done(bx.FindKept, PENDING)
    unused.fail(bx.CheckToken, BlynkTokenUnknown(cloud="b")).done(bx.Keep, PUT)
    deliver = unused.waits_for(bx.Deliver)
    assert deliver is not None
    assert deliver.fresh


@pytest.mark.parametrize("now", ["Shed", "Kitchen", None])
def test_a_device_that_was_renamed_stays_the_boards(now: str | None) -> None:
    drive = read(name="Shed").done(bx.FindKept).done(bx.FindKept, PROVEN)
    device = None if now is None else Device(id=9, name=now)
    drive.done(bx.FindDevice, device)
    if now != "Shed":  # then somebody wants another device
        assert drive.waits_for(bx.MakeToken)
        return
    drive.done(bx.CheckToken, False)
    keep = drive.waits_for(bx.Keep)
    assert keep is not None
    assert (keep.entry, keep.name, keep.token) == (PROVEN.entry, "Shed", OTHER)
    unseen = read(name="Shed").done(bx.FindKept).done(bx.FindKept, PROVEN)
    assert unseen.fail(bx.FindDevice, BlynkForbidden(cloud="b")).waits_for(bx.MakeToken)


def test_a_token_that_waits_for_a_board_of_another_template_is_told_as_that() -> None:
    drive = read(name="Kitchen", attended=False).done(bx.FindKept, PENDING)
    drive.done(bx.CheckToken, False)
    drive.done(bx.FindDevice, Device(id=9, name="Kitchen", template_id="TMPLother0000"))
    assert closed(drive).error == "blynk-template"


def test_the_step_says_what_went_wrong_and_the_end_what_is_left() -> None:
    drive = closed(failed(722, attended=False))
    assert drive.error == "blynk-kept"
    (failed_step,) = [each for each in drive.job.steps if each.state is StepState.FAILED]
    assert failed_step.message == "The network refused the board."


def test_a_token_of_the_vault_that_nobody_knows_any_more_is_replaced() -> None:
    drive = read().done(bx.FindKept, PROVEN).fail(bx.CheckToken, BlynkTokenUnknown(cloud="b"))
    drive.done(bx.MakeToken, MADE)
    keep = drive.waits_for(bx.Keep)
    assert keep is not None
    assert (keep.entry, keep.token) == ("", TOKEN)
    result = end(drive.done(bx.Keep, PUT).done(bx.Deliver, ONLINE))
    assert "not known any more" in result["notes"][0]


@pytest.mark.parametrize("error", [FULL, None])
def test_a_vault_that_cannot_be_written_stops_nobody_who_says_so(error: VaultFailed | None) -> None:
    drive = read().done(bx.FindKept).done(bx.MakeToken, MADE)
    if error is None:
        drive.fire("limit")
    else:
        drive.fail(bx.Keep, error)
    assert actions(drive) == ["retry", "continue", "stop"]
    drive.answer("retry").fail(bx.Keep, FULL).answer("continue")
    result = end(drive.done(bx.Deliver, ONLINE))
    assert result["entry"] == ""
    lost = read().done(bx.FindKept).done(bx.MakeToken, MADE).fail(bx.Keep, FULL)
    assert closed(lost.answer("stop")).error == "blynk-unkept"


def test_who_stops_while_a_token_is_made_finds_it_in_the_vault() -> None:
    drive = read().done(bx.FindKept).cancel().done(bx.MakeToken, MADE).done(bx.Keep, PUT)
    assert closed(drive).state is JobState.CANCELLED
    assert drive.error == "blynk-kept"
    assert "was given nothing" in (blynk_left(drive.facts) or "")
    none = read().done(bx.FindKept).cancel().fail(bx.MakeToken, LOST)
    assert closed(none).error == "blynk-token-lost"


# --- it does not come online -----------------------------------------------------------------


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: str(failure.code))
@pytest.mark.parametrize("attended", [True, False])
def test_every_code_of_a_board_becomes_a_question_in_its_words(
    failure: Any, attended: bool
) -> None:
    drive = failed(failure.code, attended=attended)
    if not attended:
        assert closed(drive).error == "blynk-kept"
        assert drive.finish is not None
        assert drive.finish.error is not None
        assert drive.finish.error.title.startswith(failure.title)
        assert failure.remedy in drive.finish.error.meaning
        return
    assert drive.question is not None
    assert drive.question.title == failure.title
    assert failure.remedy in drive.question.meaning
    assert str(failure.code) in drive.question.meaning
    assert f"(entry {PUT.entry})" in drive.question.safe
    first = {"password": "retry", "network": "network", "token": "new-token"}
    assert actions(drive)[0] == first.get(failure.ask, "again")
    assert actions(drive)[-1] == "stop"
    if "again" in actions(drive):
        drive.answer("again")
        deliver = drive.waits_for(bx.Deliver)
        assert deliver is not None
        assert (deliver.config.token, deliver.config.wifi) == (TOKEN, HOME)
        assert not any(isinstance(each, bx.MakeToken) for each in drive.asked[-2:])


def test_a_board_that_refused_its_settings_is_not_said_to_come_online_with_them() -> None:
    stopped = closed(failed(722).answer("stop")).finish
    assert stopped is not None
    assert stopped.error is not None
    assert "did not come online with them" in stopped.error.meaning
    again = failed(722).answer("retry", password=Secret("right horse"))
    ended = closed(again.cancel().done(bx.GiveUp)).finish
    assert ended is not None
    assert ended.error is not None
    assert "may come online" in ended.error.meaning


def test_another_password_or_network_goes_to_the_board_with_the_same_token() -> None:
    right = Secret("right horse")
    drive = failed(722).answer("retry", password=right)
    deliver = drive.waits_for(bx.Deliver)
    assert deliver is not None
    assert deliver.config.wifi == WiFi(ssid="HomeNet", password=right)
    assert deliver.config.token == TOKEN
    guests = WiFi(ssid="Guests")
    drive = failed(720).answer("network", network=guests)
    deliver = drive.waits_for(bx.Deliver)
    assert deliver is not None
    assert deliver.config.wifi == guests
    assert end(drive.done(bx.Deliver, ONLINE))["network"] == "Guests"


def test_a_refused_token_is_replaced_by_a_new_one_or_another() -> None:
    drive = failed(703).answer("new-token").done(bx.MakeToken, MADE).done(bx.Keep, PUT)
    assert drive.waits_for(bx.Deliver)
    drive = failed(703).answer("token", token=OTHER).done(bx.CheckToken, False)
    drive.done(bx.FindDevice).done(bx.Keep, PUT)
    deliver = drive.waits_for(bx.Deliver)
    assert deliver is not None
    assert deliver.config.token == OTHER


def test_a_board_that_is_in_the_network_is_not_asked_for_its_password_again() -> None:
    drive = delivering().done(bx.Deliver, bx.Arrived("unseen", 120.0, joined=True))
    for _ in range(2):
        assert actions(drive) == ["wait", "network", "stop"]
        assert drive.question is not None
        assert "joined the network but did not reach Blynk" in drive.question.title
        drive.answer("wait").done(bx.AwaitBoard, bx.Arrived("unseen", 120.0))
    again = drive.answer("network", network=HOME).done(bx.Deliver, bx.Arrived("unseen", 120.0))
    assert actions(again)[1] == "retry"


def test_nobody_sees_the_board_and_the_person_waits_longer() -> None:
    drive = delivering().done(bx.Deliver, bx.Arrived("unseen", 120.0))
    assert actions(drive) == ["wait", "retry", "network", "stop"]
    drive.answer("wait")
    waiting = drive.waits_for(bx.AwaitBoard)
    assert waiting is not None
    assert waiting.token == TOKEN
    end(drive.done(bx.AwaitBoard, ONLINE))
    late = delivering().fire("limit")
    assert closed(late.answer("stop")).error == "blynk-kept"


def test_settings_that_its_way_cannot_carry_end_the_job_with_the_token_kept() -> None:
    drive = delivering().fail(
        bx.Deliver, NotSupported(model="This board", what="use another server")
    )
    assert closed(drive).error == "blynk-kept"
    assert drive.finish is not None
    assert drive.finish.error is not None
    assert "was given nothing" in drive.finish.error.meaning


@pytest.mark.parametrize("interrupted", [False, True])
def test_who_stops_while_the_board_tries_calls_it_back(interrupted: bool) -> None:
    drive = delivering().cancel(interrupted=interrupted)
    assert drive.waits_for(bx.GiveUp)
    drive.done(bx.GiveUp).done(fx.CloseSession)
    assert drive.state is (JobState.INTERRUPTED if interrupted else JobState.CANCELLED)
    assert PUT.entry in (blynk_left(drive.facts) or "")
    late = delivering().cancel().fire("limit")
    assert closed(late).state is JobState.CANCELLED


# --- in its own network ----------------------------------------------------------------------


def away(**changes: Any) -> Drive:
    return machine(access_point=b"Blynk Thermo-FK8D", **changes)


def with_token(*, online: bool = False, template: str = TEMPLATE) -> Drive:
    """A token was given and looked up; the computer is about to leave its network."""
    drive = away(token=Pasted(OTHER), confirmed=True).done(bx.CheckToken, online)
    drive.done(bx.FindDevice, Device(id=9, name="Shed", template_id=template))
    return drive.done(bx.PlanLeaving, LEAVING)


def test_the_computer_is_back_before_the_cloud_is_asked_and_before_the_end() -> None:
    drive = away().done(bx.PlanLeaving, LEAVING)
    assert actions(drive) == ["continue", "by-hand", "stop"]
    drive.answer("continue").done(bx.Reach, POINT)
    assert drive.waits_for(bx.GoBack)
    assert not drive.waits_for(bx.FindKept)
    drive.done(bx.GoBack).done(bx.FindKept).done(bx.MakeToken, MADE).done(bx.Keep, PUT)
    drive.done(bx.Deliver, ONLINE).done(bx.GoBack)
    assert end(drive)["way"] == "http"


def test_with_all_that_is_needed_the_boards_network_is_used_once() -> None:
    drive = with_token().done(bx.Reach, POINT)
    assert not drive.waits_for(bx.CheckToken)
    drive.done(bx.Keep, PUT)
    assert drive.waits_for(bx.Deliver)
    assert drive.facts[-2].data["device_id"] == 9
    drive.fail(bx.Deliver, ApNotHeard(ssid="x")).done(bx.GoBack)
    assert actions(drive) == ["retry", "stop"]
    assert closed(drive.answer("stop")).error == "blynk-kept"


@pytest.mark.parametrize("said", [True, False])
def test_a_device_that_was_online_before_says_nothing_of_the_board_in_its_own_network(
    said: bool,
) -> None:
    drive = away(confirmed=True).done(bx.PlanLeaving, LEAVING).done(bx.Reach, POINT)
    drive.done(bx.GoBack).done(bx.FindKept, PROVEN).done(bx.CheckToken, said).done(bx.Keep, PUT)
    deliver = drive.waits_for(bx.Deliver)
    assert deliver is not None
    assert deliver.was_online is said
    given = with_token(online=said).done(bx.Reach, POINT).done(bx.Keep, PUT)
    deliver = given.waits_for(bx.Deliver)
    assert deliver is not None
    assert deliver.was_online is said
    unasked = away(token=Pasted(OTHER), confirmed=True).fail(bx.CheckToken, DOWN)
    unasked.done(bx.PlanLeaving, LEAVING).done(bx.Reach, POINT).done(bx.Keep, PUT)
    deliver = unasked.waits_for(bx.Deliver)
    assert deliver is not None
    assert deliver.was_online
    made = delivering().waits_for(bx.Deliver)
    assert made is not None
    assert not made.was_online


@pytest.mark.parametrize("on_the_way", ["to the cloud", "to a question"])
def test_who_stops_on_the_way_home_is_asked_nothing_more(on_the_way: str) -> None:
    network = None if on_the_way == "to a question" else HOME
    drive = (
        away(confirmed=True, network=network).done(bx.PlanLeaving, LEAVING).done(bx.Reach, POINT)
    )
    if network is None:
        drive.done(bx.LookAround, SCAN)
    drive.cancel().done(bx.GoBack)
    assert drive.question is None
    assert closed(drive).state is JobState.CANCELLED


def test_a_board_that_is_online_already_stays_so_for_who_stops_on_the_way_home() -> None:
    drive = with_token().done(bx.Reach, POINT).done(bx.Keep, PUT).done(bx.Deliver, ONLINE)
    drive.cancel().done(bx.GoBack)
    assert end(drive)["connected"] == "cloud"


def test_a_computer_that_is_not_back_is_told_of_and_the_job_goes_on() -> None:
    drive = away(confirmed=True).done(bx.PlanLeaving, LEAVING).done(bx.Reach, POINT)
    drive.fail(bx.GoBack, WifiNotBack(network="Home", detail="x"))
    drive.done(bx.FindKept).done(bx.MakeToken, MADE).done(bx.Keep, PUT)
    drive.done(bx.Deliver, ONLINE).fire("limit")
    assert "could not be brought back into Home" in end(drive)["notes"][0]


def test_what_to_look_at_stays_to_be_read_where_nobody_tells() -> None:
    drive = with_token().done(bx.Reach, POINT).done(bx.Keep, PUT)
    request = drive.waits_for(bx.Deliver)
    assert request is not None
    drive.give(fx.Advanced(request, "write", 0, 0, "Its light flashes."))
    (step,) = [each for each in drive.job.steps if each.id == "deliver"]
    assert step.message == "the board has them. Its light flashes."


def test_without_a_person_who_said_so_no_computer_leaves_its_network() -> None:
    drive = away(attended=False).done(bx.PlanLeaving, LEAVING)
    closed(drive)
    assert drive.finish is not None
    assert drive.finish.error is not None
    assert drive.finish.error.facts["field"] == "confirmed"
    assert (
        closed(away(attended=False).fail(bx.PlanLeaving, ApNotHeard(ssid="x"))).error
        == "ap-not-heard"
    )
    assert closed(away().done(bx.PlanLeaving, LEAVING).cancel()).state is JobState.CANCELLED


def test_a_person_who_joins_by_hand_is_asked_to_at_each_visit() -> None:
    drive = away().fail(bx.PlanLeaving, ApNotHeard(ssid="x"))
    assert actions(drive) == ["retry", "by-hand", "stop"]
    drive.answer("retry").fail(bx.PlanLeaving, ApNotHeard(ssid="x")).answer("by-hand")
    assert drive.question is not None
    assert drive.question.access_point["qr"] == "WIFI:T:nopass;S:Blynk Thermo-FK8D;;"
    reach = drive.waits_for(bx.Reach)
    assert reach is not None
    assert reach.by_hand
    drive.done(bx.Reach, POINT).answer("continue")
    drive.done(bx.FindKept).done(bx.MakeToken, MADE).done(bx.Keep, PUT)
    assert actions(drive) == ["stop"]
    drive.done(bx.Reach, POINT)
    end(drive.done(bx.Deliver, ONLINE))
    assert closed(away().fail(bx.PlanLeaving, GONE).answer("by-hand").answer("stop")).finish
