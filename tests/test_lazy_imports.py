"""A plain start loads no library that it does not need yet."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

SERVER = {"h11", "starlette", "uvicorn", "websockets"}
CLOUD = {"OpenSSL", "httpx", "cryptography", "keyring", "pysequoia", "truststore"}
BOARD = {"cbor2", "serial", "serialx"}
AIR = {"bleak", "dbus_fast"}
TRAY = {"PIL", "pystray"}
HEAVY = SERVER | CLOUD | BOARD | AIR | TRAY

IMPORTS = {
    "agent": HEAVY | {"asyncio", "click", "msgspec"},
    "agent.errors": HEAVY | {"asyncio", "click"},
    "agent.catalog": HEAVY | {"asyncio", "click"},
    "agent.protocols.v2": (HEAVY - {"cbor2"}) | {"asyncio", "click"},
    "agent.cli": HEAVY | {"asyncio"},
    "agent.boards.service": HEAVY | {"click"},
    "agent.links.ble": HEAVY | {"click"},
    "agent.sessions.ble": HEAVY | {"click"},
    "agent.jobs.service": HEAVY | {"click"},
    "agent.clouds.arduino": HEAVY | {"click"},
    "agent.clouds.mqtt": HEAVY | {"click"},
    "agent.clouds.nrf.cloud": HEAVY | {"click"},
    "agent.clouds.thingsboard.cloud": HEAVY | {"click"},
    "agent.protocols.nrf.csv": HEAVY | {"asyncio", "click"},
    "agent.protocols.thingsboard.admin": HEAVY | {"asyncio", "click"},
    "agent.clouds.blynk.cloud": HEAVY | {"click"},
    "agent.protocols.blynk.platform": HEAVY | {"asyncio", "click"},
    "agent.app": HEAVY | {"click"},
    "agent.gateway.agent": HEAVY | {"click"},
    "agent.desktop.tray.native": HEAVY | {"click"},
    "agent.desktop.tray.tray": HEAVY | {"click"},
    "agent.cli.job_commands": HEAVY,
    "agent.cli.vault_commands": HEAVY,
}
"""What importing a module must not load."""

COMMANDS = {
    ("--help",): HEAVY | {"asyncio"},
    ("--version",): HEAVY | {"asyncio"},
    ("provision", "--help"): HEAVY,
    ("jobs", "--json"): HEAVY - {"serial"},
    ("boards",): (HEAVY - {"serial"}),
    ("clouds",): (HEAVY - {"serial", "keyring"}),
    ("sketches",): HEAVY,
    ("vault",): HEAVY,
    ("gateway", "networks"): HEAVY,
    ("doctor", "--help"): HEAVY,
    ("doctor", "--udev-rules"): HEAVY,
}
"""What running a command without an agent must not load. Listing ports is pyserial's part."""

PRINT_MODULES = (
    "import sys, json; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
)


def environ(home: Path) -> dict[str, str]:
    return {**os.environ, "MOORING_HOME": str(home), "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("module", IMPORTS)
def test_importing_a_module_loads_nothing_heavy(module, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", f"import {module}; {PRINT_MODULES}"],
        env=environ(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert not set(json.loads(done.stdout)) & IMPORTS[module]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_running_a_command_loads_nothing_that_it_does_not_use(words, tmp_path):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "agent", *words],
        env=environ(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert not loaded(done.stderr) & COMMANDS[words]


def test_the_agent_answers_pages_before_it_loads_clouds_keys_or_protocols(tmp_path):
    tmp_path.joinpath("config.toml").write_text("[ports]\nsystem = false\n")
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "agent", "run", "--headless", "--json"],
        env=environ(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["url"]
        process.terminate()
        _, shown = process.communicate(timeout=30)
    assert not loaded(shown) & (HEAVY - SERVER)


def loaded(shown: str) -> set[str]:
    """Names of the packages in the report of ``-X importtime``."""
    return set(re.findall(r"^import time:.*\| +([A-Za-z0-9_]+)", shown, re.MULTILINE))
