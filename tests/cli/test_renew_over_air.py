"""New keys for a board whose cable is pulled: agent, board and cloud are each where they are."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import TYPE_CHECKING

import pytest

from tests.cli.nrf_home import SPEED, NrfHome

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.system("linux", "darwin"), pytest.mark.timeout(60)]


async def test_a_board_without_its_cable_makes_new_keys_and_ends_with_its_process(
    tmp_path: Path,
) -> None:
    async with NrfHome(tmp_path) as home:
        how = ("--battery", "--cloud", home.cloud.base_url, "--speed", str(SPEED), "--json")
        board = await home.start("simulate", "thingy91x", *how, "--announce", str(home.ports))
        assert board.stdin is not None
        assert board.stdout is not None
        serial = json.loads(await board.stdout.readline())["serial_number"]
        assert (await home.run("provision", serial, "--cloud", "nrf")).status == 0
        board.stdin.write(b'{"unplug": true}\n')
        while not json.loads(await board.stdout.readline()).get("ok"):
            pass
        (device,) = home.cloud.state.devices
        renewed = await home.run("renew", device[:8], "--cloud", "nrf")
        assert renewed.status == 0, renewed.err
        assert "told over the air" in renewed.out
        assert "its command is done" in renewed.out
        *_, last = home.cloud.state.claims[device].commands
        assert (set(last.request), last.status) == ({"cloudAccessKeyGeneration"}, "SUCCEEDED")
        board.send_signal(signal.SIGTERM)
        async with asyncio.timeout(15):
            _, told = await board.communicate()
        assert (board.returncode, told) == (0, b"")
