"""Deliveries over a real port to the example sketch of the documentation, which really runs."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent.errors import (
    BoardHasNoDelivery,
    DeliveryFailed,
    DeliveryUnproven,
    DigestDiffers,
    InputError,
    MooringError,
    OtherBoard,
    OtherDelivery,
    PortGone,
    SettingNotTaken,
    SettingsTooLong,
)
from agent.links.open import open_link
from agent.protocols.console.lines import Line, encode_line, escape
from agent.protocols.console.talk import Failure, Reason
from agent.sessions.console import BAUD, ConsoleDelivery, open_console
from agent.sessions.console_errors import console_error
from agent.sessions.delivery import BoardHardware
from agent.settings import Secret
from agent.settings.credentials import AccessToken, BoardSettings, CloudSettings
from agent.settings.network import Ethernet, WiFi
from tests.mosquitto import mosquitto
from tests.sessions.arduino_sketch import compile_example, read_eeprom

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from agent.links.link import Link
    from tests.sessions.arduino_board import ArduinoBoard

pytestmark = [pytest.mark.needs("g++"), pytest.mark.system("linux", "darwin")]

WIFI = WiFi(ssid="Lab 🧀", password=Secret("MARKER correct horse"))
TOKEN = "MARKER-token-0123456"
CLOUD = CloudSettings(
    cloud="thingsboard",
    name="bench 7",
    host="127.0.0.1",
    port=1883,
    scheme="mqtt",
    credentials=AccessToken(token=Secret(TOKEN)),
)
SETTINGS = BoardSettings(network=WIFI, cloud=CLOUD)
HELD = {
    "tb_host": b"127.0.0.1",
    "tb_name": b"bench 7",
    "tb_port": b"1883",
    "tb_token": TOKEN.encode(),
    "wifi_pass": b"MARKER correct horse",
    "wifi_ssid": "Lab 🧀".encode(),
}


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example as an ESP32 would run it, with a Wi-Fi and an MQTT client."""
    return compile_example(tmp_path_factory.mktemp("example") / "sketch", "ESP32")


@pytest.fixture
def board(example: Path, tmp_path: Path) -> Iterator[ArduinoBoard]:
    """A board in reach of the network "Lab"."""
    from tests.sessions.arduino_board import ArduinoBoard

    environ = {"MOORING_WIFI": "Lab 🧀=MARKER correct horse"}
    made = ArduinoBoard(example, tmp_path / "eeprom", environ)
    made.plug_in()
    yield made
    made.unplug()


@contextlib.asynccontextmanager
async def delivery_to(board: ArduinoBoard) -> AsyncIterator[ConsoleDelivery]:
    delivery = await open_console(await open_link(board.address, BAUD))
    try:
        yield delivery
    finally:
        await delivery.close()


def tell_nobody(_done: int, _total: int) -> None:
    """Nobody watches."""


async def test_the_sketch_says_what_it_is_and_holds_what_it_was_given(board: ArduinoBoard) -> None:
    empty = BoardHardware(
        hardware_id="3cc661051a2b",
        family="esp32",
        firmware="mooring_console",
        version="1.0",
        networks=True,
    )
    seen: list[tuple[int, int]] = []
    total = sum(map(len, HELD.values()))
    async with delivery_to(board) as delivery:
        assert delivery.kind == "console"
        assert await delivery.identify() == empty
        await delivery.put(SETTINGS, lambda done, of: seen.append((done, of)))
        assert await delivery.identify() == msgspec.structs.replace(empty, holds="bench 7")
    assert seen == sorted(seen)
    assert seen[0] == (0, total)
    assert seen[-1] == (total, total)
    assert read_eeprom(board.eeprom) == HELD


async def test_settings_outlive_a_restart_and_an_erasure_removes_them(board: ArduinoBoard) -> None:
    async with delivery_to(board) as delivery:
        await delivery.put(SETTINGS, tell_nobody)
        board.restart()
        assert (await delivery.identify()).holds == "bench 7"
        await delivery.erase()
        board.restart()
        assert (await delivery.identify()).holds == ""
    assert read_eeprom(board.eeprom) == {}


async def test_new_cloud_settings_leave_the_network_alone(board: ArduinoBoard) -> None:
    async with delivery_to(board) as delivery:
        await delivery.put(SETTINGS, tell_nobody)
        moved = msgspec.structs.replace(CLOUD, host="tb.test")
        await delivery.put(BoardSettings(cloud=moved), tell_nobody)
    assert read_eeprom(board.eeprom) == {**HELD, "tb_host": b"tb.test"}


@pytest.mark.needs("mosquitto")
async def test_the_sketch_connects_to_a_real_broker_with_what_it_was_given(
    board: ArduinoBoard, tmp_path: Path
) -> None:
    # The broker takes no empty passwords, so one refuses every token and the other none.
    async with (
        mosquitto(tmp_path, "allow_anonymous false") as strict,
        mosquitto(tmp_path, "allow_anonymous true") as open_to_all,
        delivery_to(board) as delivery,
    ):
        for port, outcome in ((strict, "refused"), (open_to_all, "connected")):
            cloud = msgspec.structs.replace(CLOUD, port=port)
            await delivery.put(BoardSettings(network=WIFI, cloud=cloud), tell_nobody)
            assert (await delivery.cloud_state(30)).outcome == outcome
        board.restart()
        assert (await delivery.cloud_state(30)).outcome == "connected"


