"""What a board of nRF Cloud is, as far as it and the cloud say."""

from __future__ import annotations

from typing import Any

import pytest

from agent.errors import NrfModemOff, NrfNoAttestation, Unreachable
from agent.jobs.job import JobState
from agent.jobs.nrf import effects as fx
from agent.jobs.nrf.identify import NrfIdentify
from tests.jobs.nrf import samples
from tests.jobs.nrf.samples import ID, NrfDrive


def start(*, signed_in: bool = True) -> NrfDrive:
    return NrfDrive(NrfIdentify(samples.order(), signed_in=signed_in, attended=False))


def modem(drive: Any) -> dict[str, Any]:
    assert drive.state is JobState.DONE
    assert drive.facts == []
    assert drive.steps() == {"read": "done"}
    result: dict[str, Any] = drive.finish.result
    assert (result["protocol"], result["scans"]) == ("nrf", False)
    found: dict[str, Any] = result["modem"]
    return found


@pytest.mark.parametrize(("claimed", "said"), [(samples.CLAIMED, True), (None, False)])
def test_the_team_is_asked_whether_the_board_is_its_own(claimed: Any, said: bool):
    drive = start().done(fx.OpenModem, samples.modem(sim="absent"))
    drive.done(fx.ReadToken, samples.token()).done(fx.LookClaimed, claimed)
    if claimed:
        drive.done(fx.LookForRecord, None)
    found = modem(drive)
    assert found["onboarded"] is (False if claimed else None)
    assert (found["device_id"], found["claimed"], found["sim"]) == (ID, said, "absent")
    assert found["tags"] == (list(samples.TAGS) if claimed else [])
    assert (found["chip"], found["imei"]) == ("nRF9151 LACA", "351358811124234")


def test_without_an_account_nobody_is_asked():
    drive = start(signed_in=False).done(fx.OpenModem, samples.modem())
    assert modem(drive.done(fx.ReadToken, samples.token()))["claimed"] is None


def test_a_foreign_page_is_told_nothing_of_the_team_and_no_imei():
    machine = NrfIdentify(samples.order(), signed_in=False, foreign=True, attended=False)
    drive = NrfDrive(machine).done(fx.OpenModem, samples.modem())
    found = modem(drive.done(fx.ReadToken, samples.token()))
    assert (found["claimed"], found["tags"], found["imei"]) == (None, [], "")
    assert found["device_id"] == ID


def test_a_cloud_that_does_not_answer_keeps_nothing_of_the_rest():
    for late in (True, False):
        drive = start().done(fx.OpenModem, samples.modem()).done(fx.ReadToken, samples.token())
        gone = Unreachable(cloud="nRF Cloud", detail="")
        found = modem(drive.fire("limit") if late else drive.fail(fx.LookClaimed, gone))
        assert found["claimed"] is None
        drive = start().done(fx.OpenModem, samples.modem()).done(fx.ReadToken, samples.token())
        drive.done(fx.LookClaimed, samples.CLAIMED)
        found = modem(drive.fire("limit") if late else drive.fail(fx.LookForRecord, gone))
        assert (found["claimed"], found["onboarded"]) == (True, None)


def test_a_device_that_is_there_is_told_with_its_place():
    machine = NrfIdentify(samples.order(portal="https://portal/"), signed_in=True, attended=False)
    drive = NrfDrive(machine).done(fx.OpenModem, samples.modem())
    drive.done(fx.ReadToken, samples.token()).done(fx.LookClaimed, samples.CLAIMED)
    request = drive.waits_for(fx.LookForRecord)
    assert request
    assert (request.device_id, request.imei) == (ID, samples.modem().board.imei)
    found = modem(drive.done(fx.LookForRecord, samples.RECORD))
    assert (found["onboarded"], found["link"]) == (True, f"https://portal/{ID}")


def test_a_board_that_gives_no_token_is_told_without_one():
    drive = start().done(fx.OpenModem, samples.modem(device_id=ID))
    drive.fail(fx.ReadToken, NrfNoAttestation()).done(fx.LookClaimed, samples.CLAIMED)
    drive.done(fx.LookForRecord, samples.RECORD)
    assert modem(drive)["device_id"] == ID
    assert drive.finish
    assert drive.finish.result
    assert len(drive.finish.result["notes"]) == 1
    drive = start().done(fx.OpenModem, samples.modem()).fail(fx.ReadToken, NrfNoAttestation())
    assert modem(drive)["device_id"] == ""


def test_a_board_that_does_not_answer_fails_and_a_cancel_leaves_nothing():
    assert start().fail(fx.OpenModem, NrfModemOff()).error == "nrf-modem-off"
    assert start().cancel().state is JobState.CANCELLED
    assert start().fire("limit").error == "board-silent"
