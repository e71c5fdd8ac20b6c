"""``mooring nrf devices`` and ``commands``: what the team has, and what its boards were told to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from agent.cli.ask import agreed
from agent.cli.connect import open_client
from agent.cli.inputs import require_yes
from agent.cli.options import json_option
from agent.cli.shell import run_command
from agent.errors import ExitStatus, InputError
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.cli.output import Output
    from agent.cli.shell import Shell

DETAIL_CHARS: Final = 300
AGAIN: Final = (
    "What failed is queued once more; the board does it when it next asks. To have it ask now: mooring "
    "provision BOARD --cloud nrf"
)
NONE: Final = "This board has no commands. Those of a rule come when it is next online."
DAY_CHARS: Final = 10
"""Of a time in ISO 8601."""
_ONBOARDED: Final = {True: "yes", False: "not yet", None: "not known"}
STATUSES: Final = {"failed": "FAILED", "done": "SUCCEEDED"}
"""What ``--delete`` calls commands with a status."""


@click.command(short_help="The boards that your team has claimed.")
@json_option
def devices(*, as_json: bool) -> None:
    """The boards that your team has claimed, and which of them are in nRF Cloud.

    A board gets there when it has been online. Devices that came by a certificate of their own are
    behind them.
    """

    async def show(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            shell.output.status("… Asking nRF Cloud")
            found = await client.call("nrf.devices")
        if shell.output.as_json:
            shell.output.document(found)
        else:
            _show_devices(shell.output, found["devices"])
        return ExitStatus.DONE

    run_command(as_json, show)


def _show_devices(output: Output, found: Sequence[dict[str, Any]]) -> None:
    rows = [
        (
            each["id"],
            each["name"],
            _ONBOARDED[each["onboarded"]],
            each["chip"],
            each["imei"],
            ", ".join(each["tags"]),
            each["claimed_at"][:DAY_CHARS] if each["claimed"] else "not claimed",
        )
        for each in found
    ]
    head = ("DEVICE", "NAME", "IN NRF CLOUD", "CHIP", "IMEI", "TAGS", "CLAIMED")
    output.table(head, rows, empty="Your team has claimed no board.", folds=True)


@click.command(short_help="What a board was told to do, and what became of it.")
@click.argument("device", metavar="DEVICE")
@click.option(
    "--again", is_flag=True, help="Queue what failed once more: the board stops in front of it."
)
@click.option(
    "--delete",
    "unwanted",
    metavar="failed|done|COMMAND",
    multiple=True,
    help="Take those that failed, those that are done or one by its id out of the list; may be "
    "repeated. A board has at most 20, those that are done among them.",
)
@click.option("--yes", "confirmed", is_flag=True, help="Do not ask.")
@json_option
def commands(
    *, device: str, again: bool, unwanted: tuple[str, ...], confirmed: bool, as_json: bool
) -> None:
    """The provisioning commands of a claimed board, and what became of them.

    DEVICE is its device id, a beginning that no other has, its IMEI, or its name in nRF Cloud.
    """
    if again and unwanted:
        raise click.UsageError("--again and --delete do not go together.")

    async def show(shell: Shell) -> ExitStatus:
        if unwanted and not confirmed:
            require_yes(shell.attended, "commands are deleted")
        async with open_client(shell.output) as client:
            method = "nrf.queue_again" if again else "nrf.commands"
            shell.output.status("… Asking nRF Cloud")
            found = await client.call(method, device=device)
            if unwanted:
                ids = _chosen(found["commands"], unwanted)
                shown = f"Delete {len(ids)} command{'' if len(ids) == 1 else 's'} of {device}"
                if ids and not (confirmed or await agreed(shell, shown)):
                    return ExitStatus.FAILED
                found = await client.call(
                    "nrf.delete_commands", device=found["device"], commands=ids
                )
        if shell.output.as_json:
            shell.output.document(found)
        else:
            _show_commands(shell.output, found)
            if again:
                shell.output.note(AGAIN)
        return ExitStatus.DONE

    run_command(as_json, show)


def _chosen(found: Sequence[dict[str, Any]], unwanted: Sequence[str]) -> list[str]:
    """Ids; :class:`InputError` for one that is not there."""
    chosen: list[str] = []
    for each in unwanted:
        status = STATUSES.get(each.lower())
        ids = [one["id"] for one in found if each == one["id"] or status == one["status"]]
        if not ids and status is None:
            raise InputError(field="--delete", problem=f"{clean_text(each)} is no command here")
        chosen += ids
    return list(dict.fromkeys(chosen))


def _show_commands(output: Output, found: dict[str, Any]) -> None:
    listed = found["commands"]
    rows = [
        (
            each["id"],
            each["name"],
            each["status"],
            each["description"],
            clean_text(each["detail"], DETAIL_CHARS),
        )
        for each in listed
    ]
    head = ("COMMAND", "WHAT", "STATUS", "DESCRIPTION", "SAID")
    output.table(head, rows, empty=NONE, folds=True)
    failed = [each for each in listed if each["blocks"]]
    if failed:
        names = ", ".join(clean_text(each["name"]) for each in failed)
        what = f"mooring nrf commands {found['device']}"
        output.note(
            f"The board does nothing that stands behind what failed ({names}). To have it tried once "
            f"more: {what} --again; to do without it: {what} --delete failed",
            "yellow",
        )
