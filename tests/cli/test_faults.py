"""What the agent does when the computer lets it down; each fault is a real one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import connect

from agent.desktop.instance import find_instance

from .conftest import finish, line_with, running_agent
from .disks import READ_ONLY, SMALL, agent_on_disk, said

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from .disks import OnDisk

STARTS = 20


@pytest.mark.system("linux")
async def test_a_full_disk_refuses_jobs_before_they_start_and_needs_no_restart(alone, tmp_path):
    async with agent_on_disk(alone, tmp_path, SMALL) as agent:
        assert (await agent.run("identify", alone.board, "--json")).status == 0
        agent.fill()
        refused = await agent.run("identify", alone.board, "--json")
        assert refused.status == 1
        assert said(refused)["code"] == "disk-full"
        assert said(refused)["retryable"] is True
        assert "no restart is needed" in refused.err
        # The rest of the agent is there all the same.
        assert (await agent.run("boards", "--json")).status == 0
        assert len((await agent.run("jobs", "--json")).document["jobs"]) == 1
        doctor = await agent.run("doctor", "--json")
        assert "disk-full" in {finding["code"] for finding in doctor.document["findings"]}
        agent.clear()
        assert (await agent.run("identify", alone.board, "--json")).status == 0
        assert agent.process.returncode is None


@pytest.mark.system("linux")
async def test_a_job_on_a_disk_that_fills_up_undoes_its_claim_and_the_next_one_is_done(
    alone, tmp_path
):
    async with agent_on_disk(alone, tmp_path, SMALL) as agent:
        login = ("cloud", "login", "arduino", "--set", f"client_id={alone.demo.cloud.client_id}")
        secret = alone.demo.cloud.client_secret.reveal()
        assert (await agent.run(*login, "--password-stdin", stdin=f"{secret}\n")).status == 0
        async with page(agent) as (call, until):
            job = (await call("jobs.start", **wrong_password(agent)))["job"]
            await call("jobs.subscribe")
            await until(job, "asking")
            assert len(alone.claims) == 1
            agent.fill()
            assert agent.free == 0
            await call("jobs.cancel", job=job)
            await until(job, "cancelled")
        async with asyncio.timeout(20):
            while alone.claims:
                await asyncio.sleep(0.02)
        shown = (await agent.run("job", job, "--json")).document
        assert shown["state"] == "cancelled", shown
        agent.clear()
        right = alone.demo.network.password.reveal()
        done = await agent.run(*alone.provisioning, stdin=f"{right}\n")
        assert done.status == 0, done.err


@contextlib.asynccontextmanager
async def page(agent: OnDisk) -> AsyncIterator[Any]:
    """The agent's page: its calls, and what waits for a job to be in a state."""
    own: Any = json.loads(agent.first_line)["url"].rstrip("/")
    states: dict[str, str] = {}
    async with connect(f"{own.replace('http', 'ws')}/rpc", origin=own, proxy=None) as rpc:

        async def take() -> Any:
            body = json.loads(await rpc.recv())
            if body.get("method") == "job.changed":
                states[body["params"]["job"]] = body["params"]["state"]
            listed = (body.get("result") or {}).get("jobs")
            if isinstance(listed, list):
                states.update({job["id"]: job["state"] for job in listed})
            return body

        async def call(method: str, **params: Any) -> Any:
            await rpc.send(
                json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
            )
            while (body := await take()).get("id") != 1:
                pass
            return body["result"] if "result" in body else body["error"]["data"]

        async def until(job: str, state: str) -> None:
            while states.get(job) != state:
                await take()

        yield call, until


def wrong_password(agent: OnDisk) -> dict[str, Any]:
    """A job that claims and then asks for another password."""
    ssid = agent.mooring.demo.network.ssid
    return {
        "kind": "provision",
        "board": agent.mooring.board,
        "cloud": "arduino",
        "name": "kitchen-sensor",
        "network": {"kind": "wifi", "ssid": ssid, "password": "wrong-password"},
    }


@pytest.mark.system("linux")
async def test_a_disk_that_is_full_at_the_start_is_told_and_used_once_it_has_room(alone, tmp_path):
    fill = 'head -c 30000000 /dev/zero > "$DISK/fill" 2>/dev/null || true'
    prepare = f'mkdir -p "$DISK/run" && {{ {fill}; }}'
    request = {"kind": "identify", "board": alone.board}
    async with agent_on_disk(alone, tmp_path, SMALL, prepare=prepare) as agent:
        async with page(agent) as (call, until):
            codes = [notice["code"] for notice in (await call("agent.info"))["notices"]]
            assert codes[-2:] == ["disk-full", "not-kept"]
            assert (await call("jobs.start", **request))["code"] == "disk-full"
            agent.clear()
            job = (await call("jobs.start", **request))["job"]
            await call("jobs.subscribe")
            await until(job, "done")
            while (await call("agent.info"))["notices"]:
                await asyncio.sleep(0.05)
        assert len((await agent.run("jobs", "--json")).document["jobs"]) == 1, "kept, and found"


