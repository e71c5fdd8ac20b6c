"""Commands that change a board, and the journal of what was done."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
import msgspec

from agent.cli.connect import open_client
from agent.cli.follow import run_job
from agent.cli.header import HeaderFile, has_header, read_header
from agent.cli.inputs import network_options, read_network
from agent.cli.options import confirm_option, json_option
from agent.cli.output import seconds_text
from agent.cli.progress import StepReporter, result_notes
from agent.cli.shell import run_command
from agent.cli.target import Target, target_options
from agent.errors import ErrorReport, ExitStatus, InputError, RemovalLeft
from agent.jobs.job import Job, JobKind
from agent.jobs.reach import OVER
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from agent.cli.client import Client
    from agent.cli.shell import Shell

JOBS_SHOWN = 20


@click.command()
@target_options
@network_options
@confirm_option
@json_option
def configure(
    *,
    target: Target,
    ssid: str | None,
    network_file: str | None,
    password_stdin: bool,
    confirmed: bool,
    as_json: bool,
) -> None:
    """Change the network settings that are stored on a board."""

    def begin(shell: Shell) -> Awaitable[ExitStatus]:
        network = read_network(ssid, network_file, password_stdin=password_stdin)
        request = {"kind": "configure", "network": network, "confirmed": confirmed}
        return _run(shell, _configured, target, request)

    run_command(as_json, begin)


@click.command()
@target_options
@confirm_option
@json_option
def forget(*, target: Target, confirmed: bool, as_json: bool) -> None:
    """Erase the network settings that are stored on a board.

    A sketch of your own has no command for that: you are shown the pin or the button that does it,
    or the sketch is overwritten. --yes agrees to whatever has to be erased or overwritten.
    """

    async def begin(shell: Shell) -> ExitStatus:
        request = {"kind": "forget", "confirmed": confirmed}
        status = await _run(shell, _forgotten, target, request)
        if status is ExitStatus.USAGE and not confirmed:
            shell.output.note("With --yes it is erased without a question.")
        return status

    run_command(as_json, begin)


@click.command()
@click.option("--board", metavar="BOARD", help="Only jobs of this board (its whole id).")
@click.option("--limit", default=JOBS_SHOWN, show_default=True, type=click.IntRange(1, 500))
@json_option
def jobs(*, board: str | None, limit: int, as_json: bool) -> None:
    """What was done, newest first."""

    async def show(shell: Shell) -> ExitStatus:
        chosen = {} if board is None else {"board": board}
        async with open_client(shell.output) as client:
            found = (await client.call("jobs.list", limit=limit, **chosen))["jobs"]
        if shell.output.as_json:
            shell.output.document({"jobs": found})
        else:
            shell.output.table(
                ("JOB", "WHEN", "TOOK", "STATE", "WHAT"),
                map(_row, msgspec.convert(found, list[Job])),
                empty="Nothing was done yet.",
            )
            for waits in unfinished_removals(msgspec.convert(found, list[Job])):
                shell.output.note(f"{waits.title} {waits.remedy}")
        return ExitStatus.DONE

    run_command(as_json, show)


@click.command()
@click.argument("job_id", metavar="ID")
@click.option(
    "--header",
    metavar="FILE",
    help="Save the header file that this job has made, within an hour and from the same agent; "
    "- for standard output.",
)
@json_option
def job(*, job_id: str, header: str | None, as_json: bool) -> None:
    """One job with its steps."""
    place = None if header is None else read_header(header)

    async def show(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            data = await client.call("jobs.get", job=job_id)
            if place is not None:
                return await _save(shell, client, place, data)
        if shell.output.as_json:
            shell.output.document(data)
            return ExitStatus.DONE
        found = msgspec.convert(data, Job)
        shell.output.line(f"{clean_text(found.title)}: {found.state.value}", "bold")
        shell.output.line(f"{found.kind.value} of {how_reached(found)}, {_when(found)}")
        StepReporter(shell.output).show(found)
        for key, value in (found.result or {}).items():
            if value is not None and not isinstance(value, list | dict):
                shell.output.line(f"  {clean_text(key)}: {clean_text(str(value))}")
        if found.error is not None:
            shell.output.explain(found.error)
        return ExitStatus.DONE

    run_command(as_json, show)


def how_reached(job: Job) -> str:
    """The board, and over which link where that is not the cable."""
    board, via = clean_text(job.board or job.board_name), job.request.get("via")
    return f"{board} {OVER[via]}" if via in {"ble", "ap"} else board


async def _save(shell: Shell, client: Client, place: HeaderFile, data: Any) -> ExitStatus:  # noqa: ANN401 - JSON data
    found = msgspec.convert(data, Job)
    if not has_header(found):
        raise InputError(field="--header", problem="this job has made no such file")
    place.require_free()
    delivered = await place.deliver(shell, client, found)
    if shell.output.as_json:
        shell.output.document(delivered.document)
    elif delivered.text:
        shell.output.line(delivered.text)
    return ExitStatus.DONE


def _configured(job: Job) -> str:
    result = job.result or {}
    lines = [f"The board has joined {clean_text(str(result.get('network', '')))}"]
    return "\n".join([*lines, *result_notes(result)])


def _forgotten(job: Job) -> str:
    return f"Erased: {clean_text(str((job.result or {}).get('erased', 'network')))}"


async def _run(
    shell: Shell,
    told: Callable[[Job], str],
    target: Target,
    request: dict[str, Any],
) -> ExitStatus:
    async with open_client(shell.output) as client:
        way = await target.reach(client, shell.output)
        return await run_job(shell, client, told, **way, **request)


def unfinished_removals(jobs: Sequence[Job]) -> list[ErrorReport]:
    """Of ``jobs``, newest first: what waits to be finished by somebody, each device once."""
    told: dict[tuple[Any, Any], ErrorReport | None] = {}
    for job in jobs:
        result, error = job.result or {}, job.error
        if job.kind is JobKind.REMOVE and result:
            told.setdefault((result.get("cloud"), result.get("device")), None)
        elif error is not None and error.code == RemovalLeft.code:
            told.setdefault((error.facts.get("cloud"), error.facts.get("name")), error)
    return [error for error in told.values() if error is not None]


def _row(job: Job) -> tuple[str, ...]:
    took = None if job.ended_at is None else job.ended_at - job.created_at
    return job.id, _when(job), seconds_text(took), job.state.value, job.title


def _when(job: Job) -> str:
    return datetime.fromtimestamp(job.created_at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
