"""A board's certificate of provisioning 1.0: its form, and how the board rebuilds it from slots.

Source: protocol-v1, section 4; ArduinoIoTCloud 1.14.0, certificate helpers.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import NameOID

from agent.protocols.v1.commands import FIRST_YEAR, SERIAL_BYTES, SIGNATURE_BYTES
from agent.simulator import der

if TYPE_CHECKING:
    from agent.simulator.secure_element import SecureElementChip

KEY_SLOT: Final = 0
COMPRESSED_SLOT: Final = 10
"""Signature 64 bytes, dates 3, 5 spare."""
SERIAL_SLOT: Final = 11
"""Serial number 16 bytes, authority key id 20."""
DEVICE_ID_SLOT: Final = 12
"""72 bytes, padded with zeros."""
SLOT_BYTES: Final = 72
DATES_BYTES: Final = 3
_DATE_BITS: Final = (5, 4, 5, 5, 5)
"""Year since 2000, month, day, hour, validity in years; the highest bits first."""

ISSUER: Final = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Arduino LLC US"),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "IT"),
        x509.NameAttribute(NameOID.COMMON_NAME, "Arduino"),
    ]
)


def pack_dates(year: int, month: int, day: int, hour: int, years: int) -> bytes:
    """Dates in three bytes; what does not fit its bits is cut off, as the board does."""
    packed = 0
    for value, bits in zip((year - FIRST_YEAR, month, day, hour, years), _DATE_BITS, strict=True):
        packed = packed << bits | (value & ((1 << bits) - 1))
    return packed.to_bytes(DATES_BYTES, "big")


def unpack_dates(data: bytes) -> tuple[int, int, int, int, int]:
    """Year, month, day, hour and validity in years."""
    packed = int.from_bytes(data, "big")
    values: list[int] = []
    for bits in reversed(_DATE_BITS):
        values.insert(0, packed & ((1 << bits) - 1))
        packed >>= bits
    year, month, day, hour, years = values
    return year + FIRST_YEAR, month, day, hour, years


def certificate_builder(
    device_id: str,
    key: ec.EllipticCurvePublicKey,
    *,
    serial: int,
    authority_key_id: bytes,
    begin: datetime,
    years: int,
) -> x509.CertificateBuilder:
    """The certificate of a device, as the board rebuilds it and its cloud signs it."""
    leap_day = (begin.month, begin.day) == (2, 29)
    end = begin.replace(year=begin.year + years, day=28 if leap_day else begin.day)
    return (
        x509.CertificateBuilder()
        .issuer_name(ISSUER)
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, device_id)]))
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.AuthorityKeyIdentifier(authority_key_id, None, None), critical=False)
    )


def rebuild(element: SecureElementChip) -> bytes:
    """The certificate in DER, from the slots; KeyError or ValueError if they do not make one."""
    compressed, serial_slot = element.slots[COMPRESSED_SLOT], element.slots[SERIAL_SLOT]
    raw, dates = compressed[:SIGNATURE_BYTES], compressed[SIGNATURE_BYTES:][:DATES_BYTES]
    year, month, day, hour, years = unpack_dates(dates)
    unsigned = certificate_builder(
        element.slots[DEVICE_ID_SLOT].rstrip(b"\0").decode("ascii"),
        element.public_key(KEY_SLOT),
        serial=int.from_bytes(serial_slot[:SERIAL_BYTES], "big"),
        authority_key_id=serial_slot[SERIAL_BYTES:],
        begin=datetime(year, month, day, hour, tzinfo=UTC),
        years=years,
    )
    # The library builds nothing without a signature: any key's will do, and is replaced.
    body = unsigned.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    half = SIGNATURE_BYTES // 2
    r, s = (int.from_bytes(part, "big") for part in (raw[:half], raw[half:]))
    return der.signed(body.tbs_certificate_bytes, encode_dss_signature(r, s))
