"""``mooring nrf``: nRF Cloud beyond one board: tokens and files of many, credentials, lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent.cli.connect import open_client
from agent.cli.nrf_claim import claim
from agent.cli.nrf_credentials import credentials
from agent.cli.nrf_devices import find_device
from agent.cli.nrf_onboard import onboard
from agent.cli.nrf_tokens import tokens
from agent.cli.options import json_option
from agent.cli.shell import run_command
from agent.errors import ExitStatus
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.cli.shell import Shell

DETAIL_CHARS = 300
DAY_CHARS = 10
"""Of a time in ISO 8601."""


@click.group()
def nrf() -> None:
    """Boards with an nRF91 and nRF Cloud.

    One board is set up with `mooring provision BOARD --cloud nrf`. Sign in first: `mooring cloud
    login nrf`; reading tokens, credentials and preparing boards need no account.
    """


@nrf.command()
@json_option
def devices(*, as_json: bool) -> None:
    """The boards that your team has claimed."""

    async def show(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            found = await client.call("nrf.devices")
        if shell.output.as_json:
            shell.output.document(found)
            return ExitStatus.DONE
        rows = [
            (
                each["id"],
                each["chip"],
                each["imei"],
                each["status"],
                ", ".join(each["tags"]),
                each["claimed_at"][:DAY_CHARS],
            )
            for each in found["devices"]
        ]
        head = ("DEVICE", "CHIP", "IMEI", "STATUS", "TAGS", "CLAIMED")
        shell.output.table(head, rows, empty="Your team has claimed no board.", folds=True)
        return ExitStatus.DONE

    run_command(as_json, show)


@nrf.command()
@click.argument("device", metavar="DEVICE")
@json_option
def commands(*, device: str, as_json: bool) -> None:
    """The provisioning commands of a claimed board, and what became of them.

    DEVICE is its device id, a beginning that no other has, or its IMEI.
    """

    async def show(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            chosen = await find_device(client, device)
            found = await client.call("nrf.commands", device=chosen)
        if shell.output.as_json:
            shell.output.document({"device": chosen, **found})
            return ExitStatus.DONE
        rows = [
            (
                each["id"],
                each["name"],
                each["status"],
                each["description"],
                clean_text(each["detail"], DETAIL_CHARS),
            )
            for each in found["commands"]
        ]
        head = ("COMMAND", "WHAT", "STATUS", "DESCRIPTION", "SAID")
        shell.output.table(head, rows, empty="This board has no commands.", folds=True)
        return ExitStatus.DONE

    run_command(as_json, show)


for each in (tokens, claim, onboard, credentials):
    nrf.add_command(each)
