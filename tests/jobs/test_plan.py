"""From a request to a plan: what every kind of job has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.errors import InputError
from agent.jobs.flash_effects import Upload
from agent.jobs.plan import make_plan
from agent.jobs.request import parse_request

if TYPE_CHECKING:
    from agent.jobs.plan import Plan
    from tests.jobs.bench import Bench


async def plan(bench: Bench, group: str | None = None) -> Plan:
    board = bench.board
    request = {"kind": "flash", "board": board.id, "image": Upload(name="blink.bin", data=b"\0")}
    return await make_plan(
        parse_request(request | ({"group": group} if group else {})),
        board,
        attended=True,
        catalog=bench.catalog,
        clouds=bench.jobs._surroundings.clouds,
    )


async def test_jobs_that_are_begun_together_have_a_mark_in_common(bench: Bench) -> None:
    await bench.plug(model="mkr_wifi_1010")
    await bench.start_agent(clock=bench.hurried)
    assert (await plan(bench, "2026-11-22.a1")).shown["group"] == "2026-11-22.a1"
    alone = await plan(bench)
    assert "group" not in alone.shown
    assert alone.title == f"Writing a sketch to {bench.board.name}"
    with pytest.raises(InputError) as caught:
        await plan(bench, "a b")
    assert caught.value.facts["field"] == "group"


@pytest.mark.parametrize("field", ["token", "template"])
async def test_what_only_some_boards_take_is_refused_for_others(bench: Bench, field: str) -> None:
    await bench.plug(model="mkr_wifi_1010")
    await bench.start_agent(clock=bench.hurried)
    with pytest.raises(InputError) as caught:
        await bench.provision(attended=True, **{field: "TMPLdemo00000"})
    assert caught.value.facts["field"] == field
