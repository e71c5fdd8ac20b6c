"""A Blynk board over Bluetooth LE: the simulated one and the vendor's own device side."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

import pytest

from agent.errors import BleLost, InputError, NotSupported, SketchHalted, StatusReported
from agent.protocols.blynk import ble
from agent.protocols.blynk.config import BlynkConfig, StaticAddress
from agent.protocols.blynk.failures import FAILURES
from agent.sessions.blynk_ble import BlynkBle
from agent.settings import Secret
from agent.settings.network import WiFi
from agent.simulator.blynk_board import BlynkBoard
from agent.simulator.blynk_settings import EdgentConfig
from agent.simulator.world import Network, World
from tests.sessions.blynk_links import BoardLink, vendor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from agent.links.gatt import GattLink
    from agent.sessions.blynk import Told
    from agent.simulator.blynk_settings import CloudAnswer

SPEED = 500.0
TOKEN = Secret("tok_ABCDEFGHIJKLMNOPQRSTUVWX-012")
HOME = WiFi(ssid="HomeNet", password=Secret("correct horse"))


@contextlib.asynccontextmanager
async def near(
    world: World | None = None, *, cloud: CloudAnswer = "ok"
) -> AsyncIterator[tuple[BlynkBoard, BoardLink, BlynkBle]]:
    config = EdgentConfig(generation=2, inject="ble")
    board = BlynkBoard(config, world, speed=SPEED, tcp=True, cloud=lambda _token, _host: cloud)
    async with board:
        while board.device.state != "WAIT_CONFIG":
            await asyncio.sleep(0.001)
        link = BoardLink(board)
        yield board, link, BlynkBle(link, configure_limit_s=30)


async def test_a_board_says_what_it_is_and_what_it_has():
    async with near() as (board, _, session):
        info = await session.info()
        assert (info.name, info.vendor, info.live_status) == (board.device.name, "Blynk", True)
        assert [(each.name, each.scans) for each in info.interfaces] == [("wifi", True)]


async def test_it_lists_networks_without_hidden_ones():
    async with near() as (_, _, session):
        scan = await session.scan()
        assert [network.ssid for network in scan.networks][:2] == ["HomeNet", "Café Größe 🧀"]


async def test_every_stage_is_told():
    told: list[Told] = []
    async with near() as (board, _, session):
        outcome = await session.configure(BlynkConfig(TOKEN, HOME), told.append)
        assert outcome.state == "connected"
        assert board.device.stored is not None
    assert [each.stage for each in told] == ["sent", "joining", "joined", "connecting", "connected"]


@pytest.mark.parametrize(
    ("ssid", "password", "code"),
    [("HomeNet", "wrong horse", 722), ("Nowhere", "whatever", 720), ("NoInternet", "nopath", 702)],
)
async def test_after_a_failure_the_same_link_takes_new_settings(ssid, password, code):
    async with near() as (_, _, session):
        wrong = BlynkConfig(TOKEN, WiFi(ssid=ssid, password=Secret(password)))
        outcome = await session.configure(wrong, lambda _: None)
        assert outcome.failure is not None
        assert outcome.failure.code == code
        assert (
            await session.configure(BlynkConfig(TOKEN, HOME), lambda _: None)
        ).state == "connected"


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: str(failure.code))
async def test_every_reason_of_a_board_is_understood(failure):
    async with near() as (board, _, session):
        board.device.fails_with = failure.code
        outcome = await session.configure(BlynkConfig(TOKEN, HOME), lambda _: None)
        assert outcome.failure == failure


async def test_a_refused_token_is_the_reason():
    async with near(cloud="refused") as (_, _, session):
        outcome = await session.configure(BlynkConfig(TOKEN, HOME), lambda _: None)
        assert outcome.failure is not None
        assert (outcome.failure.code, outcome.joined) == (703, True)


async def test_a_name_of_32_bytes_with_emoji_arrives_in_parts():
    ssid, password = "🧀" * 8, Secret("p" * 63)
    world = World(networks=[Network(ssid=ssid, password=password)])
    async with near(world) as (board, link, session):
        config = BlynkConfig(
            TOKEN,
            WiFi(ssid=ssid, password=password),
            host="fra1.blynk.cloud",
            static=StaticAddress("10.0.0.9", "255.255.255.0", "10.0.0.1", "1.1.1.1", "9.9.9.9"),
        )
        assert (await session.configure(config, lambda _: None)).state == "connected"
        parts = [each for each in link.written if b'"set"' in each]
        assert len(parts) > 1
        assert max(map(len, parts)) <= ble.MESSAGE_BYTES
        assert board.device.settings.host == "fra1.blynk.cloud"
        assert board.device.settings.static_ip == "10.0.0.9"


async def test_a_link_that_falls_between_two_parts_leaves_nothing_on_the_board():
    async with near() as (board, link, session):
        await session.info()
        await link.write(ble.TO_BOARD_UUID, ble.encode("set", blynk=TOKEN.reveal()))
        link.drop()
        with pytest.raises(BleLost):
            await session.configure(BlynkConfig(TOKEN, HOME), lambda _: None)
        again = BoardLink(board)
        rest = ble.encode("set", **{"if": "wifi", "ssid": "HomeNet", "pass": "correct horse"})
        for message, answer in ((rest, "set_ok"), (ble.encode("connect"), "connect_fail")):
            await again.write(ble.TO_BOARD_UUID, message)
            _, said = await again.receive()
            assert json.loads(said)["t"] == answer


async def test_a_link_that_falls_after_joining_leaves_the_answer_to_the_cloud():
    async with near(cloud="silent") as (_, link, session):

        def told(news: Told) -> None:
            if news.stage == "connecting":
                link.drop()

        outcome = await session.configure(BlynkConfig(TOKEN, HOME), told)
        assert (outcome.state, outcome.joined) == ("unknown", True)


async def test_reset_forgets_its_networks():
    async with near() as (board, _, session):
        await session.configure(BlynkConfig(TOKEN, HOME), lambda _: None)
        await session.reset()
        assert board.device.networks == []


async def test_a_name_that_is_no_text_is_refused_before_anything_is_sent():
    async with near() as (_, link, session):
        config = BlynkConfig(TOKEN, WiFi(ssid_hex="ff00fe"))
        with pytest.raises(InputError):
            await session.configure(config, lambda _: None)
        with pytest.raises(NotSupported):
            await session.configure(BlynkConfig(TOKEN, HOME, port=8443), lambda _: None)
        assert link.written == []


async def test_a_board_that_does_not_know_a_field_is_quoted():
    async with near() as (board, _, session):
        board.ble.known -= {"pass"}
        with pytest.raises(StatusReported):
            await session.configure(BlynkConfig(TOKEN, HOME), lambda _: None)


# --- the vendor's own code -------------------------------------------------------------------


@pytest.mark.needs("blynk")
async def test_the_vendors_device_side_is_read_and_set_up_by_our_session():
    told: list[Told] = []
    async with vendor() as link:
        session = BlynkBle(link)
        info = await session.info()
        assert (info.template_id, info.vendor, info.firmware_version) == (
            "TMPLdemo00000",
            "Blynk",
            "1.3.0",
        )
        assert [each.name for each in info.interfaces] == ["eth"]
        assert info.interfaces[0].status == "ready"
        with pytest.raises(NotSupported):
            await session.scan()
        config = BlynkConfig(TOKEN, kind="eth", host="fra1.blynk.cloud")
        outcome = await session.configure(config, told.append)
        assert outcome.state == "connected"
        await link.tell("kept")
        _, kept = await link.receive()
        assert json.loads(kept) == {"token": 32, "server": "fra1.blynk.cloud"}
        await session.reset()
    assert [each.stage for each in told] == ["sent", "connecting", "connected"]


@pytest.mark.needs("blynk")
async def test_the_vendors_failure_is_a_reason_of_ours():
    async with vendor("network") as link:
        session = BlynkBle(link)
        assert (await session.scan()).networks == ()
        outcome = await session.configure(BlynkConfig(TOKEN, HOME), lambda _: None)
        assert outcome.failure is not None
        assert (outcome.failure.part, outcome.failure.word) == ("network", "generic")


ASKED = (
    b"no json",
    b"[1]",
    b'{"t":"fly"}',
    b'{"t":"ifs"}',
    b'{"t":"connect"}',
    b'{"t":"set","if":"eth"}',
    b'{"t":"set","nonsense":1}',
    b'{"t":"set","blynk":"short"}',
    b'{"t":"connect"}',
    ble.encode("set", blynk=TOKEN.reveal()),
    b'{"t":"reset"}',
)
"""What is answered at once, and for all boards alike but for what they are."""


@pytest.mark.needs("blynk")
async def test_our_simulated_device_answers_as_the_vendors_does():
    """Kinds and words of all answers; what differs is in the vendor's two programs too."""

    async def ask(link: GattLink) -> list[list[tuple[str, str | None]]]:
        said = []
        for message in ASKED:
            await link.write(ble.TO_BOARD_UUID, message)
            answers: list[tuple[str, str | None]] = []
            while not answers or answers[-1][0] in {"ifs_start", "if"}:
                _, value = await link.receive()
                found = json.loads(value)
                answers.append((found["t"], found.get("msg")))
            said.append(answers)
        return said

    async with near() as (_, link, _), vendor() as theirs:
        assert await ask(link) == await ask(theirs)


