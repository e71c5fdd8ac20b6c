"""``mooring nrf claim``: claim the boards of a file, by a thousand at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.connect import open_client
from agent.cli.nrf_files import Tokens, bad_rows, read_rows, write_rows
from agent.cli.nrf_results import Results
from agent.cli.options import json_option
from agent.cli.shell import run_command
from agent.errors import ExitStatus, InputError, MooringError
from agent.protocols.nrf.bodies import ONBOARDING_TAG, check_tags
from agent.protocols.nrf.csv import ROWS_MAX, BadRow, TokenRow, read_tokens

if TYPE_CHECKING:
    from agent.cli.client import Client
    from agent.cli.output import Output
    from agent.cli.shell import Shell

tag_option = click.option(
    "--tag",
    "tags",
    metavar="TAG",
    multiple=True,
    help="A tag for the boards, whose rules apply to them; may be repeated.",
)


@click.command(short_help="Claim the boards of a file of tokens.")
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
)
@tag_option
@click.option(
    "--retry",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the rows go that failed, to be claimed again; default: beside FILE, with -retry.",
)
@json_option
def claim(
    *, files: tuple[Path, ...], tags: tuple[str, ...], retry: Path | None, as_json: bool
) -> None:
    """Claim the boards of files that `mooring nrf tokens` or the vendor's tools wrote.

    Without --tag they get the tag nrf-cloud-onboarding, whose rule brings them into nRF Cloud when
    they next come online; the rule is made if there is none. A row that fails stops no other.
    """

    async def send(shell: Shell) -> ExitStatus:
        chosen = list(tags) or [ONBOARDING_TAG]
        check_tags(chosen)
        rows, bad = _read(files)
        results = Results(shell.output, "claimed", "was yours already")
        for problem in bad:
            results.unread(*problem)
        async with open_client(shell.output) as client:
            await _claim(client, shell.output, rows, chosen, results)
        failed = [row for row in rows if results.failed(row.token.device_id)]
        left = retry or _retry_of(files[0])
        if failed:
            write_rows(left, Tokens().text(failed))
        return results.end(left if failed else None, again="mooring nrf claim")

    run_command(as_json, send)


def _read(files: tuple[Path, ...]) -> tuple[list[TokenRow], list[tuple[Path, BadRow]]]:
    """All rows, each device once, and those that cannot be used."""
    rows: dict[str, TokenRow] = {}
    bad: list[tuple[Path, BadRow]] = []
    for path in files:
        found = read_rows(path, read_tokens)
        bad += [(path, each) for each in found.bad]
        for row in found.rows:
            rows.setdefault(row.token.device_id, row)
    if not rows:
        problem = bad_rows(each for _, each in bad) if bad else "holds no token"
        raise InputError(field=str(files[0]), problem=problem)
    return list(rows.values()), bad


async def _claim(
    client: Client, output: Output, rows: list[TokenRow], tags: list[str], results: Results
) -> None:
    for start in range(0, len(rows), ROWS_MAX):
        part = rows[start : start + ROWS_MAX]
        output.status(f"… Claiming: {start} of {len(rows)}")
        tokens = [row.token.text for row in part]
        try:
            answer: dict[str, Any] = await client.call("nrf.claim", tokens=tokens, tags=tags)
        except MooringError as error:
            if start == 0:
                raise
            # What was refused for one file is refused for the next.
            results.stopped(error, [row.token.device_id for row in rows[start:]])
            return
        results.rule(answer["rule"])
        results.take(answer["rows"])


def _retry_of(first: Path) -> Path:
    if first.stem.endswith("-retry"):
        return first
    return first.with_name(f"{first.stem}-retry{first.suffix}")
