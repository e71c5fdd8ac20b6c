"""Plays the part of a board towards a cloud: its key, its tokens, its certificate request."""

from __future__ import annotations

import base64
import hashlib
import json
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

from agent.clouds import ClaimRequest
from agent.settings import Secret

UNO_R4_WIFI = "arduino:renesas_uno:unor4wifi"


class SigningBoard:
    """A P-256 key behind a hardware id; two boards with one ``label`` share the id only."""

    def __init__(self, label: str = "board") -> None:
        self.uhwid = hashlib.sha256(label.encode()).hexdigest()
        self.key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public_key(self) -> str:
        """PEM as the firmware writes it: base64 broken after 76 characters."""
        der = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        text = base64.b64encode(der).decode()
        lines = [text[start : start + 76] for start in range(0, len(text), 76)]
        return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])

    def token(self, *, iat: float | None = None, iss: str | None = None, alg: str = "ES256") -> str:
        """A JWT that this board signs; claims can be bent."""
        issued = int(time.time() if iat is None else iat)
        header = _base64url(json.dumps({"alg": alg, "typ": "JWT"}, separators=(",", ":")).encode())
        claims = {"iat": issued, "iss": self.uhwid if iss is None else iss}
        body = _base64url(json.dumps(claims, separators=(",", ":")).encode())
        signed = f"{header}.{body}"
        r, s = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_base64url(r.to_bytes(32) + s.to_bytes(32))}"

    def csr(self, common_name: str | None = None) -> str:
        """A certificate request with a new key, as the firmware makes one."""
        name = x509.NameAttribute(NameOID.COMMON_NAME, common_name or self.uhwid)
        self.certified = ec.generate_private_key(ec.SECP256R1())
        request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([name]))
        signed = request.sign(self.certified, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode()

    def claim_request(self, name: str = "bench-7", *, token: str | None = None) -> ClaimRequest:
        """What a job hands to a cloud after GET_ID."""
        return ClaimRequest(
            name=name,
            connection_type="wifi",
            fqbn=UNO_R4_WIFI,
            uhwid=self.uhwid,
            public_key=self.public_key,
            token=Secret(self.token() if token is None else token),
            ble_address="A1:B2:C3:D4:E5:F6",
            serial_number="F412FA65",
        )


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
