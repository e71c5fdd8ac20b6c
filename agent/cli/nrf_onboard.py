"""``mooring nrf onboard``: nRF Cloud without its provisioning service.

With boards: each makes a key in its modem, gets a certificate of one's own authority, and a row in a
file. Without: the devices of that file are made in the cloud.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from agent.cli.connect import open_client
from agent.cli.nrf_authority import open_authority
from agent.cli.nrf_boards import (
    Gone,
    all_option,
    boards_argument,
    chosen_boards,
    on_each,
    tell_failure,
)
from agent.cli.nrf_files import Onboarding, RowFiles, read_rows, write_rows
from agent.cli.nrf_results import Results
from agent.cli.options import json_option
from agent.cli.shell import run_command
from agent.clouds.nrf.authority import sign_request
from agent.errors import ExitStatus, InputError, MooringError, NrfCredentialExists
from agent.protocols.nrf.authorities import authorities
from agent.protocols.nrf.bodies import check_tags
from agent.protocols.nrf.cmng import CLOUD_TAG, HIGHEST_TAG
from agent.protocols.nrf.csv import ROWS_MAX, OnboardRow, read_onboarding
from agent.settings import Secret, clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.boards.board import Board
    from agent.cli.client import Client
    from agent.cli.output import Output
    from agent.cli.shell import Shell
    from agent.clouds.nrf.authority import Authority

BYTES_AT_ONCE: Final = 400_000
"""Of certificates in one message to the agent, which takes 1 MiB."""
OURS: Final = frozenset({"client-certificate", "client-key", "public-key"})
"""What a board gets new; authorities that are there stay if they are the same."""


@click.command(short_help="Boards without the provisioning service: key, certificate, file.")
@boards_argument
@all_option
@click.option(
    "--csv",
    "file",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The list of devices, as CSV with the columns of the vendor's tools.",
)
@click.option("--append", is_flag=True, help="Add the boards to a FILE that exists.")
@click.option(
    "--ca",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Certificate of your authority (PEM); default: one that is made here once.",
)
@click.option(
    "--ca-key",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Its private key (PEM).",
)
@click.option(
    "--sec-tag",
    "tag",
    type=click.IntRange(0, HIGHEST_TAG),
    default=CLOUD_TAG,
    show_default=True,
    help="The security tag of the board's credentials.",
)
@click.option("--id-imei", is_flag=True, help="Call the device nrf-IMEI, as older firmware does.")
@click.option(
    "--mqtt", is_flag=True, help="The authority of MQTT alone, for firmware without CoAP."
)
@click.option(
    "--tag", "tags", metavar="TAG", multiple=True, help="A group of the device; repeatable."
)
@click.option(
    "--type", "sub_type", metavar="TEXT", default="", help="What the devices are, for you."
)
@click.option(
    "--overwrite", is_flag=True, help="Replace the credentials that a board has at this tag."
)
@json_option
def onboard(
    *,
    boards: tuple[str, ...],
    all_boards: bool,
    file: Path,
    append: bool,
    ca: Path | None,
    ca_key: Path | None,
    tag: int,
    id_imei: bool,
    mqtt: bool,
    tags: tuple[str, ...],
    sub_type: str,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Bring boards into nRF Cloud without its provisioning service.

    With BOARD or --all, each makes a key in its modem, which never leaves it; its certificate is
    signed by your authority and written to the modem, and a row is added to FILE. That needs no
    account and no Internet. Without them, the devices in FILE are made in the cloud.
    """
    if not (boards or all_boards):
        if append or ca or ca_key or id_imei or mqtt or tags or sub_type or overwrite:
            raise click.UsageError("These options go with BOARD or --all; the rows say the rest.")
        run_command(as_json, lambda shell: _send(shell, file))

    async def prepare(shell: Shell) -> ExitStatus:
        check_tags(tags)
        files = RowFiles(Onboarding(), file, append=append)
        authority = await open_authority(shell.output, ca, ca_key)
        async with open_client(shell.output) as client:
            chosen = await chosen_boards(client, boards, all_boards=all_boards)
            if not chosen:
                raise InputError(
                    field="--all", problem="means no board: none with an nRF91 is here"
                )
            work = _Work(
                client,
                authority,
                tag=tag,
                id_imei=id_imei,
                coap=not mqtt,
                overwrite=overwrite,
                tags=tags,
                sub_type=sub_type,
            )
            told = _Told(shell.output, files)
            await on_each(shell.output, chosen, "Preparing boards", work.prepare, told.take)
        return told.end()

    run_command(as_json, prepare)


