"""``provision`` and ``migrate``: give a board its network and its cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

import click
import msgspec

from agent.boards.board import Board
from agent.boards.find import find_board
from agent.cli.air import reach
from agent.cli.connect import open_client
from agent.cli.enrol_commands import (
    ENROL_CLOUDS,
    enrol_options,
    provision_enrol,
    refuse_enrol_options,
)
from agent.cli.family_commands import (
    FAMILIES,
    NRF,
    check_family_options,
    family_options,
    provision_family,
    read_address,
    read_token,
)
from agent.cli.follow import run_job
from agent.cli.header import HEADER, HeaderFile, read_header, settings_file
from agent.cli.inputs import network_options, optional_network, require_yes
from agent.cli.options import (
    board_argument,
    confirm_option,
    json_option,
    model_option,
    via_option,
)
from agent.cli.output import seconds_text
from agent.cli.progress import result_notes
from agent.cli.shell import run_command
from agent.cli.target import Target
from agent.errors import ExitStatus, InputError
from agent.jobs.which import FLASHING, Procedure
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from agent.cli.client import Client
    from agent.cli.shell import Shell
    from agent.jobs.job import Job

PROCEDURES: Final = tuple(each for each in get_args(Procedure) if each != "unsupported")
NO_CLOUD: Final = "none"
WITH_HEADER: Final = frozenset({"provision-1.0", "lora-1.0", "secret-key"})
"""Procedures that end with a header file. The network only goes into it, if it is known."""
BY_MODEL: Final = frozenset({"provision-1.0", "lora-1.0"})
"""Procedures that are decided without a look at the board, and that overwrite its sketch."""


@click.command()
@click.argument("board", metavar="[BOARD]", required=False)
@click.option(
    "--cloud", required=True, metavar="CLOUD", help="arduino, thingsboard, nrf, blynk, or none."
)
@click.option("--name", metavar="NAME", default="", help="What the device is called in the cloud.")
@network_options
@click.option(
    "--procedure",
    type=click.Choice(PROCEDURES),
    help="The way to set the board up, in place of the one that Mooring finds.",
)
@click.option("--frequency-plan", metavar="ID", help="For a LoRa board; otherwise asked for.")
@enrol_options
@family_options
@click.option(
    "--header",
    metavar="FILE",
    help=f"Where a board that needs one gets its header file; default: {HEADER} in this folder, "
    "- for standard output.",
)
@model_option
@via_option
@confirm_option
@json_option
def provision(
    *,
    board: str | None,
    cloud: str,
    name: str,
    ssid: str | None,
    network_file: str | None,
    password_stdin: bool,
    procedure: str | None,
    frequency_plan: str | None,
    credentials: str | None,
    delivery: str | None,
    nvs: str | None,
    tags: tuple[str, ...],
    token_stdin: bool,
    template: str | None,
    address: str | None,
    access_point: str | None,
    header: str | None,
    model: str | None,
    via: str | None,
    confirmed: bool,
    as_json: bool,
) -> None:
    """Give a board its network and its cloud.

    Which way this goes depends on the board. Boards without provisioning 2.0 need no network here:
    they get a device in the cloud, and you get a header file with secrets for your sketch.

    With thingsboard the board gets credentials and, if you give one, a network; both are kept in the
    vault before the board has them (mooring vault). Only a header file or an NVS partition of it is
    made without BOARD; then the device needs its --name.

    With nrf the board is claimed and does what nRF Cloud wants of it; without BOARD it is elsewhere,
    and its attestation token claims it. With blynk it gets a network and the token of its device;
    without BOARD it is in the --access-point of its own.
    """
    to_file = cloud in ENROL_CLOUDS and bool(nvs or header or delivery == "header")
    if not (board or to_file or (cloud in FAMILIES and (access_point or cloud == NRF))):
        raise click.UsageError("Missing argument 'BOARD'.")

    def begin(shell: Shell) -> Awaitable[ExitStatus]:
        family = (cloud, tags, template, access_point)
        check_family_options(*family, token_stdin=token_stdin, address=address)
        network = optional_network(ssid, network_file, password_stdin=password_stdin)
        request: dict[str, Any] = {"cloud": cloud, "name": name, "network": network}
        request |= {"model": model, "frequency_plan": frequency_plan, "confirmed": confirmed}
        if cloud in FAMILIES:
            refuse_enrol_options(credentials, delivery, nvs)
            token = read_token(cloud, board or "", token_stdin=token_stdin)
            request |= {"procedure": procedure, "tags": tags, "token": token}
            request |= {"template": template, "address": read_address(address)}
            target = Target(board or "", via, access_point, cloud)
            return provision_family(shell, target, request)
        if cloud in ENROL_CLOUDS:
            request |= {"credentials": credentials, "delivery": delivery, "procedure": procedure}
            file = settings_file(delivery, header, nvs)
            return provision_enrol(shell, board or "", via, file, request)
        refuse_enrol_options(credentials, delivery, nvs)
        chosen = read_header(header)
        if header is not None:
            chosen.require_free()
        return _provision(shell, board or "", via, procedure, chosen, request)

    run_command(as_json, begin)


@click.command()
@board_argument
@click.option("--cloud", metavar="CLOUD", default="arduino", show_default=True)
@click.option("--name", metavar="NAME", help="What the device is called in the cloud.")
@network_options
@click.option(
    "--prepare-only",
    is_flag=True,
    help="Stop when the board runs the sketch of provisioning 2.0.",
)
@click.option(
    "--delete-old-device",
    is_flag=True,
    help="Delete the device that the board was before, once it is online again.",
)
@model_option
@confirm_option
@json_option
def migrate(
    *,
    board: str,
    cloud: str,
    name: str | None,
    ssid: str | None,
    network_file: str | None,
    password_stdin: bool,
    prepare_only: bool,
    delete_old_device: bool,
    model: str | None,
    confirmed: bool,
    as_json: bool,
) -> None:
    """Bring a board from provisioning 1.0 to 2.0.

    The sketch on the board is overwritten. What is kept and what is lost is told before that, and
    which older device the cloud has. Without a network, the networks that the board sees are
    offered when it has come so far.
    """

    def begin(shell: Shell) -> Awaitable[ExitStatus]:
        require_yes(shell.attended or confirmed, "the sketch on the board is overwritten")
        network = optional_network(ssid, network_file, password_stdin=password_stdin)
        if network is None and not (shell.attended or prepare_only):
            raise InputError(field="--ssid or --network", problem="is needed: nobody can be asked")
        request: dict[str, Any] = {"cloud": cloud, "name": name, "network": network}
        request |= {"model": model, "prepare_only": prepare_only, "delete_old": delete_old_device}
        return _migrate(shell, board, request | {"confirmed": confirmed})

    run_command(as_json, begin)


async def _provision(
    shell: Shell,
    wanted: str,
    via: str | None,
    procedure: str | None,
    header: HeaderFile,
    request: dict[str, Any],
) -> ExitStatus:
    given = _given(request | {"procedure": procedure})
    asked: dict[str, Any] = {name: given[name] for name in ("procedure", "model") if name in given}
    if request["cloud"] == NO_CLOUD:
        asked["cloud"] = NO_CLOUD
    async with open_client(shell.output) as client:
        reached = await reach(client, shell.output, wanted, via)
        board = reached["board"]
        advice = await client.call("board.procedure", board=board, **asked)
        way: str = advice["procedure"]
        if "network" not in given and way not in WITH_HEADER:
            if "model" not in given and way != "improv":
                await _require_known(client, board)
            raise InputError(field="--ssid or --network", problem="give one of the two")
        if way in WITH_HEADER:
            header.require_free()
        if way in (FLASHING if procedure else BY_MODEL):
            known = shell.attended or request["confirmed"]
            require_yes(known, "the sketch on the board is overwritten")

        status = await run_job(
            shell,
            client,
            provisioned,
            deliver=lambda job: header.deliver(shell, client, job),
            aside=header.path is None,
            kind="provision",
            **reached,
            **given,
        )
        if way == "improv" and status is ExitStatus.USAGE and not request["confirmed"]:
            shell.output.note("With --yes it leaves its network without a question.")
        return status


async def _require_known(client: Client, wanted: str) -> None:
    """Ask for ``--model`` where it would help: the board's USB ids belong to several models."""
    listed = (await client.call("boards.list"))["boards"]
    board = find_board(msgspec.convert(listed, list[Board]), wanted)
    if board.model is None and board.candidates:
        problem = f"is needed: this board may be {', '.join(board.candidates)}"
        raise InputError(field="--model", problem=problem)