async def test_a_server_that_is_not_there_is_said_in_the_sketchs_words(
    board: ArduinoBoard,
) -> None:
    async with delivery_to(board) as delivery:
        assert (await delivery.cloud_state(1)).outcome == "unknown"  # it has no settings
        nobody = msgspec.structs.replace(CLOUD, port=9)
        await delivery.put(BoardSettings(network=WIFI, cloud=nobody), tell_nobody)
        state = await delivery.cloud_state(30)
    assert state.outcome == "network-failed"
    assert state.detail == "The server was not reached."


async def test_a_board_that_is_still_joining_is_unknown_at_the_limit(board: ArduinoBoard) -> None:
    async with delivery_to(board) as delivery:
        away = WiFi(ssid="Elsewhere", password=Secret("wrong password"))
        await delivery.put(BoardSettings(network=away, cloud=CLOUD), tell_nobody)
        assert (await delivery.cloud_state(0.1)).outcome == "unknown"


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (BoardSettings(network=Ethernet()), "kind (net_kind)"),
        (BoardSettings(cloud=msgspec.structs.replace(CLOUD, scheme="mqtts")), "scheme (tb_tls)"),
        (BoardSettings(cloud=msgspec.structs.replace(CLOUD, scheme="http")), "scheme (tb_proto)"),
    ],
)
async def test_what_the_sketch_cannot_do_is_refused_with_nothing_changed(
    board: ArduinoBoard, settings: BoardSettings, field: str
) -> None:
    async with delivery_to(board) as delivery:
        await delivery.put(SETTINGS, tell_nobody)
        with pytest.raises(SettingNotTaken) as caught:
            await delivery.put(settings, tell_nobody)
    assert caught.value.facts["field"] == field
    assert read_eeprom(board.eeprom) == HELD


async def test_wrong_settings_are_refused_before_anything_is_sent(board: ArduinoBoard) -> None:
    async with delivery_to(board) as delivery:
        long = WiFi(ssid="x" * 33)
        with pytest.raises(InputError):
            await delivery.put(BoardSettings(network=long), tell_nobody)


async def test_a_board_that_starts_slowly_is_waited_for(board: ArduinoBoard) -> None:
    board.power_off()

    async def start() -> None:
        await asyncio.sleep(1)  # longer than a line is waited for
        board.power_on()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(start())
        async with delivery_to(board) as delivery:
            assert (await delivery.identify()).family == "esp32"


async def test_a_board_that_is_unplugged_in_the_middle_is_gone_and_keeps_its_old_settings(
    board: ArduinoBoard,
) -> None:
    async with delivery_to(board) as delivery:
        await delivery.put(SETTINGS, tell_nobody)

        def unplug(done: int, _total: int) -> None:
            if done:
                board.unplug()

        other = msgspec.structs.replace(CLOUD, name="other", host="other.test")
        with pytest.raises(PortGone):
            await delivery.put(BoardSettings(cloud=other), unplug)
        with pytest.raises(PortGone):
            await delivery.cloud_state(5)
    assert read_eeprom(board.eeprom) == HELD
    board.plug_in()
    async with delivery_to(board) as delivery:
        assert (await delivery.identify()).holds == "bench 7"


async def test_a_board_that_restarts_in_the_middle_has_the_settings_in_the_end(
    board: ArduinoBoard,
) -> None:
    seen: list[int] = []

    def restart(done: int, _total: int) -> None:
        seen.append(done)
        if len(seen) == 3:
            board.restart()

    async with delivery_to(board) as delivery:
        await delivery.put(SETTINGS, restart)
    assert seen[3] == 0
    assert read_eeprom(board.eeprom) == HELD


