"""Boards of Blynk on the command line: from a cable to the cloud, with a token made or pasted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from agent.clouds.accounts import AccountStore
from agent.clouds.blynk.cloud import Blynk
from agent.settings import Secret
from agent.simulator.announcement import Announcement, announce
from agent.simulator.blynk_board import BlynkBoard
from agent.simulator.blynk_board_cloud import NearCloud
from agent.simulator.blynk_cloud import SimulatedBlynkCloud
from agent.simulator.blynk_process import PID, VID
from agent.simulator.blynk_settings import EdgentConfig
from agent.simulator.world import Network, World
from tests.cli.home import Home
from tests.cli.person import Person

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.system("linux", "darwin"), pytest.mark.timeout(60)]

PASSWORD = "marker-wifi-password-77aa"


class BlynkHome(Home):
    """A computer with an account of a simulated Blynk.Cloud and a board on a cable."""

    def __init__(self, folder: Path, *, client: bool = True) -> None:
        super().__init__(folder)
        self.cloud = SimulatedBlynkCloud()
        world = World(networks=[Network(ssid="HomeNet", rssi=-45, password=Secret(PASSWORD))])
        config = EdgentConfig(generation=2)
        near = NearCloud(self.cloud, config.template_id, self._sent_back)
        self.board = BlynkBoard(config, world, speed=100.0, cloud=near)
        self.template = config.template_id
        self.serial = f"{config.chip:08X}"
        self._client = client

    def _sent_back(self) -> None:
        self.board.device.wait_for_settings()
        self.board.pass_time()

    async def prepare(self) -> str:
        """See the base class."""
        await self.running.enter_async_context(self.cloud)
        await self.running.enter_async_context(self.board)
        port = Announcement(
            address=self.board.port,
            vid=VID,
            pid=PID,
            serial_number=self.serial,
            location="1-1",
            manufacturer="Silicon Labs",
            product="CP2102 USB to UART Bridge Controller",
            process=os.getpid(),
        )
        announce(self.ports, port, "blynk")
        self.paths.make()
        cloud = Blynk(accounts=AccountStore(self.paths.accounts_file, use_keyring=False))
        account = self.cloud.account
        try:
            await cloud.login(account if self._client else {"server": account["server"]})
        finally:
            await cloud.close()
        return ""


async def test_a_board_is_set_up_and_listed(tmp_path: Path) -> None:
    async with BlynkHome(tmp_path) as home:
        known = await home.run("identify", home.serial, "--cloud", "blynk")
        assert known.status == 0, known.err
        assert "generation         2\n" in known.out
        words = ("provision", home.serial, "--cloud", "blynk", "--name", "Kitchen")
        network = ("--ssid", "HomeNet", "--password-stdin")
        made = await home.run(*words, *network, stdin=PASSWORD + "\n")
        assert made.status == 0, made.err
        assert "Kitchen is online in" in made.out
        assert "the cloud has seen it" in made.out
        assert "Its token is in the vault, entry" in made.out
        (device,) = home.cloud.state.devices.values()
        listed = await home.run("blynk", "devices")
        assert listed.out.splitlines()[1].split()[:2] == [str(device.id), "Kitchen"]
        secrets = [PASSWORD, device.token]
        again = ("renew", home.serial, "--cloud", "blynk")
        renewed = await home.run(*again, *network, stdin=PASSWORD + "\n")
        assert "Kitchen has a new token" in renewed.out, renewed.err
        assert device.token not in secrets
        secrets.append(device.token)
        removed = await home.run("remove", home.serial, "--cloud", "blynk", "--yes")
        assert removed.status == 0, removed.err
        assert "Kitchen is removed" in removed.out
        assert "erased from its board, forgotten by the vault" in removed.out
        assert home.cloud.state.devices == {}
        for ended in (known, made, listed, renewed, removed):
            assert not [each for each in secrets if each in ended.out + ended.err]
        assert home.found(secrets) == set()


async def test_a_device_is_made_before_its_board_and_sent_back_for_another_network(
    tmp_path: Path,
) -> None:
    async with BlynkHome(tmp_path) as home:
        made = await home.run("blynk", "create", "Pump", "--template", home.template)
        assert made.status == 0, made.err
        assert "Its token is in the vault, entry" in made.out
        (device,) = home.cloud.state.devices.values()
        words = ("provision", home.serial, "--cloud", "blynk", "--name", "Pump")
        network = ("--ssid", "HomeNet", "--password-stdin")
        ended = await home.run(*words, *network, stdin=PASSWORD + "\n")
        assert "Pump is online in" in ended.out, ended.err
        assert list(home.cloud.state.devices) == [device.id]
        unasked = await home.run("blynk", "reconfigure", str(device.id))
        assert "offline until somebody near it" in unasked.err, unasked.err
        assert device.links
        sent = await home.run("blynk", "reconfigure", str(device.id), "--yes")
        assert sent.status == 0, sent.err
        assert "waits on its cable" in sent.out
        assert f"mooring provision usb-10c4-ea60-{home.serial}" in sent.err
        assert home.board.device.access_point or home.board.device.advertises
        for each in (made, ended, unasked, sent):
            assert device.token not in each.out + each.err
        assert home.found([device.token]) == set()


async def test_a_prepared_device_is_claimed_by_its_code_and_given_back(tmp_path: Path) -> None:
    async with BlynkHome(tmp_path) as home:
        prepared = home.cloud.state.prepare(home.template)
        claimed = await home.run("blynk", "claim", "--code-stdin", stdin=prepared.token + "\n")
        assert "is yours." in claimed.out, claimed.err
        listed = await home.run("blynk", "static-tokens")
        line = listed.out.splitlines()[1].split()
        assert line == [f"…{prepared.token[-4:]}", "claimed", str(prepared.device_id)]
        given = await home.run("blynk", "unclaim", str(prepared.device_id), "--yes")
        assert "waits for an owner again" in given.out, given.err
        assert not prepared.device_id
        for each in (claimed, listed, given):
            assert prepared.token not in each.out + each.err
            assert prepared.device_token not in each.out + each.err


async def test_a_token_is_pasted_with_the_lines_around_it_and_nobody_sees_it(
    tmp_path: Path,
) -> None:
    async with BlynkHome(tmp_path, client=False) as home:
        device = home.cloud.state.create(home.template, "Pump", 1, 1)
        lines = (
            f'#define BLYNK_TEMPLATE_ID "{home.template}"\n'
            '#define BLYNK_TEMPLATE_NAME "Demo"\n'
            f'#define BLYNK_AUTH_TOKEN "{device.token}"\n'
        )
        person = Person(home)
        shown = ""
        try:
            await person.start(*("provision", home.serial, "--cloud", "blynk", "--ssid", "HomeNet"))
            await person.sees("Password")
            person.types(PASSWORD + "\n")
            await person.sees("Token (empty for other choices): ")
            assert not person.sees_what_is_typed
            person.types(lines)
            await person.sees("is online in")
            await person.sees("in the vault, entry")
            assert await person.status() == 0
            shown = person.everything
        finally:
            await person.close()
        assert device.token not in shown
        assert home.found([PASSWORD, device.token]) == set()
        refused = await home.run("blynk", "devices")
        assert "[blynk-no-platform]" in refused.err, refused.err


async def test_password_and_token_come_one_behind_the_other(tmp_path: Path) -> None:
    async with BlynkHome(tmp_path, client=False) as home:
        device = home.cloud.state.create(home.template, "Pump", 1, 1)
        words = ("provision", home.serial, "--cloud", "blynk", "--ssid", "HomeNet", "--json")
        given = f"{PASSWORD}\n{device.token}\n"
        ended = await home.run(*words, "--password-stdin", "--token-stdin", stdin=given)
        assert ended.status == 0, ended.err
        assert (ended.lines[-1]["state"], ended.lines[-1]["connected"]) == ("done", "cloud")
        assert device.token not in ended.out
