"""Commands with boards in the air: unmodified bleak against a stand-in of BlueZ."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.air import ON_LINUX, ImprovConfig, air
from tests.cli.conftest import SPEED, Ended, Mooring, finish, running_agent
from tests.cli.person import Person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.air import Air

pytestmark = ON_LINUX

WIFI = ("--ssid", "HomeNet", "--password-stdin")
PASSWORD = "correct horse\n"


class Outdoors:
    """The command, and what is around its computer: a board on a cable, others in the air."""

    def __init__(self, mooring: Mooring, around: Air) -> None:
        self.mooring = mooring
        self.air = around
        mooring.environ.update(around.room.environment)

    async def run(self, *words: str, stdin: str = "") -> Ended:
        return await self.mooring.run(*words, stdin=stdin)


@asynccontextmanager
async def outdoors(mooring: Mooring, *args: Any, **around: Any) -> AsyncIterator[Outdoors]:
    settings: dict[str, Any] = {"speed": SPEED, "cloud": mooring.demo.cloud.base_url} | around
    async with air(*args, **settings) as room:
        yield Outdoors(mooring, room)


@pytest.fixture
async def out(alone: Mooring) -> AsyncIterator[Outdoors]:
    """Two boards and an Improv device in the air, and no agent runs."""
    async with outdoors(alone, 2, [ImprovConfig()]) as out:
        yield out


@pytest.fixture(params=["alone", "through the agent"])
async def both(request: pytest.FixtureRequest, out: Outdoors) -> AsyncIterator[Outdoors]:
    """The same; each test runs without and with an agent."""
    async with AsyncExitStack() as stack:
        if request.param != "alone":
            await stack.enter_async_context(running_agent(out.mooring))
        yield out


@asynccontextmanager
async def watch(out: Outdoors, *words: str) -> AsyncIterator[AsyncIterator[str]]:
    """The lines of ``boards --watch --ble`` as they come."""
    watching = await out.mooring.start("boards", "--watch", "--ble", *words)

    async def read() -> AsyncIterator[str]:
        assert watching.stdout is not None
        while line := await watching.stdout.readline():
            yield line.decode()

    try:
        yield read()
    finally:
        watching.terminate()
        await finish(watching)


def code(ended: Ended) -> str:
    return ended.err.strip().splitlines()[-1].strip("[]")


async def test_boards_on_the_cable_come_first_and_then_those_in_the_air_by_nearness(
    both: Outdoors,
) -> None:
    for number, rssi_dbm in enumerate((-90, -45, -80)):
        both.air.come_back(number, rssi_dbm)
    ended = await both.run("boards", "--ble")
    assert ended.status == 0
    head, cable, *air_lines = ended.out.splitlines()
    assert head.split() == ["BOARD", "NAME", "PORT", "SIGNAL", "PROVISIONING", "STATE"]
    assert both.mooring.demo.boards.address in cable
    assert "▂" not in cable
    near, middle, far = air_lines
    assert both.air.address(1) in near
    assert " ▂▄▆█ " in near
    assert both.air.address(2) in middle
    assert " ▂▄ " in middle
    assert "improv" in middle
    assert both.air.address(0) in far
    assert " ▂ " in far
    assert "--via ble" in ended.err


async def test_without_the_option_nobody_asks_bluetooth_for_anything(out: Outdoors) -> None:
    ended = await out.run("boards")
    assert len(ended.out.splitlines()) == 2
    assert "SIGNAL" not in ended.out
    assert out.air.bluez.calls == []


async def test_boards_on_the_cable_are_listed_although_bluetooth_is_off(both: Outdoors) -> None:
    await both.air.radio("off")
    ended = await both.run("boards", "--ble")
    assert ended.status == 0
    assert both.mooring.board in ended.out
    assert "Bluetooth is switched off on this computer." in ended.err
    assert code(ended) == "ble-off"
    found = (await both.run("boards", "--ble", "--json")).document
    assert len(found["boards"]) == 1
    assert found["bluetooth"]["problem"]["code"] == "ble-off"


async def test_nobody_is_told_to_reset_a_board_while_this_computer_can_hear_none(
    alone: Mooring,
) -> None:
    await alone.demo.boards.command({"unplug": True})
    async with outdoors(alone, 1) as out:
        out.air.power_off(0)
        heard_nobody = await out.run("boards", "--ble")
        assert "hold its reconfigure pin" in heard_nobody.err
        await out.air.radio("off")
        ended = await out.run("boards", "--ble")
    assert ended.status == 0
    assert "No board is connected." in ended.err
    assert "reconfigure" not in ended.err
    assert code(ended) == "ble-off"


async def test_an_agent_that_may_not_use_bluetooth_says_so(alone: Mooring) -> None:
    with (alone.home / "config.toml").open("a") as config:
        config.write('[bluetooth]\nscan = "never"\n')
    async with outdoors(alone, 1) as out:
        ended = await out.run("boards", "--ble")
        assert (ended.status, code(ended)) == (0, "ble-never")
        assert alone.board in ended.out
        assert (await out.run("boards", "--ble", "--json")).document["bluetooth"] is None
        refused = await out.run("identify", "uno", "--via", "ble", "--json")
        assert (refused.status, refused.document["error"]["code"]) == (1, "ble-never")
        assert out.air.bluez.calls == []


async def test_watching_tells_of_boards_and_not_of_their_signals(out: Outdoors) -> None:
    async with watch(out) as lines:
        listed = [(await anext(lines)).split()[1] for _ in range(4)]
        assert listed == ["+"] * 4
        out.air.come_back(0, -30)
        out.air.come_back(1, -90)
        await asyncio.sleep(1)
        await out.mooring.demo.boards.command({"unplug": True})
        assert (await anext(lines)).split()[1] == "-"


async def test_programs_that_watch_are_told_of_signals_too(alone: Mooring) -> None:
    async with outdoors(alone, 1, radio="off") as out, watch(out, "--json") as lines:
        told: dict[str, Any] = {}
        while "bluetooth" not in told:
            told = json.loads(await anext(lines))
        assert told["bluetooth"]["problem"]["code"] == "ble-off"
        await out.air.radio("on")
        assert json.loads(await anext(lines))["bluetooth"]["problem"] is None
        seen: list[int] = []
        while not seen:
            seen += signals(json.loads(await anext(lines)))
        out.air.come_back(0, -90)
        while seen[-1] > -80:
            seen += signals(json.loads(await anext(lines)))


def signals(changes: dict[str, Any]) -> list[int]:
    told = changes.get("appeared", []) + changes.get("changed", [])
    ports = [port for board in told for port in board["ports"]]
    return [port["rssi_dbm"] for port in ports if "rssi_dbm" in port]


async def test_a_board_in_the_air_is_named_without_listing_it_first(both: Outdoors) -> None:
    address = both.air.address(0).removeprefix("ble://")
    by_address = await both.run("identify", address, "--json")
    assert by_address.status == 0, by_address.err
    assert by_address.document["ble_address"] == address
    by_id = await both.run("identify", by_address.document["board"], "--via", "ble", "--json")
    assert by_id.document["uhwid"] == by_address.document["uhwid"]


async def test_a_board_that_is_named_while_bluetooth_is_off_says_why_it_is_not_heard(
    out: Outdoors,
) -> None:
    await out.air.radio("off")
    ended = await out.run("networks", "sensor", "--via", "ble")
    assert (ended.status, code(ended)) == (1, "ble-off")


async def test_an_improv_device_says_what_it_is_and_blinks(out: Outdoors) -> None:
    address = out.air.address(2)
    ended = await out.run("identify", address)
    assert ended.status == 0, ended.err
    for text in ("improv", "Improv demo", "Simulated 1.0.0", "ESP32-C3", "networks seen"):
        assert text in ended.out
    blinking = await out.run("blink", address)
    assert (blinking.status, blinking.out.strip()[-7:]) == (0, "blinks."), blinking.err


async def test_a_device_that_cannot_look_for_networks_says_so(alone: Mooring) -> None:
    async with outdoors(alone, 0, [ImprovConfig(scans="refused")]) as out:
        ended = await out.run("networks", out.air.address(0))
        assert (ended.status, ended.out) == (0, "")
        assert "does not look for networks" in ended.err
        seen = await out.run("networks", out.air.address(0), "--json")
        assert (seen.document["networks"], seen.document["scans"]) == ([], False)


async def test_an_improv_device_joins_and_says_where_its_page_is(out: Outdoors) -> None:
    ended = await out.run("configure", out.air.address(2), *WIFI, stdin=PASSWORD)
    assert ended.status == 0, ended.err
    assert "The board has joined HomeNet" in ended.out
    assert "It goes on at http://192.168.4.20" in ended.out


async def test_a_board_is_set_up_without_a_cable(both: Outdoors) -> None:
    await both.mooring.have_account()
    board = (*("provision", both.air.address(0)), "--via", "ble")
    cloud = ("--cloud", "arduino", "--name", "attic-sensor")
    ended = await both.run(*board, *cloud, *WIFI, stdin=PASSWORD)
    assert ended.status == 0, ended.err
    assert "Online as attic-sensor" in ended.out
    assert "Its Bluetooth is off now." in ended.out


@pytest.fixture
async def person(alone: Mooring) -> AsyncIterator[Person[Mooring]]:
    person = Person(alone)
    yield person
    await person.close()


async def test_a_button_to_be_pressed_is_asked_for_and_the_job_goes_on_by_itself(
    person: Person[Mooring],
) -> None:
    async with outdoors(person.mooring, 0, [ImprovConfig(needs_button=True)]) as out:
        await person.start("configure", out.air.address(0), "--ssid", "HomeNet")
        await person.sees("Password of “HomeNet”")
        person.types(PASSWORD)
        await person.sees("Press the button on the device.")
        await person.sees("1  I have pressed it")
        await person.sees("Your choice")
        out.air.press_button(0)
        await person.sees("\r\nIt goes on.\r\n")
        await person.sees("The board has joined HomeNet")
        await person.sees("http://192.168.4.20")
        assert await person.status() == 0


async def test_bluetooth_that_ends_in_the_middle_is_waited_for_and_then_the_job_goes_on(
    person: Person[Mooring],
) -> None:
    async with outdoors(person.mooring, 1) as out:
        await person.start(
            *("provision", out.air.address(0), "--via", "ble", "--cloud", "none"),
            *("--name", "attic", "--ssid", "HomeNet"),
        )
        await person.sees("Password of “HomeNet”")
        person.types(PASSWORD)
        await out.air.wait_for("step", step="settings")
        await out.air.radio("stopped")
        await person.sees("Bluetooth")
        await person.sees("The job goes on by itself as soon as the board is heard again.")
        await person.sees("Your choice (1): ")
        await out.air.radio("on")
        await person.sees("It goes on.")
        await person.sees("has joined HomeNet")
        assert await person.status() == 0


async def test_a_device_in_a_network_is_moved_by_a_script_only_with_yes(alone: Mooring) -> None:
    async with outdoors(alone, 0, [ImprovConfig(joined=True)]) as out:
        join = ("provision", out.air.address(0), "--cloud", "none", *WIFI)
        refused = await out.run(*join, stdin=PASSWORD)
        assert refused.status == 2
        assert "With --yes it leaves its network" in refused.err
        ended = await out.run(*join, "--yes", stdin=PASSWORD)
        assert ended.status == 0, ended.err
        assert "Improv demo has joined HomeNet" in ended.out
