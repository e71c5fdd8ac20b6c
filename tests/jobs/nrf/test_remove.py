"""Giving a board up: what is lost is shown, then the claim goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.clouds.nrf.records import Removal
from agent.errors import NrfKeyRefused, NrfNoAttestation, NrfUnclaimed, PortGone, Unreachable
from agent.jobs.job import JobState
from agent.jobs.nrf import effects as fx
from agent.jobs.nrf import facts
from agent.jobs.nrf.remove import NrfRemove
from tests.jobs.nrf import samples
from tests.jobs.nrf.samples import ID, NrfDrive

if TYPE_CHECKING:
    from tests.jobs.drive import Drive

UNREACHABLE = Unreachable(cloud="nRF Cloud", detail="")


def start(*, attended: bool = True, **changes: Any) -> Drive:
    return NrfDrive(NrfRemove(samples.order(**changes), attended=attended))


def looked(drive: Drive) -> Drive:
    drive.done(fx.OpenModem, samples.modem()).done(fx.ReadToken, samples.token())
    return drive.done(fx.LookAtRemoval, samples.REMOVAL)


def test_a_person_sees_what_is_lost_before_it_is():
    drive = looked(start())
    assert drive.question
    lost = [each.what for each in drive.question.fates if each.fate == "lost"]
    assert lost == list(samples.REMOVAL.losses)
    drive.answer("continue").done(fx.UnclaimBoard)
    assert drive.state is JobState.DONE
    assert drive.finish
    assert drive.finish.result == facts.done_result(drive.facts)
    assert drive.finish.result
    assert (drive.finish.result["device_id"], drive.finish.result["lost"]) == (ID, lost)


def test_a_device_whose_board_is_elsewhere_is_removed_by_its_id():
    drive = start(board="", has_board=False, device_id=ID, confirmed=True, attended=False)
    drive.done(fx.LookAtRemoval, samples.REMOVAL).done(fx.UnclaimBoard)
    assert drive.state is JobState.DONE
    assert not any(isinstance(each, fx.OpenModem) for each in drive.asked)


def test_nothing_is_removed_unless_somebody_says_so():
    assert looked(start()).answer("stop").state is JobState.CANCELLED
    assert looked(start(attended=False)).state is JobState.CANCELLED
    assert looked(start()).cancel().facts == []
    assert looked(start()).fire("limit").facts == []
    drive = start(board="", has_board=False, device_id=ID).fire("limit")
    assert (drive.error, drive.facts) == ("cloud-unreachable", [])


def test_a_board_that_gives_no_token_is_known_by_what_else_it_says():
    drive = start().done(fx.OpenModem, samples.modem(device_id=ID))
    assert drive.fail(fx.ReadToken, NrfNoAttestation()).waits_for(fx.LookAtRemoval)


def test_what_cannot_be_looked_at_is_not_removed():
    drive = start().fail(fx.OpenModem, PortGone(port="p"))
    assert drive.error == "port-gone"
    drive = start(board="", has_board=False, device_id=ID)
    drive.fail(fx.LookAtRemoval, NrfUnclaimed(cloud="nRF Cloud", device=ID, detail=""))
    assert (drive.error, drive.facts) == ("nrf-cloud-not-claimed", [])


def test_a_device_without_a_claim_goes_alone():
    drive = start(board="", has_board=False, wanted="by hand", confirmed=True)
    drive.done(fx.FindDevice, samples.device()).done(
        fx.LookAtRemoval, Removal(None, samples.RECORD, 0)
    )
    drive.done(fx.UnclaimBoard)
    assert drive.finish
    assert drive.finish.result
    assert drive.finish.result["deleted"] == "device"
    assert len(drive.finish.result["lost"]) == 1


def test_an_answer_that_is_lost_leaves_it_unknown():
    drive = looked(start()).answer("continue").fail(fx.UnclaimBoard, UNREACHABLE)
    assert drive.error == "nrf-unfinished"
    assert looked(start()).answer("continue").fire("limit").error == "nrf-unfinished"


def test_what_was_sent_is_waited_for_whoever_cancels():
    drive = looked(start()).answer("continue").cancel(interrupted=True)
    assert drive.finish is None
    work = facts.open_work(drive.facts)
    assert work
    assert work.stage == facts.GIVING_UP
    assert drive.done(fx.UnclaimBoard).state is JobState.DONE


def test_a_refused_key_is_told_as_it_is_because_nothing_was_removed():
    error = NrfKeyRefused(cloud="nRF Cloud", id="nrf", detail="")
    drive = looked(start()).answer("continue").fail(fx.UnclaimBoard, error)
    assert (drive.error, facts.open_work(drive.facts)) == ("nrf-cloud-key", None)


def test_a_device_is_looked_for_by_its_name():
    drive = start(board="", has_board=False, wanted="greenhouse", confirmed=True)
    drive.done(fx.FindDevice, samples.device()).done(fx.LookAtRemoval, samples.REMOVAL)
    work = facts.open_work(drive.facts)
    assert work
    assert (work.name, work.device_id, work.imei) == ("greenhouse", ID, "350000000000000")
