"""A whole agent and a newer version: told to pages at once, gone when nobody wants to know."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from agent.app import build
from agent.desktop.instance import new_token
from agent.desktop.updates import Kept, Newest
from agent.settings.config import BluetoothConfig, BridgeConfig, Config, PortsConfig, UpdatesConfig
from agent.settings.notices import Update
from agent.settings.paths import find_paths

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://school.test/updates.json"


async def test_a_version_that_is_known_is_told_until_it_is_not_looked_for(tmp_path: Path) -> None:
    paths = find_paths({"MOORING_HOME": str(tmp_path)})
    paths.make()
    newest = Newest(version="99.0", url="https://school.test/get", date="2026-11-22")
    kept = Kept(asked_url=URL, asked_at=2e9, newest=newest)
    paths.updates_file.write_bytes(msgspec.json.encode(kept))
    config = Config(
        bridge=BridgeConfig(first_port=20_000, last_port=40_000),
        ports=PortsConfig(system=False),
        bluetooth=BluetoothConfig(scan="never"),
        updates=UpdatesConfig(url=URL),
    )
    app = build(config, paths)
    try:
        await app.start()
        held, news = app.services.update, asyncio.Event()
        held.subscribe(news.set)
        await app.serve(new_token())
        await news.wait()
        assert held.value == Update(version="99.0", url="https://school.test/get")
        news.clear()
        app.live.take(msgspec.structs.replace(config, updates=UpdatesConfig(url=URL, check=False)))
        await news.wait()
        assert held.value is None
    finally:
        await app.close()


async def test_commands_that_work_alone_ask_nobody(tmp_path: Path) -> None:
    paths = find_paths({"MOORING_HOME": str(tmp_path)})
    paths.make()
    config = Config(ports=PortsConfig(system=False), bluetooth=BluetoothConfig(scan="never"))
    app = build(config, paths)
    try:
        await app.start()
        assert "updates" not in {task.get_name() for task in asyncio.all_tasks()}
    finally:
        await app.close()
