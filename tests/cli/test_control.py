"""``mooring pause``, ``resume`` and ``quit``: what they do to the agent that runs."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from agent.cli.remote import remote_client
from agent.desktop.instance import InstanceLock, find_instance
from agent.errors import ExitStatus
from agent.settings.paths import find_paths
from tests.cli.conftest import Mooring, finish, running_agent
from tests.cli.person import Person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.cli.client import Client
    from agent.settings.paths import Paths

ABSENT = {"running": False}
PAUSED = {"running": True, "paused": True, "pausing": 0}
IN_USE = {"running": True, "paused": False, "pausing": 0}


def paths_of(mooring: Mooring) -> Paths:
    return find_paths({"MOORING_HOME": str(mooring.home)})


@contextlib.asynccontextmanager
async def client_of(mooring: Mooring) -> AsyncIterator[Client]:
    """A program of this user beside the commands."""
    instance = find_instance(paths_of(mooring))
    assert instance is not None
    async with remote_client(instance) as client:
        yield client


async def ask_for_password(mooring: Mooring, client: Client) -> str:
    """Begin a job that asks a person, and so runs until somebody answers."""
    await mooring.have_account()
    asks: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def look(change: dict[str, Any]) -> None:
        if change["state"] == "asking" and not asks.done():
            asks.set_result(change["job"])

    client.on("job.changed", look)
    await client.call("jobs.subscribe")
    network = {"kind": "wifi", "ssid": mooring.demo.network.ssid, "password": "not the password"}
    await client.call(
        "jobs.start",
        kind="provision",
        board=mooring.board,
        cloud="arduino",
        name="kitchen",
        network=network,
    )
    return await asks


@pytest.mark.parametrize("command", ["pause", "resume", "quit"])
async def test_without_an_agent_there_is_nothing_to_do_and_that_is_fine(
    alone: Mooring, command: str
) -> None:
    ended = await alone.run(command, "--json")
    assert (ended.status, ended.document, ended.err) == (ExitStatus.DONE, ABSENT, "")
    assert "No agent runs" in (await alone.run(command)).out
    assert not paths_of(alone).instance_file.exists()


@pytest.mark.system("linux", "darwin")
@pytest.mark.usefixtures("agent")
async def test_a_pause_ends_monitors_and_refuses_what_is_new(alone: Mooring) -> None:
    person = Person(alone)
    try:
        await person.start("monitor", alone.board)
        await person.sees("Ctrl")
        assert (await alone.run("pause", "--json")).document == PAUSED
        await person.sees("Mooring is paused.")
        assert await person.status() == ExitStatus.NO_ACCESS
    finally:
        await person.close()
    refused = await alone.run("identify", alone.board)
    assert refused.status == ExitStatus.NO_ACCESS
    assert "mooring resume" in refused.err
    listed = await alone.run("boards")
    assert alone.board in listed.out
    assert "Mooring is paused." in listed.err
    assert "let go of every board" in (await alone.run("pause")).out
    assert (await alone.run("resume", "--json")).document == IN_USE
    assert (await alone.run("identify", alone.board)).status == ExitStatus.DONE


@pytest.mark.usefixtures("agent")
async def test_a_pause_waits_for_a_job_and_the_end_asks_about_it(alone: Mooring) -> None:
    async with client_of(alone) as client:
        job = await ask_for_password(alone, client)
        assert "Pausing after 1 job." in (await alone.run("pause")).out
        waiting = await alone.start("pause", "--wait", "--json")
        assert waiting.stderr is not None
        assert b"Pausing after 1 job." in await waiting.stderr.readline()

        refused = await alone.run("quit")
        assert refused.status == ExitStatus.USAGE
        assert "--yes: is needed" in refused.err
        assert "a job is running and would be stopped" in refused.err

        await client.call("jobs.cancel", job=job)
        ended = await finish(waiting)
        assert (ended.status, ended.document) == (ExitStatus.DONE, PAUSED)


@pytest.mark.usefixtures("agent")
async def test_who_waits_for_a_pause_is_told_when_somebody_resumes(alone: Mooring) -> None:
    async with client_of(alone) as client:
        await ask_for_password(alone, client)
        waiting = await alone.start("pause", "--wait", "--json")
        assert waiting.stderr is not None
        await waiting.stderr.readline()
        assert (await alone.run("resume")).status == ExitStatus.DONE
        assert (await finish(waiting)).document == IN_USE


async def test_the_agent_ends_gently_and_is_gone_when_the_command_returns(alone: Mooring) -> None:
    async with running_agent(alone) as agent:
        ended = await alone.run("quit", "--json")
        assert (ended.status, ended.document) == (ExitStatus.DONE, ABSENT)
        assert InstanceLock(paths_of(alone)).is_free()
        assert await agent.wait() == 0
    assert (await alone.run("pause", "--json")).document == ABSENT


async def test_jobs_are_stopped_and_undone_when_somebody_says_so(alone: Mooring) -> None:
    async with running_agent(alone) as agent:
        async with client_of(alone) as client:
            await ask_for_password(alone, client)
        assert (await alone.run("quit", "--yes")).status == ExitStatus.DONE
        assert await agent.wait() == 0
    assert alone.claims == []


@pytest.mark.system("linux", "darwin")
async def test_a_person_is_asked_before_jobs_are_stopped(alone: Mooring) -> None:
    async with running_agent(alone) as agent, client_of(alone) as client:
        await ask_for_password(alone, client)
        person = Person(alone)
        try:
            await person.start("quit")
            await person.sees("A job is running and would be stopped. End the agent?")
            person.types("no\n")
            assert await person.status() == ExitStatus.FAILED
            assert agent.returncode is None
            await person.start("quit")
            await person.sees("End the agent?")
            person.types("yes\n")
            await person.sees("The agent has ended.")
            assert await person.status() == ExitStatus.DONE
        finally:
            await person.close()
