"""What a command says of a job."""

from __future__ import annotations

import pytest

from agent.cli.job_commands import how_reached
from agent.jobs.job import Job, JobKind


@pytest.mark.parametrize(
    ("board", "via", "told"),
    [
        ("uno-1", "usb", "uno-1"),
        ("uno-1", "ble", "uno-1 over Bluetooth"),
        ("", "ap", "Blynk Thermo-4Y1H over its own Wi-Fi"),
        ("", None, "Blynk Thermo-4Y1H"),
    ],
)
def test_a_board_that_is_in_no_list_has_its_name(board: str, via: str | None, told: str) -> None:
    job = Job(
        id="1",
        kind=JobKind.IDENTIFY,
        board=board,
        title="Reading it",
        created_at=1.0,
        request={"via": via},
        board_name="Blynk Thermo-4Y1H",
    )
    assert how_reached(job) == told
