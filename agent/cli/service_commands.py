"""Start at login: ``mooring service install``, ``uninstall`` and ``status``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent.cli.options import json_option
from agent.cli.shell import run_command

if TYPE_CHECKING:
    from agent.cli.output import Output
    from agent.cli.shell import Shell
    from agent.desktop.autostart import LoginState, LoginWay
    from agent.errors import ExitStatus


@click.group()
def service() -> None:
    """Start the agent when you log in.

    None of these starts or ends an agent that runs: `mooring run` does.
    """


@service.command()
@click.option(
    "--headless",
    is_flag=True,
    help="Without a tray icon: a systemd unit, which needs no desktop and is started again after "
    "a crash. On Linux only.",
)
@json_option
def install(*, headless: bool, as_json: bool) -> None:
    """Start at login, also if it was switched off elsewhere."""

    async def change(shell: Shell) -> ExitStatus:
        from agent.desktop.autostart import find_ways
        from agent.errors import InputError

        ways = find_ways()
        wanted = [way for way in ways if (way.id == "systemd") is headless]
        if not wanted:
            raise InputError(field="--headless", problem="is for systems with systemd only")
        wanted[0].install()
        for way in ways:
            if way is not wanted[0]:
                # Two would start two agents, of which the second one goes at once.
                way.uninstall()
        return _show(shell.output, ways)

    run_command(as_json, change)


@service.command()
@json_option
def uninstall(*, as_json: bool) -> None:
    """Do not start at login."""

    async def change(shell: Shell) -> ExitStatus:
        from agent.desktop.autostart import find_ways

        ways = find_ways()
        for way in ways:
            way.uninstall()
        return _show(shell.output, ways)

    run_command(as_json, change)


@service.command()
@json_option
def status(*, as_json: bool) -> None:
    """What this computer will really do, whoever changed it."""

    async def show(shell: Shell) -> ExitStatus:
        from agent.desktop.autostart import find_ways

        return _show(shell.output, find_ways())

    run_command(as_json, show)


def _show(output: Output, ways: list[LoginWay]) -> ExitStatus:
    from agent.desktop.autostart import starts_at_login
    from agent.errors import ExitStatus

    found = [way.status() for way in ways]
    at_login = starts_at_login(found)
    if output.as_json:
        output.document({"at_login": at_login, "ways": found})
        return ExitStatus.DONE
    output.line(f"Starts at login: {'yes' if at_login else 'no'}", "bold")
    rows = [(each.title, _words(each.state), each.place) for each in found]
    output.table(("WAY", "STATE", "WHERE"), rows, empty="")
    for each in found:
        if each.detail:
            output.note(f"{each.title}: {each.detail}")
    return ExitStatus.DONE


def _words(state: LoginState) -> str:
    from agent.desktop.autostart import LoginState

    return {
        LoginState.ON: "on",
        LoginState.ABSENT: "not installed",
        LoginState.SWITCHED_OFF: "switched off",
        LoginState.BROKEN: "broken",
    }[state]