class _Work:
    """What is done with each board."""

    def __init__(
        self,
        client: Client,
        authority: Authority,
        *,
        tag: int,
        id_imei: bool,
        coap: bool,
        overwrite: bool,
        tags: tuple[str, ...],
        sub_type: str,
    ) -> None:
        self._client = client
        self._authority = authority
        self._tag = tag
        self._id_imei = id_imei
        self._coap = coap
        self._overwrite = overwrite
        self._tags = tags
        self._sub_type = sub_type

    async def prepare(self, board: Board) -> OnboardRow:
        """Key, certificate, authorities; the row of its device."""
        if not self._overwrite:
            await self._require_free(board)
        made: dict[str, Any] = await self._client.call(
            "nrf.make_key", board=board.id, tag=self._tag, overwrite=self._overwrite
        )
        device_id = self._device_id(made)
        certificate = sign_request(self._authority, made["request"], device_id, datetime.now(UTC))
        contents = [
            {"kind": "client-certificate", "content": Secret(certificate)},
            {"kind": "root-ca", "content": Secret(authorities(coap=self._coap))},
        ]
        await self._client.call(
            "nrf.write",
            board=board.id,
            tag=self._tag,
            credentials=contents,
            overwrite=self._overwrite,
        )
        return OnboardRow(device_id, certificate, self._sub_type, self._tags)

    async def _require_free(self, board: Board) -> None:
        """A key is not made where the certificate could not be written behind it."""
        found = await self._client.call("nrf.credentials", board=board.id)
        for each in found["credentials"]:
            if each["tag"] == self._tag and each["kind"] in OURS:
                kind = each["kind"].replace("-", " ")
                raise NrfCredentialExists(kind=kind, tag=self._tag)

    def _device_id(self, made: dict[str, Any]) -> str:
        if not self._id_imei:
            return str(made["device_id"])
        if not made["imei"]:
            raise InputError(field="--id-imei", problem="is not possible: the board tells no IMEI")
        return f"nrf-{made['imei']}"


class _Told:
    """The rows as they come, and what is told of them."""

    def __init__(self, output: Output, files: RowFiles[OnboardRow]) -> None:
        self._output = output
        self._files = files
        self._documents: list[dict[str, Any]] = []
        self._failed: list[dict[str, Any]] = []

    def take(self, gone: Gone[OnboardRow]) -> None:
        """One board; its row is in the file when this returns."""
        if gone.value is None:
            self._failed.append({"board": gone.board.id, "error": gone.error})
            tell_failure(self._output, gone)
            return
        device_id = gone.value.device_id
        self._files.put(gone.value, lambda row: row.device_id)
        self._documents.append({"board": gone.board.id, "device_id": device_id})
        if not self._output.as_json:
            name = clean_text(gone.board.name)
            told = f"✓ {name} ({gone.board.id})  device {device_id}"
            self._output.line(told, "green")

    def end(self) -> ExitStatus:
        """Where they are, and what comes next."""
        if self._output.as_json:
            self._output.document(
                {
                    "files": [str(path) for path in self._files.made],
                    "boards": self._documents,
                    "failed": self._failed,
                    "rows": len(self._files.rows),
                }
            )
        else:
            count = len(self._documents)
            prepared = f"{count} board{'' if count == 1 else 's'} prepared"
            failed = f"; {len(self._failed)} failed" if self._failed else ""
            self._output.line(f"{prepared}{failed}.", "bold")
            for path in self._files.made:
                self._output.note(f"To make the devices: mooring nrf onboard --csv {path}")
        return ExitStatus.FAILED if self._failed else ExitStatus.DONE


async def _send(shell: Shell, file: Path) -> ExitStatus:
    read = read_rows(file, read_onboarding)
    results = Results(shell.output, "made", "was there already")
    for bad in read.bad:
        results.unread(file, bad)
    async with open_client(shell.output) as client:
        await _onboard(client, shell.output, list(read.rows), results)
    failed = [row for row in read.rows if results.failed(row.device_id)]
    left = (
        file if file.stem.endswith("-retry") else file.with_name(f"{file.stem}-retry{file.suffix}")
    )
    if failed:
        write_rows(left, Onboarding().text(failed))
    return results.end(left if failed else None, again="mooring nrf onboard --csv")


async def _onboard(
    client: Client, output: Output, rows: list[OnboardRow], results: Results
) -> None:
    done = 0
    for part in _parts(rows):
        output.status(f"… Making devices: {done} of {len(rows)}")
        sent = [
            {
                "device_id": row.device_id,
                "certificate": row.certificate,
                "sub_type": row.sub_type,
                "tags": row.tags,
                "firmware_types": row.firmware_types,
            }
            for row in part
        ]
        try:
            answer = await client.call("nrf.onboard", rows=sent)
        except MooringError as error:
            if done == 0:
                raise
            results.stopped(error, [row.device_id for row in rows[done:]])
            return
        results.take(answer["rows"])
        done += len(part)


def _parts(rows: list[OnboardRow]) -> Iterator[list[OnboardRow]]:
    """As many rows as one message holds."""
    part: list[OnboardRow] = []
    size = 0
    for row in rows:
        size += len(row.certificate)
        if len(part) == ROWS_MAX or (part and size > BYTES_AT_ONCE):
            yield part
            part, size = [], len(row.certificate)
        part.append(row)
    if part:
        yield part
