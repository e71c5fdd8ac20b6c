"""Sessions with simulated nRF91 boards of every kind, on pseudo-terminals."""

from __future__ import annotations

import asyncio

import pytest

from agent.errors import (
    NrfModemOff,
    NrfNoAttestation,
    NrfNotTriggered,
    NrfRefused,
    NrfSilent,
    NrfTokenDamaged,
    NrfTokenStale,
    NrfUnanswered,
    PortGone,
)
from agent.links.open import open_link
from agent.protocols.nrf.at import Dialect
from agent.protocols.nrf.cme import refusal
from agent.sessions.nrf import BAUD, open_first, open_nrf
from agent.simulator.nrf_identity import genuine
from tests.sessions.nrf_boards import board, session, talking

SHORT_S = 0.2
"""Where nothing comes."""
OTHER_S = 2.0
"""Until another program has said something, also where the computer is busy."""
CONSOLES = [
    {"firmware": "at"},
    {"firmware": "at", "echo": True},
    {"firmware": "at", "log": True, "flood_lines": 50},
    {"firmware": "tracker"},
    {"firmware": "tracker", "echo": False, "colours": False},
    {"firmware": "tracker", "claimed": True, "log": True, "flood_lines": 200},
    {"firmware": "tracker-old"},
]


@pytest.mark.parametrize("config", CONSOLES, ids=str)
async def test_a_board_is_known_whatever_its_console_is_like(config):
    async with talking(**config) as (plugged, opened):
        raw = config["firmware"] == "at"
        assert opened.dialect is (Dialect.AT if raw else Dialect.SHELL)
        found = await opened.identify()
        assert found.imei == plugged.identity.imei
        assert (found.model, found.modem_firmware) == ("nRF9151-LACA", "mfw_nrf91x1_2.0.2")
        assert found.sim == "READY"
        token = await opened.read_token()
        assert token.device_id == str(plugged.identity.device_id)
        assert genuine(token.text.reveal())


async def test_an_older_kit_is_known_too():
    async with talking(model="nrf9160_dk", firmware="at", sim=False) as (plugged, opened):
        found = await opened.identify()
        assert (found.model, found.sim) == ("nRF9160-SIAA", "absent")
        assert (await opened.read_token()).chip_name == "nRF9160 SIBA"
        assert plugged.serial_number.startswith("00096000")


@pytest.mark.parametrize("old", [False, True])
async def test_the_library_s_shell_gives_device_id_and_token_without_at_commands(old):
    async with talking(firmware="sample", old_requests=old, flood_lines=20) as (plugged, opened):
        assert opened.dialect is Dialect.BARE_SHELL
        assert (await opened.identify()).device_id == str(plugged.identity.device_id)
        assert genuine((await opened.read_token()).text.reveal())


async def test_an_unclaimed_board_prints_its_token_by_itself():
    for firmware in ("tracker", "tracker-old"):
        async with talking(firmware=firmware) as (plugged, opened):
            plugged.press_reset()
            token = await opened.catch_token(10.0)
            assert token is not None
            assert token.device_id == str(plugged.identity.device_id)
            assert genuine(token.text.reveal())


async def test_a_claimed_board_prints_none():
    async with talking(firmware="tracker", claimed=True) as (plugged, opened):
        plugged.press_reset()
        assert await opened.catch_token(0.1) is None


async def test_a_printed_token_that_the_terminal_cut_is_told():
    async with talking(firmware="tracker", cut_columns=100) as (plugged, opened):
        plugged.press_reset()
        with pytest.raises(NrfTokenDamaged, match="cuts a line"):
            await opened.catch_token(10.0)


@pytest.mark.parametrize("firmware", ["at", "tracker", "sample"])
async def test_a_token_that_the_terminal_cut_is_told(firmware):
    async with talking(firmware=firmware, cut_columns=120) as (_, opened):
        with pytest.raises(NrfTokenDamaged, match="cuts a line"):
            await opened.read_token()


async def test_a_token_of_unknown_age_is_not_taken_for_a_new_one():
    async with talking(firmware="at", stale_nonce=True) as (_, opened):
        with pytest.raises(NrfTokenStale):
            await opened.read_token()


@pytest.mark.parametrize("code", [0, 3, 10, 513, 514, 515, 518, 519, 523, 529, 777])
async def test_each_number_with_which_a_modem_refuses_is_explained(code):
    async with talking(firmware="at", refuse={"%ATTESTTOKEN": code}) as (_, opened):
        with pytest.raises(NrfRefused) as raised:
            await opened.read_token()
        report = raised.value.report()
        assert report.facts["number"] == str(code)
        assert refusal(code).meaning in report.title
        assert refusal(code).remedy == report.remedy


@pytest.mark.parametrize("firmware", ["tracker", "tracker-old"])
async def test_a_modem_that_is_off_is_told_apart_from_a_silent_board(firmware):
    async with talking(firmware=firmware, modem=False) as (_, opened):
        with pytest.raises(NrfModemOff):
            await opened.read_token()