async def _migrate(shell: Shell, board: str, request: dict[str, Any]) -> ExitStatus:
    async with open_client(shell.output) as client:
        return await run_job(
            shell, client, provisioned, kind="migrate", board=board, **_given(request)
        )


def _given(request: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in request.items() if value not in (None, False)}


def provisioned(job: Job) -> str:
    """How a provisioning or a migration ended well."""
    result = job.result or {}
    if result.get("prepared"):
        return _prepared(job, result)
    device = result.get("device")
    if isinstance(device, dict):
        device = device.get("name")  # what a device of Improv Wi-Fi says of itself
    name = _shown(device or job.board_name or job.board)
    took = seconds_text(result.get("seconds"))
    if result.get("procedure") in WITH_HEADER:
        lines = [f"{name} is in the cloud ({took}), device {_shown(result.get('device_id'))}"]
        if result.get("eui"):
            lines.append(f"EUI {_shown(result['eui'])}, App EUI {_shown(result.get('app_eui'))}")
        return "\n".join(lines)
    if not result.get("device_id"):
        joined = f"{name} has joined {_shown(result.get('network', 'its network'))} ({took})"
        return "\n".join([joined, *result_notes(result)])
    lines = [f"Online as {name} ({took}), device {_shown(result['device_id'])}"]
    deleted = result.get("deleted", ())
    for old in result.get("old_devices", ()):
        what = "deleted" if old["id"] in deleted else "still in the cloud"
        lines.append(f"Older device {_shown(old['name'])} ({_shown(old['id'])}): {what}")
    return "\n".join([*lines, *result_notes(result)])


def _prepared(job: Job, result: dict[str, Any]) -> str:
    facts = [f"sketch {_shown(result['sketch_version'])}"] if result.get("sketch_version") else []
    if result.get("wifi_firmware"):
        facts.append(f"Wi-Fi firmware {_shown(result['wifi_firmware'])}")
    about = f" ({', '.join(facts)})" if facts else ""
    return f"{_shown(job.board_name or job.board)} is ready for provisioning 2.0{about}"


def _shown(value: object) -> str:
    return clean_text(str(value))
