"""The example sketch on an UNO: the real Arduino core on a simulated ATmega328P (libsimavr)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from agent.errors import SettingsTooLong
from agent.links.open import open_link
from agent.sessions.console import BAUD, open_console
from agent.settings import Secret
from agent.settings.credentials import AccessToken, BoardSettings, CloudSettings
from agent.settings.network import WiFi
from tests.sessions.arduino_sketch import UNO_TABLE_BYTES, compile_for_uno, read_eeprom

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.sessions.arduino_board import ArduinoBoard

pytestmark = [pytest.mark.needs("uno"), pytest.mark.system("linux")]

CLOUD = CloudSettings(
    cloud="thingsboard",
    name="Gewächshaus 7",
    host="tb.example.com",
    port=1883,
    scheme="mqtt",
    credentials=AccessToken(token=Secret("Qe41kT0pYd8wZr2mXs6L")),
)
SETTINGS = BoardSettings(network=WiFi(ssid="Lab 🧀", password=Secret("correct horse")), cloud=CLOUD)


@pytest.fixture
def uno(tmp_path: Path) -> Iterator[ArduinoBoard]:
    from tests.sessions.arduino_board import ArduinoBoard

    chip, sketch = compile_for_uno(tmp_path)
    board = ArduinoBoard(chip, tmp_path / "eeprom", {}, str(sketch))
    board.plug_in()
    yield board
    board.unplug()


def tell_nobody(_done: int, _total: int) -> None:
    """Nobody watches."""


async def test_an_uno_takes_settings_that_fit_and_keeps_them(uno: ArduinoBoard) -> None:
    delivery = await open_console(await open_link(uno.address, BAUD))
    try:
        assert (await delivery.identify()).holds == ""
        await delivery.put(SETTINGS, tell_nobody)
        uno.restart()
        assert (await delivery.identify()).holds == "Gewächshaus 7"
        held = read_eeprom(uno.eeprom, UNO_TABLE_BYTES)
        assert held["wifi_ssid"] == "Lab 🧀".encode()
        assert held["tb_token"] == b"Qe41kT0pYd8wZr2mXs6L"

        long = msgspec.structs.replace(
            CLOUD, host="h" * 250, credentials=AccessToken(token=Secret("x" * 250))
        )
        with pytest.raises(SettingsTooLong):
            await delivery.put(BoardSettings(cloud=long), tell_nobody)
        assert read_eeprom(uno.eeprom, UNO_TABLE_BYTES) == held
        await delivery.erase()
        assert (await delivery.identify()).holds == ""
    finally:
        await delivery.close()
