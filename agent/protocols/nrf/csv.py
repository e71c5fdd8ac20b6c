"""Files of many devices, with the same columns as the vendor's tools write and read.

Claims: one quoted token a row, tags in a second quoted column. Onboarding: device id, type, tags,
firmware types, certificate. Attestation tokens: IMEI, device id, token, when it was read. None has a
header; one above tokens, as people write it into a spreadsheet, is passed over. Semicolons and tabs
are read as well, as spreadsheets write them.
Source: cloud-nrf, sections 4 and 7; claim_devices, cli_helpers and gather_attestation_tokens of
nrfcloud-utils.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from agent.errors import InputError
from agent.protocols.nrf.bodies import check_device_id, check_tags
from agent.protocols.nrf.cose import Damaged
from agent.protocols.nrf.token import AttestationToken, parse_token
from agent.settings import Secret, clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

T = TypeVar("T")

ROWS_MAX: Final = 1000
"""Of one file."""
FILE_CHARS: Final = 8 * 1024 * 1024
"""A thousand rows with certificates have one megabyte."""
FIRMWARE_TYPES: Final = ("APP", "MODEM", "BOOT", "MDM_FULL", "SOFTDEVICE", "BOOTLOADER")
USUAL_TYPES: Final = ("APP", "MODEM")
COLUMNS: Final = 5
TOKEN_NAMES: Final = frozenset({"token", "attestationtoken", "claimtoken"})
"""What the column of tokens is called, of letters alone."""
COLUMN_NAMES: Final = TOKEN_NAMES | {
    "imei",
    "uuid",
    "id",
    "deviceid",
    "deviceuuid",
    "tags",
    "date",
    "datetime",
    "time",
    "timestamp",
    "readat",
    "subtype",
}


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used; what is wrong holds nothing of a token."""

    row: int
    """From 1, as editors count."""
    problem: str


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token that was read from a board."""

    token: AttestationToken
    imei: str = ""
    read_at: str = ""
    """ISO 8601."""


@dataclass(frozen=True, slots=True)
class OnboardRow:
    """A device with a certificate that was made outside of the provisioning service."""

    device_id: str
    certificate: str
    sub_type: str = ""
    tags: tuple[str, ...] = ()
    firmware_types: tuple[str, ...] = USUAL_TYPES


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """What a file holds, and the rows of it that cannot be used."""

    rows: tuple[T, ...]
    bad: tuple[BadRow, ...] = field(default=())


def claim_files(tokens: Sequence[AttestationToken], tags: Sequence[str] = ()) -> list[Secret]:
    """Files to claim these devices with, of at most 1000 rows each; secret as the tokens are."""
    check_tags(tags)
    column = (",".join(tags),) if tags else ()
    rows = [(token.text.reveal(), *column) for token in tokens]
    return [Secret(text) for text in _files(rows, csv.QUOTE_ALL)]


def onboarding_files(rows: Sequence[OnboardRow]) -> list[str]:
    """Files to onboard these devices with, of at most 1000 rows each.

    :class:`InputError` names what device management cannot take, before anything is sent.
    """
    for row in rows:
        check_onboarding(row)
    lines = [
        (
            row.device_id,
            row.sub_type,
            "|".join(row.tags),
            "|".join(row.firmware_types),
            row.certificate,
        )
        for row in rows
    ]
    return _files(lines, csv.QUOTE_MINIMAL)


def token_file(rows: Iterable[TokenRow]) -> Secret:
    """A file of tokens as the vendor's tool gathers them; any number of rows."""
    lines = [(row.imei, row.token.device_id, row.token.text.reveal(), row.read_at) for row in rows]
    return Secret(_text(lines, csv.QUOTE_MINIMAL))


