"""One agent for each user: starts while one runs, at the same moment, after a kill, of two users."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.cli.connect import open_client
from agent.cli.output import Output
from agent.desktop.instance import InstanceLock, find_instance, new_token
from agent.errors import AgentGone
from agent.settings.paths import find_paths

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

ROOT = Path(__file__).parents[2]
ANSWER_S = 30.0
"""For what a busy machine needs at most; nothing here waits that long."""

pytestmark = pytest.mark.system("linux", "darwin")


class User:
    """Somebody with a home of their own; their browser notes what it was opened with."""

    def __init__(self, home: Path, port: int, uid: int | None = None) -> None:
        self.home = home
        self.uid = uid
        self.become: list[str] = []
        self.told = home / "told"
        self.tools = home / "tools"
        self.tools.mkdir(parents=True)
        self.paths = find_paths({"MOORING_HOME": str(home)})
        home.joinpath("config.toml").write_text(
            f"[bridge]\nfirst_port = {port}\nlast_port = {port + 20}\n"
            '[ports]\nsystem = false\n[bluetooth]\nscan = "never"\n'
        )
        self.environ = {
            **os.environ,
            "MOORING_HOME": str(home),
            "HOME": str(home),
            "PYTHONPATH": str(ROOT),
            "PATH": f"{self.tools}:{os.environ['PATH']}",
        }
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "INVOCATION_ID", "NOTIFY_SOCKET"):
            self.environ.pop(name, None)
        opener = self.tools / ("open" if sys.platform == "darwin" else "xdg-open")
        opener.write_text(
            f'#!/bin/sh\necho "$1" > {self.told}.new\nmv {self.told}.new {self.told}\n'
        )
        opener.chmod(0o755)
        if sys.platform != "win32" and uid is not None:
            for path in (home, *home.rglob("*")):
                os.chown(path, uid, uid)
            # The interpreter may be where only its owner may look: the agent may read files of
            # others, and belongs to nobody else than this user all the same.
            ids = (f"--reuid={uid}", f"--regid={uid}", "--clear-groups")
            read = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
            self.become = ["setpriv", *ids, *read]

    async def start(self, *words: str, **environ: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self.become,
            *(sys.executable, "-m", "agent", *(words or ("run",)), "--json"),
            env={**self.environ, **environ},
            cwd=self.home,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    @contextlib.asynccontextmanager
    async def agent(self, *words: str, **environ: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """An agent that has said where it is, until the context ends."""
        process = await self.start(*words, **environ)
        try:
            first = await said(process)
            assert first["pid"] == process.pid
            yield process
        finally:
            await ended(process, signal.SIGTERM)

    async def again(self, *words: str, **environ: str) -> Any:
        """What a start says that finds an agent."""
        process = await self.start(*words, **environ)
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        assert b"runs already" in err
        return json.loads(out)

    async def opened(self) -> str:
        """The address that a browser was opened with."""
        async with asyncio.timeout(ANSWER_S):
            while not self.told.exists():
                await asyncio.sleep(0.01)
        text = self.told.read_text().strip()
        self.told.unlink()
        return text


async def said(process: asyncio.subprocess.Process) -> Any:
    assert process.stdout is not None
    async with asyncio.timeout(ANSWER_S):
        return json.loads(await process.stdout.readline())


async def ended(process: asyncio.subprocess.Process, number: int) -> None:
    if process.returncode is None:
        process.send_signal(number)
    await process.communicate()


@pytest.fixture
def port() -> int:
    # Away from the agents that other people and tests run.
    return 21_000 + os.getpid() % 20_000


@pytest.fixture
def homes() -> Iterator[Path]:
    """Where any user may pass; each run of pytest takes that right from the folders it makes."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture
def user(tmp_path: Path, port: int) -> User:
    return User(tmp_path / "ann", port)


async def test_a_second_start_has_the_first_one_open_its_page_at_the_place(user: User) -> None:
    async with user.agent(DISPLAY=":7") as first:
        again = await user.again("run", "--page", "job/3")
        assert (again["pid"], again["running"], again["shown"]) == (first.pid, True, True)
        assert again["url"].endswith("/#/job/3")
        assert await user.opened() == again["url"]
        assert (await user.again("run", "--page"))["shown"]
        assert (await user.opened()).endswith("/")


