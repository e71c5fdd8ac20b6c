"""The certificate of a 1.0 board in the form that is sent to it: dates and numbers, no DER.

The board rebuilds the certificate from these and its own key. Source: protocol-v1, section 4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from agent.protocols.v1.commands import (
    AUTHORITY_KEY_ID_BYTES,
    FIRST_YEAR,
    LAST_YEAR,
    SERIAL_BYTES,
    SIGNATURE_BYTES,
    VALIDITY_YEARS,
    Command,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

COORDINATE_BYTES: Final = SIGNATURE_BYTES // 2
_HEX: Final = re.compile("[0-9a-fA-F]+")


class CertificateUnusable(ValueError):
    """A certificate that a 1.0 board cannot hold; ``field`` names what is wrong with it."""

    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        self.problem = problem
        super().__init__(f"{field} {problem}")


@dataclass(frozen=True, slots=True)
class CompressedCertificate:
    """What a board stores of its certificate; :class:`CertificateUnusable` if it cannot."""

    not_before: datetime
    """With a time zone; the board keeps year to hour, in UTC. Valid for 31 years."""
    serial: bytes
    authority_key_id: bytes
    signature: bytes
    """r then s, 32 bytes each."""

    def __post_init__(self) -> None:
        """Everything is checked before anything is sent."""
        for field, value, size in (
            ("serial", self.serial, SERIAL_BYTES),
            ("authority_key_identifier", self.authority_key_id, AUTHORITY_KEY_ID_BYTES),
            ("signature", self.signature, SIGNATURE_BYTES),
        ):
            if len(value) != size:
                raise CertificateUnusable(field, f"has {len(value)} bytes instead of {size}")
        if self.not_before.tzinfo is None:
            raise CertificateUnusable("not_before", "has no time zone")
        year = self._begin.year
        if not FIRST_YEAR <= year <= LAST_YEAR:
            problem = f"is in {year}; the board can keep {FIRST_YEAR} to {LAST_YEAR} only"
            raise CertificateUnusable("not_before", problem)

    @property
    def fields(self) -> tuple[tuple[Command, bytes], ...]:
        """Commands 8 to 15 with their data, in this order."""
        begin = self._begin
        return (
            (Command.YEAR, b"%04d" % begin.year),
            (Command.MONTH, b"%02d" % begin.month),
            (Command.DAY, b"%02d" % begin.day),
            (Command.HOUR, b"%02d" % begin.hour),
            (Command.VALIDITY, b"%02d" % VALIDITY_YEARS),
            (Command.SERIAL, self.serial),
            (Command.AUTHORITY_KEY_ID, self.authority_key_id),
            (Command.SIGNATURE, self.signature),
        )

    @property
    def _begin(self) -> datetime:
        try:
            return self.not_before.astimezone(UTC)
        except OverflowError:
            raise CertificateUnusable("not_before", "is at the end of time") from None


def compress(compressed: Mapping[str, object]) -> CompressedCertificate:
    """The certificate from the cloud's object ``compressed``.

    Reads ``not_before`` (RFC 3339), ``serial``, ``authority_key_identifier``, ``signature_asn1_x``
    and ``signature_asn1_y`` (hex). Numbers may come without their leading zeros.
    Raises :class:`CertificateUnusable`.
    """
    return CompressedCertificate(
        not_before=_moment(compressed),
        serial=_number(compressed, "serial", SERIAL_BYTES),
        authority_key_id=_bytes(compressed, "authority_key_identifier"),
        signature=_number(compressed, "signature_asn1_x", COORDINATE_BYTES)
        + _number(compressed, "signature_asn1_y", COORDINATE_BYTES),
    )


def _moment(compressed: Mapping[str, object]) -> datetime:
    text = compressed.get("not_before")
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise CertificateUnusable("not_before", "is no time with a zone")
    return moment


def _hex(compressed: Mapping[str, object], field: str) -> str:
    text = compressed.get(field)
    if not isinstance(text, str) or not _HEX.fullmatch(text):
        raise CertificateUnusable(field, "is not in hexadecimal digits")
    return text


def _number(compressed: Mapping[str, object], field: str, size: int) -> bytes:
    digits = _hex(compressed, field)
    number = int(digits, 16) if len(digits) <= 2 * size else 0
    if len(digits) > 2 * size or not number:
        raise CertificateUnusable(field, f"is not a number of 1 to {size} bytes")
    return number.to_bytes(size, "big")


def _bytes(compressed: Mapping[str, object], field: str) -> bytes:
    digits = _hex(compressed, field)
    if len(digits) % 2:
        raise CertificateUnusable(field, "has half a byte too many")
    return bytes.fromhex(digits)
