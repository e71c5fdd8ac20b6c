"""Files of many devices: the vendor's columns, a thousand rows, and what is wrong by row."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import InputError
from agent.protocols.nrf import csv as nrf
from agent.protocols.nrf.csv import OnboardRow, TokenRow
from agent.protocols.nrf.token import parse_token
from agent.simulator.nrf_identity import ModemIdentity

TOKENS = [parse_token(ModemIdentity(f"board {number}").attest()) for number in range(3)]
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
TEXT = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)


def columns(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_claims_are_quoted_tokens_with_all_tags_in_one_column():
    (file,) = nrf.claim_files(TOKENS, ["a", "b"])
    text = file.reveal()
    assert text.splitlines()[0] == f'"{TOKENS[0].text.reveal()}","a,b"'
    assert columns(text) == [[token.text.reveal(), "a,b"] for token in TOKENS]
    assert columns(nrf.claim_files(TOKENS[:1])[0].reveal()) == [[TOKENS[0].text.reveal()]]


@pytest.mark.parametrize(("count", "rows"), [(0, []), (1000, [1000]), (1001, [1000, 1])])
def test_a_file_has_at_most_a_thousand_rows(count, rows):
    files = nrf.claim_files(TOKENS[:1] * count)
    assert [file.reveal().count("\n") for file in files] == rows


def test_gathered_tokens_come_back_and_are_not_shown():
    rows = [TokenRow(token, "350000000000000", "2026-01-02T03:04:05+00:00") for token in TOKENS]
    file = nrf.token_file(rows)
    assert file.reveal().splitlines()[0].split(",") == [
        "350000000000000",
        TOKENS[0].device_id,
        TOKENS[0].text.reveal(),
        "2026-01-02T03:04:05+00:00",
    ]
    read = nrf.read_tokens(file.reveal())
    assert list(read.rows) == rows
    assert not read.bad
    assert TOKENS[0].text.reveal() not in repr(read)


def test_a_file_to_claim_with_can_be_read_too():
    (file,) = nrf.claim_files(TOKENS, ["a"])
    assert [row.token for row in nrf.read_tokens(file.reveal()).rows] == TOKENS


def test_what_is_wrong_is_told_by_row_and_without_the_token():
    whole, other = TOKENS[0].text.reveal(), TOKENS[1].text.reveal()
    lines = [
        f"1,{TOKENS[0].device_id},{whole},now",
        "",
        f"2,{TOKENS[1].device_id},{other[:90]},now",
        f"3,{TOKENS[0].device_id},{other},now",
        f"4,{TOKENS[0].device_id.upper()},{whole},now",
        "x",
    ]
    read = nrf.read_tokens("\ufeff" + "\r\n".join(lines))
    assert [row.token for row in read.rows] == TOKENS[:1]
    assert [bad.row for bad in read.bad] == [3, 4, 5, 6]
    assert "cannot be used" in read.bad[0].problem
    assert TOKENS[1].device_id in read.bad[1].problem
    assert read.bad[2].problem == "is the same device as row 1"
    told = repr(read.bad)
    assert whole[:40] not in told
    assert other[:40] not in told


def test_an_onboarding_row_is_as_the_vendor_writes_it():
    row = OnboardRow("nrf-1", PEM, "gateway", ("a", "b"))
    assert nrf.onboarding_files([row]) == [f'nrf-1,gateway,a|b,APP|MODEM,"{PEM}"\n']


@given(
    st.lists(
        st.builds(
            OnboardRow,
            device_id=TEXT,
            certificate=st.just(PEM),
            sub_type=st.just("") | TEXT,
            tags=st.lists(TEXT, max_size=3).map(tuple),
            firmware_types=st.lists(st.sampled_from(nrf.FIRMWARE_TYPES), max_size=3).map(tuple),
        ),
        max_size=5,
        unique_by=lambda row: row.device_id,
    )
)
def test_what_is_written_is_what_is_read(rows):
    read = nrf.read_onboarding("".join(nrf.onboarding_files(rows)))
    assert list(read.rows) == rows
    assert not read.bad


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("a,b", "has 2 columns instead of 5"),
        (f'{"x" * 65},,,APP,"{PEM}"', "device id has 65 characters"),
        (f'a b,,,APP,"{PEM}"', "device id may have"),
        (f'a,,,APP|BOOTS,"{PEM}"', "BOOTS is none of"),
        ("a,,,APP,nothing", "certificate must be"),
        (f'a,"x,y",,APP,"{PEM}"', "type may not have"),
        (f'ok,,,APP,"{PEM}"', "is the same device as row 1"),
    ],
)
def test_a_row_that_cannot_be_onboarded_is_told(line, problem):
    good = f'ok,,,APP|MODEM,"{PEM}"\n'
    read = nrf.read_onboarding(good + line)
    assert len(read.rows) == 1
    (bad,) = read.bad
    assert bad.row == 2
    assert problem in bad.problem


def test_what_cannot_be_onboarded_is_not_written():
    with pytest.raises(InputError):
        nrf.onboarding_files([OnboardRow("", PEM)])


@pytest.mark.parametrize("text", ['a"b,"c', '"a', "x" * (nrf.FILE_CHARS + 1)])
def test_what_is_no_table_is_refused_without_being_quoted(text):
    with pytest.raises(InputError) as caught:
        nrf.read_onboarding(text)
    assert "a" * 3 not in str(caught.value.facts["problem"]).replace("characters", "")


@pytest.mark.parametrize(
    ("header", "gathered"),
    [
        ("IMEI,UUID,Attestation Token,Timestamp", True),
        ("imei,device_id,token,date", True),
        ('"IMEI","Device ID","attestation_token",""', True),
        ("claimToken,tags", False),
        ("Token", False),
    ],
)
def test_names_of_columns_above_the_tokens_are_passed_over(header: str, gathered: bool):
    rows = [TokenRow(each, "350") for each in TOKENS]
    text = nrf.token_file(rows) if gathered else nrf.claim_files(TOKENS)[0]
    found = nrf.read_tokens(f"\ufeff\n{header}\n{text.reveal()}")
    assert [row.token for row in found.rows] == TOKENS
    assert found.bad == ()


@pytest.mark.parametrize("line", ["imei,uuid", "350,uuid,token,now", "2dn3hQFQSWHIc0CMRc6x", "x"])
def test_what_is_no_header_is_a_row_that_cannot_be_used(line: str):
    text = nrf.claim_files(TOKENS)[0].reveal()
    assert [bad.row for bad in nrf.read_tokens(f"{line}\n{text}").bad] == [1]
    # A header stands above everything else.
    assert len(nrf.read_tokens(f"{text}token\n").bad) == 1


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    for read in (nrf.read_tokens, nrf.read_onboarding):
        try:
            found = read(text)
        except InputError:
            continue
        assert not found.rows


@pytest.mark.parametrize("parted", [";", "\t"])
def test_files_that_went_through_a_spreadsheet_are_read(parted: str):
    gathered = nrf.token_file([TokenRow(each, "350", "2026") for each in TOKENS]).reveal()
    found = nrf.read_tokens("\ufeff" + gathered.replace(",", parted).replace("\n", "\r\n"))
    assert [row.token.device_id for row in found.rows] == [each.device_id for each in TOKENS]
    assert (found.bad, found.rows[0].imei) == ((), "350")
    (claim,) = nrf.claim_files(TOKENS, ["a;b", "c"])
    assert len(nrf.read_tokens(claim.reveal()).rows) == len(TOKENS)
    exported = claim.reveal().replace('","', f'"{parted}"')
    assert len(nrf.read_tokens(exported).rows) == len(TOKENS)
