"""The few forms of DER from which a board's crypto library builds its requests and certificates.

Source: ITU-T X.690; RFC 2986 and RFC 5280 for what is built.
"""

from __future__ import annotations

import base64
from typing import Final

PEM_LINE_CHARS: Final = 76
"""The board's library breaks base64 after 76 characters, others after 64."""
ECDSA_WITH_SHA256: Final = bytes.fromhex("300a06082a8648ce3d040302")
COMMON_NAME: Final = bytes.fromhex("0603550403")

_SHORT_LENGTHS: Final = 0x80


def tlv(tag: int, content: bytes) -> bytes:
    """One element: tag, length, content."""
    size = len(content)
    if size < _SHORT_LENGTHS:
        return bytes((tag, size)) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _SHORT_LENGTHS | len(digits))) + digits + content


def sequence(*parts: bytes) -> bytes:
    """SEQUENCE of elements."""
    return tlv(0x30, b"".join(parts))


def bit_string(content: bytes) -> bytes:
    """BIT STRING of whole bytes."""
    return tlv(0x03, b"\0" + content)


def common_name(text: str) -> bytes:
    """A name that is a common name only, as PrintableString."""
    value = tlv(0x13, text.encode("ascii", "replace"))
    return sequence(tlv(0x31, sequence(COMMON_NAME, value)))


def request_info(name: str, public_key: bytes) -> bytes:
    """What is signed of a certificate request; ``public_key`` is a SubjectPublicKeyInfo."""
    return sequence(tlv(0x02, b"\0"), common_name(name), public_key, tlv(0xA0, b""))


def signed(content: bytes, signature: bytes) -> bytes:
    """A request or certificate: what is signed, and the signature (DER)."""
    return sequence(content, ECDSA_WITH_SHA256, bit_string(signature))


def pem(label: str, der: bytes) -> str:
    """PEM with the line breaks of the board's library."""
    text = base64.b64encode(der).decode()
    lines = [text[i : i + PEM_LINE_CHARS] for i in range(0, len(text), PEM_LINE_CHARS)]
    return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""))
