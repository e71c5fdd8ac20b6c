"""``provision`` with a cloud that gives credentials to boards: its options, and how it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from agent.cli.air import reach
from agent.cli.connect import open_client
from agent.cli.follow import run_job
from agent.cli.header import IMAGE_OPTION, SETTINGS_HEADER, read_header
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
"""What ``--delivery`` names; an image is asked for with ``--nvs``."""
_AUTO: Final = "auto"

NO_LWM2M: Final = (
    "ThingsBoard does not tell what it made for a device with LWM2M, so no board could use it"
)

F = TypeVar("F", bound="Callable[..., Any]")


class _Kind(click.Choice[str]):
    """Kinds of credentials; says why there is one that is left out."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """See the base class."""
        if str(value).lower().startswith("lwm2m"):
            self.fail(f"'{value}' is not possible: {NO_LWM2M}.", param, ctx)
        return super().convert(value, param, ctx)


def enrol_options(command: F) -> F:
    """``--credentials``, ``--delivery`` and ``--nvs``."""
    credentials = click.option(
        "--credentials",
        type=_Kind(list(CREDENTIALS)),
        help="With thingsboard: what is made for the board; default: token. A device that was "
        "prepared on the server has its own.",
    )
    delivery = click.option(
        "--delivery",
        type=click.Choice(DELIVERIES),
        help="With thingsboard: how the board gets its settings; default: as it answers.",
    )
    image = click.option(
        "--nvs",
        metavar="FILE",
        help="With thingsboard: make an NVS partition for an ESP32 instead, to be flashed with "
        "everything else; no board is needed for it, but a name.",
    )
    return credentials(delivery(image(command)))


def refuse_enrol_options(credentials: str | None, delivery: str | None, nvs: str | None) -> None:
    """Raise :class:`InputError` where another cloud was chosen."""
    given = (("--credentials", credentials), ("--delivery", delivery), (IMAGE_OPTION, nvs))
    for name, value in given:
        if value is not None:
            raise InputError(field=name, problem="is used with --cloud thingsboard")


async def provision_enrol(
    shell: Shell,
    wanted: str,
    via: str | None,
    file: HeaderFile | None,
    request: dict[str, Any],
) -> ExitStatus:
    """Run the job; ``file`` is where a header file or an image goes, if one was asked for."""
    credentials, delivery = request.pop("credentials"), request.pop("delivery")
    image = file is not None and file.option == IMAGE_OPTION
    if image and delivery is not None:
        raise InputError(field=IMAGE_OPTION, problem="is a delivery of its own")
    if file is not None and not image and delivery not in {None, "header"}:
        raise InputError(field="--header", problem="goes with --delivery header only")
    given = {name: value for name, value in request.items() if value not in (None, False, "")}
    if credentials is not None:
        given["credentials"] = CREDENTIALS[credentials]
    if file is not None:
        file.require_free()
        given["delivery"] = "image" if image else "header"
    elif delivery not in {None, _AUTO}:
        given["delivery"] = delivery
    # A person may choose a header file while the job runs: then it gets its usual name.
    made = file or read_header(None, usual=SETTINGS_HEADER)
    async with open_client(shell.output) as client:
        reached = await reach(client, shell.output, wanted, via) if wanted or via else {"board": ""}
        return await run_job(
            shell,
            client,
            enrolled,
            deliver=lambda job: made.deliver(shell, client, job),
            aside=made.path is None,
            kind="provision",
            **reached,
            **given,
        )


def enrolled(job: Job) -> str:
    """How it ended well: name and link, and who has seen it; never what the board was given."""
    result = job.result or {}
    name = clean_text(str(result.get("device")))
    took = seconds_text(result.get("seconds"))
    verb = "was taken out of the vault" if result.get("procedure") == "restore" else "was made"
    if result.get("delivery") == "header":
        lines = [f"{name} {verb} ({took}); its settings are in the header file"]
    elif result.get("delivery") == "image":
        lines = [f"{name} {verb} ({took}); its settings are in the NVS image"]
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
