"""Files of many devices that grow: nothing that is there is lost, and each ends at a thousand rows."""

from __future__ import annotations

import stat
import sys
from typing import TYPE_CHECKING

import pytest

from agent.cli.nrf_files import RowFiles, Tokens
from agent.errors import InputError
from agent.protocols.nrf.csv import ROWS_MAX, TokenRow, read_tokens
from agent.protocols.nrf.token import parse_token
from agent.simulator.nrf_identity import ModemIdentity

if TYPE_CHECKING:
    from pathlib import Path


def token(number: int) -> TokenRow:
    modem = ModemIdentity(str(number))
    return TokenRow(parse_token(modem.attest()), modem.imei, "2026-01-02T03:04:05+00:00")


def device(row: TokenRow) -> str:
    return row.token.device_id


def files(first: Path, *, append: bool = True) -> RowFiles[TokenRow]:
    return RowFiles(Tokens(), first, append=append)


def test_behind_a_thousand_rows_it_goes_on_in_a_second_file(tmp_path: Path) -> None:
    first, second = tmp_path / "t.csv", tmp_path / "t-2.csv"
    rows = [token(number) for number in range(ROWS_MAX + 1)]
    first.write_text(Tokens().text(rows[: ROWS_MAX - 1]))
    before = first.read_text()
    parts = files(first)
    parts.put(rows[ROWS_MAX - 1], device)
    assert first.read_text().startswith(before)
    parts.put(rows[ROWS_MAX], device)
    assert parts.made == [first, second]
    assert len(first.read_text().splitlines()) == ROWS_MAX
    assert [device(row) for row in read_tokens(second.read_text()).rows] == [device(rows[-1])]


def test_what_is_there_stays_and_counts(tmp_path: Path) -> None:
    first = tmp_path / "t.csv"
    files(first).put(token(0), device)
    with pytest.raises(InputError, match="--append"):
        files(first, append=False)
    again = files(first)
    assert again.before == 1
    assert [device(row) for row in again.rows] == [device(token(0))]
    again.put(token(1), device)
    again.put(token(0), device)
    assert len(read_tokens(first.read_text()).rows) == 2, "a device has one row"
    if sys.platform != "win32":
        assert stat.S_IMODE(first.stat().st_mode) == 0o600


def test_a_file_with_a_bad_row_is_not_written_over(tmp_path: Path) -> None:
    first = tmp_path / "t.csv"
    first.write_text("350000000000000,somebody,cut-tok")
    with pytest.raises(InputError, match="row 1"):
        files(first)
    with pytest.raises(InputError, match="no folder"):
        files(tmp_path / "x" / "t.csv")
    (tmp_path / "t.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not text"):
        files(first)


def test_what_is_no_table_is_told_with_its_file(tmp_path: Path) -> None:
    first = tmp_path / "t.csv"
    first.write_text(f'a,b\n"{token(0).token.text.reveal()}')
    with pytest.raises(InputError) as caught:
        files(first)
    assert caught.value.facts["field"] == str(first)
    assert token(0).token.text.reveal() not in str(caught.value.report())
