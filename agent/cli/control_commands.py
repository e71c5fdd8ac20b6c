"""Commands for the agent that runs: ``pause``, ``resume`` and ``quit``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import click

from agent.cli.options import json_option
from agent.cli.shell import run_command

if TYPE_CHECKING:
    from agent.cli.client import Client
    from agent.cli.output import Output
    from agent.cli.shell import Shell
    from agent.errors import ExitStatus
    from agent.settings.paths import Paths

LOOK_S: Final = 0.05
"""Between two looks whether the lock of an agent that ends is free."""
END_S: Final = 15.0
"""An agent gives its jobs two seconds to undo what they must (``agent.jobs.service``) and its pages
one; a busy computer needs some more."""


@click.command()
@click.option("--wait", is_flag=True, help="Return only when the last job has let go of its board.")
@json_option
def pause(*, wait: bool, as_json: bool) -> None:
    """Have the agent let go of every board, for another program.

    Serial monitors are closed. Jobs that run are not cut; nothing new begins until `mooring resume`
    or a restart of the agent.
    """

    async def change(shell: Shell) -> ExitStatus:
        from agent.cli.connect import open_running
        from agent.errors import ExitStatus

        async with open_running() as client:
            if client is None:
                return _absent(shell.output, "No agent runs, so none has a board.")
            info = await _pause(shell.output, client, wait=wait)
            _show(shell.output, info)
        return ExitStatus.DONE

    run_command(as_json, change)


@click.command()
@json_option
def resume(*, as_json: bool) -> None:
    """End a pause."""

    async def change(shell: Shell) -> ExitStatus:
        from agent.cli.connect import open_running
        from agent.errors import ExitStatus

        async with open_running() as client:
            if client is None:
                return _absent(shell.output, "No agent runs.")
            _show(shell.output, await client.call("agent.resume"))
        return ExitStatus.DONE

    run_command(as_json, change)


@click.command(name="quit")
@click.option("--yes", is_flag=True, help="Also while jobs run, which are stopped.")
@json_option
def quit_(*, yes: bool, as_json: bool) -> None:
    """End the agent, and return when it has ended. Done as well if none runs."""

    async def change(shell: Shell) -> ExitStatus:
        from agent.cli.connect import open_running
        from agent.errors import ExitStatus
        from agent.settings.paths import find_paths

        async with open_running() as client:
            if client is None:
                return _absent(shell.output, "No agent runs.")
            jobs = (await client.call("agent.info"))["jobs"]
            if jobs and not yes and not await _agreed(shell, jobs):
                return ExitStatus.FAILED
            await client.call("agent.quit")
        await _ended(find_paths())
        if shell.output.as_json:
            shell.output.document({"running": False})
        else:
            shell.output.line("The agent has ended.")
        return ExitStatus.DONE

    run_command(as_json, change)


async def _pause(output: Output, client: Client, *, wait: bool) -> dict[str, Any]:
    changes: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    client.on("agent.changed", changes.put_nowait)
    await client.call("agent.subscribe")
    info: dict[str, Any] = await client.call("agent.pause")
    if not wait or not info["pausing"]:
        return info
    output.note(_waits(info["pausing"]))
    gone = asyncio.ensure_future(client.wait_gone())
    try:
        while info["paused"] and info["pausing"]:
            news = asyncio.ensure_future(changes.get())
            await asyncio.wait({news, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not news.done():
                news.cancel()
                gone.result()
            info = news.result()
    finally:
        gone.cancel()
    return info


def _waits(jobs: int) -> str:
    return f"Pausing after {jobs} job{'s' if jobs > 1 else ''}."


def _show(output: Output, info: dict[str, Any]) -> None:
    if output.as_json:
        told = {name: info[name] for name in ("paused", "pausing")}
        output.document({"running": True, **told})
    elif not info["paused"]:
        output.line("The agent uses boards.")
    elif info["pausing"]:
        output.line(_waits(info["pausing"]) + " Nothing new begins.")
    else:
        output.line("The agent is paused and has let go of every board.")


def _absent(output: Output, text: str) -> ExitStatus:
    from agent.errors import ExitStatus

    if output.as_json:
        output.document({"running": False})
    else:
        output.line(text)
    return ExitStatus.DONE


async def _agreed(shell: Shell, jobs: int) -> bool:
    from agent.cli.inputs import require_yes
    from agent.desktop.tray.menu import cost_of_quitting

    cost = cost_of_quitting(jobs)
    require_yes(shell.attended, f"{cost[:1].lower()}{cost[1:]}")
    typed = await shell.keyboard.ask(f"{cost}. End the agent? (yes or no): ")
    return typed.strip().lower() in {"y", "yes"}


async def _ended(paths: Paths) -> None:
    """Return when no agent holds the lock; raises :class:`AgentSilent` after END_S."""
    from agent.desktop.instance import InstanceLock, find_instance
    from agent.errors import AgentSilent

    loop = asyncio.get_running_loop()
    until = loop.time() + END_S
    while not InstanceLock(paths).is_free():
        if loop.time() > until:
            instance = find_instance(paths)
            pid = "unknown" if instance is None else instance.pid
            raise AgentSilent(seconds=round(END_S), lock=str(paths.lock_file), pid=pid)
        await asyncio.sleep(LOOK_S)
