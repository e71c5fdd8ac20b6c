"""Which session a board gets: by the link of its lease, and by what it speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.errors import BleUnreachable
from agent.jobs.opening import air_service, open_board_session
from tests.air import ON_LINUX, ImprovConfig, ble_board

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.boards.board import Board, Via
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
