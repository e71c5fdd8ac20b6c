"""Marker secrets go through a whole provisioning and are then looked for in everything it leaves."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from agent.cli.demo import demo_surroundings
from agent.desktop.instance import find_instance
from agent.settings import Secret

from .callers import command_line, in_state, page, program
from .conftest import ROOT, SPEED, Mooring, finish

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WRONG = "MARKER-wrong-password"
RIGHT = "MARKER-right-password"
OTHER_PAGE = "https://other.example"


@pytest.fixture
async def secretive() -> AsyncIterator[Mooring]:
    async with demo_surroundings(password=Secret(RIGHT), speed=SPEED) as demo:
        yield Mooring(demo)


@pytest.mark.system("linux")
async def test_programs_that_the_agent_starts_inherit_no_secret_and_leave_no_core():
    variables = {"MOORING_WIFI_PASSWORD": "marker-wifi", "MOORING_CLOUD_CLIENT_SECRET": "marker"}
    agent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agent", "demo", "--json"),
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert agent.stdout is not None
        assert json.loads(await agent.stdout.readline())["url"]
        started = psutil.Process(agent.pid).children(recursive=True)
        assert started
        for each in started:
            assert not variables.keys() & each.environ().keys()
        for pid in (agent.pid, *(each.pid for each in started)):
            limits = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
            assert re.search(r"Max core file size +0 ", limits)
    finally:
        agent.terminate()
        await agent.wait()


@pytest.mark.parametrize("killed", [False, True], ids=["to its end", "killed while it asks"])
async def test_no_secret_is_found_in_what_a_provisioning_leaves(secretive, killed):
    signed_in = await secretive.sign_in()
    assert signed_in.status == 0
    assert (await secretive.run("origins", "allow", OTHER_PAGE)).status == 0
    agent = await secretive.start("run", "--headless", "--json")
    await agent.stdout.readline()
    instance = find_instance(secretive.demo.paths)
    assert instance is not None
    own, other = await program(instance), await page(instance, OTHER_PAGE)
    await other.call("boards.subscribe")
    await other.call("jobs.subscribe")
    await own.call("boards.subscribe")
    await own.call("jobs.subscribe")
    job = (
        await own.call(
            "jobs.start",
            kind="provision",
            board=secretive.board,
            cloud="arduino",
            name="kitchen-sensor",
            network={"kind": "wifi", "ssid": secretive.demo.network.ssid, "password": WRONG},
        )
    )["job"]
    await own.until(in_state(job, "asking"))
    words = command_line(agent.pid)
    if killed:
        agent.kill()
    else:
        await own.call("jobs.answer", job=job, answer={"action": "retry", "password": RIGHT})
        await own.until(in_state(job, "done"))
        agent.terminate()
    ended = await finish(agent)
    await own.close()
    await other.close()

    places: dict[str, bytes] = {
        "output": (ended.out + ended.err).encode(),
        "command line": words,
        "traffic of its page": "\n".join(own.received).encode(),
        "traffic of another page": "\n".join(other.received).encode(),
        "sign-in": (signed_in.out + signed_in.err).encode(),
    }
    # The boards' and the cloud's own things are not what the agent leaves.
    for file in Path(secretive.home).rglob("*"):
        if file.is_file() and file.name != "accounts.json" and "ports" not in file.parts:
            places[file.name] = file.read_bytes()
    assert "journal.sqlite3" in places
    secret = secretive.demo.cloud.client_secret.reveal()
    for place, data in places.items():
        for marker in (WRONG, RIGHT, secret, "eyJhbGciOi"):
            assert marker.encode() not in data, f"{marker} in {place}"
        if place != "instance.json":
            assert instance.token.reveal().encode() not in data, f"the agent's token in {place}"
    assert b"boards.changed" in places["traffic of another page"]
    assert b"job.changed" not in places["traffic of another page"]