@pytest.mark.system("linux")
async def test_with_a_read_only_home_it_runs_and_says_what_it_cannot_keep(alone, tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    before = {path.name for path in alone.home.rglob("*")}
    async with agent_on_disk(alone, tmp_path, READ_ONLY, TMPDIR=str(temporary)) as agent:
        told = await line_with(b"[journal]", agent.process.stderr)
        assert b"[not-kept]" in told
        assert b"Read-only file system" in told
        (folder,) = temporary.glob("mooring-*")
        instance = json.loads((folder / "instance.json").read_text())
        assert f":{instance['port']}/" in json.loads(agent.first_line)["url"]
        assert (await agent.run("identify", alone.board, "--json")).status == 0
        jobs = await agent.run("jobs", "--json")
        assert len(jobs.document["jobs"]) == 1, "in memory"
        allowed = await agent.run("origins", "allow", "https://a.example", "--json")
        assert allowed.status != 0
        assert said(allowed)["code"] != "internal"
        again = await agent.run("run", "--headless", "--json")
        assert again.document["pid"] == agent.process.pid
    assert {path.name for path in alone.home.rglob("*")} == before


@pytest.fixture
def nine_ports() -> Iterator[tuple[int, list[socket.socket]]]:
    """Nine ports in a row that somebody listens on, and the first of them."""
    for first in range(30_000 + os.getpid() % 20_000, 60_000, 9):
        taken: list[socket.socket] = []
        try:
            for port in range(first, first + 9):
                listener = socket.socket()
                taken.append(listener)
                listener.bind(("127.0.0.1", port))
                listener.listen()
        except OSError:
            for listener in taken:
                listener.close()
            continue
        yield first, taken
        for listener in taken:
            listener.close()
        return


async def test_when_all_ports_are_taken_it_names_who_has_them_and_the_next_start_works(
    alone, nine_ports
):
    first, listeners = nine_ports
    config = alone.demo.paths.config_file
    config.write_text(
        f"[bridge]\nfirst_port = {first}\nlast_port = {first + 8}\n[ports]\nsystem = false\n"
    )
    ended = await alone.run("run", "--headless", "--json")
    assert ended.status == 4
    error = said(ended)
    assert (error["code"], error["retryable"]) == ("no-free-port", True)
    assert f"The ports {first} to {first + 8}" in error["title"]
    if sys.platform.startswith("linux"):
        assert f"(process {os.getpid()})" in error["meaning"]
    assert find_instance(alone.demo.paths) is None
    listeners[4].close()
    async with running_agent(alone):
        instance = find_instance(alone.demo.paths)
        assert instance is not None
        assert instance.port == first + 4


@pytest.mark.parametrize(
    ("count", "killed"), [(6, False), (STARTS, True)], ids=["six", "twenty after a kill"]
)
async def test_of_many_starts_at_once_one_runs_and_the_others_hand_over(alone, count, killed):
    if killed:
        async with running_agent(alone) as first:
            first.kill()
            await first.wait()
        assert alone.demo.paths.instance_file.exists()
    starts = [await alone.start("run", "--headless", "--json") for _ in range(count)]
    try:
        lines = await asyncio.gather(*(start.stdout.readline() for start in starts))
        told = [json.loads(line) for line in lines]
        pids = {each["pid"] for each in told}
        assert len(pids) == 1
        handed = [each for each in told if each.get("running")]
        assert len(handed) == count - 1
        (winner,) = pids
        others = [start for start in starts if start.pid != winner]
        assert {await start.wait() for start in others} == {0}
    finally:
        for start in starts:
            if start.returncode is None:
                start.send_signal(signal.SIGTERM)
        ended = [await finish(start) for start in starts]
    assert not [each.err for each in ended if "Traceback" in each.err]
    logs = [path.name for path in alone.demo.paths.log_dir.glob("mooring*.log")]
    assert logs == ["mooring.log"], "who hands over keeps no log"


@pytest.mark.system("linux")
@pytest.mark.parametrize("bus", ["", "unix:path=/nonexistent/bus", "nonsense"])
async def test_without_a_session_bus_only_the_icon_is_missing(alone, bus):
    alone.environ |= {"DISPLAY": ":97", "DBUS_SESSION_BUS_ADDRESS": bus}
    alone.environ.pop("XDG_RUNTIME_DIR", None)
    process = await alone.start("run", "--no-page", "--json")
    try:
        assert json.loads(await process.stdout.readline())["url"]
        assert (await alone.run("identify", alone.board, "--json")).status == 0
    finally:
        process.send_signal(signal.SIGTERM)
        ended = await finish(process)
    assert "Traceback" not in ended.err
    log = alone.demo.paths.log_file.read_text()
    assert sum("Tray: " in line for line in log.splitlines()) == 1


@pytest.mark.needs("faketime")
@pytest.mark.system("linux")
@pytest.mark.parametrize("off", ["-1y", "+1y"])
async def test_with_a_clock_that_is_a_year_off_it_runs_and_the_doctor_says_so(alone, off):
    alone.environ |= fake_clock(off)
    async with punctual_server() as address:
        file = alone.demo.paths.config_file
        own = file.read_text().replace(alone.demo.cloud.base_url, address)
        file.write_text(f'{own}title = "A cloud"\n')
        async with running_agent(alone):
            assert (await alone.run("identify", alone.board, "--json")).status == 0
            doctor = await alone.run("doctor", "--json")
    findings = {each["code"]: each for each in doctor.document["findings"]}
    side = "behind" if off.startswith("-") else "ahead of"
    assert f"365 days {side} the one of A cloud" in findings["clock"]["title"]
    assert ("clock-back" in findings) == (side == "behind"), "by our own files"
    assert doctor.status == 1


@contextlib.asynccontextmanager
async def punctual_server() -> AsyncIterator[str]:
    """Answers everything with the time."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            now = formatdate(usegmt=True)
            head = f"HTTP/1.1 404 Not Found\r\nDate: {now}\r\nContent-Length: 0\r\n"
            writer.write(f"{head}Connection: close\r\n\r\n".encode())
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"


def fake_clock(off: str) -> dict[str, str]:
    """Variables that make a program's clock wrong, as the program faketime sets them."""
    shown = subprocess.run(
        ["faketime", "-f", off, "env"], capture_output=True, text=True, check=True
    ).stdout
    values = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    return {
        "LD_PRELOAD": values["LD_PRELOAD"],
        "FAKETIME": values["FAKETIME"],
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_NO_CACHE": "1",
    }
