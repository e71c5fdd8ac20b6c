"""Other agents on the ports of pages: real listeners that answer like one, and others that do not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from pathlib import Path

import pytest

from agent.desktop.doctor.other_agents import ANSWER_BYTES, OtherAgents
from agent.settings.config import BridgeConfig
from tests.desktop.doctor.patient import codes, facts, look

INFO = {
    "version": "1.6.1",
    "http": "http://127.0.0.1:8991",
    "https": "https://localhost",
    "ws": "ws://127.0.0.1:8991",
    "wss": "wss://localhost",
    "origins": "",
    "update_url": "https://downloads.arduino.cc/",
    "os": "linux:amd64",
}


def as_answer(body, status="200 OK", *, told=True):
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
    if told:
        head += f"Content-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


@contextlib.asynccontextmanager
async def listener(answer=None, *, ends=True):
    """A program that gives this answer to everything; its port, and what it was asked."""
    asked = []

    async def serve(reader, writer):
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(as_answer(json.dumps(INFO).encode()) if answer is None else answer)
        with contextlib.suppress(ConnectionError):
            if ends:
                await writer.drain()
            else:
                await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


def family(port, own=None, first=None, **options):
    """It looks at one port; without an agent, Mooring would take one behind ``first``."""
    bridge = BridgeConfig(first_port=first or port, last_port=min((first or port) + 20, 65535))
    return OtherAgents(lambda: own, bridge=bridge, ports=range(port, port + 1), **options)


async def test_an_agent_that_pages_would_take_is_told_with_what_to_do():
    async with listener() as (port, asked):
        (one,) = await look(family(port))
    assert one.finding.code == "other-agent"
    assert one.finding.level.value == "warning"
    assert f"on port {port} as the Arduino Create Agent does (version 1.6.1)" in one.finding.title
    assert "do not find Mooring" in one.finding.meaning
    assert "Quit" in one.finding.mend
    assert facts(one)["port"] == port
    assert asked[0].startswith(b"GET /info HTTP/1.0\r\nHost: 127.0.0.1:")


@pytest.mark.system("linux")
async def test_its_process_is_named_where_the_system_tells():
    me = Path("/proc/self/comm").read_text().strip()
    async with listener() as (port, _):
        (one,) = await look(family(port))
    assert one.finding.title.startswith(f"The program {me} (process {os.getpid()}) answers on")
    assert facts(one)["holder"] == me
    assert facts(one)["process"] == os.getpid()


async def test_where_the_system_does_not_tell_it_is_another_agent(tmp_path):
    async with listener() as (port, _):
        (one,) = await look(family(port, proc=tmp_path))
    assert one.finding.title.startswith("Another agent answers on port")
    assert facts(one)["process"] is None


async def test_one_behind_mooring_is_told_otherwise_than_one_before_it():
    async with listener() as (port, _):
        (behind,) = await look(family(port, own=port - 1))
        (before,) = await look(family(port, own=port + 1))
        (not_started,) = await look(family(port, first=max(1024, port - 20)))
    assert "find Mooring first" in behind.finding.meaning
    assert "do not find Mooring" in before.finding.meaning
    assert "find Mooring first" in not_started.finding.meaning


async def test_the_agent_itself_is_no_other_one():
    async with listener() as (port, asked):
        assert await codes(family(port, own=port)) == ["page-fine"]
        assert await look(family(port, wanted=lambda: False)) == []
    assert asked == []


async def test_an_agent_that_keeps_its_connection_open_is_recognised():
    async with listener(ends=False) as (port, _):
        assert await codes(family(port)) == ["other-agent"]
    body = json.dumps(INFO).encode()
    async with listener(as_answer(body, told=False)) as (port, _):
        assert await codes(family(port)) == ["other-agent"]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        as_answer(b"null"),
        as_answer(b"[" * 5000),
        as_answer(b"\xff"),
        as_answer(json.dumps(INFO).encode(), "404 Not Found"),
        as_answer(json.dumps(INFO | {"update_url": None}).encode()),
        as_answer(json.dumps({"version": "1", "http": "x"}).encode()),
        as_answer(b" " * 10 * ANSWER_BYTES),
    ],
)
async def test_any_other_program_is_no_agent(answer):
    async with listener(answer) as (port, _):
        assert await codes(family(port)) == ["page-fine"]


async def test_free_ports_are_not_asked():
    async with listener() as (port, _):
        pass
    assert await codes(family(port)) == ["page-fine"]


async def test_what_it_says_is_shown_clean():
    answer = as_answer(json.dumps(INFO | {"version": "1\x1b[31m" + "x" * 500}).encode())
    async with listener(answer) as (port, _):
        (one,) = await look(family(port))
    assert "\x1b" not in one.finding.title
    assert len(one.finding.title) < 200
