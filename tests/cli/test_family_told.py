"""How jobs of nRF Cloud and Blynk ended, as a person reads it."""

from __future__ import annotations

from typing import Any

from agent.cli.family_told import provisioned, renewed
from agent.jobs.job import Job, JobKind, JobState


def job(**result: Any) -> Job:
    usual = {"device": "pump", "seconds": 3.0, "notes": []}
    return Job(
        id="1",
        kind=JobKind.PROVISION,
        board="b",
        title="t",
        state=JobState.DONE,
        created_at=0.0,
        result=usual | result,
    )


def nrf(**result: Any) -> Job:
    usual = {
        "cloud": "nrf",
        "device_id": "5036",
        "claimed": "now",
        "tags": ["a", "b"],
        "rule": "there",
        "connected": "cloud",
        "commands": [{"id": "1", "name": "finished", "status": "SUCCEEDED"}],
    }
    return job(**(usual | result))


def test_a_board_of_nrf_cloud_is_told_with_its_claim() -> None:
    assert provisioned(nrf(notes=["No SIM."])).splitlines() == [
        "pump is in nRF Cloud (3.0 s), device 5036",
        "Claimed now, with the tags a, b",
        "  finished  SUCCEEDED",
        "No SIM.",
    ]
    before = provisioned(nrf(claimed="before", tags=[], device="5036", rule="made", commands=[]))
    assert before.splitlines() == [
        "5036 is in nRF Cloud (3.0 s)",
        "Your team had it before, without tags",
        "A rule was made for boards with the onboarding tag",
    ]


def test_a_board_that_nobody_has_seen_is_not_told_as_there() -> None:
    told = provisioned(nrf(connected=None))
    assert "is in nRF Cloud" not in told
    assert "is claimed" in told


def test_a_board_of_blynk_is_told_with_who_has_seen_it() -> None:
    result: dict[str, Any] = {
        "cloud": "blynk",
        "device_id": "77",
        "entry": "0a1b",
        "network": "Wi-Fi “HomeNet”",
    }
    assert provisioned(job(**result, connected="cloud")).splitlines() == [
        "pump is online in Wi-Fi “HomeNet” (3.0 s): the cloud has seen it",
        "Device 77",
        "Its token is in the vault, entry 0a1b",
    ]
    assert "the board says so" in provisioned(job(**result, connected="board"))


def test_a_renewal_tells_how_the_board_heard_of_it() -> None:
    done = {"cloud": "nrf", "commands": [{"name": "finished\x1b", "status": "SUCCEEDED"}]}
    told = renewed(job(**done, told="air"))
    assert told.splitlines()[0] == "pump has done its commands (3.0 s), told over the air"
    assert "\x1b" not in told
    assert "new token" in renewed(job(cloud="blynk", entry="0a"))
