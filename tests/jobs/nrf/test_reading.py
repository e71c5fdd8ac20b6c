"""Reading a board of nRF Cloud: who answers, its token, and where that comes from if not from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.errors import (
    NrfNoAttestation,
    NrfRefused,
    NrfTokenDamaged,
    NrfTokenStale,
    NrfUnanswered,
    PortGone,
)
from agent.jobs.effects import Learn, WaitBoardBack
from agent.jobs.job import JobState
from agent.jobs.nrf import effects as fx
from agent.jobs.nrf.provision import NrfProvision
from tests.jobs.nrf import samples
from tests.jobs.nrf.samples import ID, NrfDrive

if TYPE_CHECKING:
    from agent.jobs.machine import Machine

GONE = PortGone(port="/dev/ttyACM0")
OTHER_ID = str(samples.OTHER.device_id)


class Learning(NrfDrive):
    """Keeps what the list of boards is told."""

    def __init__(self, machine: Machine) -> None:
        self.learned: list[Learn] = []
        super().__init__(machine)

    def _take(self, wanted: Any) -> None:
        self.learned += [each for each in wanted if isinstance(each, Learn)]
        super()._take(wanted)


def opened(*, attended: bool = True, modem: Any = None, **changes: Any) -> Learning:
    drive = Learning(NrfProvision(samples.order(**changes), attended=attended))
    drive.done(fx.OpenModem, modem or samples.modem())
    return drive


def test_a_board_that_gives_a_token_is_remembered_as_one_of_nrf_cloud():
    drive = opened()
    assert drive.job.steps[0].message == "a shell with AT commands on /dev/ttyACM0"
    assert drive.learned == []
    drive.done(fx.ReadToken, samples.token())
    assert [each.installed for each in drive.learned] == ["nrf"]
    assert drive.job.steps[0].message == f"device id {ID}, nRF9151 LACA"


@pytest.mark.parametrize(
    "error",
    [
        NrfTokenDamaged(problem="it ends early"),
        NrfTokenStale(),
        NrfUnanswered(command="%ATTESTTOKEN"),
        NrfRefused(command="%ATTESTTOKEN", meaning="", number="0", remedy=""),
        GONE,
    ],
    ids=lambda error: error.code,
)
def test_a_board_without_a_good_token_ends_the_job(error: Any):
    drive = opened().fail(fx.ReadToken, error)
    assert (drive.state, drive.error, drive.facts) == (JobState.FAILED, error.code, [])


def test_a_pasted_token_stands_in_for_a_board_that_gives_none():
    drive = opened(token=samples.token()).fail(fx.ReadToken, NrfNoAttestation())
    assert drive.waits_for(fx.EnsureRule)


def test_the_boards_own_token_counts_before_one_that_was_pasted():
    fresh = samples.token()
    drive = opened(token=samples.token()).done(fx.ReadToken, fresh).done(fx.EnsureRule, "there")
    request = drive.waits_for(fx.TryClaim)
    assert request
    assert request.token is fresh


def test_a_pasted_token_of_another_board_is_refused():
    drive = opened(token=samples.token(samples.OTHER)).done(fx.ReadToken, samples.token())
    assert drive.error == "nrf-token-other"
    assert drive.finish
    assert drive.finish.error
    assert OTHER_ID in drive.finish.error.title
    told = samples.modem(device_id=ID)
    drive = opened(token=samples.token(samples.OTHER), modem=told)
    assert drive.fail(fx.ReadToken, NrfNoAttestation()).error == "nrf-token-other"


def test_a_token_that_is_printed_at_the_start_can_be_caught():
    drive = opened().fail(fx.ReadToken, NrfNoAttestation())
    assert drive.question
    assert drive.answer("continue").waits_for(fx.CatchToken)
    drive.fail(fx.CatchToken, GONE).done(WaitBoardBack).fail(fx.OpenModem, GONE)
    drive.done(WaitBoardBack).done(fx.OpenModem, samples.modem())
    assert drive.done(fx.CatchToken, samples.token()).waits_for(fx.EnsureRule)


def test_a_token_that_does_not_come_ends_the_job():
    drive = opened().fail(fx.ReadToken, NrfNoAttestation()).answer("continue")
    assert drive.done(fx.CatchToken, None).error == "nrf-no-attestation"
    drive = opened().fail(fx.ReadToken, NrfNoAttestation()).answer("continue")
    assert drive.fail(fx.CatchToken, NrfTokenDamaged(problem="")).error == "nrf-token"
    drive = opened().fail(fx.ReadToken, NrfNoAttestation()).answer("continue").fire("limit")
    assert drive.error == "board-silent"
    drive = opened().fail(fx.ReadToken, NrfNoAttestation()).answer("continue").cancel()
    assert (drive.state, drive.facts) == (JobState.CANCELLED, [])


def test_nobody_is_asked_to_restart_a_board_where_nobody_is():
    assert (
        opened(attended=False).fail(fx.ReadToken, NrfNoAttestation()).error == "nrf-no-attestation"
    )
    stopped = opened().fail(fx.ReadToken, NrfNoAttestation()).answer("stop")
    assert stopped.state is JobState.CANCELLED


def test_another_board_that_is_put_into_the_socket_meanwhile_is_not_claimed():
    drive = opened().fail(fx.ReadToken, NrfNoAttestation())
    drive.answer("continue").fail(fx.CatchToken, GONE).done(WaitBoardBack)
    drive.done(fx.OpenModem, samples.modem(imei="350000000000018"))
    assert drive.error == "board-other"
    assert drive.facts == []