async def test_who_starts_it_on_a_desktop_sees_the_page_and_at_login_nobody_does(
    user: User,
) -> None:
    async with user.agent(DISPLAY=":7"):
        assert (await user.again(DISPLAY=":7"))["shown"]
        assert (await user.opened()).startswith("http://127.0.0.1:")
        for words in (("run", "--no-page"), ("run", "--headless"), ("run",)):
            display = "" if words == ("run",) else ":7"
            assert (await user.again(*words, DISPLAY=display))["shown"] is False
        assert not user.told.exists()


async def test_an_agent_without_a_desktop_leaves_the_page_to_who_asks(user: User) -> None:
    async with user.agent():
        again = await user.again(DISPLAY=":7")
        assert again["shown"]
        assert await user.opened() == again["url"]


async def test_the_first_start_opens_the_page_if_it_is_told_to(user: User) -> None:
    async with user.agent("run", "--page", "clouds", DISPLAY=":7"):
        assert (await user.opened()).endswith("/#/clouds")


async def test_of_starts_at_the_same_moment_one_becomes_the_agent(user: User) -> None:
    processes = [await user.start("run", "--headless") for _ in range(4)]
    try:
        first = await asyncio.gather(*(said(each) for each in processes))
        pids = {each["pid"] for each in first}
        assert len(pids) == 1
        (winner,) = pids
        for process in processes:
            if process.pid != winner:
                assert await process.wait() == 0
        instance = find_instance(user.paths)
        assert instance is not None
        assert instance.pid == winner
    finally:
        for process in processes:
            await ended(process, signal.SIGTERM)


async def test_what_was_killed_leaves_nothing_in_the_way(user: User) -> None:
    for _ in range(2):
        async with user.agent("run", "--headless") as killed:
            killed.kill()
            await killed.wait()
        assert user.paths.instance_file.exists()
    async with user.agent("run", "--headless") as third:
        again = await user.again("run", "--headless")
        assert again["pid"] == third.pid
    assert not user.paths.instance_file.exists()


async def test_a_start_during_an_end_becomes_the_next_agent(user: User) -> None:
    async with user.agent("run", "--headless") as first:
        second = await user.start("run", "--headless")
        first.terminate()
        try:
            told = await said(second)
            assert told["pid"] in {first.pid, second.pid}
            await first.wait()
            if told["pid"] == second.pid:
                instance = find_instance(user.paths)
                assert instance is not None
                assert instance.pid == second.pid
        finally:
            await ended(second, signal.SIGTERM)


async def test_a_command_waits_for_an_agent_that_is_just_starting(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alone it would take ports that the agent is about to take."""
    monkeypatch.setenv("MOORING_HOME", str(user.home))
    user.paths.make()
    with InstanceLock(user.paths) as lock:
        assert lock.acquire()
        command = asyncio.ensure_future(open_client(Output()).__aenter__())
        await asyncio.sleep(0)
        assert not command.done()
        # Nobody answers there: enough to see whom it asks.
        lock.publish(port=1, token=new_token(), version="1")
        with pytest.raises(AgentGone):
            await command


async def test_an_update_is_told_which_version_runs(user: User) -> None:
    async with user.agent("run", "--headless"):
        content = json.loads(user.paths.instance_file.read_text())
        user.paths.instance_file.write_text(json.dumps({**content, "version": "0.0.1"}))
        process = await user.start("run", "--headless")
        _, err = await process.communicate()
        assert b"It is Mooring 0.0.1" in err


async def test_two_users_have_an_agent_each_and_neither_reads_the_others_token(
    homes: Path, port: int
) -> None:
    """Really two users where the tests may become others; else two homes of one."""
    others = sys.platform == "linux" and os.geteuid() == 0
    ann = User(homes / "ann", port, 60_001 if others else None)
    bob = User(homes / "bob", port, 60_002 if others else None)
    async with ann.agent("run", "--headless") as first, bob.agent("run", "--headless") as second:
        assert (await ann.again("run", "--headless"))["pid"] == first.pid
        assert (await bob.again("run", "--headless"))["pid"] == second.pid
        instances = [find_instance(each.paths) for each in (ann, bob)]
        assert len({each.port for each in instances if each}) == 2
        if others:
            reading = await asyncio.create_subprocess_exec(
                *("setpriv", "--reuid=60002", "--regid=60002", "--clear-groups", "cat"),
                ann.paths.instance_file,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            out, err = await reading.communicate()
            assert (out, b"Permission denied" in err) == (b"", True)