async def test_the_library_does_not_say_whether_the_modem_is_off_or_refuses():
    for config in ({"modem": False}, {"refuse": {"%ATTESTTOKEN": 529}}):
        async with talking(firmware="sample", **config) as (_, opened):
            assert (await opened.identify()).device_id == ""
            with pytest.raises(NrfRefused, match="is off, or does not know"):
                await opened.read_token()


async def test_raw_at_commands_without_modem_are_a_modem_that_is_off():
    async with talking(firmware="at", modem=False) as (_, opened):
        with pytest.raises(NrfModemOff):
            await opened.identify()


async def test_a_shell_without_any_way_to_a_token_says_so():
    async with talking(firmware="sample") as (plugged, opened):
        plugged.program.commands = ("kernel",)
        with pytest.raises(NrfNoAttestation):
            await opened.read_token()


async def test_a_port_without_modem_says_what_was_heard():
    async with board(firmware="other") as plugged:
        with pytest.raises(NrfSilent) as raised:
            await open_nrf(await open_link(plugged.port.address, BAUD), tries=1, limit_s=SHORT_S)
        assert "Something else speaks there" in raised.value.report().meaning


async def test_a_bootloader_alone_is_told_from_a_silent_port():
    async with board(firmware="none") as plugged:
        link = await open_link(plugged.port.address, BAUD)
        opening = asyncio.ensure_future(open_nrf(link, tries=1, limit_s=SHORT_S))
        while not plugged.received:
            await asyncio.sleep(0)
        plugged.press_reset()
        with pytest.raises(NrfSilent) as raised:
            await opening
        assert "Only the bootloader" in raised.value.report().meaning


async def test_of_several_ports_the_one_that_answers_is_found():
    for firmware in ("at", "tracker"):
        async with board(firmware=firmware) as plugged:
            links = [await open_link(port.address, BAUD) for port in reversed(plugged.ports)]
            opened = await open_first(links)
            assert opened.wire.address == plugged.port.address
            assert (await opened.identify()).imei == plugged.identity.imei
            await opened.close()


async def test_where_no_port_answers_each_is_told():
    async with board(firmware="other") as plugged:
        links = [await open_link(port.address, BAUD) for port in plugged.ports]
        with pytest.raises(NrfSilent) as caught:
            await open_first(links, tries=1, limit_s=OTHER_S)
    report = caught.value.report()
    assert all(port.address in report.title for port in plugged.ports)
    assert f"{plugged.port.address}: Something else speaks there" in report.meaning
    assert f"{plugged.ports[1].address}: Nothing came at all" in report.meaning
    with pytest.raises(NrfSilent):
        await open_first([])


async def test_a_port_that_cannot_be_used_says_more_than_one_that_is_silent():
    async with board(firmware="none") as plugged:
        links = [await open_link(port.address, BAUD) for port in plugged.ports]
        await links[1].close()
        with pytest.raises(PortGone):
            await open_first(links, tries=1, limit_s=SHORT_S)


async def test_a_board_that_is_unplugged_is_gone():
    async with board(firmware="at") as plugged, session(plugged) as opened:
        plugged.unplug()
        with pytest.raises(PortGone):
            await opened.identify()
        await opened.close()
        with pytest.raises(PortGone):
            await opened.read_token()


@pytest.mark.parametrize(
    ("firmware", "command"),
    [
        ("tracker", "att_cloud provision"),
        ("tracker-old", "att_cloud_provision now"),
        ("sample", "nrf_provisioning now"),
    ],
)
async def test_the_command_that_the_firmware_knows_starts_provisioning(firmware, command):
    async with talking(firmware=firmware, claimed=True) as (_, opened):
        assert await opened.trigger() == command


async def test_without_a_command_provisioning_cannot_be_started():
    async with talking(firmware="at") as (_, opened):
        with pytest.raises(NrfNotTriggered):
            await opened.trigger()
    async with talking(firmware="sample", modem=False) as (_, opened):
        with pytest.raises(NrfNotTriggered, match="cannot be started") as raised:
            await opened.trigger()
        assert "not initialized" in raised.value.report().meaning
    async with talking(firmware="tracker") as (plugged, opened):
        plugged.program.commands = ("at",)
        with pytest.raises(NrfNotTriggered):
            await opened.trigger()


@pytest.mark.parametrize(
    ("firmware", "said"),
    [
        ("tracker", "zbus_chan_pub, error: -11"),
        ("tracker-old", "zbus_chan_pub, error: -11"),
        ("sample", "Provisioning failed, err -11"),
    ],
)
async def test_a_program_that_refuses_to_provision_is_quoted(firmware, said):
    async with talking(firmware=firmware, no_start=11) as (_, opened):
        with pytest.raises(NrfNotTriggered) as raised:
            await opened.trigger()
        assert said in raised.value.report().meaning


async def test_an_answer_without_what_was_asked_for_is_no_token():
    async with talking(firmware="at") as (plugged, opened):
        plugged.program.deaf = True
        with pytest.raises(NrfUnanswered):
            await opened.ask("AT+CGMM", limit_s=0.05)
