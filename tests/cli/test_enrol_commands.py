"""How a board with credentials is told on the command line, and which options go together."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from agent.cli.enrol_commands import enrolled, refuse_enrol_options
from agent.cli.header import SETTINGS_HEADER, SETTINGS_IMAGE, header_of
from agent.cli.setup_commands import provision
from agent.errors import InputError
from agent.jobs.job import Job, JobKind, JobState


def done(**result: Any) -> Job:
    usual: dict[str, Any] = {
        "device": "esp32-24a1",
        "cloud": "thingsboard",
        "link": "https://tb.example/entities/devices/1",
        "entry": "0a1b2c3d",
        "delivery": "console",
        "connected": "board",
        "files": [],
        "seconds": 3.0,
        "notes": [],
    }
    return Job(
        id="1",
        kind=JobKind.PROVISION,
        board="b",
        title="t",
        state=JobState.DONE,
        created_at=0.0,
        result=usual | result,
    )


def test_name_link_and_who_has_seen_it_are_told():
    told = enrolled(done())
    assert told.splitlines()[0].startswith("esp32-24a1 is connected")
    assert "the board says so" in told
    assert "https://tb.example/entities/devices/1" in told
    assert "entry 0a1b2c3d" in told
    assert "the server has seen it" in enrolled(done(connected="server"))


def test_a_board_that_nobody_has_seen_is_not_told_as_connected():
    told = enrolled(done(connected=None, link="", notes=["Nobody has seen it connected yet."]))
    assert "is connected" not in told
    assert "Nobody has seen it" in told


def test_a_header_file_has_its_own_name():
    job = done(delivery="header", connected=None, files=[SETTINGS_HEADER])
    assert header_of(job) == SETTINGS_HEADER
    assert "header file" in enrolled(job)
    assert "NVS image" in enrolled(done(delivery="image", connected=None, files=[SETTINGS_IMAGE]))


@pytest.mark.parametrize(
    ("credentials", "delivery", "nvs", "field"),
    [
        ("token", None, None, "--credentials"),
        (None, "console", None, "--delivery"),
        (None, None, "unit.bin", "--nvs"),
    ],
)
def test_its_options_are_refused_with_other_clouds(credentials, delivery, nvs, field):
    with pytest.raises(InputError) as caught:
        refuse_enrol_options(credentials, delivery, nvs)
    assert caught.value.facts["field"] == field


@pytest.mark.parametrize("kind", ["lwm2m", "LWM2M_CREDENTIALS"])
def test_a_kind_that_no_board_could_use_is_refused_with_the_reason(kind):
    ended = CliRunner().invoke(provision, ["b", "--cloud", "thingsboard", "--credentials", kind])
    assert ended.exit_code == 2
    assert "does not tell" in ended.output


@pytest.mark.parametrize("option", ["--credentials", "--delivery"])
def test_values_that_are_not_known_are_usage(option):
    ended = CliRunner().invoke(provision, ["b", "--cloud", "thingsboard", option, "lwm2m"])
    assert ended.exit_code == 2
    assert "lwm2m" in ended.output
