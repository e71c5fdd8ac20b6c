"""``mooring blynk``: what the account of Blynk sees, and what it can do over the air."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from agent.cli.blynk_devices import find_device, named, sure, tell_kept
from agent.cli.blynk_static import claim, static_tokens, unclaim
from agent.cli.connect import open_client
from agent.cli.options import json_option
from agent.cli.shell import run_command
from agent.errors import ExitStatus
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.cli.output import Output
    from agent.cli.shell import Shell

IN_AIR = "ble-"
"""Begin of the ids of boards that were only ever heard over Bluetooth."""

device_argument = click.argument("device", metavar="DEVICE")
yes_option = click.option("--yes", "confirmed", is_flag=True, help="Do not ask.")


@click.group()
def blynk() -> None:
    """Devices in Blynk.

    A board is set up with `mooring provision BOARD --cloud blynk`. These commands take an account with
    an OAuth client: `mooring cloud login blynk`. DEVICE is its number, or a name that no other has.
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


@blynk.command(short_help="Send an online board back to its configuration mode.")
@device_argument
@yes_option
@json_option
def reconfigure(*, device: str, confirmed: bool, as_json: bool) -> None:
    """Send a board that is online back to its configuration mode, over the air.

    It leaves its network and opens one of its own, or is heard over Bluetooth, until somebody near it
    gives it another network. The device, its data and its token stay.
    """

    async def send(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            found = await find_device(client, device)
            told = (
                f"{named(found)} leaves its network and is offline until somebody near it gives it "
                "another one: it cannot be called back."
            )
            if not await sure(shell, told, "Send it back", confirmed=confirmed):
                return ExitStatus.FAILED
            answer = await client.call("blynk.reconfigure", device=found["id"])
            here = {each["id"] for each in (await client.call("boards.list"))["boards"]}
        if shell.output.as_json:
            shell.output.document(answer)
            return ExitStatus.DONE
        shell.output.line(f"{named(answer['device'])} was told.", "green")
        if not answer["entry"]:
            tell_kept(shell.output, answer, way=False)
        _tell_next(shell.output, answer, here)
        return ExitStatus.DONE

    run_command(as_json, send)


@blynk.command(short_help="Make a device before its board.")
@click.argument("name", metavar="NAME")
@click.option("--template", required=True, metavar="ID", help="As in TMPLdemo00000.")
@json_option
def create(*, name: str, template: str, as_json: bool) -> None:
    """Make a device before its board; its token goes into the vault.

    The board gets it when it is set up with the same --name. NAME has at most 50 characters.
    """

    async def make(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            answer = await client.call("blynk.create", template=template, name=name)
        if shell.output.as_json:
            shell.output.document(answer)
            return ExitStatus.DONE
        shell.output.line(f"{named(answer['device'])} is there and waits for its board.", "green")
        tell_kept(shell.output, answer, way=True)
        return ExitStatus.DONE

    run_command(as_json, make)


@blynk.command()
@device_argument
@click.argument("name", metavar="NAME")
@json_option
def rename(*, device: str, name: str, as_json: bool) -> None:
    """Give a device another name."""

    async def change(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            found = await find_device(client, device)
            answer = await client.call("blynk.rename", device=found["id"], name=name)
        if shell.output.as_json:
            shell.output.document(answer)
        else:
            shell.output.line(f"{named(found)} is called {clean_text(answer['name'])}.")
        return ExitStatus.DONE

    run_command(as_json, change)


@blynk.command(short_help="Erase what a device has sent.")
@device_argument
@yes_option
@json_option
def clear(*, device: str, confirmed: bool, as_json: bool) -> None:
    """Erase all that a device has sent; the device, its token and its board stay as they are."""

    async def erase(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            found = await find_device(client, device)
            told = f"All that {named(found)} ever sent is erased; this cannot be undone."
            if not await sure(shell, told, "Erase its data", confirmed=confirmed):
                return ExitStatus.FAILED
            await client.call("blynk.clear", device=found["id"])
        if shell.output.as_json:
            shell.output.document({"device": found["id"]})
        else:
            shell.output.line(f"The data of {named(found)} are erased.")
        return ExitStatus.DONE

    run_command(as_json, erase)


def _tell_next(output: Output, answer: dict[str, Any], here: set[str]) -> None:
    """How the board gets its next network."""
    point, board = clean_text(answer["access_point"]), str(answer["board"])
    blue = "Within half a minute its light flashes blue: it"
    if board in here or board.startswith(IN_AIR):
        heard = "is heard over Bluetooth" if board.startswith(IN_AIR) else "waits on its cable"
        output.line(f"{blue} {heard}.")
        way, look = board, ""
    else:
        network = f"its network “{point}”" if point else "a network of its own"
        output.line(f"{blue} opens {network}, or is heard over Bluetooth.")
        way = f"--access-point {_quoted(point) if point else 'NETWORK'}"
        look = "" if point else "mooring boards --wifi shows it. "
    name = _quoted(clean_text(answer["device"]["name"]))
    output.note(f"{look}Then: mooring provision {way} --cloud blynk --name {name}", "dim")


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "'\\''") + "'"


for each in (static_tokens, claim, unclaim):
    blynk.add_command(each)
