"""``mooring blynk``: what the account of Blynk sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent.cli.connect import open_client
from agent.cli.options import json_option
from agent.cli.shell import run_command
from agent.errors import ExitStatus

if TYPE_CHECKING:
    from agent.cli.shell import Shell


@click.group()
def blynk() -> None:
    """Devices in Blynk.

    A board is set up with `mooring provision BOARD --cloud blynk`. The list takes an account with an
    OAuth client: `mooring cloud login blynk`.
    """


@blynk.command()
@json_option
def devices(*, as_json: bool) -> None:
    """The devices of the organisation."""

    async def show(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            found = await client.call("blynk.devices")
        if shell.output.as_json:
            shell.output.document(found)
            return ExitStatus.DONE
        rows = [
            (
                str(each["id"]),
                each["name"],
                each["template"],
                each["firmware"],
                "" if each["activated"] else "waits for its board",
            )
            for each in found["devices"]
        ]
        head = ("DEVICE", "NAME", "TEMPLATE", "FIRMWARE", "STATE")
        shell.output.table(head, rows, empty="The organisation has no device.", folds=True)
        return ExitStatus.DONE

    run_command(as_json, show)
