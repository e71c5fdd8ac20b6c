"""``mooring vault restore``: credentials of an entry, on the board or in a file, once more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import click

from agent.cli.air import reach
from agent.cli.ask import agreed
from agent.cli.connect import open_client
from agent.cli.enrol_commands import DELIVERIES, enrolled
from agent.cli.follow import run_job
from agent.cli.header import IMAGE_OPTION, SETTINGS_HEADER, read_header, settings_file
from agent.cli.inputs import network_options, optional_network
from agent.cli.options import json_option
from agent.cli.shell import run_command
from agent.clouds.vault import open_vault
from agent.errors import EntryStale, ExitStatus, InputError, MooringError
from agent.settings import clean_text
from agent.settings.credentials import BoardSettings
from agent.settings.load import load_config
from agent.settings.network import parse_network
from agent.settings.paths import find_paths

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from agent.cli.header import HeaderFile
    from agent.cli.shell import Shell
    from agent.clouds.vault_view import VaultEntry
    from agent.settings.credentials import CloudSettings

TITLES: Final = {"thingsboard": "ThingsBoard"}


@click.command(short_help="Put the credentials of an entry on the board again.")
@click.argument("entry", metavar="ENTRY")
@click.argument("board", metavar="[BOARD]", required=False)
@network_options
@click.option(
    "--delivery",
    type=click.Choice(DELIVERIES),
    help="How the board gets them; default: as it answers.",
)
@click.option(
    "--header",
    metavar="FILE",
    help="Make a header file for a sketch instead; no board is needed. - for standard output.",
)
@click.option(
    "--nvs",
    metavar="FILE",
    help="Make an NVS partition for an ESP32 instead; no board is needed.",
)
@click.option(
    "--yes",
    "confirmed",
    is_flag=True,
    help="Also onto another board than the one that they were given to.",
)
@json_option
def restore(
    *,
    entry: str,
    board: str | None,
    ssid: str | None,
    network_file: str | None,
    password_stdin: bool,
    delivery: str | None,
    header: str | None,
    nvs: str | None,
    confirmed: bool,
    as_json: bool,
) -> None:
    """Put the credentials of an entry on the board again: after a fault, or to go back.

    Without BOARD it is the one that they were given to. Before the board is changed the server is
    asked whether it still takes them. What the board has now stays in the vault, as “earlier”.
    """

    def begin(shell: Shell) -> Awaitable[ExitStatus]:
        network = optional_network(ssid, network_file, password_stdin=password_stdin)
        file = settings_file(delivery, header, nvs)
        if file is None:
            request = {"network": network, "delivery": delivery, "confirmed": confirmed}
            return _to_board(shell, entry, board, request)
        if file.option == IMAGE_OPTION and delivery is not None:
            raise InputError(field=IMAGE_OPTION, problem="is a delivery of its own")
        if delivery not in {None, "header"}:
            raise InputError(field="--header", problem="goes with --delivery header only")
        file.require_free()
        return _to_file(shell, entry, file, network, confirmed=confirmed)

    run_command(as_json, begin)


async def _to_board(
    shell: Shell, entry: str, board: str | None, request: dict[str, Any]
) -> ExitStatus:
    found = await open_vault(find_paths()).find(entry)
    if not (board or found.board):
        raise InputError(field="BOARD", problem="is missing: this entry was made for a file")
    given = {name: value for name, value in request.items() if value not in (None, False, "auto")}
    # A person may choose a header file while the job runs: then it gets its usual name.
    made = read_header(None, usual=SETTINGS_HEADER)
    async with open_client(shell.output) as client:
        reached = await reach(client, shell.output, board or found.board, None)
        return await run_job(
            shell,
            client,
            enrolled,
            deliver=lambda job: made.deliver(shell, client, job),
            kind="restore",
            entry=found.id,
            **reached,
            **given,
        )


async def _to_file(
    shell: Shell,
    entry: str,
    file: HeaderFile,
    network: dict[str, Any] | None,
    *,
    confirmed: bool,
) -> ExitStatus:
    """From the vault to the file, in this process and through no other."""
    opened = open_vault(find_paths())
    found = await opened.find(entry)
    cloud = await opened.entry(found.id)
    settings = BoardSettings(
        network=None if network is None else parse_network(network), cloud=cloud
    )
    settings.check()
    if not await _is_wanted(shell, found, cloud, confirmed=confirmed):
        return ExitStatus.FAILED
    content = await asyncio.to_thread(_content, settings, file)
    document: dict[str, Any] = {"entry": found.id, "device": found.device}
    if file.path is None:
        if shell.output.as_json:
            shell.output.document(document | {"header_text": content.decode()})
        else:
            shell.output.piece(content.decode())
        return ExitStatus.DONE
    path = file.write(content)
    kind = "nvs" if file.option == IMAGE_OPTION else "header"
    if shell.output.as_json:
        shell.output.document(document | {kind: str(path)})
    else:
        shell.output.line(f"{path} has the credentials of {clean_text(found.device)}.")
    return ExitStatus.DONE


def _content(settings: BoardSettings, file: HeaderFile) -> bytes:
    from agent.jobs.enrol_header import settings_header
    from agent.jobs.nvs_image import settings_image

    if file.option == IMAGE_OPTION:
        return settings_image(settings, names=load_config(find_paths().config_file).nvs.names)
    return settings_header(settings).reveal().encode()


async def _is_wanted(
    shell: Shell, found: VaultEntry, cloud: CloudSettings, *, confirmed: bool
) -> bool:
    """Whether the server takes them, or the person wants them all the same."""
    from agent.clouds.clock import SystemClock
    from agent.clouds.route import Routes
    from agent.clouds.thingsboard.proof import prove

    title = TITLES.get(found.cloud, found.cloud)
    config = load_config(find_paths().config_file)
    try:
        taken = await prove(cloud, Routes(lambda: config.network), title=title, clock=SystemClock())
    except MooringError as error:
        why = error.report().title
        shell.output.note(f"Whether the server takes these credentials is not known: {why}")
        return True
    if taken is not False:
        return True
    stale = EntryStale(cloud=title, entry=found.id, name=found.device)
    if not (confirmed or shell.attended):
        raise stale
    shell.output.explain(stale.report())
    return confirmed or await agreed(shell, "Make the file all the same")
