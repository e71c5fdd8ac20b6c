"""Drives a board into nRF Cloud, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.errors import (
    NrfChipUnknown,
    NrfKeyRefused,
    NrfOwnedElsewhere,
    NrfProvisioningFailed,
    NrfRoleTooLow,
    NrfTokenRefused,
    PortGone,
    QuotaReached,
    Unreachable,
)
from agent.jobs.job import JobState
from agent.jobs.nrf import effects as fx
from agent.jobs.nrf import facts
from agent.jobs.nrf.provision import NrfProvision
from agent.protocols.nrf.logs import Seen
from tests.jobs.nrf import samples
from tests.jobs.nrf.samples import ID, NrfDrive

if TYPE_CHECKING:
    from tests.jobs.drive import Drive


UNREACHABLE = Unreachable(cloud="nRF Cloud", detail="")
NO_TIME = NrfProvisioningFailed(why=Seen.NO_TIME.value, remedy="Wait.")
GONE = PortGone(port="/dev/ttyACM0")
REFUSALS = [
    NrfKeyRefused(cloud="nRF Cloud", id="nrf", detail=""),
    NrfRoleTooLow(cloud="nRF Cloud", action="claim boards", detail=""),
    NrfChipUnknown(cloud="nRF Cloud", device=ID, detail=""),
    NrfOwnedElsewhere(cloud="nRF Cloud", device=ID, detail=""),
    NrfTokenRefused(cloud="nRF Cloud", detail=""),
    QuotaReached(cloud="nRF Cloud", detail=""),
    UNREACHABLE,
]


def start(*, attended: bool = True, **changes: Any) -> Drive:
    return NrfDrive(NrfProvision(samples.order(**changes), attended=attended))


def read(drive: Drive, **modem: Any) -> Drive:
    return drive.done(fx.OpenModem, samples.modem(**modem)).done(fx.ReadToken, samples.token())


def claim(drive: Drive, outcome: Any = samples.NOW) -> Drive:
    return drive.done(fx.EnsureRule, "there").done(fx.TryClaim, None).done(fx.ClaimBoard, outcome)


def followed(**changes: Any) -> Drive:
    """Up to where the board does its commands."""
    return claim(read(start(**changes)))


def online(drive: Drive, look: Any = None) -> Drive:
    drive.done(fx.WaitRecord, samples.RECORD)
    return drive.done(fx.LookAtDevice, look or samples.look(samples.command()))


def result(drive: Drive) -> dict[str, Any]:
    assert drive.finish
    assert drive.finish.state is JobState.DONE, drive.finish
    assert drive.facts[-1].kind == facts.ENDED
    assert facts.done_result(drive.facts) == drive.finish.result
    assert drive.finish.result
    return drive.finish.result


def stays(drive: Drive, cause: str, state: JobState = JobState.FAILED) -> None:
    """It ended after the claim, and says so."""
    assert drive.state is state
    assert drive.finish
    assert drive.finish.error
    assert (drive.error, drive.finish.error.facts["cause_code"]) == ("nrf-unfinished", cause)
    assert "claimed by your team" in drive.finish.error.title
    assert facts.open_work(drive.facts) is None
