"""``mooring monitor``: bytes of a board for people, files and programs."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.cli.monitor import Screen, visible
from agent.cli.output import Output
from agent.cli.shell import Shell
from agent.errors import PortGone
from tests.cli.conftest import Mooring, finish
from tests.web.rig import PlainBoard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

EVERY_BYTE = bytes(range(256)) * 4
SERIAL = "F412FA650000"


@pytest.fixture
async def plain(alone: Mooring) -> AsyncIterator[PlainBoard]:
    """A board whose sketch is the test."""
    folder = alone.demo.config.ports.simulated
    assert folder
    board = PlainBoard(Path(folder))
    board.plug()
    yield board
    board.close()


async def test_bytes_go_into_a_file_as_they_are(mooring: Mooring, plain: PlainBoard):
    watching = await mooring.start("monitor", SERIAL)
    assert watching.stdout is not None
    await plain.opened()
    await plain.send(EVERY_BYTE)
    assert await watching.stdout.readexactly(len(EVERY_BYTE)) == EVERY_BYTE
    plain.unplug()
    ended = await finish(watching)
    assert (ended.status, ended.out) == (PortGone.exit_status, "")
    assert "[port-gone]" in ended.err


async def test_for_programs_text_is_json_and_so_is_the_end(alone: Mooring, plain: PlainBoard):
    watching = await alone.start("monitor", SERIAL, "--json")
    assert watching.stdout is not None
    await plain.opened()
    await plain.send(b"21.5 \xc2\xb0C\n")
    text = ""
    while not text.endswith("\n"):
        text += json.loads(await watching.stdout.readline())["text"]
    assert text == "21.5 °C\n"
    plain.unplug()
    ended = await finish(watching)
    assert ended.document["error"]["code"] == "port-gone"


class Streams:
    """What a screen wrote."""

    def __init__(self, *, as_json: bool = False) -> None:
        self._out, self._err = io.BytesIO(), io.BytesIO()
        shell = Shell(as_json=as_json)
        out = io.TextIOWrapper(self._out, encoding="utf-8", write_through=True)
        err = io.TextIOWrapper(self._err, encoding="utf-8", write_through=True)
        shell.output = Output(as_json=as_json, out=out, err=err)
        self.screen = Screen(shell, raw=False)

    @property
    def out(self) -> str:
        return self._out.getvalue().decode()

    @property
    def err(self) -> str:
        return self._err.getvalue().decode()


async def test_bytes_that_the_board_did_not_take_are_told():
    people, program = Streams(), Streams(as_json=True)
    for streams in (people, program):
        streams.screen.refused({"channel": 1, "count": 300})
        assert "300 bytes were not sent" in streams.err
    assert people.out == ""
    assert json.loads(program.out) == {"refused": 300}


async def test_bytes_that_were_lost_are_told_where_they_are_missing():
    people, program = Streams(), Streams(as_json=True)
    for streams in (people, program):
        streams.screen.dropped({"channel": 1, "count": 300})
        assert "300 bytes were lost here" in streams.err
    assert json.loads(program.out) == {"dropped": 300}


async def test_a_character_may_come_in_two_parts():
    people, program = Streams(), Streams(as_json=True)
    for streams in (people, program):
        streams.screen.show(b"\xc2")
        streams.screen.show(b"\xb0C")
    assert people.out == "°C"
    assert program.out == '{"text":"°C"}\n'


def test_no_board_can_command_the_terminal():
    assert visible("a\x1b[2Jb\r\n\u202ec\t") == "a·[2Jb\nc\t"
