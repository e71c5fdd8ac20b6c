"""The compressed certificate: from the cloud's JSON, checked before anything is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.v1.certificate import CertificateUnusable, CompressedCertificate, compress
from agent.protocols.v1.commands import Command, encode_command

FROM_CLOUD: dict[str, object] = {
    "serial": "000102030405060708090a0b0c0d0e0f",
    "not_before": "2026-01-02T03:00:00Z",
    "not_after": "2057-01-02T03:00:00Z",
    "authority_key_identifier": "202122232425262728292A2B2C2D2E2F30313233",
    "signature": "",
    "signature_asn1_x": "40" * 32,
    "signature_asn1_y": "60" * 32,
}


MOMENTS = st.integers(946_684_800, 1_956_524_400).map(lambda s: datetime.fromtimestamp(s, UTC))
"""2000 to the end of 2031."""


def changed(**changes: object) -> dict[str, object]:
    return FROM_CLOUD | changes


def test_the_clouds_json_becomes_the_fields_of_the_board() -> None:
    assert dict(compress(FROM_CLOUD).fields) == {
        Command.YEAR: b"2026",
        Command.MONTH: b"01",
        Command.DAY: b"02",
        Command.HOUR: b"03",
        Command.VALIDITY: b"31",
        Command.SERIAL: bytes(range(16)),
        Command.AUTHORITY_KEY_ID: bytes(range(0x20, 0x34)),
        Command.SIGNATURE: b"\x40" * 32 + b"\x60" * 32,
    }


@given(st.integers(1, 2**256 - 1), st.integers(1, 2**256 - 1), st.integers(1, 2**128 - 1))
def test_numbers_may_come_without_their_leading_zeros(r: int, s: int, serial: int) -> None:
    short = changed(signature_asn1_x=f"{r:x}", signature_asn1_y=f"{s:x}", serial=f"{serial:x}")
    full = changed(
        signature_asn1_x=f"{r:064X}", signature_asn1_y=f"{s:064X}", serial=f"{serial:032x}"
    )
    certificate = compress(short)
    assert certificate == compress(full)
    assert int.from_bytes(certificate.signature[:32], "big") == r
    assert int.from_bytes(certificate.signature[32:], "big") == s
    assert int.from_bytes(certificate.serial, "big") == serial


@given(
    MOMENTS,
    st.integers(-23, 23),
)
def test_dates_are_sent_in_utc(begin: datetime, hours: int) -> None:
    elsewhere = begin.astimezone(timezone(timedelta(hours=hours)))
    fields = dict(compress(changed(not_before=elsewhere.isoformat())).fields)
    sent = [int(fields[c]) for c in (Command.YEAR, Command.MONTH, Command.DAY, Command.HOUR)]
    assert sent == [begin.year, begin.month, begin.day, begin.hour]


@given(MOMENTS)
def test_every_certificate_that_is_taken_can_be_sent(moment: datetime) -> None:
    for command, data in compress(changed(not_before=moment.isoformat())).fields:
        assert encode_command(command, data)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("not_before", "1999-12-31T23:00:00Z", "is in 1999"),
        ("not_before", "2032-01-01T00:00:00Z", "is in 2032; the board can keep 2000 to 2031 only"),
        ("not_before", "2031-12-31T23:30:00-01:00", "is in 2032"),
        ("not_before", "0001-01-01T00:00:00+01:00", "is at the end of time"),
        ("not_before", "2026-01-02T03:00:00", "no time with a zone"),
        ("not_before", "yesterday", "no time with a zone"),
        ("not_before", None, "no time with a zone"),
        ("serial", "", "not in hexadecimal digits"),
        ("serial", "0x10", "not in hexadecimal digits"),
        ("serial", "1" * 33, "not a number of 1 to 16 bytes"),
        ("serial", "0", "not a number of 1 to 16 bytes"),
        ("serial", 16, "not in hexadecimal digits"),
        ("authority_key_identifier", "20" * 19, "has 19 bytes instead of 20"),
        ("authority_key_identifier", "20" * 19 + "2", "half a byte too many"),
        ("signature_asn1_x", "0" * 64, "not a number of 1 to 32 bytes"),
        ("signature_asn1_y", "1" * 65, "not a number of 1 to 32 bytes"),
        ("signature_asn1_y", "g1", "not in hexadecimal digits"),
        ("signature_asn1_y", "1\n", "not in hexadecimal digits"),
        ("signature_asn1_y", "٣", "not in hexadecimal digits"),
    ],
)
def test_what_a_board_cannot_hold_is_refused_by_name(
    field: str, value: object, problem: str
) -> None:
    with pytest.raises(CertificateUnusable, match=problem) as caught:
        compress(changed(**{field: value}))
    assert caught.value.field == field


@pytest.mark.parametrize("missing", ["not_before", "serial", "signature_asn1_x"])
def test_a_missing_field_is_named(missing: str) -> None:
    rest = {name: value for name, value in FROM_CLOUD.items() if name != missing}
    with pytest.raises(CertificateUnusable, match=missing):
        compress(rest)


@pytest.mark.parametrize(
    "changes",
    [
        {"serial": bytes(15)},
        {"authority_key_id": bytes(21)},
        {"signature": bytes(63)},
        {"not_before": datetime(2026, 1, 1)},  # noqa: DTZ001  (that is wrong with it)
    ],
)
def test_a_certificate_made_by_hand_is_checked_as_well(changes: dict[str, Any]) -> None:
    good: dict[str, Any] = {
        "not_before": datetime(2026, 1, 1, tzinfo=UTC),
        "serial": bytes(16),
        "authority_key_id": bytes(20),
        "signature": bytes(64),
    }
    assert CompressedCertificate(**good).fields
    with pytest.raises(CertificateUnusable):
        CompressedCertificate(**good | changes)
