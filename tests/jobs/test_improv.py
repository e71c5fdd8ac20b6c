"""Bringing a device of Improv Wi-Fi into a network, at each of its states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.errors import (
    AuthorisationNeeded,
    BleLost,
    BluetoothOff,
    ImprovSilent,
    JoinFailed,
    NotSupported,
    PortBusy,
    PortGone,
    StatusReported,
)
from agent.jobs import effects as fx
from agent.jobs.facts import SENDING, settings_left
from agent.jobs.improv import ImprovOrder, JoinImprov
from agent.jobs.improv_effects import WaitAuthorised
from agent.jobs.job import JobState
from agent.sessions.session import BoardFacts, ImprovDevice
from agent.settings import Secret
from agent.settings.network import Ethernet
from tests.jobs.drive import Drive
from tests.jobs.samples import option, wifi

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.errors import MooringError
    from agent.settings.network import NetworkSetting

LAMP = ImprovDevice(firmware="WLED", version="0.15", hardware="esp32", name="Kitchen lamp")
PAGE = "http://192.168.4.20"
SILENT = ImprovSilent(seconds=10, why="Nothing came.")
WRONG_PASSWORD = JoinFailed(network="HomeNet", why="It sees it well.", action="Try again.")
GONE = PortGone(port="/dev/ttyUSB0")
ORDER = ImprovOrder(board="Kitchen lamp")


def lamp(**changes: Any) -> BoardFacts:
    facts: dict[str, Any] = {
        "protocol": "improv",
        "device": LAMP,
        "networks": [option("HomeNet", -45), option("Office", -70)],
    }
    return BoardFacts(**(facts | changes))


class Learning(Drive):
    """Keeps what the list of boards is told."""

    def _take(self, wanted: list[fx.Effect]) -> None:
        told = [each for each in wanted if isinstance(each, fx.Learn)]
        self.learned = [*getattr(self, "learned", []), *told]
        super()._take(wanted)


def machine(
    order: ImprovOrder = ORDER, network: NetworkSetting | None = None, *, attended: bool = True
) -> Drive:
    return Drive(JoinImprov(order, network or wifi(), attended=attended))


def was_read(drive: Drive, **changes: Any) -> Drive:
    return drive.done(fx.OpenSession).done(fx.ReadBoard, lamp(**changes))


def joining(**options: Any) -> Drive:
    drive = was_read(machine(**options))
    assert drive.waits_for(fx.Configure)
    return drive


def joined(drive: Drive, redirect: str | None = PAGE) -> dict[str, Any]:
    drive.done(fx.Configure, redirect).done(fx.CloseSession)
    assert drive.state is JobState.DONE
    assert drive.finish
    assert drive.finish.result
    return drive.finish.result


def reopened(drive: Drive, **changes: Any) -> Drive:
    """It came back after it was gone."""
    drive.done(fx.CloseSession).done(fx.WaitBoardBack)
    return was_read(drive, **changes)


# --- the way without trouble -----------------------------------------------------------------


def test_a_device_joins_and_says_where_its_page_is():
    drive = joining(order=ImprovOrder(board="lamp", name="desk"))
    result = joined(drive)
    assert result["network"] == "HomeNet"
    assert result["redirect"] == PAGE
    assert result["device"]["firmware"] == "WLED"
    assert result["procedure"] == "improv"
    assert drive.steps() == {"read": "done", "check": "done", "join": "done"}
    assert not any(isinstance(each, fx.ResetBoard | fx.ReadIdentity) for each in drive.asked)


def test_a_device_without_a_page_has_joined_all_the_same():
    assert joined(joining(), None)["redirect"] is None


def test_a_device_that_says_nothing_of_itself_is_set_up_as_well():
    drive = was_read(machine(), device=None)
    assert joined(drive)["device"] is None


def test_that_a_port_restarts_a_device_is_said_before_it_is_opened():
    assert "restart" in machine().job.steps[0].message
    over_air = JoinImprov(ORDER, wifi(), attended=True)
    over_air.via = "ble"
    assert Drive(over_air).job.steps[0].message == "Over Bluetooth"


@pytest.mark.parametrize(
    ("order", "device", "learned"),
    [
        (ImprovOrder(board="b"), LAMP, None),
        (ImprovOrder(board="b", name="desk"), LAMP, "desk"),
        (ImprovOrder(board="b", unnamed=True), LAMP, "Kitchen lamp"),
        (ImprovOrder(board="b", name="desk", unnamed=True), LAMP, "desk"),
        (ImprovOrder(board="b", unnamed=True), ImprovDevice(), None),
        (ImprovOrder(board="b", unnamed=True), None, None),
    ],
)
def test_it_is_called_as_the_person_says_or_as_it_calls_itself(
    order: ImprovOrder, device: ImprovDevice | None, learned: str | None
):
    drive = Learning(JoinImprov(order, wifi(), attended=True))
    joined(was_read(drive, device=device))
    assert [each.name for each in drive.learned if each.installed is None] == (
        [learned] if learned else []
    )
    assert [each.installed for each in drive.learned if each.installed] == ["improv"]


# --- a device that is in a network -----------------------------------------------------------


def test_a_device_that_is_in_a_network_is_moved_only_if_the_person_says_so():
    drive = was_read(machine(), online=True, redirect=PAGE)
    assert drive.question
    assert PAGE in drive.question.meaning
    assert drive.question.step == "check"
    assert drive.question.safe == "Nothing was sent to the device yet."
    joined(drive.answer("continue"))


def test_a_device_that_is_in_a_network_may_stay_there():
    drive = was_read(machine(), online=True).answer("stop").done(fx.CloseSession)
    assert drive.state is JobState.CANCELLED
    assert not any(isinstance(each, fx.Configure) for each in drive.asked)


def test_a_confirmation_does_not_move_a_device_while_somebody_can_be_asked():
    order = ImprovOrder(board="lamp", confirmed=True)
    assert was_read(machine(order), online=True).question


def test_with_nobody_there_only_a_confirmation_moves_a_device():
    drive = was_read(machine(attended=False), online=True).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "input")
    order = ImprovOrder(board="lamp", confirmed=True)
    joined(was_read(machine(order, attended=False), online=True))


def test_who_asks_for_another_network_is_not_asked_again():
    order = ImprovOrder(board="lamp", another=True)
    joined(was_read(machine(order, attended=False), online=True))


# --- the network -----------------------------------------------------------------------------


def test_a_network_that_it_does_not_see_is_asked_about_before_anything_is_sent():
    drive = was_read(machine(), networks=[option("Other", -50)])
    drive.done(fx.Scan, [option("Other", -50)])
    assert drive.question
    assert drive.question.title == "Is HomeNet the right network?"
    joined(drive.answer("continue"))


def test_a_device_that_cannot_look_for_networks_is_given_any():
    drive = was_read(machine(), networks=[], scans=False)
    assert drive.job.steps[1].message == "it does not say which networks it sees"
    drive.fail(fx.Configure, WRONG_PASSWORD)
    assert drive.question
    assert drive.question.meaning == "It sees it well."
    assert drive.question.networks == []
    joined(drive.answer("retry", password=Secret("another one")))


def test_it_takes_no_network_but_wifi():
    drive = was_read(machine(network=Ethernet())).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "board-not-supported")


def test_a_wrong_password_is_asked_for_again():
    drive = joining().fail(fx.Configure, WRONG_PASSWORD)
    assert drive.question
    assert [action.id for action in drive.question.actions] == ["retry", "network", "stop"]
    drive.answer("retry", password=Secret("right"))
    sent = drive.waits_for(fx.Configure)
    assert sent
    assert sent.settings == wifi(password="right")
    joined(drive)


def test_another_network_may_be_chosen_after_a_failure():
    drive = joining().fail(fx.Configure, WRONG_PASSWORD).answer("network", network=wifi("Office"))
    assert joined(drive)["network"] == "Office"


def test_who_stops_after_a_failure_is_told_it_again():
    drive = joining().fail(fx.Configure, WRONG_PASSWORD).answer("stop").done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "network-join")


def test_with_nobody_there_a_failure_ends_the_job():
    drive = joining(attended=False).fail(fx.Configure, WRONG_PASSWORD).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "network-join")


def test_wifi_that_is_switched_off_is_told_and_may_be_tried_again():
    off = NotSupported(model="This device", what="take settings", why="Off.", action="Switch.")
    joined(joining().fail(fx.Configure, off).answer("retry"))


# --- the button ------------------------------------------------------------------------------


def waiting_for_button(**options: Any) -> Drive:
    drive = joining(**options)
    return drive.fail(fx.Configure, AuthorisationNeeded())


def test_the_button_is_asked_for_and_the_job_goes_on_by_itself():
    drive = waiting_for_button()
    assert drive.question
    assert drive.question.title == "Press the button on the device."
    assert drive.job.steps[2].message == "It waits for its button to be pressed"
    assert drive.question.safe == "Nothing was sent to the device yet."
    drive.done(WaitAuthorised)
    assert drive.question is None
    joined(drive)


def test_who_pressed_the_button_may_say_so():
    drive = waiting_for_button().answer("done").fail(fx.Configure, AuthorisationNeeded())
    assert drive.question
    assert "takes no settings yet" in drive.question.title
    joined(drive.done(WaitAuthorised))


def test_a_device_that_says_that_it_is_ready_and_refuses_is_not_tried_in_a_circle():
    drive = waiting_for_button().done(WaitAuthorised).fail(fx.Configure, AuthorisationNeeded())
    assert drive.question
    assert drive.waits_for(WaitAuthorised) is None
    drive.answer("done").fail(fx.Configure, AuthorisationNeeded())
    assert drive.waits_for(WaitAuthorised)


def test_a_minute_that_is_over_during_a_question_is_asked_for_again():
    drive = waiting_for_button().done(WaitAuthorised).fail(fx.Configure, WRONG_PASSWORD)
    drive.answer("retry", password=Secret("right")).fail(fx.Configure, AuthorisationNeeded())
    assert drive.waits_for(WaitAuthorised)
    joined(drive.done(WaitAuthorised))


def test_nobody_has_to_press_the_button():
    drive = waiting_for_button().answer("stop").done(fx.CloseSession)
    assert drive.state is JobState.CANCELLED


def test_with_nobody_there_a_device_with_a_button_is_told():
    drive = waiting_for_button(attended=False).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "board-authorisation")


def test_a_link_that_falls_while_the_button_is_awaited_is_asked_about():
    drive = waiting_for_button().fail(WaitAuthorised, BleLost(port="ble://A1"))
    assert drive.question
    joined(reopened(drive))


def test_a_button_that_is_never_pressed_ends_the_job():
    drive = waiting_for_button().fire("limit").done(fx.CloseSession)
    assert drive.state is JobState.CANCELLED


# --- trouble ---------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [fx.OpenSession, fx.ReadBoard])
@pytest.mark.parametrize("error", [GONE, SILENT, BluetoothOff(action="Switch it on.")])
def test_a_failure_before_anything_was_sent_ends_the_job(at: type[fx.Request], error: MooringError):
    drive = machine()
    if at is fx.ReadBoard:
        drive.done(fx.OpenSession)
    drive.fail(at, error).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, error.code)


def test_a_port_that_is_silent_now_is_looked_at_anew_by_the_next_job():
    found = JoinImprov(ORDER, wifi(), attended=True)
    (opening,) = [each for each in found.start(0.0) if isinstance(each, fx.OpenSession)]
    assert fx.Learn(installed="") in found.handle(fx.Failed(opening, SILENT), 1.0)


def test_a_device_that_is_unplugged_while_it_joins_is_asked_about_and_tried_again():
    drive = joining().fail(fx.Configure, GONE)
    assert drive.question
    assert "may have joined" in drive.question.safe
    joined(reopened(drive))


def test_a_device_that_joined_while_nobody_listened_is_done():
    drive = reopened(
        joining().fail(fx.Configure, BleLost(port="ble://A1")), online=True, redirect=PAGE
    )
    drive.done(fx.CloseSession)
    assert drive.finish
    assert drive.finish.result
    assert drive.finish.result["redirect"] == PAGE
    assert drive.steps()["join"] == "done"


def test_a_device_that_was_in_a_network_before_proves_nothing_by_being_in_one():
    order = ImprovOrder(board="lamp", another=True)
    drive = was_read(machine(order), online=True).fail(fx.Configure, GONE)
    joined(reopened(drive, online=True))


def test_a_device_that_is_in_a_network_before_it_was_sent_one_has_not_joined_that():
    """Somebody else has set it up while its button was awaited."""
    drive = waiting_for_button().lose_session()
    joined(reopened(drive, online=True))


def test_another_device_in_its_place_gets_no_password():
    drive = reopened(joining().fail(fx.Configure, GONE), device=ImprovDevice(name="Other"))
    assert drive.question
    assert drive.question.error
    assert drive.question.error.code == "board-other"
    assert "Kitchen lamp, esp32, WLED" in drive.question.error.meaning
    assert drive.question.error.meaning.endswith("what answers now is Other.")
    assert "hardware id" not in drive.question.error.meaning
    assert drive.waits_for(fx.Configure) is None


@pytest.mark.parametrize(
    "error",
    [
        StatusReported(status=255, name="UNKNOWN", text="It does not say.", action="Reset it."),
        SILENT,
        PortBusy(port="/dev/ttyUSB0", holder="a terminal"),
    ],
    ids=lambda error: error.code,
)
def test_what_another_try_may_mend_is_asked_about(error: MooringError):
    drive = joining().fail(fx.Configure, error)
    assert drive.question
    assert drive.question.error
    assert drive.question.error.code == error.code
    again = drive.answer("retry")
    joined(was_read(again))


def test_bluetooth_that_is_switched_off_is_told_and_waited_for():
    over_air = JoinImprov(ORDER, wifi(), attended=True)
    over_air.via = "ble"
    drive = was_read(Drive(over_air)).fail(fx.Configure, BluetoothOff(action="Switch it on."))
    assert drive.question
    assert "switched off" in drive.question.title
    reopened(drive).done(fx.Configure, PAGE).done(fx.CloseSession)
    assert drive.finish
    assert drive.finish.result
    assert len(drive.finish.result["notes"]) == 1


def test_what_says_nothing_of_itself_is_another_device_too():
    drive = reopened(joining().fail(fx.Configure, GONE), device=None)
    assert drive.question
    assert drive.question.error
    assert "a device that says nothing of itself" in drive.question.error.meaning


def test_who_gives_up_a_device_in_trouble_is_told_why():
    drive = joining().fail(fx.Configure, SILENT).answer("stop").done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "board-improv-silent")


def test_a_device_that_never_comes_back_ends_a_job_that_nobody_looks_after():
    drive = joining(attended=False).fail(fx.Configure, GONE).done(fx.CloseSession)
    drive.fail(fx.WaitBoardBack, GONE).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "port-gone")


@pytest.mark.parametrize("moment", ["read", "join", "button", "ask", "gone", "trouble", "network"])
def test_a_cancel_at_each_moment_ends_the_job(moment: str):
    moments: dict[str, Callable[[], Drive]] = {
        "read": machine,
        "join": joining,
        "button": waiting_for_button,
        "ask": lambda: joining().fail(fx.Configure, WRONG_PASSWORD),
        "gone": lambda: joining().fail(fx.Configure, GONE),
        "trouble": lambda: joining().fail(fx.Configure, SILENT),
        "network": lambda: was_read(machine(), online=True),
    }
    drive = moments[moment]()
    drive.cancel().done(fx.CloseSession)
    assert drive.state is JobState.CANCELLED


def test_the_end_of_the_agent_says_what_the_device_was_told():
    drive = joining().cancel(interrupted=True).done(fx.CloseSession)
    assert drive.state is JobState.INTERRUPTED
    assert drive.finish
    assert drive.finish.error
    assert "was given the settings of HomeNet" in drive.finish.error.meaning


@pytest.mark.parametrize("error", [AuthorisationNeeded(), WRONG_PASSWORD])
def test_the_end_of_the_agent_claims_no_settings_that_the_device_does_not_have(error: MooringError):
    drive = joining().fail(fx.Configure, error).cancel(interrupted=True).done(fx.CloseSession)
    assert drive.finish
    assert drive.finish.error
    assert "was given the settings" not in drive.finish.error.meaning


def test_the_journal_knows_that_settings_were_on_their_way():
    drive = machine()
    assert settings_left(drive.facts) is None
    was_read(drive)
    assert [fact.kind for fact in drive.facts] == [SENDING]
    assert "HomeNet" in (settings_left(drive.facts) or "")
