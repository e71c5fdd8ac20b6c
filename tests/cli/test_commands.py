"""What commands do to boards and clouds, alone and through a running agent.

A test that takes ``mooring`` runs both ways.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from agent.settings.paths import find_paths
from tests.cli.conftest import SPEED, Ended, Mooring, finish, line_with, running_agent

if TYPE_CHECKING:
    from pathlib import Path

TWO_BOARDS = pytest.mark.parametrize("alone", [2], indirect=True)
STEPS = ["read", "check", "claim", "settings", "join", "online"]


def error_code(ended: Ended) -> str:
    """The code that stands at the end of an error for people."""
    return ended.err.strip().splitlines()[-1].strip("[]")


async def test_boards_lists_what_is_connected(mooring: Mooring):
    ended = await mooring.run("boards")
    head, board = ended.out.splitlines()
    assert ended.status == 0
    assert head.split()[0] == "BOARD"
    assert mooring.board in board
    assert mooring.demo.boards.address in board
    listed = (await mooring.run("boards", "--json")).document["boards"]
    assert [each["model"] for each in listed] == ["uno_r4_wifi"]


async def test_identify_reads_the_board_and_changes_nothing(alone: Mooring):
    found = (await alone.run("identify", alone.board, "--json")).document
    assert found["sketch_version"] == "0.6.2"
    assert found["model"] == "uno_r4_wifi"
    assert alone.board in found["board"]
    assert len(found["uhwid"]) == 64
    ended = await alone.run("identify", alone.board)
    assert ended.status == 0
    for text in ("uno_r4_wifi", "0.6.2", found["uhwid"], "arduino:renesas_uno:unor4wifi"):
        assert text in ended.out


async def test_networks_shows_what_the_board_sees_strongest_first(alone: Mooring):
    found = (await alone.run("networks", alone.board, "--json")).document["networks"]
    strengths = [network["rssi_dbm"] for network in found]
    assert strengths == sorted(strengths, reverse=True)
    ended = await alone.run("networks", alone.board)
    assert alone.demo.network.ssid in ended.out
    assert "(hidden)" in ended.out


async def test_an_account_is_checked_stored_shown_and_forgotten(mooring: Mooring):
    refused = await mooring.run(
        *("cloud", "login", "arduino", "--set", "client_id=nobody", "--password-stdin"),
        stdin="wrong-secret\n",
    )
    assert (refused.status, error_code(refused)) == (4, "cloud-not-authorised")
    assert "wrong-secret" not in refused.err
    assert (await mooring.sign_in()).status == 0
    shown = await mooring.run("clouds")
    assert mooring.demo.cloud.client_id in shown.out
    assert mooring.demo.cloud.client_secret.reveal() not in shown.out
    ended = await mooring.run("cloud", "logout", "arduino", "--json")
    assert ended.document["signed_in"] is False


async def test_a_secret_field_is_taken_from_the_environment_and_not_as_an_argument(
    alone: Mooring,
):
    secret = alone.demo.cloud.client_secret.reveal()
    refused = await alone.run("cloud", "login", "arduino", "--set", "client_secret=x", "--json")
    assert (refused.status, refused.document["error"]["code"]) == (2, "input")
    ended = await alone.run(
        *("cloud", "login", "arduino"),
        environ={
            "MOORING_CLOUD_CLIENT_ID": alone.demo.cloud.client_id,
            "MOORING_CLOUD_CLIENT_SECRET": secret,
        },
    )
    assert ended.status == 0


async def test_a_journal_that_cannot_be_used_is_told_by_every_command(alone: Mooring):
    journal = find_paths({"MOORING_HOME": str(alone.home)}).journal_file
    journal.parent.mkdir(exist_ok=True)
    journal.write_bytes(b"this is no journal" * 100)
    by_itself = await alone.run("boards", "--json")
    async with running_agent(alone):
        through_the_agent = await alone.run("boards", "--json")
    for ended in (by_itself, through_the_agent):
        assert ended.status == 0
        assert len(ended.document["boards"]) == 1
        assert str(journal) in ended.err
        assert error_code(ended) == "journal"


async def test_provision_shows_each_step_with_its_time_and_ends_online(mooring: Mooring):
    await mooring.have_account()
    ended = await mooring.provision(mooring.demo.network.password.reveal())
    assert ended.status == 0, ended.err
    *steps, last = ended.out.splitlines()
    assert len(steps) == len(STEPS)
    assert all(step.startswith("✓ ") and " s" in step for step in steps)
    assert last.startswith("Online as kitchen-sensor")
    assert ended.err == ""
    listed = (await mooring.run("jobs", "--json")).document["jobs"]
    assert [job["state"] for job in listed] == ["done"]
    shown = await mooring.run("job", listed[0]["id"])
    assert "Come online" in shown.out


async def test_provision_for_programs_is_one_object_per_line(mooring: Mooring):
    await mooring.have_account()
    ended = await mooring.provision(mooring.demo.network.password.reveal(), "--json")
    assert ended.status == 0, ended.err
    *steps, last = ended.lines
    assert [s["step"] for s in steps if s["step_state"] == "done"] == STEPS
    assert all(s["state"] == "running" for s in steps)
    assert last["state"] == "done"
    assert last["device"] == "kitchen-sensor"
    assert last["seconds"] > 0
    assert last["device_id"]


async def test_a_wrong_password_undoes_the_claim_where_nobody_can_be_asked(mooring: Mooring):
    await mooring.have_account()
    ended = await mooring.provision("wrong password", "--json")
    assert ended.status == 1
    last = ended.lines[-1]
    assert (last["state"], last["error"]["code"]) == ("failed", "network-join")
    assert error_code(ended) == "network-join"
    assert mooring.claims == []


async def test_configure_and_forget_work_without_a_cloud(alone: Mooring, tmp_path: Path):
    file = tmp_path / "network.toml"
    password = alone.demo.network.password.reveal()
    file.write_text(f'kind = "wifi"\nssid = "{alone.demo.network.ssid}"\npassword = "{password}"')
    ended = await alone.run("configure", alone.board, "--network", str(file))
    assert ended.status == 0, ended.err
    assert alone.demo.network.ssid in ended.out
    ended = await alone.run("forget", alone.board)
    assert ended.status == 2
    assert "--yes" in ended.err
    ended = await alone.run("forget", alone.board, "--yes", "--json")
    assert ended.status == 0, ended.err
    assert ended.lines[-1]["state"] == "done"


@TWO_BOARDS
async def test_a_board_that_is_not_clear_is_status_3(alone: Mooring):
    unknown = await alone.run("identify", "teapot", "--json")
    assert (unknown.status, unknown.document["error"]["code"]) == (3, "board-unknown")
    several = await alone.run("identify", "uno", "--json")
    assert (several.status, several.document["error"]["code"]) == (3, "board-ambiguous")
    first, second = (port.serial_number for port in alone.demo.boards.ports)
    assert first in several.err
    assert second in several.err


async def test_a_missing_account_is_told_before_anything_is_sent(alone: Mooring):
    ended = await alone.provision("correct horse")
    assert (ended.status, error_code(ended)) == (4, "cloud-not-signed-in")
    assert alone.demo.boards.events == ()


async def test_unknown_jobs_clouds_and_pages_are_wrong_input(alone: Mooring):
    for words in (["job", "9999"], ["cloud", "logout", "smoke"], ["origins", "allow", "not a url"]):
        ended = await alone.run(*words)
        assert ended.status == 2, words
        assert ended.out == ""


async def test_an_interrupt_undoes_what_was_begun(mooring: Mooring):
    await mooring.have_account()
    # A board that falls silent while it joins, so that there is time to interrupt.
    await mooring.demo.boards.command({"fault": {"at": "joining", "do": "silence"}})
    process = await mooring.start(*mooring.provisioning, "--json")
    assert process.stdin is not None
    process.stdin.write(mooring.demo.network.password.reveal().encode() + b"\n")
    await line_with(b'"join"', process.stdout)
    assert len(mooring.claims) == 1
    process.send_signal(signal.SIGINT)
    ended = await finish(process)
    assert ended.status == 130
    assert ended.lines[-1]["state"] == "cancelled"
    assert mooring.claims == []


async def test_a_password_is_written_nowhere(mooring: Mooring):
    password = "marker-9f2c-secret"
    await mooring.demo.boards.command(
        {"world": {"networks": [{"ssid": mooring.demo.network.ssid, "password": password}]}}
    )
    await mooring.have_account()
    ended = await mooring.provision(password, "--json")
    assert ended.status == 0, ended.err
    again = await mooring.provision(password + "wrong", "--json")
    assert again.status == 1
    shown = await mooring.run("jobs", "--json")
    for text in (ended.out, ended.err, again.out, again.err, shown.out):
        assert "marker-9f2c" not in text
    for path in mooring.home.rglob("*"):
        if path.is_file():
            assert b"marker-9f2c" not in path.read_bytes(), path


# --- only with a running agent ------------------------------------------------------------------


async def test_a_board_in_use_is_status_4_and_names_who_has_it(alone: Mooring, agent):
    watching = await alone.start("monitor", alone.board)
    assert watching.stderr is not None
    assert b"Watching" in await watching.stderr.readline()
    ended = await alone.run("identify", alone.board)
    assert (ended.status, error_code(ended)) == (4, "port-busy")
    assert "serial monitor" in ended.err
    watching.send_signal(signal.SIGINT)
    assert (await finish(watching)).status == 130


async def test_watch_tells_what_comes_and_goes(alone: Mooring, agent):
    watching = await alone.start("boards", "--watch", "--json")
    assert watching.stdout is not None
    (board,) = json.loads(await watching.stdout.readline())["appeared"]
    await alone.demo.boards.command({"unplug": True})
    assert json.loads(await watching.stdout.readline())["vanished"] == [board["id"]]
    await alone.demo.boards.command({"plug": True})
    assert json.loads(await watching.stdout.readline())["appeared"][0]["id"] == board["id"]
    watching.send_signal(signal.SIGINT)
    assert (await finish(watching)).status == 130


async def test_without_a_command_the_agent_runs(alone: Mooring):
    process = await alone.start()
    assert process.stdout is not None
    assert (await process.stdout.readline()).startswith(b"The page: http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    assert (await finish(process)).err == "Stopping.\n"


async def test_watching_ends_when_nobody_reads_any_more(alone: Mooring, agent):
    read, write = os.pipe()
    watching = await alone.start("boards", "--watch", stdout=write)
    os.close(write)
    with os.fdopen(read) as out:
        assert alone.board in out.readline()
    await alone.demo.boards.command({"unplug": True})
    assert (await finish(watching)).status == 0


async def test_a_second_agent_names_the_first_and_leaves(alone: Mooring, agent):
    ended = await alone.run("run", "--headless", "--json")
    assert ended.status == 0
    assert "runs already" in ended.err
    assert ended.document["url"].startswith("http://127.0.0.1:")


async def test_an_agent_that_dies_is_told_to_who_uses_it(alone: Mooring, agent):
    watching = await alone.start("boards", "--watch", "--json")
    assert watching.stdout is not None
    await watching.stdout.readline()
    agent.kill()
    ended = await finish(watching)
    assert ended.status == 1
    assert ended.document["error"]["code"] == "agent-gone"
    # What it left behind does not keep the next command from working alone.
    assert (await alone.run("boards", "--json")).document["boards"]


async def test_the_agent_ends_in_order_when_it_is_asked_to(alone: Mooring):
    process = await alone.start("run", "--headless", "--json")
    assert process.stdout is not None
    await process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    ended = await finish(process)
    assert ended.status == 0
    assert not (alone.home / "run" / "instance.json").exists()


async def test_commands_side_by_side_do_not_meet(alone: Mooring, agent):
    found = await asyncio.gather(*(alone.run("boards", "--json") for _ in range(4)))
    assert [len(ended.document["boards"]) for ended in found] == [1] * 4


# --- demo ---------------------------------------------------------------------------------------


async def test_demo_once_provisions_a_board_and_leaves_nothing_behind(alone: Mooring, tmp_path):
    environ = {"TMPDIR": str(tmp_path), "TEMP": str(tmp_path), "MOORING_HOME": str(tmp_path / "h")}
    words = ("demo", "--once", "--speed", str(SPEED), "--json", "--password-stdin")
    process = await alone.start(*words, environ=environ)
    ended = await finish(process, "a password of mine\n")
    assert ended.status == 0, ended.err
    done = [line["device"] for line in ended.lines if line["state"] == "done" and "device" in line]
    # The last one is in the air, where there is a bus for it.
    cabled = ["kitchen-sensor", "weather-station", "cold-chain", "Thermo in the hall"]
    assert done == [*cabled, "garden-sensor"][: len(done)]
    assert len(done) >= len(cabled)
    assert "a password of mine" not in ended.out + ended.err
    assert list(tmp_path.iterdir()) == []
