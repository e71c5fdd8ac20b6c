"""``mooring gateway``: how the agent does as a gateway of ThingsBoard, and networks by name.

The networks rest on the disk and the agent looks there for each call of the server, so commands
work on them directly, agent or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from agent.cli.inputs import network_options, read_network
from agent.cli.options import json_option
from agent.cli.shell import run_command
from agent.errors import ErrorReport, ExitStatus, InputError
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from agent.cli.shell import Shell
    from agent.gateway.networks import StoredNetworks

PHASES: Final = {
    "provisioning": "it registers itself",
    "connecting": "it connects",
    "connected": "it is connected",
    "waiting": "it waits {seconds} s before it tries again",
}

name_argument: Final = click.argument("name", metavar="NAME")


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def gateway(context: click.Context, *, as_json: bool) -> None:
    """How the agent does as a gateway of ThingsBoard, and networks that the server may name.

    The settings are those of the section gateway (mooring config).
    """
    if context.invoked_subcommand is None:
        run_command(as_json, _status)


@gateway.command()
@json_option
def status(*, as_json: bool) -> None:
    """How it does; exit status 1 if it is not connected."""
    run_command(as_json, _status)


@gateway.command(short_help="The networks that the server may name.")
@json_option
def networks(*, as_json: bool) -> None:
    """The networks that the server may name; never what is in them."""

    async def show(shell: Shell) -> ExitStatus:
        found = await _networks().all()
        if shell.output.as_json:
            shell.output.document({"networks": found})
        else:
            rows = [(clean_text(each.name), each.kind) for each in found]
            shell.output.table(("NETWORK", "KIND"), rows, empty="No network has a name.")
        return ExitStatus.DONE

    run_command(as_json, show)


@gateway.command(
    name="add-network", short_help="Name a network that the server may give to boards."
)
@name_argument
@network_options
@json_option
def add_network(
    *,
    name: str,
    ssid: str | None,
    network_file: str | None,
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Give a network the name NAME, by which the server may tell a board to join it."""
    from agent.gateway.networks import check_name

    def add(shell: Shell) -> Coroutine[object, object, ExitStatus]:
        check_name(name)
        # Asks before anything runs.
        return _add(shell, name, read_network(ssid, network_file, password_stdin=password_stdin))

    run_command(as_json, add)


@gateway.command(name="remove-network", short_help="Forget such a name.")
@name_argument
@json_option
def remove_network(*, name: str, as_json: bool) -> None:
    """Forget the network NAME; boards that have joined it stay there."""

    async def remove(shell: Shell) -> ExitStatus:
        if not await _networks().remove(name):
            raise InputError(field="NAME", problem="is not the name of a network here")
        if shell.output.as_json:
            shell.output.document({"removed": name})
        else:
            shell.output.line(f"{clean_text(name)} is forgotten.")
        return ExitStatus.DONE

    run_command(as_json, remove)


async def _add(shell: Shell, name: str, network: Mapping[str, Any]) -> ExitStatus:
    kept = await _networks().put(name, network)
    if shell.output.as_json:
        shell.output.document(kept)
    else:
        shell.output.line(f"{clean_text(kept.name)} is kept.")
    return ExitStatus.DONE


async def _status(shell: Shell) -> ExitStatus:
    from agent.cli.connect import open_running

    async with open_running() as client:
        info = await client.call("agent.info") if client is not None else {}
    doing = info.get("gateway")
    if shell.output.as_json:
        shell.output.document({"running": client is not None, "gateway": doing})
    elif client is None:
        shell.output.line("No agent runs.")
    elif doing is None:
        text = "This agent is no gateway: gateway.enabled is off, or its settings are not complete."
        shell.output.line(text)
    else:
        name = clean_text(doing["name"]) or "a gateway"
        words = PHASES.get(doing["phase"], doing["phase"]).format(seconds=round(doing["again_s"]))
        shell.output.line(f"{name} at {clean_text(doing['server'])}: {words}.")
    if not shell.output.as_json:
        problems = [doing["error"]] if doing is not None else info.get("notices", [])
        for report in msgspec.convert(problems, list[ErrorReport | None]):
            if report is not None and (doing is not None or report.code.startswith("gateway")):
                shell.output.explain(report)
    connected = doing is not None and doing["phase"] == "connected"
    return ExitStatus.DONE if connected else ExitStatus.FAILED


def _networks() -> StoredNetworks:
    from agent.gateway.networks import StoredNetworks
    from agent.parts import make_accounts
    from agent.settings.paths import find_paths

    paths = find_paths()
    paths.make()
    return StoredNetworks(make_accounts(paths), paths.gateway_networks_file)
