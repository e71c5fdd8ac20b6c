"""A Blynk board over its console: what is asked, what is answered, and what never gets out."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Literal

import pytest

from agent.errors import InputError, NotSupported, PortGone, SketchHalted, StatusReported
from agent.links.open import open_link
from agent.protocols.blynk.config import BlynkConfig, StaticAddress
from agent.sessions.blynk import Told
from agent.sessions.blynk_console import BlynkConsole, open_blynk_console
from agent.settings import Secret
from agent.settings.network import WiFi
from agent.simulator.blynk_board import BlynkBoard
from agent.simulator.blynk_settings import EdgentConfig, Settings
from agent.simulator.world import Network, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.simulator.blynk_settings import CloudAnswer

SPEED = 200.0
LIMIT_S = 10.0
"""Where the board comes to an end by itself; never waited for."""
SHORT_S = 120 / SPEED
"""Where it does not: as long as on a real board."""
TOKEN = Secret("tok_ABCDEFGHIJKLMNOPQRSTUVWX-012")
HOME = WiFi(ssid="HomeNet", password=Secret("correct horse"))
BOTH = pytest.mark.parametrize("generation", [1, 2])


@contextlib.asynccontextmanager
async def plugged(
    generation: Literal[1, 2] = 1,
    world: World | None = None,
    *,
    debug: bool = True,
    cloud: CloudAnswer = "ok",
    speed: float = SPEED,
) -> AsyncIterator[tuple[BlynkBoard, BlynkConsole]]:
    config = EdgentConfig(generation=generation, debug=debug)
    board = BlynkBoard(config, world, speed=speed, tcp=True, cloud=lambda _token, _host: cloud)
    async with board:
        session = await open_blynk_console(await open_link(board.port, 115_200))
        session.configure_limit_s = LIMIT_S
        session.look_every_s = 3 / speed
        try:
            yield board, session
        finally:
            await session.close()


@BOTH
async def test_a_board_says_what_it_is_and_of_which_generation(generation):
    async with plugged(generation) as (board, session):
        info = await session.info()
        assert (info.generation, info.name, info.template_id) == (
            generation,
            board.device.name,
            "TMPLdemo00000",
        )
        assert info.firmware_version == "0.1.0"
        assert not info.template_problem


@BOTH
async def test_it_lists_the_networks_that_it_sees_strongest_first(generation):
    async with plugged(generation) as (_, session):
        scan = await session.scan()
        names = [network.ssid for network in scan.networks]
        assert names == ["HomeNet", "Café Größe 🧀", "Office", "NoInternet"]
        assert (scan.hidden, scan.damaged) == (1, False)
        assert not scan.networks[0].open


@BOTH
@pytest.mark.parametrize("debug", [True, False])
async def test_it_goes_online_and_every_stage_is_told(generation, debug):
    told: list[Told] = []
    async with plugged(generation, debug=debug) as (board, session):
        outcome = await session.configure(BlynkConfig(TOKEN, HOME), told.append)
        assert outcome.state == "connected"
        assert board.device.state == "RUNNING"
        assert board.device.stored is not None
        assert board.device.stored.token == TOKEN
    stages = [each.stage for each in told]
    assert stages[0] == "sent"
    assert stages[-1] == "connected"
    assert Told("joined", "192.168.1.57") in told


@BOTH
@pytest.mark.parametrize(
    ("ssid", "password"),
    [
        ("Guest of the house", "a b  c d e"),
        ('He said "hi" \\ there', "back\\slash \\x20"),
        ("🧀🧀🧀🧀🧀🧀🧀🧀", "zwei Stück Käse"),
        (" blank at both ends ", "tab\there"),
        (">prompt", ">>>>>>>>"),
    ],
)
async def test_blanks_and_signs_arrive_as_they_were_typed(generation, ssid, password):
    world = World(networks=[Network(ssid=ssid, password=Secret(password))])
    async with plugged(generation, world) as (board, session):
        config = BlynkConfig(TOKEN, WiFi(ssid=ssid, password=Secret(password)))
        assert (await session.configure(config, lambda _: None)).state == "connected"
        assert board.device.settings.ssid.decode() == ssid


async def test_after_a_wrong_password_generation_1_is_told_to_stop_and_takes_the_next_one():
    async with plugged(1) as (board, session):
        wrong = BlynkConfig(TOKEN, WiFi(ssid="HomeNet", password=Secret("wrong horse")))
        session.configure_limit_s = SHORT_S
        outcome = await session.configure(wrong, lambda _: None)
        session.configure_limit_s = LIMIT_S
        assert outcome.state == "failed"
        assert outcome.failure is not None
        assert (outcome.failure.code, outcome.failure.ask) == (701, "password")
        assert board.device.attempts >= 2  # it would have gone on
        assert board.device.state == "WAIT_CONFIG"
        again = await session.configure(BlynkConfig(TOKEN, HOME), lambda _: None)
        assert again.state == "connected"


async def test_after_a_failure_on_the_console_a_restart_brings_back_what_generation_1_had():
    async with plugged(1) as (board, session):
        assert (await session.configure(BlynkConfig(TOKEN, HOME), lambda _: None)).state
        wrong = BlynkConfig(TOKEN, WiFi(ssid="Office", password=Secret("wrong horse")))
        session.configure_limit_s = SHORT_S
        assert (await session.configure(wrong, lambda _: None)).state == "failed"
        await session.reboot()
        while board.device.state != "RUNNING":
            await asyncio.sleep(0.005)
        assert board.device.settings.ssid == b"HomeNet"


@pytest.mark.parametrize(
    ("ssid", "password", "code"),
    [("HomeNet", "wrong horse", 722), ("Nowhere", "whatever", 720), ("NoInternet", "nopath", 702)],
)
async def test_generation_2_says_why_it_failed(ssid, password, code):
    async with plugged(2) as (board, session):
        config = BlynkConfig(TOKEN, WiFi(ssid=ssid, password=Secret(password)))
        outcome = await session.configure(config, lambda _: None)
        assert outcome.failure is not None
        assert outcome.failure.code == code
        assert board.device.state == "WAIT_CONFIG"


@BOTH
async def test_a_token_that_blynk_refuses_is_named_as_the_reason(generation):
    async with plugged(generation, cloud="refused") as (_, session):
        outcome = await session.configure(BlynkConfig(TOKEN, HOME), lambda _: None)
        assert outcome.failure is not None
        assert (outcome.failure.code, outcome.failure.ask) == (703, "token")


async def test_a_board_in_the_network_is_left_alone_and_the_cloud_is_asked():
    async with plugged(1, cloud="silent", debug=False) as (board, session):
        session.configure_limit_s = SHORT_S
        outcome = await session.configure(BlynkConfig(TOKEN, HOME), lambda _: None)
        assert (outcome.state, outcome.joined) == ("unknown", True)
        assert board.device.state == "CONNECTING_CLOUD"
        await session.give_up()
        assert board.device.state == "WAIT_CONFIG"


async def test_a_flood_of_log_lines_hides_no_answer():
    async with plugged(1) as (board, session):
        board.console.flood = b""
        lines = [f"[{number}] noise => NOISE {'x' * 60}" for number in range(3000)]

        def flood(_: Told) -> None:
            for line in lines:
                board.device.log(line)

        outcome = await session.configure(BlynkConfig(TOKEN, HOME), flood)
        assert outcome.state == "connected"


async def test_echoes_torn_by_the_log_are_asked_for_once_more():
    async with plugged(2) as (board, session):
        board.console.flood = b"\r\n[12] torn\r\n"
        asking = asyncio.create_task(session.scan())
        await asyncio.sleep(0.1)
        board.console.flood = b""
        assert (await asking).networks[0].ssid == "HomeNet"


async def test_a_password_that_looks_like_the_log_is_no_news():
    password = Secret("Ready")
    async with plugged(1) as (board, session):
        wrong = BlynkConfig(TOKEN, WiFi(ssid="HomeNet", password=password))
        session.configure_limit_s = SHORT_S
        outcome = await session.configure(wrong, lambda _: None)
        assert outcome.state == "failed"
        assert board.device.stored is None


@pytest.mark.parametrize(
    "config",
    [
        BlynkConfig(TOKEN, HOME, host="fra1.blynk.cloud"),
        BlynkConfig(TOKEN, HOME, port=9443),
        BlynkConfig(TOKEN, HOME, static=StaticAddress("10.0.0.9", "255.255.255.0", "10.0.0.1")),
        BlynkConfig(TOKEN, HOME, save=True),
        BlynkConfig(TOKEN, kind="eth"),
    ],
)
async def test_what_the_console_of_generation_1_cannot_take_is_refused_before_it_is_sent(config):
    async with plugged(1) as (board, session):
        with pytest.raises(NotSupported):
            await session.configure(config, lambda _: None)
        assert board.device.settings == Settings()


async def test_generation_2_takes_a_server():
    async with plugged(2) as (board, session):
        config = BlynkConfig(TOKEN, HOME, host="fra1.blynk.cloud")
        assert (await session.configure(config, lambda _: None)).state == "connected"
        assert board.device.settings.host == "fra1.blynk.cloud"


async def test_a_wrong_token_never_reaches_the_board():
    async with plugged(1) as (board, session):
        with pytest.raises(InputError):
            await session.configure(BlynkConfig(Secret("short"), HOME), lambda _: None)
        assert board.device.settings == Settings()


async def test_each_attempt_has_its_own_reason_whatever_the_board_said_before():
    async with plugged(2) as (_, session):
        told: list[Told] = []
        codes = []
        for ssid, password in (
            ("HomeNet", "wrong horse"),
            ("Nowhere", "whatever"),
            ("NoInternet", "nopath"),
            ("HomeNet", "wrong horse"),
            ("HomeNet", "wrong horse"),
        ):
            wifi = WiFi(ssid=ssid, password=Secret(password))
            outcome = await session.configure(BlynkConfig(TOKEN, wifi), told.append)
            assert outcome.failure is not None
            codes.append(outcome.failure.code)
        assert codes == [722, 720, 702, 722, 722]


@BOTH
async def test_a_reset_wipes_what_it_holds(generation):
    async with plugged(generation) as (board, session):
        await session.configure(BlynkConfig(TOKEN, HOME), lambda _: None)
        await session.reset()
        assert board.device.stored is None
        assert board.device.state == "WAIT_CONFIG"


async def test_something_else_on_the_port_is_told_by_its_silence():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(b"? " + data)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        link = await open_link(f"tcp://127.0.0.1:{port}", 115_200)
        with pytest.raises(SketchHalted, match="did not answer"):
            await open_blynk_console(link, limit_s=0.2)


async def test_a_board_that_is_unplugged_is_gone():
    async with plugged(1) as (board, session):
        await board.__aexit__(None, None, None)
        with pytest.raises(PortGone):
            await session.info()


async def test_a_refusal_is_said_in_the_boards_words_and_never_with_the_token():
    async with plugged(1) as (board, session):
        board.console.refuses = '{"status":"error","msg":"invalid token size"}\n'
        with pytest.raises(StatusReported) as raised:
            await session.configure(BlynkConfig(TOKEN, HOME), lambda _: None)
        assert "invalid token size" in raised.value.report().meaning
        assert TOKEN.reveal() not in str(raised.value.report())
