"""A Blynk board over its access point, which loopback stands for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Literal

import pytest

from agent.errors import InputError, NotSupported, PortGone, SketchHalted, StatusReported
from agent.protocols.blynk.config import BlynkConfig, StaticAddress
from agent.protocols.blynk.failures import FAILURES
from agent.sessions.blynk_http import BlynkHttp
from agent.settings import Secret
from agent.settings.network import WiFi
from agent.simulator.blynk_board import BlynkBoard
from agent.simulator.blynk_settings import EdgentConfig
from agent.simulator.world import Network, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.simulator.blynk_settings import CloudAnswer

SPEED = 500.0
TOKEN = Secret("tok_ABCDEFGHIJKLMNOPQRSTUVWX-012")
HOME = WiFi(ssid="HomeNet", password=Secret("correct horse"))
BOTH = pytest.mark.parametrize("generation", [1, 2])


@contextlib.asynccontextmanager
async def joined(
    generation: Literal[1, 2] = 1,
    world: World | None = None,
    *,
    cloud: CloudAnswer = "ok",
    speed: float = SPEED,
) -> AsyncIterator[tuple[BlynkBoard, BlynkHttp]]:
    config = EdgentConfig(generation=generation)
    board = BlynkBoard(config, world, speed=speed, tcp=True, cloud=lambda _token, _host: cloud)
    async with board:
        await until(board, access_point=True)
        session = BlynkHttp(
            "127.0.0.1", board.http_port, configure_limit_s=30, look_every_s=2 / SPEED
        )
        yield board, session


async def until(board: BlynkBoard, *states: str, access_point: bool = False) -> None:
    while not (board.device.access_point if access_point else board.device.state in states):
        await asyncio.sleep(0.002)
        board.pass_time()


@BOTH
async def test_a_board_says_what_it_is(generation):
    async with joined(generation) as (board, session):
        info = await session.info()
        assert (info.generation, info.name) == (generation, board.device.name)
        assert [(each.name, each.static_ip) for each in info.interfaces] == [("wifi", True)]
        assert info.last_error == 0


@BOTH
async def test_it_lists_networks_hidden_ones_counted(generation):
    async with joined(generation) as (_, session):
        scan = await session.scan()
        assert [each.ssid for each in scan.networks][:2] == ["HomeNet", "Café Größe 🧀"]
        assert scan.hidden == (1 if generation == 1 else 0)


@BOTH
async def test_a_name_with_quotes_is_read_although_generation_1_breaks_its_list(generation):
    names = ['The "best" net', "back\\nslash", '","rssi":1', "plain"]
    world = World(networks=[Network(ssid=name, rssi=-50 - n) for n, name in enumerate(names)])
    async with joined(generation, world) as (_, session):
        scan = await session.scan()
        assert [each.ssid for each in scan.networks] == names
        assert not scan.damaged


@BOTH
async def test_the_board_goes_online_and_only_the_cloud_knows(generation):
    async with joined(generation) as (board, session):
        session.configure_limit_s = 120 / SPEED
        outcome = await session.configure(BlynkConfig(TOKEN, HOME), lambda _: None)
        assert (outcome.state, outcome.failure) == ("unknown", None)
        await until(board, "RUNNING")
        assert board.device.settings.token == TOKEN


async def test_every_parameter_arrives_as_it_was_typed():
    ssid, password = "🧀🧀🧀🧀 &=+% 12345678", "a b&c=d+e%20#/?\\"
    world = World(networks=[Network(ssid=ssid, password=Secret(password))])
    static = StaticAddress("10.0.0.9", "255.255.255.0", "10.0.0.1", "1.1.1.1", "9.9.9.9")
    async with joined(1, world) as (board, session):
        wifi = WiFi(ssid=ssid, password=Secret(password))
        config = BlynkConfig(TOKEN, wifi, host="lab.example", port=9443, static=static)
        await session.configure(config, lambda _: None)
        await until(board, "RUNNING")
        settings = board.device.settings
        assert (settings.ssid.decode(), settings.password.reveal()) == (ssid, password)
        assert (settings.host, settings.port) == ("lab.example", 9443)
        assert settings.static_ip == board.device.address == "10.0.0.9"
        fields = {"if", "ssid", "pass", "blynk", "host", "ip", "mask", "gw", "dns", "dns2"}
        assert board.http.last_fields == fields | {"port_ssl"}


async def test_settings_may_be_stored_untested():
    async with joined(1) as (board, session):
        away = WiFi(ssid="Somewhere else", password=Secret("not here 1"))
        await session.configure(BlynkConfig(TOKEN, away, save=True), lambda _: None)
        assert board.device.stored is not None
        assert board.device.stored.ssid == b"Somewhere else"


async def test_generation_1_vanishes_fails_comes_back_and_says_why():
    async with joined(1, speed=60) as (board, session):  # a second in which it is away
        wrong = BlynkConfig(TOKEN, WiFi(ssid="HomeNet", password=Secret("wrong horse")))
        await session.configure(wrong, lambda _: None)
        await until(board, "CONNECTING_NET")
        with pytest.raises(PortGone):
            await session.info()
        await until(board, access_point=True)
        assert (await session.info()).last_error == 701
        assert board.device.boots == 2
        await session.configure(BlynkConfig(TOKEN, HOME), lambda _: None)
        await until(board, "RUNNING")


@pytest.mark.parametrize(
    ("ssid", "password", "code"),
    [("HomeNet", "wrong horse", 722), ("Nowhere", "whatever", 720), ("NoInternet", "nopath", 702)],
)
async def test_generation_2_says_why_while_its_access_point_stays(ssid, password, code):
    async with joined(2) as (_, session):
        config = BlynkConfig(TOKEN, WiFi(ssid=ssid, password=Secret(password)))
        outcome = await session.configure(config, lambda _: None)
        assert outcome.failure is not None
        assert outcome.failure.code == code


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: str(failure.code))
async def test_every_code_of_a_board_is_understood(failure):
    async with joined(2) as (board, session):
        board.device.fails_with = failure.code
        outcome = await session.configure(BlynkConfig(TOKEN, HOME), lambda _: None)
        assert outcome.failure == failure


async def test_a_board_that_has_no_reason_any_more_has_not_failed():
    wrong = WiFi(ssid="HomeNet", password=Secret("wrong horse"))
    async with joined(2) as (board, session):
        assert (await session.info()).last_error == 0
        failed = await session.configure(BlynkConfig(token=TOKEN, wifi=wrong), lambda _: None)
        assert failed.failure is not None
        assert (await session.info()).last_error == failed.failure.code
        good = await session.configure(BlynkConfig(token=TOKEN, wifi=HOME), lambda _: None)
        assert (good.state, good.failure) == ("unknown", None)
        assert board.device.state == "RUNNING"


async def test_a_token_that_blynk_refuses_is_read_from_the_board():
    async with joined(1, cloud="refused") as (board, session):
        await session.configure(BlynkConfig(TOKEN, HOME), lambda _: None)
        while not board.device.last_error:
            await asyncio.sleep(0.002)
        await until(board, access_point=True)
        assert (await session.info()).last_error == 703


async def test_what_gets_lost_is_refused_before_it_is_sent():
    async with joined(2) as (board, session):
        with pytest.raises(NotSupported):
            await session.configure(BlynkConfig(TOKEN, HOME, port=8443), lambda _: None)
        with pytest.raises(InputError):
            await session.configure(BlynkConfig(Secret("no token"), HOME), lambda _: None)
        assert "/config" not in board.http.requests


async def test_what_a_board_says_against_settings_or_a_reset_is_quoted():
    said = b'{"status":"error","msg":"Configuration invalid"}'
    info = b'{"board":"Thermo","tmpl_id":"TMPLdemo00000","ssid":"Blynk Thermo-4Y1H"}'

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        status, body = ("200 OK", info) if b"/board_info.json" in asked else ("500 No", said)
        writer.write(f"HTTP/1.1 {status}\r\nConnection: close\r\n\r\n".encode() + body)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        session = BlynkHttp("127.0.0.1", server.sockets[0].getsockname()[1])
        with pytest.raises(StatusReported, match="does not take this") as caught:
            await session.configure(BlynkConfig(TOKEN, HOME), lambda _: None)
        assert "said: Configuration invalid" in caught.value.report().meaning
        with pytest.raises(StatusReported):
            await session.reset()


@BOTH
async def test_reset_and_reboot(generation):
    async with joined(generation) as (board, session):
        await session.reset()
        await until(board, access_point=True)
        await session.reboot()
        assert board.device.boots == 2
        assert board.http.requests[-2:] == ["/reset", "/reboot"]


async def test_another_web_server_is_no_board():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n<html>router</html>")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(SketchHalted):
            await BlynkHttp("127.0.0.1", port).info()


async def test_nothing_that_is_sent_is_logged(caplog):
    caplog.set_level(logging.DEBUG)
    async with joined(1) as (_, session):
        await session.configure(BlynkConfig(TOKEN, HOME), lambda _: None)
    assert TOKEN.reveal() not in caplog.text
    assert "correct" not in caplog.text
