"""``provision`` with a cloud that gives credentials to boards: its options, and how it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from agent.cli.air import reach
from agent.cli.connect import open_client
from agent.cli.follow import run_job
from agent.cli.output import seconds_text
from agent.cli.progress import result_notes
from agent.errors import InputError
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.cli.header import HeaderFile
    from agent.cli.shell import Shell
    from agent.errors import ExitStatus
    from agent.jobs.job import Job

ENROL_CLOUDS: Final = frozenset({"thingsboard"})
"""Clouds that give credentials to boards."""
CREDENTIALS: Final = {
    "token": "access_token",
    "basic": "mqtt_basic",
    "certificate": "certificate",
}
DELIVERIES: Final = ("auto", "console", "repl", "nvs", "header")
_AUTO: Final = "auto"

F = TypeVar("F", bound="Callable[..., Any]")


def enrol_options(command: F) -> F:
    """``--credentials`` and ``--delivery``."""
    credentials = click.option(
        "--credentials",
        type=click.Choice(list(CREDENTIALS)),
        help="With thingsboard: what is made for the board; default: token. A device that was "
        "prepared on the server has its own.",
    )
    delivery = click.option(
        "--delivery",
        type=click.Choice(DELIVERIES),
        help="With thingsboard: how the board gets its settings; default: as it answers.",
    )
    return credentials(delivery(command))


def refuse_enrol_options(credentials: str | None, delivery: str | None) -> None:
    """Raise :class:`InputError` where another cloud was chosen."""
    for name, value in (("--credentials", credentials), ("--delivery", delivery)):
        if value is not None:
            raise InputError(field=name, problem="is used with --cloud thingsboard")


async def provision_enrol(
    shell: Shell,
    wanted: str,
    via: str | None,
    header: HeaderFile | None,
    request: dict[str, Any],
) -> ExitStatus:
    """Run the job; ``header`` is where a header file goes, if one was asked for."""
    credentials, delivery = request.pop("credentials"), request.pop("delivery")
    if header is not None and delivery not in {None, "header"}:
        raise InputError(field="--header", problem="goes with --delivery header only")
    given = {name: value for name, value in request.items() if value not in (None, False, "")}
    if credentials is not None:
        given["credentials"] = CREDENTIALS[credentials]
    if header is not None:
        header.require_free()
        given["delivery"] = "header"
    elif delivery not in {None, _AUTO}:
        given["delivery"] = delivery
    async with open_client(shell.output) as client:
        reached = await reach(client, shell.output, wanted, via)
        made = header
        return await run_job(
            shell,
            client,
            enrolled,
            deliver=None if made is None else lambda job: made.deliver(shell, client, job),
            aside=made is not None and made.path is None,
            kind="provision",
            **reached,
            **given,
        )


def enrolled(job: Job) -> str:
    """How it ended well: name and link, and who has seen it; never what the board was given."""
    result = job.result or {}
    name = clean_text(str(result.get("device")))
    took = seconds_text(result.get("seconds"))
    if result.get("delivery") == "header":
        lines = [f"{name} was made ({took}); its settings are in the header file"]
    elif result.get("connected"):
        who = "the board says so" if result["connected"] == "board" else "the server has seen it"
        lines = [f"{name} is connected ({took}): {who}"]
    else:
        lines = [f"{name} has its settings ({took})"]
    if result.get("link"):
        lines.append(clean_text(str(result["link"])))
    if result.get("entry"):
        lines.append(f"Its credentials are in the vault, entry {clean_text(str(result['entry']))}")
    return "\n".join([*lines, *result_notes(result)])
