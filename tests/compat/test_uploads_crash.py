"""The agent is killed while a tool writes a sketch, and starts again."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from agent.jobs.job import JobState
from tests.compat.upload_bench import DONE, LIMIT_S, TOOL, a_desk, alive, body, public_pem, script
from tests.jobs.flashing import happens

ROOT = Path(__file__).parents[2]
TALKS = """
import os, time
print("pid", os.getpid(), flush=True)
while True:
    print("writing", flush=True)
    time.sleep(0.01)
"""
SILENT = """
import os, time
print("pid", os.getpid(), flush=True)
time.sleep(600)
"""


async def killed(folder: Path, asked: bytes) -> int:
    """Let an agent die with an upload; the process of its tool."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.compat.upload_crash_child",
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    given = {"folder": str(folder), "body": asked.decode(), "key": public_pem().decode()}
    try:
        async with asyncio.timeout(LIMIT_S):
            out, _ = await child.communicate(json.dumps(given).encode() + b"\n")
    except TimeoutError:
        child.kill()
        await child.wait()
        raise
    assert child.returncode == -9
    return int(out)


@pytest.mark.system("linux", "darwin")
async def test_the_next_start_removes_the_files_says_what_is_left_and_takes_the_next_upload(
    tmp_path: Path,
):
    async with a_desk(tmp_path) as desk:
        await desk.bench.plug(model="mkr_wifi_1010", sketch="other")
        await desk.begin()
        port = desk.port()
        await desk.end()
        desk.install("tool", script(TALKS))
        pid = await killed(tmp_path, body(port, TOOL, extra={}))
        assert any(desk.files.iterdir())
        await happens(desk.bench, lambda: not alive(pid))
        await desk.begin()
        assert not desk.files.exists()
        (job,) = await desk.bench.jobs.list(10)
        ended = await desk.bench.until(job.id, lambda now: now.state.final, ended=True)
        assert ended.state is JobState.INTERRUPTED
        assert ended.error is not None
        assert "tool was writing" in ended.error.meaning
        assert await desk.bench.journal.unsettled() == []
        desk.install("tool", script("print('written')"), "2.0.0")
        assert (await desk.post(body(desk.port(), TOOL, extra={}))).status == 202
        assert await desk.ended() == DONE


@pytest.mark.system("linux")
async def test_a_tool_that_did_not_notice_the_end_of_its_agent_is_ended_before_the_next_upload(
    tmp_path: Path,
):
    async with a_desk(tmp_path) as desk:
        await desk.bench.plug(model="mkr_wifi_1010", sketch="other")
        await desk.begin()
        port = desk.port()
        await desk.end()
        desk.install("tool", script(SILENT))
        pid = await killed(tmp_path, body(port, TOOL, extra={}))
        assert alive(pid)
        await desk.begin()
        await happens(desk.bench, lambda: not alive(pid))
        (job,) = await desk.bench.jobs.list(10)
        ended = await desk.bench.until(job.id, lambda now: now.state.final, ended=True)
        assert ended.state is JobState.INTERRUPTED
