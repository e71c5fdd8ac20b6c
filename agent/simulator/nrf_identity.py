"""Who a simulated modem is: its identity key, and what it signs with it.

The device id follows from the serial number, and key and IMEI from the device id alone, so that a
simulated service in another process knows the public key and the IMEI of each simulated modem, as the
real one knows those of the real ones.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.x509.oid import NameOID

from agent.protocols.nrf import cose, keygen, token

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

LACA_9151: Final = 6
_HALF: Final = cose.SIGNATURE_BYTES // 2
_NAMES: Final = {
    "CN": NameOID.COMMON_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "L": NameOID.LOCALITY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "C": NameOID.COUNTRY_NAME,
}


class ModemIdentity:
    """What is burnt into one modem."""

    def __init__(self, serial_number: str, chip: int = LACA_9151) -> None:
        seed = hashlib.sha256(f"nrf modem {serial_number}".encode()).digest()
        self.device_id = uuid.UUID(bytes=seed[:16], version=4)
        self.firmware_id = uuid.UUID(bytes=hashlib.sha256(b"mfw").digest()[:16], version=4)
        self.chip = chip
        self.imei = imei_of(str(self.device_id))
        self._key = _identity_key(str(self.device_id))

    def attest(self, nonce: bytes | None = None) -> str:
        """A new attestation token; the modem chooses the nonce if nobody does."""
        body = token.encode_body(
            self.device_id.bytes,
            self.chip,
            self.firmware_id.bytes,
            nonce or secrets.token_bytes(cose.NONCE_BYTES),
        )
        return cose.join(body, self._sign(body, None))

    def sign_key(self, body: bytes, *, sec_tag: int, request: bool) -> str:
        """The answer to %KEYGEN, about a request or a public key."""
        kind = keygen.REQUEST if request else keygen.PUBLIC_KEY
        nonce = secrets.token_bytes(cose.NONCE_BYTES)
        payload = keygen.encode_payload(kind, self.device_id.bytes, sec_tag, body, nonce)
        return cose.join(body, self._sign(payload, payload))

    def request(self, key: EllipticCurvePrivateKey, attributes: str = "") -> bytes:
        """A signing request (DER) for a key of the modem's store; ``CN=…,O=…``, else the device id."""
        names = [part.partition("=") for part in attributes.split(",") if part]
        subject = [x509.NameAttribute(_NAMES[name.strip()], value) for name, _, value in names]
        subject = subject or [x509.NameAttribute(NameOID.COMMON_NAME, str(self.device_id))]
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def _sign(self, signed: bytes, payload: bytes | None) -> bytes:
        made = self._key.sign(cose.to_be_signed(signed), ec.ECDSA(hashes.SHA256()))
        halves = (number.to_bytes(_HALF, "big") for number in decode_dss_signature(made))
        return cose.encode(cose.Signed(cose.IDENTITY_KEY, payload, b"".join(halves)))


def public_key(device_id: str) -> EllipticCurvePublicKey:
    """What the service knows of a modem."""
    return _identity_key(device_id).public_key()


def genuine(text: str) -> bool:
    """Whether the modem signed it that it says it is of: a token, or an answer to %KEYGEN.

    Raises :class:`agent.protocols.nrf.cose.Damaged`.
    """
    body, signed = cose.split(text, token.SHORTEST)
    if signed is None:
        return False
    if signed.payload is None:
        device_id = token.parse_token(text).device_id
    else:
        device_id = keygen.parse_keygen(text).device_id
    halves = signed.signature[:_HALF], signed.signature[_HALF:]
    signature = encode_dss_signature(*(int.from_bytes(half, "big") for half in halves))
    data = cose.to_be_signed(body if signed.payload is None else signed.payload)
    try:
        public_key(device_id).verify(signature, data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _identity_key(device_id: str) -> EllipticCurvePrivateKey:
    digest = hashlib.sha256(f"nrf identity key {device_id}".encode()).digest()
    # 31 bytes are below the order of the curve.
    return ec.derive_private_key(int.from_bytes(digest[:31], "big") + 1, ec.SECP256R1())


def imei_of(device_id: str) -> str:
    """15 digits, the last of them a check digit; 35 and zeros are of no real device."""
    number = int.from_bytes(hashlib.sha256(f"nrf imei {device_id}".encode()).digest()[:6], "big")
    digits = f"3500000{number % 10_000_000:07}"
    doubled = [int(digit) * (1 + at % 2) for at, digit in enumerate(digits)]
    total = sum(value // 10 + value % 10 for value in doubled)
    return f"{digits}{-total % 10}"
