"""A session with a simulated board behind a real link."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.errors import (
    InputError,
    JoinFailed,
    NoInternet,
    NotProvisioned,
    NotSupported,
    PortGone,
    StatusReported,
    WrongSketch,
)
from agent.protocols.v2.frames import Control, Frame, FrameDecoder, encode_control
from agent.sessions.v2 import open_session
from agent.settings import Secret
from agent.settings.network import LoRa, WiFi
from agent.simulator.config import BoardConfig
from agent.simulator.world import SecureElement, World, demo_networks

if TYPE_CHECKING:
    from agent.sessions.session import Session
    from tests.sessions.conftest import Boards

NOW = 1_750_000_000
RIGHT = WiFi(ssid="HomeNet", password=Secret("correct horse"))
WRONG = WiFi(ssid="HomeNet", password=Secret("marker-wrong"))


async def test_a_board_is_read(boards: Boards):
    session: Session = await boards.session(await boards.plug_in())
    facts = await session.read()
    assert facts.sketch_version == "0.6.2"
    assert not facts.application_sketch
    assert facts.wifi_firmware == "0.6.0"
    assert facts.library_version == "0.5.1"
    assert facts.uhwid is not None
    assert len(facts.uhwid) == 64
    assert facts.ble_address is not None
    assert facts.ble_address.startswith("F4:12:FA:")
    assert facts.initial_status is None
    assert not facts.online
    assert [network.ssid for network in facts.networks][:2] == ["HomeNet", "Café Größe 🧀"]
    assert facts.networks == sorted(facts.networks, key=lambda n: -n.rssi_dbm)


async def test_an_application_sketch_is_read_as_far_as_it_answers(boards: Boards):
    config = BoardConfig(serial_number="s", sketch="application", zero_touch=False)
    session = await boards.session(await boards.plug_in(config=config))
    facts = await session.read()
    assert facts.application_sketch
    assert (facts.sketch_version, facts.uhwid, facts.ble_address) == (None, None, None)
    assert facts.library_version == "0.5.1"
    with pytest.raises(WrongSketch):
        await session.reset()


async def test_a_board_without_bluetooth_has_no_address(boards: Boards):
    config = BoardConfig(serial_number="s", zero_touch=False, ble_address="ff" * 6)
    session = await boards.session(await boards.plug_in(config=config))
    assert (await session.read()).ble_address is None


async def test_a_board_is_claimed_and_closes_the_link_by_itself(boards: Boards):
    session = await boards.session(await boards.plug_in())
    identity = await session.read_identity(NOW)
    assert identity.public_key.startswith("-----BEGIN PUBLIC KEY-----")
    assert identity.token.reveal().count(".") == 2
    assert "." not in repr(identity.token)
    await session.reset()
    await session.configure(RIGHT)
    await session.wait_ended()


async def test_a_wrong_password_is_told_from_the_boards_own_scan_and_can_be_mended(
    boards: Boards,
):
    session = await boards.session(await boards.plug_in())
    with pytest.raises(JoinFailed) as caught:
        await session.configure(WRONG)
    report = caught.value.report()
    assert report.title == "The board could not join HomeNet."
    assert report.meaning == (
        "The board sees it well (-45 dBm), so the password is most likely wrong."
    )
    assert report.facts["status"] == -1
    assert "marker" not in repr(report)
    await session.configure(RIGHT)


async def test_a_network_that_the_board_does_not_see_is_told(boards: Boards):
    session = await boards.session(await boards.plug_in())
    with pytest.raises(JoinFailed) as caught:
        await session.configure(WiFi(ssid="Elsewhere", password=Secret("12345678")))
    assert "does not show this network" in caught.value.report().meaning


async def test_no_internet_is_told(boards: Boards):
    session = await boards.session(await boards.plug_in())
    with pytest.raises(NoInternet):
        await session.configure(WiFi(ssid="NoInternet", password=Secret("nopath")))


async def test_a_kind_of_network_that_the_board_lacks_is_told(boards: Boards):
    config = BoardConfig(serial_number="s", zero_touch=False, networks=frozenset())
    session = await boards.session(await boards.plug_in(config=config))
    with pytest.raises(NotSupported):
        await session.configure(LoRa(app_eui="0" * 16, app_key=Secret("0" * 32)))


async def test_settings_that_no_board_can_hold_are_not_sent(boards: Boards):
    board = await boards.plug_in()
    session = await boards.session(board)
    before = len(board.received)
    with pytest.raises(InputError):
        await session.configure(WiFi(ssid="x" * 33))
    assert len(board.received) == before


async def test_a_board_in_run_keeps_its_settings_until_it_is_reset(boards: Boards):
    board = await boards.plug_in()
    session = await boards.session(board)
    await session.configure(RIGHT)
    await session.wait_ended()
    await session.close()
    session = await boards.session(board)
    facts = await session.read()
    assert facts.online
    assert facts.uhwid
    assert facts.wifi_firmware is None
    assert [n.ssid for n in await session.scan()] == [n.ssid for n in facts.networks]
    with pytest.raises(NotProvisioned):
        await session.configure(RIGHT)
    await session.reset()
    await session.configure(RIGHT)
    await session.wait_ended()


async def test_a_board_that_went_online_by_itself_is_read_without_blocking_it(boards: Boards):
    board = await boards.plug_in()
    session = await boards.session(board)
    await session.configure(RIGHT)
    await session.wait_ended()
    await session.close()
    board.board.reset()
    while not board.board.state_name.startswith("RUN"):
        await asyncio.sleep(0.01)
    session = await boards.session(board)
    facts = await session.read()
    assert facts.initial_status is None
    assert facts.online
    assert facts.sketch_version == "0.6.2"
    assert facts.wifi_firmware is None
    assert (await session.read()).uhwid == facts.uhwid


async def test_a_fatal_status_ends_the_opening_and_releases_the_port(boards: Boards):
    world = World(networks=demo_networks(), secure_element=SecureElement.NO_ANSWER)
    board = await boards.plug_in(world)
    link = await boards.link(board)
    with pytest.raises(StatusReported) as caught:
        await open_session(link)
    assert caught.value.facts["name"] == "HW_ERROR_SE_BEGIN"
    with pytest.raises(PortGone):
        await link.receive()


async def test_a_board_unplugged_in_the_middle_of_a_request_is_gone(boards: Boards):
    board = await boards.plug_in()
    session = await boards.session(board)
    request = asyncio.create_task(session.configure(WRONG))
    while len(session.log) < 1:
        await asyncio.sleep(0.01)
    board.unplug()
    with pytest.raises(PortGone):
        await request
    with pytest.raises(PortGone):
        await session.read()
    with pytest.raises(PortGone):
        await session.wait_ended()
    await session.close()


async def test_a_request_that_is_cancelled_leaves_the_session_usable(boards: Boards):
    board = await boards.plug_in()
    session = await boards.session(board)
    request = asyncio.create_task(session.configure(WRONG))
    while b"\x01\x20\x04" not in board.received:
        await asyncio.sleep(0)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    await session.configure(RIGHT)
    assert all(isinstance(piece, Frame) for piece in FrameDecoder().feed(bytes(board.received)))


async def test_closing_in_the_middle_of_a_request_says_goodbye_with_whole_frames(boards: Boards):
    board = await boards.plug_in()
    session = await boards.session(board)
    request = asyncio.create_task(session.configure(WRONG))
    while b"\x01\x20\x04" not in board.received:
        await asyncio.sleep(0)
    await session.close()
    with pytest.raises(PortGone):
        await request
    while not board.received.endswith(encode_control(Control.DISCONNECT)):
        await asyncio.sleep(0.01)
    assert all(isinstance(piece, Frame) for piece in FrameDecoder().feed(bytes(board.received)))
    await session.close()


async def test_requests_of_two_callers_take_turns(boards: Boards):
    session = await boards.session(await boards.plug_in())
    facts, networks, identity = await asyncio.gather(
        session.read(), session.scan(), session.read_identity(NOW)
    )
    assert facts.uhwid == identity.uhwid
    assert networks == facts.networks


async def test_the_log_of_the_sketch_is_passed_on_clean_and_without_secrets(boards: Boards):
    board = await boards.plug_in()
    lines: list[str] = []
    session = await boards.session(board, lines.append)
    board.add_log = lambda: b"\x1b[31mgot password marker-wrong\r\n"
    with pytest.raises(JoinFailed):
        await session.configure(WRONG)
    assert "·[31mgot password ***" in lines
    assert list(session.log) == lines
    assert not any("marker" in line for line in lines)
