"""Which board in the air a person means, and how long it is listened for."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from agent.app import build
from agent.boards.board import Board, Port
from agent.cli.air import Lookout, hear_board, means_air, nearest_first, reach
from agent.cli.connect import inside_client
from agent.cli.output import Output
from agent.errors import AmbiguousBoard, BoardNotHeard, ExitStatus, ReportedError
from agent.settings.config import Config, PortsConfig
from agent.settings.paths import find_paths
from tests.air import ON_LINUX, Air, air, ble_board

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.cli.client import Client

SHORT: dict[str, float] = {"listen_s": 0.2, "find_s": 0.3}
"""Where all boards have been heard already, or none will be."""


def in_the_air(test: Any) -> Any:
    """A test that needs the stand-in of BlueZ."""
    for mark in ON_LINUX:
        test = mark(test)
    return test


@asynccontextmanager
async def client_outdoors(
    home: Path, *boards: Any, **around: Any
) -> AsyncIterator[tuple[Client, Air]]:
    """A command without an agent, boards in the air, and nothing on a cable."""
    paths = find_paths({"MOORING_HOME": str(home)})
    paths.make()
    async with air(boards, **around) as room:
        app = build(Config(ports=PortsConfig(system=False)), paths)
        try:
            await app.start()
            async with inside_client(app.connection()) as client:
                yield client, room
        finally:
            await app.close()


async def until_heard(client: Client, count: int) -> None:
    """Wait until so many boards are listed."""
    lookout = Lookout(client, Output())
    await lookout.begin(ble=True)
    assert await lookout.wait(lambda: len(lookout.boards) == count, 3600, "Listening")


@pytest.mark.parametrize(
    "wanted",
    [
        "ble-A1B2C3D4E5F6",
        "ble://A1:B2:C3:D4:E5:F6",
        "a1:b2:c3:d4:e5:f6",
        " A1:B2:C3:D4:E5:F6 ",
        "7F2C9A10-3B5E-4D21-9E0F-0123456789AB",
    ],
)
def test_ids_and_addresses_that_only_boards_in_the_air_have(wanted: str) -> None:
    assert means_air(wanted)


@pytest.mark.parametrize("wanted", ["", "COM3", "/dev/ttyACM0", "uno_r4_wifi-F412FA65", "bleak"])
def test_other_names_may_mean_boards_on_a_cable(wanted: str) -> None:
    assert not means_air(wanted)


def board(name: str, *ports: Port) -> Board:
    return Board(id=name, name=name, model=None, fqbn=None, ports=list(ports), first_seen=0)


def test_the_order_is_cable_first_then_the_nearest() -> None:
    def ble(rssi_dbm: int | None) -> Port:
        return Port(kind="ble", address="ble://1", rssi_dbm=rssi_dbm)

    cable = Port(kind="serial", address="COM3")
    boards = [
        board("far", ble(-80)),
        board("second", cable),
        board("unknown", ble(None)),
        board("near", ble(-40)),
        board("both", cable, ble(-30)),
    ]
    ordered = [each.id for each in nearest_first(boards)]
    assert ordered == ["second", "both", "near", "far", "unknown"]


@in_the_air
async def test_an_address_is_enough_as_soon_as_it_is_heard(tmp_path: Path) -> None:
    async with client_outdoors(tmp_path, ble_board("A"), ble_board("B")) as (client, room):
        for wanted in (room.address(1), room.address(1).removeprefix("ble://").lower()):
            found = await hear_board(client, Output(), wanted, listen_s=3600, find_s=3600)
            assert found.ports[0].address == room.address(1)
        again = await hear_board(client, Output(), found.id, listen_s=3600, find_s=3600)
        assert again.id == found.id


@in_the_air
async def test_a_name_is_taken_when_all_that_may_have_it_could_be_heard(tmp_path: Path) -> None:
    async with client_outdoors(tmp_path, ble_board("A")) as (client, _):
        await until_heard(client, 1)
        found = await hear_board(client, Output(), "Arduino-2341-1002", **SHORT)
        assert found.model == "uno_r4_wifi"
    async with client_outdoors(tmp_path, ble_board("A"), ble_board("B")) as (client, _):
        await until_heard(client, 2)
        with pytest.raises(AmbiguousBoard) as error:
            await hear_board(client, Output(), "Arduino-2341-1002", **SHORT)
        assert error.value.exit_status is ExitStatus.NO_BOARD


@in_the_air
async def test_a_board_that_comes_late_is_waited_for(tmp_path: Path) -> None:
    async with client_outdoors(tmp_path, ble_board("A")) as (client, room):
        room.go_out_of_range(0)
        lookout = Lookout(client, Output())
        await lookout.begin(ble=True)
        assert not await lookout.wait(lambda: bool(lookout.boards), 0.3, "Listening")
        room.come_back(0)
        assert await lookout.wait(lambda: bool(lookout.boards), 3600, "Listening")


@in_the_air
async def test_a_board_that_is_not_heard_is_said_to_be_so(tmp_path: Path) -> None:
    async with client_outdoors(tmp_path, ble_board("A")) as (client, _):
        with pytest.raises(BoardNotHeard, match="“B1:B2:B3:B4:B5:B6”") as error:
            await hear_board(client, Output(), "B1:B2:B3:B4:B5:B6", **SHORT)
        assert error.value.exit_status is ExitStatus.NO_BOARD


@in_the_air
async def test_what_keeps_this_computer_from_hearing_is_said_at_once(tmp_path: Path) -> None:
    async with client_outdoors(tmp_path, ble_board("A"), radio="off") as (client, _):
        with pytest.raises(ReportedError) as error:
            await hear_board(client, Output(), "A", listen_s=3600, find_s=3600)
        assert error.value.report().code == "ble-off"


@in_the_air
async def test_a_board_is_listened_for_only_where_it_must_be_in_the_air(tmp_path: Path) -> None:
    async with client_outdoors(tmp_path, ble_board("A")) as (client, room):
        assert await reach(client, Output(), "COM3", None) == {"board": "COM3"}
        usb = await reach(client, Output(), room.address(0), "usb")
        assert usb == {"board": room.address(0), "via": "usb"}
        assert room.bluez.calls == []
        heard = await reach(client, Output(), room.address(0), None)
        assert heard["board"].startswith("uno_r4_wifi-")
        assert heard["via"] == "ble"
