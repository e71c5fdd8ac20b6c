"""An agent that is killed in a board's network, and the next one, as a person would run them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.system("linux"),
    pytest.mark.needs("networkmanager"),
    pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() != 0, reason="namespaces are made by root"
    ),
]

ROOT = Path(__file__).parents[3]
INSIDE = """
set -e
ip link set lo up
ip addr add 192.168.4.1/32 dev lo
exec "$0" -m tests.jobs.blynk.point_town "$1"
"""


async def test_the_next_agent_brings_the_computer_back_and_sets_the_board_up(tmp_path):
    town = await asyncio.create_subprocess_exec(
        *("setpriv", "--pdeathsig", "TERM", "unshare", "--net"),
        *("sh", "-c", INSIDE, sys.executable, str(tmp_path)),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await town.communicate()
    assert town.returncode == 0, err.decode()
    seen = json.loads(out)
    ended = seen.pop("ended")
    assert seen == {
        "away": True,
        "noted": True,
        "interrupted": ["interrupted"],
        "profiles": True,
        "forgotten": True,
        "board": "RUNNING",
        "devices": ["Attic"],
    }
    assert ended["state"] == "done"
