"""``mooring batch`` as a factory runs it: real processes, many boards, a simulated ThingsBoard."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import signal
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from agent.cli.inputs import PASSWORD_VARIABLE
from agent.clouds.accounts import AccountStore
from agent.settings import Secret
from tests.cli.batch_line import PASSWORD, Line, killed_when, line_of
from tests.cli.conftest import Ended, finish
from tests.cli.flashing import OLD_MKR, image, workshop
from tests.cli.person import Person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.cli.conftest import Mooring

DEFAULTS = "# cloud = thingsboard\n# ssid = Factory\n"
BY_ID = DEFAULTS + "# name = line3-{hardware_id}\nmodel,count\n303a:1001,"


@pytest.fixture
async def line(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Line]:
    async with Line(tmp_path / "line", getattr(request, "param", 3)) as made:
        yield made


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def end_of(ended: Ended) -> Any:
    return ended.lines[-1]


@pytest.mark.parametrize("line", [9], indirect=True)
async def test_each_board_of_a_line_becomes_its_own_device(line: Line):
    await line.plug_all()
    ended = await line.batch(line.manifest(BY_ID + "9\n"), "--parallel", "4")
    assert ended.status == 0, ended
    assert line.wrong_pairings(ended) == []
    assert line.devices == sorted(f"line3-{board.hardware_id}" for board in line.boards)
    found = rows(line.results())
    assert {row["row"] for row in found} == {str(n) for n in range(1, 10)}
    for row in found:
        assert row["device"] == f"line3-{row['hardware_id']}"
        assert row["state"] == "done"
    told = ended.out + ended.err + line.results()
    tokens = [board.values["tb_token"].decode() for board in line.boards]
    assert not any(secret in told for secret in [PASSWORD, *tokens])
    kept = [*line.home.rglob("journal.sqlite3*"), *line.home.rglob("*.log")]
    assert len(kept) > 1
    for path in kept:
        content = path.read_bytes()
        assert not any(secret.encode() in content for secret in [PASSWORD, *tokens]), path


async def test_wrong_rows_are_all_told_before_anything_is_sent(line: Line):
    await line.plug_all()
    text = (
        "# cloud = thingsbord\n# pasword = x\nmodel,name,count,credentials\n"
        "nothing,a,1,\n"
        "esp32,{nr},1,\n"
        "esp32,b,1,lwm2m\n"
    )
    ended = await line.batch(line.manifest(text))
    assert ended.status == 2
    problems = [each["problem"] for each in ended.lines if "problem" in each]
    told = {(each["where"], each["field"]) for each in problems}
    assert ("defaults", "pasword") in told
    assert ("line 4", "model") in told
    assert ("line 5", "name") in told
    assert ("line 6", "cloud") in told
    assert end_of(ended)["error"]["code"] == "manifest"
    assert not line.server.record.requests or line.devices == []
    assert all(not board.values for board in line.boards)


@pytest.mark.system("linux", "darwin")
async def test_it_works_through_the_running_agent_which_goes_on_when_it_is_killed(line: Line):
    agent = await line.start("run", "--headless", "--json")
    assert agent.stdout is not None
    assert json.loads(await agent.stdout.readline())["url"]
    try:
        await line.plug_all()
        manifest = line.manifest(BY_ID + "3\n")
        asked = asyncio.Event()
        line.boards[0].when_asked["begin"] = asked.set
        process = await line.start("batch", str(manifest), "--json", "--parallel", "1")
        await killed_when(asked, process)
        ended = await line.batch(manifest)
        assert ended.status == 0, ended
        assert line.wrong_pairings(ended) == []
        assert len(line.devices) == 3
    finally:
        agent.send_signal(signal.SIGTERM)
        await finish(agent)


async def test_a_changed_manifest_is_gone_on_with_only_if_that_is_meant(line: Line):
    await line.boards[0].plug()
    serials = [board.hardware_id for board in line.boards]
    head = DEFAULTS + "# name = line3-{hardware_id}\nserial_number\n"
    before = line.manifest(head + f"{serials[0]}\n")
    assert (await line.batch(before)).status == 0
    made = len(line.server.record.requests)
    await line.boards[1].plug()
    after = line.manifest(head + f"{serials[1]}\n{serials[0]}\n")
    refused = await line.batch(after)
    assert refused.status == 2
    assert "--changed" in end_of(refused)["error"]["title"]
    assert len(line.server.record.requests) == made
    ended = await line.batch(after, "--changed")
    assert ended.status == 0, ended
    assert line.wrong_pairings(ended) == []
    done = [each["row"] for each in ended.lines if each.get("state") == "done"]
    assert done == [1]
    assert end_of(ended)["done"] == 2


@pytest.mark.system("linux", "darwin")
async def test_an_operator_sees_each_socket(line: Line):
    person = Person(line)
    try:
        await person.start("batch", str(line.manifest(BY_ID + "2\n")))
        await person.sees("0 of 2 done")
        await line.boards[0].plug()
        await person.sees("✓ row 1")
        await person.sees("take it out")
        await person.sees("1 of 2 done")
        line.boards[1].mute_after = "set"
        person.interrupts()
        await person.sees("row 2 waits for the next 303a:1001")
        assert await person.status() == 130
    finally:
        await person.close()


async def test_boards_get_the_names_that_the_manifest_gives_them(line: Line):
    await line.plug_all()
    first, second, third = line.boards
    manifest = line.manifest(
        f"{DEFAULTS}serial_number,hardware_id,port,name,network\n"
        f"{third.hardware_id},,,three,other.toml\n"
        f",{first.hardware_id},,one,\n"
        f",,1-2,two,\n"
    )
    other = 'kind = "wifi"\nssid = "Other"\npassword = "MARKER-other-5e"\n'
    (line.folder / "other.toml").write_text(other, encoding="utf-8")
    ended = await line.batch(manifest)
    assert ended.status == 0, ended
    assert [board.device for board in (first, second, third)] == ["one", "two", "three"]
    assert [board.values["wifi_ssid"] for board in line.boards] == [
        b"Factory",
        b"Factory",
        b"Other",
    ]
    assert third.values["wifi_pass"] == b"MARKER-other-5e"
    assert "MARKER" not in ended.out + ended.err + line.results()


async def test_a_pulled_cable_costs_nothing_and_a_refusal_only_its_own_row(line: Line):
    refused, pulled, _ = line.boards
    taken = line.server.prepare(f"line3-{refused.hardware_id}")
    back: list[asyncio.Task[None]] = []

    def pull() -> None:
        pulled.unplug()
        back.append(asyncio.create_task(pulled.plug()))

    pulled.when_asked["set"] = pull
    await line.plug_all()
    ended = await line.batch(line.manifest(BY_ID + "3\n"), "--no-wait")
    assert back
    assert ended.status == 1
    assert line.wrong_pairings(ended) == []
    assert end_of(ended)["done"] == 2
    (failed,) = [row for row in rows(line.results()) if row["state"] == "failed"]
    assert failed["board"].endswith(refused.hardware_id.upper())
    assert failed["error"].startswith("enrol-")
    assert not refused.values
    line.server.state.delete(taken)
    again = await line.batch(line.manifest(BY_ID + "3\n"), "--no-wait", "--again")
    assert again.status == 0, again
    assert refused.device == f"line3-{refused.hardware_id}"
    states = [row["state"] for row in rows(line.results()) if row["row"] == failed["row"]]
    assert states == ["failed", "done"]


async def test_rows_keep_their_boards_when_it_is_killed_and_started_again(line: Line):
    await line.plug_all()
    manifest = line.manifest(DEFAULTS + "# name = unit-{n:04}\nmodel,count\nany,3\n")
    asked = asyncio.Event()
    line.boards[1].when_asked["commit"] = asked.set
    process = await line.start("batch", str(manifest), "--json", "--parallel", "2")
    await killed_when(asked, process)
    ended = await line.batch(manifest)
    assert ended.status == 0, ended
    assert line.wrong_pairings(ended) == []
    assert sorted(board.device for board in line.boards) == ["unit-0001", "unit-0002", "unit-0003"]
    assert line.devices == ["unit-0001", "unit-0002", "unit-0003"]
    assert {row["row"] for row in rows(line.results())} == {"1", "2", "3"}


@pytest.mark.system("linux", "darwin")
async def test_boards_come_and_go_in_one_socket_and_one_command_works_on_them(line: Line):
    manifest = line.manifest(BY_ID + "3\n")
    first = await line.start("batch", str(manifest), "--json")
    for board in line.boards[:2]:
        board.socket, board.serial = 1, False
        await board.plug()
        told = await line_of(first, lambda each: each.get("state") == "done")
        assert told["hardware_id"] == board.hardware_id
        board.unplug()
    second = await line.batch(manifest)
    assert second.status == 4
    assert end_of(second)["error"]["code"] == "batch-running"
    first.send_signal(signal.SIGINT)
    ended = await finish(first)
    assert ended.status == 130
    assert (end_of(ended)["done"], end_of(ended)["left"]) == (2, 1)
    assert len(line.devices) == 2


async def test_a_dry_run_and_a_missing_account_change_nothing(line: Line, tmp_path: Path):
    await line.boards[0].plug()
    manifest = line.manifest(BY_ID + "3\n")
    ended = await line.run("batch", str(manifest), "--dry-run")
    assert ended.status == 0, ended
    assert "line3-{hardware_id}" in ended.out
    assert not (line.folder / "line.results.csv").exists()
    line.home = tmp_path / "other"
    line.home.mkdir()
    without = await line.batch(manifest)
    assert without.status != 0
    assert end_of(without)["error"]["code"] == "cloud-not-signed-in"
    assert line.devices == []
    assert not line.boards[0].values


@pytest.mark.parametrize("alone", [2], indirect=True)
async def test_boards_get_a_network_and_join_arduino_cloud_by_a_list(alone: Mooring):
    cloud = alone.demo.cloud
    account = {"client_id": Secret(cloud.client_id), "client_secret": cloud.client_secret}
    await AccountStore(alone.demo.paths.accounts_file, use_keyring=False).set("arduino", account)
    ssid = alone.demo.network.ssid
    environ = {PASSWORD_VARIABLE: alone.demo.network.password.reveal()}
    manifest = alone.home / "two.csv"
    manifest.write_text(f"# ssid = {ssid}\njob,model,count\nconfigure,any,2\n", encoding="utf-8")
    given = await alone.run("batch", str(manifest), "--json", environ=environ)
    assert given.status == 0, given
    manifest.write_text(
        f"# cloud = arduino\n# ssid = {ssid}\n# name = kitchen-{{n}}\nmodel,count\nany,2\n",
        encoding="utf-8",
    )
    ended = await alone.run("batch", str(manifest), "--json", "--name", "join", environ=environ)
    assert ended.status == 0, ended
    done = [each for each in ended.lines if each.get("state") == "done"]
    assert sorted(each["device"] for each in done) == ["kitchen-1", "kitchen-2"]
    assert all(each.device_id for each in await alone.demo.boards.status())


@pytest.mark.system("linux", "darwin")
async def test_boards_get_a_sketch_by_a_list(tmp_path: Path):
    boards = [
        replace(OLD_MKR, serial_number=f"AAAA1111BBBB2222CCCC3333DDDD000{n}") for n in (1, 2, 3)
    ]
    async with workshop(tmp_path, *boards) as mooring:
        (tmp_path / "Blink.ino.bin").write_bytes(image("mkr_wifi_1010"))
        manifest = tmp_path / "blink.json"
        rows_of = [{"model": "mkr_wifi_1010", "count": 3}]
        manifest.write_text(
            json.dumps({"job": "flash", "file": "Blink.ino.bin", "rows": rows_of}), encoding="utf-8"
        )
        ended = await mooring.run("batch", str(manifest), "--json")
        assert ended.status == 0, ended
        assert end_of(ended)["done"] == 3
        assert len({each["board"] for each in ended.lines if each.get("state") == "done"}) == 3
