"""Starts an agent in a process of its own that kills itself at a given moment."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.jobs.bench import PASSWORD

if TYPE_CHECKING:
    from tests.jobs.bench import Bench

ROOT = Path(__file__).parents[2]
LIMIT_S = 30.0
"""A start takes one or two seconds, a provisioning less than one."""


async def killed(bench: Bench, moment: str, **request: Any) -> None:
    """Let an agent die at ``moment`` (see ``crash_child.py``) of what is asked for."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.jobs.crash_child",
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    given = {
        "folder": str(bench.folder),
        "moment": moment,
        "base_url": bench.cloud.base_url,
        "client_id": bench.cloud.client_id,
        "client_secret": bench.cloud.client_secret.reveal(),
        "air": bool(request) and request.get("via") == "ble",
        "network": {"kind": "wifi", "ssid": "HomeNet", "password": PASSWORD},
        "request": request,
    }
    if bench.index is not None:
        given["index"] = {"url": bench.index.index_url, "key": bench.index.public_key.hex()}
    try:
        async with asyncio.timeout(LIMIT_S):
            out, _ = await child.communicate(json.dumps(given).encode() + b"\n")
    except TimeoutError:
        child.kill()
        await child.wait()
        raise
    assert child.returncode in {-9, 9}, f"it was not killed {moment}, but said {out!r}"
