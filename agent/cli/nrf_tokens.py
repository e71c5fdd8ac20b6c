"""``mooring nrf tokens``: attestation tokens of many boards, into files to claim them with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.connect import open_client
from agent.cli.nrf_boards import (
    Gone,
    all_option,
    boards_argument,
    chosen_boards,
    on_each,
    tell_failure,
)
from agent.cli.nrf_files import RowFiles, Tokens
from agent.cli.options import json_option
from agent.cli.shell import run_command
from agent.errors import ExitStatus, InputError
from agent.protocols.nrf.csv import TokenRow
from agent.protocols.nrf.token import parse_token
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.boards.board import Board
    from agent.cli.shell import Shell


@click.command(short_help="Attestation tokens of many boards, into a file.")
@boards_argument
@all_option
@click.option(
    "--out",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where they go, as CSV with the columns of the vendor's tools; behind 1000 rows it goes on "
    "in FILE-2.",
)
@click.option("--append", is_flag=True, help="Add those that FILE has not yet.")
@json_option
def tokens(
    *, boards: tuple[str, ...], all_boards: bool, out: Path, append: bool, as_json: bool
) -> None:
    """Read the attestation tokens of many boards side by side.

    Whoever has a token can claim its board, so FILE can be read by you alone, and tokens are shown
    nowhere. A board that gives none stops no other; when this is run again with --append, only
    what is missing is added.
    """

    async def read(shell: Shell) -> ExitStatus:
        files = RowFiles(Tokens(), out, append=append)
        gathered = _Gathered(shell, files)
        async with open_client(shell.output) as client:
            chosen = await chosen_boards(client, boards, all_boards=all_boards)
            if not chosen:
                raise InputError(
                    field="--all", problem="means no board: none with an nRF91 is here"
                )

            async def one(board: Board) -> TokenRow:
                answer = await client.call("nrf.token", board=board.id)
                return TokenRow(parse_token(answer["token"]), answer["imei"], answer["read_at"])

            await on_each(shell.output, chosen, "Reading tokens", one, gathered.take)
        return gathered.end()

    run_command(as_json, read)


class _Gathered:
    """The rows as they come, and what is told of them."""

    def __init__(self, shell: Shell, files: RowFiles[TokenRow]) -> None:
        self._output = shell.output
        self._files = files
        self._known = {row.token.device_id for row in files.rows}
        self._documents: list[dict[str, Any]] = []
        self._failed: list[dict[str, Any]] = []

    def take(self, gone: Gone[TokenRow]) -> None:
        """One board; its token is in a file when this returns."""
        if gone.value is None:
            self._failed.append({"board": gone.board.id, "error": gone.error})
            tell_failure(self._output, gone)
            return
        row = gone.value
        new = row.token.device_id not in self._known
        if new:
            self._known.add(row.token.device_id)
            self._files.put(row, lambda each: each.token.device_id)
        about = {
            "board": gone.board.id,
            "device_id": row.token.device_id,
            "imei": row.imei,
            "chip": row.token.chip_name,
            "new": new,
        }
        self._documents.append(about)
        if not self._output.as_json:
            facts = [f"IMEI {clean_text(row.imei)}"] if row.imei else []
            facts += [row.token.chip_name] if row.token.chip_name else []
            facts += [] if new else ["was there already"]
            name = clean_text(gone.board.name)
            told = ", ".join([f"device {row.token.device_id}", *facts])
            self._output.line(f"✓ {name} ({gone.board.id})  {told}", "green")

    def end(self) -> ExitStatus:
        """Where they are."""
        new = sum(each["new"] for each in self._documents)
        if self._output.as_json:
            self._output.document(
                {
                    "files": [str(path) for path in self._files.made],
                    "tokens": self._documents,
                    "failed": self._failed,
                    "rows": len(self._files.rows),
                }
            )
        else:
            self._summary(new)
        return ExitStatus.FAILED if self._failed else ExitStatus.DONE

    def _summary(self, new: int) -> None:
        where = ", ".join(str(path) for path in self._files.made)
        lines = [
            f"{_count(new, 'token')} written to {clean_text(where)}" if new else "No new token"
        ]
        if self._files.before:
            lines.append(f"{_count(self._files.before, 'row')} there before")
        if self._failed:
            lines.append(f"{_count(len(self._failed), 'board')} gave none")
        self._output.line("; ".join(lines) + ".", "bold")
        if new:
            self._output.note(
                "Until these boards are claimed, whoever has the file can claim them."
            )
        if self._failed:
            self._output.note("For the rest, run it again with --append.")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
