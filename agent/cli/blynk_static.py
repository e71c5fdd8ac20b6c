"""``mooring blynk``: static tokens, which are the QR codes of devices that were prepared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent.cli.blynk_devices import find_device, named, sure, tell_kept
from agent.cli.connect import open_client
from agent.cli.inputs import ask_secret, can_ask, first_line
from agent.cli.options import json_option
from agent.cli.shell import run_command
from agent.errors import ExitStatus, InputError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from agent.cli.shell import Shell


@click.command(name="static-tokens", short_help="Devices that were prepared with a QR code.")
@json_option
def static_tokens(*, as_json: bool) -> None:
    """Devices that were prepared: their token is in their firmware, their QR code on the box.

    Whoever has a code can claim its device, so codes are not shown; ENDS are their last characters.
    """

    async def show(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            found = await client.call("blynk.static_tokens")
        if shell.output.as_json:
            shell.output.document(found)
            return ExitStatus.DONE
        rows = [
            (
                f"…{each['ends']}",
                "claimed" if each["claimed"] else "waits for its owner",
                str(each["device"] or ""),
            )
            for each in found["tokens"]
        ]
        empty = "The organisation has prepared no device."
        shell.output.table(("ENDS", "STATE", "DEVICE"), rows, empty=empty)
        return ExitStatus.DONE

    run_command(as_json, show)


@click.command(short_help="Make the device of a QR code your own.")
@click.option(
    "--code-stdin",
    is_flag=True,
    help="Take the text of the QR code (sqr_…) from the first line of standard input.",
)
@json_option
def claim(*, code_stdin: bool, as_json: bool) -> None:
    """Claim the device of a QR code for the owner in your account.

    The text of the code is asked for, and what is typed is not shown.
    """

    def begin(shell: Shell) -> Awaitable[ExitStatus]:
        if not code_stdin and not can_ask():
            raise InputError(field="code", problem="is not given: use --code-stdin")
        code = first_line("code") if code_stdin else ask_secret("Text of the QR code (sqr_…): ")

        async def take() -> ExitStatus:
            async with open_client(shell.output) as client:
                answer = await client.call("blynk.claim", code=code)
            if shell.output.as_json:
                shell.output.document(answer)
                return ExitStatus.DONE
            shell.output.line(f"{named(answer['device'])} is yours.", "green")
            tell_kept(shell.output, answer, way=False)
            return ExitStatus.DONE

        return take()

    run_command(as_json, begin)


@click.command(short_help="Give such a device back.")
@click.argument("device", metavar="DEVICE")
@click.option("--yes", "confirmed", is_flag=True, help="Do not ask.")
@json_option
def unclaim(*, device: str, confirmed: bool, as_json: bool) -> None:
    """Give the device of a QR code back: whoever has the code can claim it again."""

    async def give(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            found = await find_device(client, device)
            told = (
                f"{named(found)} leaves its owner with all that it sent, and whoever has its code can "
                "claim it; this cannot be undone."
            )
            if not await sure(shell, told, "Give it back", confirmed=confirmed):
                return ExitStatus.FAILED
            await client.call("blynk.unclaim", device=found["id"])
        if shell.output.as_json:
            shell.output.document({"device": found["id"]})
        else:
            shell.output.line(f"{named(found)} waits for an owner again.")
        return ExitStatus.DONE

    run_command(as_json, give)