class TappedLink:
    """A link that keeps what the board said."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._writes = 0
        self.heard = b""

    @property
    def address(self) -> str:
        return self._link.address

    async def write(self, data: bytes) -> None:
        await self._link.write(data)

    async def receive(self) -> bytes:
        data = await self._link.receive()
        self.heard += data
        return data

    async def close(self) -> None:
        await self._link.close()


class SpoiltLink(TappedLink):
    """A link on which log lines lie between the answers, and two lines are damaged."""

    async def write(self, data: bytes) -> None:
        self._writes += 1
        if self._writes in {2, 7}:
            data = data.replace(b"o", b"0", 1)
        await super().write(data)

    async def receive(self) -> bytes:
        data = await super().receive()
        return b"[wifi] connecting to moored ...\r\n> " + data + b"\x1b[0m uptime 5 s\r"


async def test_damage_and_logs_cost_time_only(board: ArduinoBoard) -> None:
    link = SpoiltLink(await open_link(board.address, BAUD))
    delivery = await open_console(link)
    try:
        await delivery.put(SETTINGS, tell_nobody)
    finally:
        await delivery.close()
    assert read_eeprom(board.eeprom) == HELD


async def test_a_port_on_which_nobody_speaks_the_console_has_no_delivery() -> None:
    from tests.sessions.arduino_board import silent_port

    with silent_port() as address:
        link = await open_link(address, BAUD)
        with pytest.raises(BoardHasNoDelivery) as caught:
            await open_console(link, limit_s=0.6)
        assert "serial console" in caught.value.report().meaning
        with pytest.raises(PortGone):
            await link.receive()  # it was closed


@pytest.mark.parametrize("firmware", ["micropython", "circuitpython"])
async def test_a_python_prompt_is_known_at_once_for_no_console(firmware) -> None:
    from agent.simulator.repl_board import SimulatedRepl
    from agent.simulator.repl_firmware import ReplConfig

    simulated = SimulatedRepl(ReplConfig(firmware=firmware), tcp=True)
    await simulated.start()
    try:
        link = await open_link(simulated.address, BAUD)
        await link.write(b"\x03")  # ends its program
        with pytest.raises(BoardHasNoDelivery) as caught:
            await open_console(link)  # its limit is longer than this test may take
        assert "Python prompt" in caught.value.report().meaning
    finally:
        simulated.unplug()
        await asyncio.sleep(0)


async def test_a_delivery_that_was_closed_is_closed(board: ArduinoBoard) -> None:
    async with delivery_to(board) as delivery:
        await delivery.close()
        with pytest.raises(PortGone):
            await delivery.identify()


async def test_no_secret_is_in_what_the_board_says(board: ArduinoBoard) -> None:
    link = TappedLink(await open_link(board.address, BAUD))
    delivery = await open_console(link)
    try:
        await delivery.put(SETTINGS, tell_nobody)
        await delivery.cloud_state(1)
        await delivery.identify()
    finally:
        await delivery.close()
    assert b"moored" in link.heard
    assert b"MARKER" not in link.heard


class TellTaleLink(TappedLink):
    """The board of this link says with which token it was refused."""

    async def write(self, data: bytes) -> None:
        self.asked = data
        await super().write(data)

    async def receive(self) -> bytes:
        data = await super().receive()
        if b" status " not in self.asked:
            return data
        tag = self.asked.decode().split()[1]
        words = ("ok", "refused", escape(f"no device has {TOKEN}".encode()))
        return encode_line(Line("moored", tag, words))


async def test_a_board_that_tells_its_secret_is_not_repeated(board: ArduinoBoard) -> None:
    delivery = await open_console(TellTaleLink(await open_link(board.address, BAUD)))
    try:
        await delivery.put(SETTINGS, tell_nobody)
        state = await delivery.cloud_state(5)
    finally:
        await delivery.close()
    assert (state.outcome, state.detail) == ("refused", "no device has ***")


VALUES = {"tb_ca": b"x" * 900}


@pytest.mark.parametrize(
    ("failure", "kind", "facts"),
    [
        (Failure(Reason.UNPROVEN, "commit"), DeliveryUnproven, {}),
        (Failure(Reason.OTHER_HOST, "set"), OtherDelivery, {}),
        (Failure(Reason.OTHER_BOARD, "hello", words=("ab",)), OtherBoard, {"found_board": "ab"}),
        (Failure(Reason.DIGEST, "commit"), DigestDiffers, {}),
        (Failure(Reason.NOT_STORED, "commit"), DigestDiffers, {}),
        (Failure(Reason.RESTARTING, "set"), DeliveryFailed, {}),
        (Failure(Reason.SILENT, "set", "tb_ca"), DeliveryFailed, {}),
        (Failure(Reason.REFUSED, "commit", words=("store",)), DeliveryFailed, {}),
        (Failure(Reason.REFUSED, "set", "x", ("\x1b[1m",)), DeliveryFailed, {}),
        (Failure(Reason.REFUSED, "begin"), DeliveryFailed, {}),
        (
            Failure(Reason.REFUSED, "set", "tb_ca", ("long", "800")),
            SettingsTooLong,
            {"field": "ca (tb_ca)", "size": 900, "limit": 800},
        ),
        (
            Failure(Reason.REFUSED, "set", "tb_ca", ("full", "480")),
            SettingsTooLong,
            {"size": 907, "limit": 480},
        ),
        (
            Failure(Reason.REFUSED, "set", "tb_ca", ("value",)),
            SettingNotTaken,
            {"field": "ca (tb_ca)"},
        ),
        (Failure(Reason.REFUSED, "begin", words=("group",)), SettingNotTaken, {}),
    ],
)
def test_each_end_of_a_conversation_is_an_error_that_says_what_to_do(
    failure: Failure, kind: type[MooringError], facts: dict[str, object]
) -> None:
    error = console_error(failure, VALUES, "3cc661051a2b")
    assert type(error) is kind
    assert facts.items() <= error.facts.items()
    report = error.report()
    assert "?" not in report.title + report.meaning
    assert "\x1b" not in report.meaning
