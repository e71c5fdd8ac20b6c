"""The words of an upload, and that a tool which prints without end costs pages little."""

from __future__ import annotations

import asyncio
import json

from agent.compat.upload_progress import (
    KEPT,
    LINE_CHARS,
    LINES_AT_ONCE,
    Lines,
    busy,
    done,
    failed,
    kill_answer,
    killed,
    starting,
)


def test_the_words_are_those_that_the_client_looks_for():
    assert json.loads(starting()) == {"ProgrammerStatus": "Starting", "Cmd": "Serial"}
    assert json.loads(done()) == {"ProgrammerStatus": "Done", "Flash": "Ok"}
    assert json.loads(failed("no")) == {"ProgrammerStatus": "Error", "Msg": "no"}
    assert json.loads(killed()) == {"ProgrammerStatus": "Killed"}
    assert json.loads(kill_answer()) == {"uploadStatus": "Killed"}
    assert json.loads(failed(""))["Msg"]


def test_a_line_is_cleaned_and_bounded():
    said = json.loads(busy('a "b"\x1b[1m\\' + "x" * 5000))
    assert said["ProgrammerStatus"] == "Busy"
    assert said["Msg"].startswith('a "b"')
    assert "\x1b" not in said["Msg"]
    assert len(said["Msg"]) <= LINE_CHARS


async def test_lines_come_in_order_and_what_is_too_much_is_counted():
    told: list[str] = []
    lines = Lines(told.append)
    for number in range(1000):
        lines.offer(str(number))
    await lines.close()
    assert told == [f"({1000 - KEPT} lines are left out)", *map(str, range(1000 - KEPT, 1000))]


async def test_a_flood_is_told_in_lots():
    told: list[str] = []
    lines = Lines(told.append)
    for number in range(KEPT):
        lines.offer(str(number))
    async with asyncio.timeout(15):
        while not told:
            await asyncio.sleep(0)
    assert len(told) == LINES_AT_ONCE
    await lines.close()
    assert told == list(map(str, range(KEPT)))


async def test_lines_that_are_dropped_are_not_told():
    told: list[str] = []
    lines = Lines(told.append)
    for number in range(KEPT + 5):
        lines.offer(str(number))
    lines.drop()
    await lines.close()
    assert told == []
