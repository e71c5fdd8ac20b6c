"""Cryptography of the simulated Arduino Cloud: tokens, requests and certificates of boards."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.x509.oid import NameOID

from agent.simulator.device_certificate import certificate_builder

TOKEN_CHARS: Final = 268
"""Longest token of the firmware (protocol-v2, section 4.2)."""
VALID_YEARS: Final = 31
"""The board rebuilds the certificate with this (cloud-arduino, section 3)."""
_UHWID = re.compile(r"[0-9a-f]{64}")


class WrongKeyMaterial(ValueError):
    """A token, key or request that is not what it should be; the text says how."""


class _Header(msgspec.Struct):
    alg: str
    typ: str = "JWT"


class _Claims(msgspec.Struct):
    iat: int
    iss: str


@dataclass(frozen=True, slots=True)
class BoardToken:
    """A JWT that a board signed; not yet verified."""

    uhwid: str
    issued_at: int
    signed: bytes
    signature: bytes

    def verified_by(self, key: ec.EllipticCurvePublicKey) -> bool:
        """Whether the board that signed it holds this key."""
        half = len(self.signature) // 2
        r, s = (int.from_bytes(part) for part in (self.signature[:half], self.signature[half:]))
        try:
            key.verify(encode_dss_signature(r, s), self.signed, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


def read_token(token: str) -> BoardToken:
    """Take a board's token apart: ES256, ``iss`` a hardware id, 64 bytes of signature."""
    if len(token) > TOKEN_CHARS:
        raise WrongKeyMaterial("the token is too long")
    parts = token.split(".")
    try:
        header, claims, signature = (_base64url(part) for part in parts)
        kind = msgspec.json.decode(header, type=_Header)
        said = msgspec.json.decode(claims, type=_Claims)
    except (ValueError, msgspec.MsgspecError):
        raise WrongKeyMaterial("the token is malformed") from None
    if kind.alg != "ES256" or len(signature) != 64:
        raise WrongKeyMaterial("the token is not signed with ES256")
    if not is_uhwid(said.iss):
        raise WrongKeyMaterial("the issuer of the token is not a hardware id")
    return BoardToken(said.iss, said.iat, f"{parts[0]}.{parts[1]}".encode(), signature)


def is_uhwid(text: str) -> bool:
    """64 lower-case hex digits."""
    return bool(_UHWID.fullmatch(text))


def read_public_key(pem: str) -> ec.EllipticCurvePublicKey:
    """A P-256 key in PEM."""
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except ValueError:
        raise WrongKeyMaterial("the public key is not PEM") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise WrongKeyMaterial("the public key is not of P-256")
    return key


def read_csr(pem: str, uhwid: str) -> ec.EllipticCurvePublicKey:
    """The key of a certificate request that its owner signed and that is for this board."""
    try:
        csr = x509.load_pem_x509_csr(pem.encode())
        key = csr.public_key()
        signed = csr.is_signature_valid
    except ValueError:
        raise WrongKeyMaterial("the certificate request is malformed") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise WrongKeyMaterial("the key of the certificate request is not of P-256")
    if not signed:
        raise WrongKeyMaterial("the certificate request is not signed by its key")
    names = [name.value for name in csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [uhwid]:
        raise WrongKeyMaterial("the certificate request is for another board")
    return key


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A certificate, and the parts from which the board rebuilds it."""

    device_id: str
    pem: str
    authority_key_id: str
    """40 hex digits."""
    not_before: str
    serial: str
    """32 hex digits."""
    signature_x: str
    signature_y: str
    """64 hex digits each."""

    @property
    def compressed(self) -> str:
        """What the board receives (protocol-v2, section 7.3)."""
        return "|".join(
            (
                self.device_id,
                self.authority_key_id,
                self.not_before,
                self.serial,
                self.signature_x,
                self.signature_y,
            )
        )


class Authority:
    """Signs certificates with a key of its own, made anew with each object."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.public_key = self._key.public_key()
        self._key_id = x509.SubjectKeyIdentifier.from_public_key(self.public_key)

    def issue(
        self, device_id: str, key: ec.EllipticCurvePublicKey, now: float
    ) -> IssuedCertificate:
        """A certificate of the device; ``now`` in Unix seconds.

        The board keeps the hour of the beginning only, so it is cut there.
        """
        begin = datetime.fromtimestamp(now, UTC).replace(minute=0, second=0, microsecond=0)
        serial = x509.random_serial_number() >> 32 | 1 << 120  # 16 bytes, positive
        certificate = certificate_builder(
            device_id,
            key,
            serial=serial,
            authority_key_id=self._key_id.digest,
            begin=begin,
            years=VALID_YEARS,
        ).sign(self._key, hashes.SHA256())
        r, s = decode_dss_signature(certificate.signature)
        return IssuedCertificate(
            device_id=device_id,
            pem=certificate.public_bytes(serialization.Encoding.PEM).decode(),
            authority_key_id=self._key_id.digest.hex(),
            not_before=begin.strftime("%Y-%m-%dT%H:%M:%SZ"),
            serial=f"{serial:032x}",
            signature_x=f"{r:064x}",
            signature_y=f"{s:064x}",
        )


def _base64url(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
