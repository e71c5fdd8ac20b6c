"""The interface of the Arduino Create Agent in the whole agent."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING

import httpx
import websockets.asyncio.client as websockets

from agent.app import build
from agent.settings import Secret
from agent.settings.config import (
    BluetoothConfig,
    BridgeConfig,
    Config,
    PortsConfig,
    UpdatesConfig,
)
from agent.settings.paths import find_paths
from tests.bridge.running import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from agent.app import App

LIMIT_S = 15.0
VENDOR = "https://app.arduino.cc"


def make_app(home: Path) -> App:
    """An agent with the boards that stand in ``home / "ports"``."""
    first = free_port()
    (home / "ports").mkdir()
    config = Config(
        bridge=BridgeConfig(first_port=first, last_port=min(first + 20, 65535)),
        ports=PortsConfig(system=False, simulated=str(home / "ports")),
        bluetooth=BluetoothConfig(scan="never"),
        updates=UpdatesConfig(check=False),
    )
    return build(config, find_paths({"MOORING_HOME": str(home)}))


async def test_a_page_finds_the_whole_agent_and_its_boards(tmp_path: Path) -> None:
    facts = {
        "kind": "serial",
        "address": "tcp://127.0.0.1:1",
        "vid": 0x2341,
        "pid": 0x1002,
        "serial_number": "F412FA65",
        "simulated": True,
        "process": os.getpid(),
    }
    app = make_app(tmp_path)
    (tmp_path / "ports" / "uno.json").write_text(json.dumps(facts))
    await app.start()
    try:
        server = await app.serve(Secret("token of this test"))
        base = f"127.0.0.1:{server.port}"
        async with httpx.AsyncClient(timeout=LIMIT_S, trust_env=False) as http:
            answer = await http.get(f"http://{base}/info", headers={"origin": VENDOR})
            assert answer.json()["ws"] == f"ws://{base}"
            refused = await http.get(
                f"http://{base}/info", headers={"origin": "https://app.example.com"}
            )
            assert refused.status_code == 403
        (turned_away,) = app.services.refused_pages.list.value
        assert turned_away.url == "https://app.example.com"
        async with websockets.connect(
            f"ws://{base}/socket.io/?EIO=3&transport=websocket",
            origin=VENDOR,  # type: ignore[arg-type] # a NewType of str
            proxy=None,
        ) as page:
            await page.send('42["command","list"]')
            async with asyncio.timeout(LIMIT_S):
                while '"Name\\": \\"tcp://127.0.0.1:1\\"' not in (said := str(await page.recv())):
                    pass
            assert json.loads(json.loads(said[2:])[1])["Ports"][0]["SerialNumber"] == "F412FA65"
            async with asyncio.timeout(LIMIT_S):
                await app.close()
                await page.wait_closed()
    finally:
        await app.close()
