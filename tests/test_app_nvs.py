"""A sketch with keys of its own in the settings area of its chip, and the whole agent."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from typing import TYPE_CHECKING

import pytest

from agent.app import build
from agent.catalog import Catalog
from agent.jobs.job import JobState
from agent.protocols.nvs.store import read_store
from agent.settings.load import load_config
from agent.settings.paths import find_paths
from agent.simulator.config import BoardConfig, SimulatorConfig
from agent.simulator.device import SimulatedDevice
from agent.simulator.thingsboard import SimulatedThingsBoard

if TYPE_CHECKING:
    from pathlib import Path

    from agent.boards.board import Board
    from agent.boards.service import BoardService

pytestmark = pytest.mark.system("linux", "darwin")
"""The chip's loader is simulated on a pseudo-terminal."""

NAMES = {
    "wifi_ssid": "ssid",
    "wifi_pass": "password",
    "tb_host": "server",
    "tb_name": "tb_host",
    "tb_token": "token",
    "tb_ca": "authority",
}
CONFIG = f"""
[ports]
system = false
simulated = "@"
[bluetooth]
scan = "never"
[nvs]
namespace = "app"
[nvs.keys]
{chr(10).join(f'{name} = "{key}"' for name, key in NAMES.items())}
"""
WIFI = {"kind": "wifi", "ssid": "HomeNet", "password": "correct horse"}


async def the_board(boards: BoardService) -> Board:
    """As soon as it is there."""
    news = asyncio.Event()
    stop = boards.subscribe(lambda _: news.set())
    while not boards.list():
        news.clear()
        await news.wait()
    stop()
    return boards.list()[0]


async def test_a_board_connects_with_what_it_finds_under_its_own_keys(tmp_path: Path) -> None:
    paths = find_paths({"MOORING_HOME": str(tmp_path)})
    paths.make()
    (tmp_path / "ports").mkdir()
    config_text = CONFIG.replace("@", (tmp_path / "ports").as_posix())
    paths.config_file.write_text(config_text, encoding="utf-8")
    config = load_config(paths.config_file, {})
    carried = BoardConfig(model="esp32s3", sketch="nvs", nvs=config.nvs.names)
    simulator = SimulatorConfig(board=carried, speed=50.0, folder=config.ports.simulated)
    async with (
        SimulatedThingsBoard(coap=False) as server,
        SimulatedDevice(simulator, Catalog.load()) as device,
    ):
        app = build(config, paths)
        try:
            await app.start()
            account = {
                "server": server.addresses["https"],
                "board_server": server.addresses["mqtts"],
                "provision_key": server.create.key,
                "provision_secret": server.create.secret,
                "ca": server.ca,
            }
            await app.enrolments["thingsboard"].login(account)
            jobs = app.services.jobs
            request = {"kind": "provision", "cloud": "thingsboard", "name": "porch"}
            board = await the_board(app.boards)
            number = await jobs.start(
                {**request, "board": board.id, "delivery": "nvs", "network": WIFI}, attended=False
            )
            job = await jobs.wait(number)
            assert job.state is JobState.DONE, job
            assert job.result
            assert (job.result["delivery"], job.result["connected"]) == ("nvs", "board")
            assert device.status().state == "NVS/CONNECTED"

            number = await jobs.start(
                {**request, "board": "", "delivery": "image", "name": "porch 2"}, attended=False
            )
            await jobs.wait(number)
            image = b64decode((await jobs.file(number, "mooring_nvs.b64")).reveal())
            store = read_store(image)
            assert store.namespaces() == {b"app": 1}
            assert store.get("app", "tb_host") == b"porch 2"
            assert sorted(store.keys("app")) == sorted(
                ["authority", "server", "tb_host", "tb_port", "tb_tls", "token"]
            )
        finally:
            await app.close()