def read_tokens(text: str) -> Read[TokenRow]:
    """Tokens of a gathered file, or of one to claim with; each device once.

    :class:`InputError` for what is no CSV.
    """
    good: list[TokenRow] = []
    bad: list[BadRow] = []
    seen: dict[str, int] = {}
    for place, (number, columns) in enumerate(_rows(text)):
        if place == 0 and _is_header(columns):
            continue
        gathered = len(columns) > 2
        try:
            token = parse_token(columns[2] if gathered else columns[0])
        except Damaged as damaged:
            bad.append(BadRow(number, f"its token cannot be used: {damaged}"))
            continue
        if gathered and columns[1].strip().lower() != token.device_id:
            bad.append(BadRow(number, f"its token is of another device, {token.device_id}"))
        elif token.device_id in seen:
            first = seen[token.device_id]
            bad.append(BadRow(number, f"is the same device as row {first}"))
        else:
            seen[token.device_id] = number
            imei = clean_text(columns[0].strip()) if gathered else ""
            read_at = clean_text(columns[3].strip()) if len(columns) > 3 else ""
            good.append(TokenRow(token, imei, read_at))
    return Read(tuple(good), tuple(bad))


def read_onboarding(text: str) -> Read[OnboardRow]:
    """Devices of an onboarding file; each once. :class:`InputError` for what is no CSV."""
    good: list[OnboardRow] = []
    bad: list[BadRow] = []
    seen: dict[str, int] = {}
    for number, columns in _rows(text):
        if len(columns) != COLUMNS:
            bad.append(BadRow(number, f"has {len(columns)} columns instead of {COLUMNS}"))
            continue
        device_id, sub_type, tags, types, certificate = columns
        row = OnboardRow(device_id, certificate, sub_type, _parts(tags), _parts(types))
        try:
            check_onboarding(row)
        except InputError as error:
            bad.append(BadRow(number, f"{error.facts['field']} {error.facts['problem']}"))
            continue
        if device_id in seen:
            bad.append(BadRow(number, f"is the same device as row {seen[device_id]}"))
            continue
        seen[device_id] = number
        good.append(row)
    return Read(tuple(good), tuple(bad))


def check_onboarding(row: OnboardRow) -> None:
    """:class:`InputError` for a device that cannot be onboarded."""
    check_device_id(row.device_id)
    check_tags(row.tags)
    unknown = [name for name in row.firmware_types if name not in FIRMWARE_TYPES]
    if unknown:
        known = ", ".join(FIRMWARE_TYPES)
        problem = f"{clean_text(unknown[0])} is none of {known}"
        raise InputError(field="firmware type", problem=problem)
    if row.sub_type and (not row.sub_type.isprintable() or set(row.sub_type) & set(',"')):
        raise InputError(field="type", problem='may not have , or "')
    text = row.certificate.strip()
    begins = text.startswith("-----BEGIN CERTIFICATE-----")
    if not (begins and text.endswith("-----END CERTIFICATE-----") and text.isascii()):
        raise InputError(field="certificate", problem="must be one certificate in PEM")


def _files(rows: Sequence[tuple[str, ...]], quoting: int) -> list[str]:
    return [_text(rows[at : at + ROWS_MAX], quoting) for at in range(0, len(rows), ROWS_MAX)]


def _text(rows: Iterable[tuple[str, ...]], quoting: int) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=quoting).writerows(rows)  # type: ignore[arg-type]  # one of its constants
    return out.getvalue()


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, numbered from 1."""
    if len(text) > FILE_CHARS:
        raise InputError(field="file", problem=f"is longer than {FILE_CHARS} characters")
    text = text.removeprefix("\ufeff")
    parted = _parted_by(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=parted, strict=True)
    number = 0
    try:
        for columns in reader:
            number += 1
            if any(column.strip() for column in columns):
                yield number, columns
    except csv.Error:
        # The library's message may quote the row, and with it a token.
        raise InputError(field="file", problem=f"is no CSV in row {number + 1}") from None


def _is_header(columns: Sequence[str]) -> bool:
    """Names of columns, with one for the tokens among them; a cut token is none."""
    names = {"".join(filter(str.isalpha, column.lower())) for column in columns} - {""}
    return names <= COLUMN_NAMES and bool(names & TOKEN_NAMES)


def _parted_by(text: str) -> str:
    """What is between columns: spreadsheets write semicolons or tabs where a comma is in numbers."""
    columns = {each: _columns(text, each) for each in ",;\t"}
    most = max(columns, key=lambda each: columns[each])
    return "," if columns[","] > 1 or columns[most] < 2 else most


def _columns(text: str, delimiter: str) -> int:
    """Of the first row; 0: it cannot be read so."""
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        return len(next(rows, []))
    except csv.Error:
        return 0


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split("|") if part)
