"""The report as a whole: every part, whatever is broken."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from agent.boards.board import Board, Port
from agent.desktop.report import report as module
from agent.desktop.report.report import COUNTED, Sources, make_report
from agent.errors import Examination, JournalFailed
from agent.jobs.job import Job, JobKind
from agent.settings.config import Config
from agent.settings.config_gateway import GatewayConfig
from agent.settings.paths import find_paths
from agent.settings.secret import Secret

if TYPE_CHECKING:
    from agent.settings.paths import Paths


@pytest.fixture
def paths(tmp_path) -> Paths:
    found = find_paths({"MOORING_HOME": str(tmp_path / "home")})
    found.make()
    return found


def board() -> Board:
    port = Port(kind="serial", address="/dev/ttyACM0", serial_number="MARKER-serial")
    return Board(
        id="uno_r4_wifi-MARKER-serial",
        name="MARKER lamp",
        model="uno_r4_wifi",
        fqbn=None,
        ports=[port],
        first_seen=0.0,
    )


def job() -> Job:
    return Job(
        id="1",
        kind=JobKind.CONFIGURE,
        board="uno_r4_wifi-MARKER-serial",
        title="t",
        created_at=1.0,
        request={"network": {"kind": "wifi", "ssid": "MARKER-net"}},
    )


def sources(paths: Paths, **changes: Any) -> Sources:
    async def examine() -> Examination:
        return Examination(findings=[])

    async def jobs(_limit: int) -> list[Job]:
        return [job()]

    usual: dict[str, Any] = {
        "paths": paths,
        "config": Config(),
        "models": frozenset({"uno_r4_wifi"}),
        "examine": examine,
        "boards": lambda: [board()],
        "jobs": jobs,
    }
    return Sources(**(usual | changes))


async def test_it_says_what_is_in_it_and_what_was_taken_out(paths):
    paths.log_file.write_text("MARKER-net, TUFSS0VSLW5ldA== and /dev/ttyACM0\n")
    made = await make_report(sources(paths), now=lambda: 1_000_000_000.0)
    assert made.name == "mooring-report-20010909-014640.txt"
    head, _, body = made.text.partition("\n== This computer ==\n")
    assert head.startswith("A report of Mooring, made on 2001-09-09 at 01:46 UTC.")
    assert "the doctor" in head
    assert "1 names of networks (<network-1>)" in head
    assert "ids, serial numbers and names of boards (<board-1>)" in head
    assert "<network-1>, <network-1> and /dev/ttyACM0" in body
    assert "uno_r4_wifi, ready" in body
    assert "MARKER" not in made.text
    assert "It does not run" in body


async def test_a_part_that_cannot_be_read_keeps_no_other_out(paths, monkeypatch):
    async def journal(_limit: int) -> list[Job]:
        raise JournalFailed(path="/x/journal", detail="file is not a database")

    async def hangs() -> Examination:
        await asyncio.sleep(3600)
        raise AssertionError

    def defect() -> list[Board]:
        raise ValueError("MARKER")

    monkeypatch.setattr(module, "PART_LIMIT_S", 0.05)
    paths.origins_file.write_text("{")
    paths.accounts_file.write_text("\0")
    made = await make_report(sources(paths, jobs=journal, examine=hangs, boards=defect))
    assert "It could not be read: The journal /x/journal cannot be used" in made.text
    assert "It could not be read within 0.05 s." in made.text
    assert "It could not be read (ValueError)." in made.text
    assert "MARKER" not in made.text


async def test_what_the_agent_keeps_secret_is_no_part_of_it_even_if_it_was_logged(paths):
    paths.instance_file.write_text('{"token": "MARKERtoken-of-this-run", "port": 8991}')
    paths.accounts_file.write_text('{"arduino": {"client_secret": "MARKER s3cret"}}')
    paths.origins_file.write_text('{"origins": [{"url": "https://marker.example", "since": 1}]}')
    paths.log_file.write_text(
        "MARKERtoken-of-this-run MARKER%20s3cret https://marker.example/x marker.example\n"
    )
    made = await make_report(sources(paths))
    assert "marker" not in made.text.lower()
    assert "passwords, tokens and keys (<secret>)" in made.text
    assert "<page-1>" in made.text


async def test_every_kind_of_name_is_explained(paths):
    from agent.desktop.report.personal import KINDS

    assert set(KINDS.values()) <= set(COUNTED)
    assert str(Secret("x")) == "***"


async def test_what_the_settings_name_of_a_gateway_is_taken_out(paths):
    named = GatewayConfig(server="mqtts://MARKER-host.example:8883", device_name="MARKER hall")
    made = await make_report(sources(paths, config=Config(gateway=named)))
    assert "gateway.server" in made.text
    assert "marker" not in made.text.lower()
