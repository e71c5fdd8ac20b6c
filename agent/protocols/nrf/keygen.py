"""What a modem answers when it made a key: a certificate signing request or a public key, signed.

The private key never leaves the modem. Old modems write the algorithm of the request's signature
with a superfluous NULL that strict readers refuse (RFC 5758, 3.2). Source: AT command reference,
%KEYGEN; modem_credentials_parser of nrfcloud-utils.
"""

from __future__ import annotations

import base64
import hashlib
import textwrap
import uuid
from dataclasses import dataclass
from typing import Final

from agent.protocols.nrf import cose
from agent.protocols.nrf.cose import Damaged, Problem
from agent.protocols.v2 import cbor

PUBLIC_KEY: Final = 8
REQUEST: Final = 9
SHORTEST: Final = 60
"""Bytes; a public key on P-256 has 91."""
_ECDSA_SHA256: Final = bytes.fromhex("06082a8648ce3d040302")
_NULL: Final = b"\x05\x00"
_SEQUENCE: Final = 0x30


@dataclass(frozen=True, slots=True)
class MadeKey:
    """The public half of a key that a modem made."""

    der: bytes
    """A request, or a public key (SubjectPublicKeyInfo); requests without the superfluous NULL."""
    request: bool
    device_id: str
    """Empty: the answer has no signature, which only chips without attestation do."""
    sec_tag: int | None
    text: str
    """The whole answer, as other tools take it."""

    @property
    def pem(self) -> str:
        """In the form that certificate authorities take."""
        name = "CERTIFICATE REQUEST" if self.request else "PUBLIC KEY"
        lines = textwrap.wrap(base64.b64encode(self.der).decode("ascii"), 64)
        return "\n".join((f"-----BEGIN {name}-----", *lines, f"-----END {name}-----", ""))


def parse_keygen(text: str, *, unsigned: bool = False) -> MadeKey:
    """Read the answer to %KEYGEN; raises :class:`Damaged`, also if the digest is another's."""
    text = text.strip().removeprefix("%KEYGEN:")
    text = "".join(text.split()).strip("\"'")
    data, signed = cose.split(text, SHORTEST)
    if signed is None and not unsigned:
        raise Damaged(Problem.UNSIGNED)
    request = _is_request(data)
    if signed is None:
        return MadeKey(without_null(data), request, "", None, text)
    if signed.payload is None:
        raise Damaged(Problem.KIND)
    try:
        kind, device_id, sec_tag, digest = _read(signed.payload)
    except cbor.CborError as error:
        raise Damaged(cose.problem_of(error)) from None
    if kind != (REQUEST if request else PUBLIC_KEY):
        raise Damaged(Problem.KIND)
    if digest != hashlib.sha256(data).digest():
        raise Damaged(Problem.DIGEST)
    device = str(uuid.UUID(bytes=device_id))
    return MadeKey(without_null(data), request, device, sec_tag & 0xFFFF_FFFF, text)


def encode_payload(kind: int, device_id: bytes, sec_tag: int, body: bytes, nonce: bytes) -> bytes:
    """The payload that the modem signs."""
    items = (device_id, cbor.integer(sec_tag), hashlib.sha256(body).digest(), nonce)
    written = b"".join(map(cbor.byte_string, items))
    return cbor.head(cbor.ARRAY, 5) + cbor.integer(kind) + written


def without_null(der: bytes) -> bytes:
    """A request whose signature algorithm has no parameters; anything else as it is.

    The signature is over the first element alone, so it stays valid.
    """
    outer = _element(der, 0)
    if outer is None or outer[2] != len(der):
        return der
    info = _element(der, outer[1])
    algorithm = _element(der, info[2]) if info else None
    if info is None or algorithm is None:
        return der
    _, start, end = algorithm
    if der[start:end] != _ECDSA_SHA256 + _NULL:
        return der
    mended = der[outer[1] : info[2]] + _sequence(_ECDSA_SHA256) + der[end:]
    return _sequence(mended)


def with_null(der: bytes) -> bytes:
    """A request as old modems write it; the opposite of :func:`without_null`."""
    plain = _sequence(_ECDSA_SHA256)
    outer = _element(der, 0)
    info = _element(der, outer[1]) if outer else None
    if outer is None or info is None or not der[info[2] :].startswith(plain):
        return der
    rest = der[info[2] + len(plain) :]
    return _sequence(der[outer[1] : info[2]] + _sequence(_ECDSA_SHA256 + _NULL) + rest)


def _read(payload: bytes) -> tuple[int, bytes, int, bytes]:
    items = cose.Items(payload)
    if items.array() != 5:
        raise Damaged(Problem.FORM)
    kind, device_id = items.integer(), items.byte_string()
    tag = cose.Items(items.byte_string())
    sec_tag, digest, nonce = tag.integer(), items.byte_string(), items.byte_string()
    tag.end()
    items.end()
    if len(device_id) != cose.UUID_BYTES or len(nonce) != cose.NONCE_BYTES:
        raise Damaged(Problem.FORM)
    return kind, device_id, sec_tag, digest


def _is_request(der: bytes) -> bool:
    """Three elements in all, the first and second sequences: a request. Two: a public key."""
    outer = _element(der, 0)
    if outer is None or outer[2] != len(der):
        raise Damaged(Problem.FORM if outer is None or outer[2] < len(der) else Problem.CUT)
    first = _element(der, outer[1])
    second = _element(der, first[2]) if first else None
    if first is None or second is None:
        raise Damaged(Problem.FORM)
    return second[0] == _SEQUENCE


def _element(der: bytes, at: int) -> tuple[int, int, int] | None:
    """Tag, begin of the content and end of the element at ``at``; None if it has no length."""
    if at + 2 > len(der):
        return None
    size, start = der[at + 1], at + 2
    if size >= 0x80:
        count = size & 0x7F
        if not 1 <= count <= 3 or start + count > len(der):
            return None
        size, start = int.from_bytes(der[start : start + count], "big"), start + count
    return der[at], start, start + size


def _sequence(content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((_SEQUENCE, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((_SEQUENCE, 0x80 | len(length))) + length + content
