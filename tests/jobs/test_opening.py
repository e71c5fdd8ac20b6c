"""Which session a board gets: by the link of its lease, and by what it speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.errors import BleUnreachable, OtherBoard, PortGone
from agent.jobs.opening import air_service, at_one_address, open_board_session
from agent.links.ble import open_ble
from tests.air import ON_LINUX, ImprovConfig, ble_board
from tests.jobs.bench import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.boards.board import Board, Via
    from agent.jobs.job import Job
    from agent.sessions.session import BoardFacts
    from tests.jobs.air_bench import AirBench

pytestmark = ON_LINUX


async def read(bench: AirBench, wanted: Callable[[Board], bool], via: Via) -> BoardFacts:
    board = await bench.board_that(wanted)
    async with bench.boards.lease(board.id, "a test", via=via) as lease:
        session = await open_board_session(lease)
        try:
            return await session.read()
        finally:
            await session.close()


def speaks(service: str | None) -> Callable[[Board], bool]:
    return lambda board: bool(board.ports) and air_service(board) == service


async def test_each_board_is_spoken_to_in_its_own_way(in_air: AirBench):
    await in_air.start_air([ble_board("AIR-0", usb=True)], improv=[ImprovConfig()])
    await in_air.start_agent()
    by_cable = await read(in_air, speaks(None), "usb")
    by_air = await read(in_air, speaks("2.0"), "ble")
    assert by_cable.protocol == by_air.protocol == "2.0"
    assert by_cable.uhwid == by_air.uhwid
    assert (await read(in_air, speaks("improv"), "ble")).protocol == "improv"
    assert not in_air.radio.connected


async def test_a_board_that_cannot_be_reached_leaves_nothing_open(in_air: AirBench):
    await in_air.start_air()
    await in_air.start_agent()
    board = await in_air.heard()
    async with in_air.boards.lease(board.id, "a test", via="ble") as lease:
        in_air.air.go_out_of_range()
        with pytest.raises(BleUnreachable):
            await open_board_session(lease)
        assert not in_air.radio.connected


async def test_a_session_makes_its_link_again_to_the_same_address_only(in_air: AirBench):
    """Another one may be another device, which is not to get the settings before it is read."""
    await in_air.start_air(2)
    await in_air.start_agent()
    addresses = [in_air.air.address(n) for n in (0, 0, 1)]
    there = iter(addresses)
    open_again = at_one_address(lambda: open_ble(in_air.radio, next(there)))
    for _ in range(2):
        link = await open_again()
        assert link.address == addresses[0]
        await link.close()
    with pytest.raises(PortGone) as caught:
        await open_again()
    assert caught.value.facts == {"port": addresses[0]}
    assert not in_air.radio.connected


async def test_an_impostor_that_waits_for_a_link_to_fall_gets_no_settings(in_air: AirBench):
    number = "F412FA000001"
    boards = [ble_board(name, ble_address=number) for name in ("AIR-0", "IMPOSTOR")]
    await in_air.start_air(boards)
    in_air.air.change_address(1, "66:66:66:66:66:66")
    in_air.air.go_out_of_range(1)
    await in_air.start_agent()
    unseen = {"kind": "wifi", "ssid": "Elsewhere", "password": "x" * 8}
    job = await in_air.set_up(network=unseen)
    asked = await in_air.asks(job)
    in_air.air.come_back(1)
    both = await in_air.board_that(lambda board: len(board.ports) == 2)
    assert both.id == asked.board
    network = {"kind": "wifi", "ssid": "HomeNet", "password": PASSWORD}
    await in_air.jobs.answer(job, {"action": "network", "network": network})
    await in_air.air.wait_for("step", step="settings", n=0)
    in_air.air.go_out_of_range(0)

    def other_board(now: Job) -> bool:
        error = now.question.error if now.question else None
        return error is not None and error.code == OtherBoard.code

    await in_air.until(job, other_board)
    assert "settings" not in in_air.air.steps(1)
