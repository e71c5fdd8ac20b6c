"""After an agent was killed: one look at the cloud, and what is left is told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent.errors import Unreachable
from agent.jobs.facts import Fact
from agent.jobs.job import JobState
from agent.jobs.nrf import effects as fx
from agent.jobs.nrf import facts
from agent.jobs.nrf.recover import recovery
from agent.protocols.nrf.answers import DeviceRecord
from tests.jobs.nrf import samples
from tests.jobs.nrf.samples import ID, NrfDrive

KNOWN = {"cloud": "nrf", "title": "nRF Cloud", "name": "Thingy", "device_id": ID}
UNREACHABLE = Unreachable(cloud="nRF Cloud", detail="")


def left(*kinds: str, **data: Any) -> list[Fact]:
    return [Fact(kind=kind, data=KNOWN | data, at=0.0) for kind in kinds]


def start(*kinds: str, **data: Any) -> NrfDrive:
    machine = recovery(left(*kinds, **data))
    assert machine
    return NrfDrive(machine)


def words(drive: Any) -> str:
    assert drive.state is JobState.INTERRUPTED
    assert facts.open_work([*left(facts.CLAIMING), *drive.facts]) is None
    said: str = drive.finish.error.meaning
    return said


def test_jobs_that_left_nothing_are_none_of_its():
    assert recovery([]) is None
    assert recovery([Fact(kind="enrol-asking", data={}, at=0.0)]) is None
    assert recovery(left(facts.CLAIMING, facts.ENDED, result=None)) is None


def test_a_job_that_was_done_is_done():
    drive = start(facts.CLAIMING, facts.ENDED, result={"device": "x"})
    assert drive.state is JobState.DONE
    assert drive.finish
    assert drive.finish.result == {"device": "x"}


def test_a_claim_that_was_never_made_is_told_as_such():
    said = words(start(facts.CLAIMING).done(fx.LookClaimed, None))
    assert said == "Your team has not Thingy in nRF Cloud: nothing was left there."


@pytest.mark.parametrize("fails", [fx.LookClaimed, fx.LookAtDevice])
def test_where_the_cloud_cannot_be_asked_the_journal_says_what_may_be(fails: Any):
    drive = start(facts.CLAIMING)
    if fails is fx.LookAtDevice:
        drive.done(fx.LookClaimed, samples.CLAIMED)
    assert "may be claimed by your team" in words(drive.fail(fails, UNREACHABLE))
    assert "was not seen there" in words(start(facts.CLAIMING, facts.CLAIMED).fire("limit"))
    assert words(start(facts.CLAIMING).cancel(interrupted=True))


def test_a_board_that_came_online_meanwhile_is_done():
    drive = start(facts.CLAIMING, facts.CLAIMED, before=True).done(fx.LookClaimed, samples.CLAIMED)
    drive.done(fx.LookAtDevice, samples.look(samples.command(), record=samples.RECORD))
    assert drive.state is JobState.DONE
    assert drive.finish
    result = drive.finish.result or {}
    assert (result["device"], result["claimed"], result["connected"]) == (ID, "before", "cloud")
    assert facts.done_result(drive.facts) == result


def test_a_board_that_is_claimed_and_not_online_is_told_as_such():
    for look in (samples.EMPTY, samples.look(samples.command(status="PENDING"))):
        drive = start(facts.CLAIMING).done(fx.LookClaimed, samples.CLAIMED)
        assert "is claimed by your team" in words(drive.done(fx.LookAtDevice, look))


def test_commands_that_wait_are_counted_and_those_that_are_done_are_done():
    waiting = samples.command(status="PENDING")
    drive = start(facts.QUEUEING, facts.QUEUED, ids=["c1"]).done(fx.LookClaimed, samples.CLAIMED)
    assert "wait in nRF Cloud: 1" in words(drive.done(fx.LookAtDevice, samples.look(waiting)))
    drive = start(facts.QUEUEING, facts.QUEUED, ids=["c1"]).done(fx.LookClaimed, samples.CLAIMED)
    drive.done(fx.LookAtDevice, samples.look(samples.command()))
    assert drive.state is JobState.DONE
    drive = start(facts.QUEUEING).done(fx.LookClaimed, samples.CLAIMED)
    assert "is not known" in words(drive.done(fx.LookAtDevice, samples.EMPTY))


def test_a_board_that_was_being_given_up_is_there_or_not():
    drive = start(facts.GIVING_UP).done(fx.LookClaimed, samples.CLAIMED)
    assert "is still claimed" in words(drive)
    assert "nothing was left" in words(start(facts.GIVING_UP).done(fx.LookClaimed, None))
    assert "is not known" in words(start(facts.GIVING_UP).fail(fx.LookClaimed, UNREACHABLE))


def test_a_device_is_looked_for_by_the_imei_that_the_journal_or_the_claim_knows():
    journal, claim = "350000000000001", "350000000000002"
    for told, expected in (("", journal), (claim, claim)):
        drive = start(facts.CLAIMING, facts.CLAIMED, imei=journal, portal="https://portal/")
        device = msgspec.structs.replace(samples.CLAIMED, imei=told)
        request = drive.done(fx.LookClaimed, device).waits_for(fx.LookAtDevice)
        assert request
        assert request.imei == expected
        older = DeviceRecord(id=f"nrf-{expected}")
        drive.done(fx.LookAtDevice, samples.look(samples.command(), record=older))
        assert drive.finish
        assert drive.finish.result
        assert drive.finish.result["link"] == f"https://portal/{older.id}"
        assert older.id in drive.finish.result["notes"][0]