class Refuses:
    """A device that says the same against whatever is asked."""

    address = "ble://A0:B1:C2:00:00:01"

    def __init__(self, words: str) -> None:
        self._words = words

    async def subscribe(self, uuids: Sequence[str]) -> None:
        assert list(uuids) == [ble.FROM_BOARD_UUID]

    async def read(self, uuid: str) -> bytes:
        raise AssertionError(uuid)

    async def write(self, uuid: str, value: bytes) -> None:
        assert json.loads(value), uuid

    async def receive(self) -> tuple[str, bytes]:
        answer = {"t": "error", "msg": self._words}
        return ble.FROM_BOARD_UUID, json.dumps(answer).encode()

    async def close(self) -> None:
        """It has nothing to close."""


@pytest.mark.parametrize("words", ["invalid command", "wrong format"])
async def test_a_device_that_understands_nothing_is_quoted(words):
    session = BlynkBle(Refuses(words))
    config = BlynkConfig(token=TOKEN, wifi=HOME)
    asked = (session.info(), session.configure(config, lambda _: None), session.reset())
    for each in asked:
        with pytest.raises(StatusReported) as caught:
            await each
        assert words in caught.value.report().meaning


async def test_a_board_without_wifi_says_so_when_it_is_to_look_for_networks():
    with pytest.raises(NotSupported, match="look for Wi-Fi networks"):
        await BlynkBle(Refuses("no wifi")).scan()


async def test_silence_is_told():
    async with near() as (board, link, _):
        board.ble.deaf = True
        with pytest.raises(SketchHalted):
            await BlynkBle(link, answer_limit_s=0.05).info()
