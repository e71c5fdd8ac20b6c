"""Delivery to a real MicroPython: what it takes is what simulated boards must take."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent.errors import PortGone
from agent.links.open import open_link
from agent.protocols import repl_code
from agent.sessions import repl
from agent.sessions.repl_wire import BoardSaid, ReplWire
from agent.settings import Secret
from agent.settings.credentials import AccessToken, BoardSettings, CloudSettings
from agent.settings.network import WiFi
from tests.sessions.micropython_board import MicroPythonBoard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DOCUMENT = Path(__file__).parents[2] / "docs" / "micropython.md"
CA = "-----BEGIN CERTIFICATE-----\n" + ("A" * 64 + "\n") * 90 + "-----END CERTIFICATE-----\n"
CLOUD = CloudSettings(
    cloud="thingsboard",
    name="Prüfstand “7”",
    host="tb.example.org",
    port=8883,
    scheme="mqtts",
    ca=CA,
    credentials=AccessToken(token=Secret("t'o\"k\\en")),
)
SETTINGS = BoardSettings(network=WiFi(ssid="Büro", password=Secret("pass word 1")), cloud=CLOUD)
FULL = {
    "wifi_ssid": "Büro",
    "wifi_pass": "pass word 1",
    "tb_host": "tb.example.org",
    "tb_port": "8883",
    "tb_tls": "1",
    "tb_ca": CA,
    "tb_name": "Prüfstand “7”",
    "tb_token": "t'o\"k\\en",
}


def documented() -> str:
    """The lines that a user's program needs, as the document has them."""
    found = re.search(r"```python\n(import json\n.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert found
    return found[1]


@asynccontextmanager
async def board(folder: Path) -> AsyncIterator[MicroPythonBoard]:
    real = MicroPythonBoard(folder)
    await real.start()
    try:
        yield real
    finally:
        real.kill()
        await asyncio.sleep(0)  # the sockets close in the loop's next turn


@asynccontextmanager
async def delivery(real: MicroPythonBoard) -> AsyncIterator[repl.ReplDelivery]:
    opened = await repl.open_repl(await open_link(real.address, repl.BAUD))
    try:
        yield opened
    finally:
        await opened.close()


def tell_nobody(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


def stored(folder: Path) -> object:
    return json.loads((folder / "mooring.json").read_text("utf-8"))


async def test_it_says_what_it_is_and_writes_nothing(tmp_path):
    async with board(tmp_path) as real, delivery(real) as opened:
        found = await opened.identify()
    assert found.firmware == "MicroPython"
    assert found.family == "linux"
    assert re.fullmatch(r"1\.\d+\.\d+", found.version)
    assert list(tmp_path.iterdir()) == []


async def test_the_documented_lines_read_what_was_delivered(tmp_path):
    program = documented() + "print('mooring: connected', settings.get('tb_name'))\n"
    program += "while True:pass\n"
    (tmp_path / "main.py").write_text(program, "utf-8")
    async with board(tmp_path) as real, delivery(real) as opened:
        await opened.put(SETTINGS, tell_nobody)
        assert stored(tmp_path) == FULL
        state = await opened.cloud_state(30)
        assert (state.outcome, state.detail) == ("connected", "Prüfstand “7”")
        assert (await opened.identify()).holds == "Prüfstand “7”"
    assert {path.name for path in tmp_path.iterdir()} == {"main.py", "mooring.json"}
    assert (tmp_path / "main.py").read_text("utf-8") == program


async def test_the_documented_lines_read_the_old_file_between_the_renames(tmp_path):
    (tmp_path / "mooring.old").write_text('{"tb_name": "old"}')
    (tmp_path / "main.py").write_text(documented() + "print('mooring: refused', settings)\n")
    async with board(tmp_path) as real, delivery(real) as opened:
        assert (await opened.identify()).holds == "old"
        assert (await opened.cloud_state(30)).detail == "{'tb_name': 'old'}"
        await opened.put(SETTINGS, tell_nobody)
    assert {path.name for path in tmp_path.iterdir()} == {"main.py", "mooring.json"}


async def test_one_part_is_replaced_and_what_others_wrote_stays(tmp_path):
    (tmp_path / "mooring.json").write_text('{"own": [1]}')
    async with board(tmp_path) as real, delivery(real) as opened:
        await opened.put(SETTINGS, tell_nobody)
        await opened.put(BoardSettings(network=WiFi(ssid="Open")), tell_nobody)
        expected = {**FULL, "wifi_ssid": "Open", "own": [1]}
        del expected["wifi_pass"]
        assert stored(tmp_path) == expected
        await opened.erase()
        assert stored(tmp_path) == {"own": [1]}


async def test_a_board_that_dies_in_a_delivery_keeps_its_old_file(tmp_path):
    other = BoardSettings(cloud=msgspec.structs.replace(CLOUD, name="other"))
    async with board(tmp_path) as real:
        async with delivery(real) as opened:
            await opened.put(SETTINGS, tell_nobody)

            def die(done: int, total: int) -> None:
                if done > total // 2:
                    real.kill()

            with pytest.raises(PortGone):
                await opened.put(other, die)
        assert stored(tmp_path) == FULL
        assert (tmp_path / "mooring.new").exists()
        await real.start()
        async with delivery(real) as opened:
            await opened.put(other, tell_nobody)
        assert stored(tmp_path) == {**FULL, "tb_name": "other"}
        assert {path.name for path in tmp_path.iterdir()} == {"mooring.json"}


async def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "mooring.new").mkdir()
    async with board(tmp_path) as real, delivery(real) as opened:
        with pytest.raises(Exception, match="could not be put") as failed:
            await opened.put(SETTINGS, tell_nobody)
    assert "t'o" not in repr(failed.value.__dict__)


@pytest.mark.parametrize("paste", [None, False], ids=["raw-paste", "typed"])
async def test_programs_say_output_and_error_apart(tmp_path, paste):
    async with board(tmp_path) as real:
        wire = ReplWire(await open_link(real.address, repl.BAUD))
        try:
            await wire.enter(5)
            wire._machine.paste = paste
            assert await wire.run(b"print('a' * 3000)") == b"a" * 3000 + b"\n"
            # Longer than what the interpreter takes before it answers.
            assert await wire.run(b"x = 1\n" * 2000 + b"print(x)") == b"1\n"
            for wrong in (b"1/0", b"open('nope')", b"(" * 2000, b"raise ValueError('~')"):
                with pytest.raises(BoardSaid) as said:
                    await wire.run(b"print('before')\n" + wrong)
                assert said.value.words
            assert said.value.words == "ValueError: ~"
            with pytest.raises(BoardSaid) as missing:
                await wire.run(b"open('nope')")
            assert missing.value.number == repl_code.NOT_THERE
            assert await wire.run(b"print(2)") == b"2\n"
        finally:
            with contextlib.suppress(PortGone):
                await wire.close()
