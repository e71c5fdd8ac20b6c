"""The board's secure element: two key slots, a device id, a certificate; real P-256 keys.

The library for keys is loaded with the first signature, not before.
Source: protocol-v2, 7.3; Arduino_SecureElement f9367dd.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Final

from agent.simulator.der import pem, request_info, signed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

CSR_SLOT: Final = 0
IDENTITY_SLOT: Final = 1
_COORDINATE_BYTES: Final = 32


class SecureElementChip:
    """Slots that outlive resets."""

    def __init__(self) -> None:
        self._keys: dict[int, EllipticCurvePrivateKey] = {}
        self.device_id = ""
        self.certificate: tuple[str, ...] = ()
        self.slots: dict[int, bytes] = {}
        """What provisioning 1.0 wrote, by slot: certificate and device id."""
        self.locked = False

    def generate(self, slot: int) -> None:
        """A new private key in ``slot``."""
        from cryptography.hazmat.primitives.asymmetric import ec

        self._keys[slot] = ec.generate_private_key(ec.SECP256R1())

    def has_key(self, slot: int) -> bool:
        """Whether a key was ever made in ``slot``."""
        return slot in self._keys

    def wipe(self) -> None:
        """Device id and certificate read as absent afterwards; keys stay."""
        self.device_id = ""
        self.certificate = ()
        self.slots.clear()

    def public_key(self, slot: int) -> EllipticCurvePublicKey:
        """The public key of ``slot``; KeyError if none was ever made."""
        return self._keys[slot].public_key()

    def public_key_pem(self, slot: int = IDENTITY_SLOT) -> str:
        """The public key, with the line breaks of the board's library."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        key = (
            self._key(slot)
            .public_key()
            .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        )
        return pem("PUBLIC KEY", key)

    def token(self, uhwid: bytes, seconds: int, slot: int = IDENTITY_SLOT) -> bytes:
        """A JWT that says which board this is and when (Unix seconds, 32 bits of them).

        Empty while there is no key, as the board's library answers.
        """
        if slot not in self._keys:
            return b""
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA256

        claims = {"iat": seconds & 0xFFFFFFFF, "iss": uhwid.hex()}
        said = b".".join(
            _base64url(json.dumps(part, separators=(",", ":")).encode())
            for part in ({"alg": "ES256", "typ": "JWT"}, claims)
        )
        r, s = decode_dss_signature(self._key(slot).sign(said, ECDSA(SHA256())))
        raw = r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")
        return said + b"." + _base64url(raw)

    def csr_pem(self, common_name: str, slot: int = CSR_SLOT) -> str:
        """A certificate request for a new key in ``slot``."""
        from cryptography import x509
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import Encoding
        from cryptography.x509.oid import NameOID

        self.generate(slot)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
        return builder.sign(self._key(slot), SHA256()).public_bytes(Encoding.PEM).decode()

    def csr_as_board(self, common_name: str, slot: int = CSR_SLOT) -> str:
        """The same in the form of the 1.0 sketch's library: PrintableString, lines of 76."""
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        self.generate(slot)
        key = self._key(slot)
        spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        info = request_info(common_name, spki)
        request = signed(info, key.sign(info, ECDSA(SHA256())))
        return pem("CERTIFICATE REQUEST", request)

    def _key(self, slot: int) -> EllipticCurvePrivateKey:
        return self._keys[slot]


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
