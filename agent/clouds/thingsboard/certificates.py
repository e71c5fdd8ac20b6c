"""Certificates of devices: made here, checked, and shown in a TLS handshake."""

from __future__ import annotations

import datetime
import os
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.errors import InputError
from agent.protocols.thingsboard.names import name_problem
from agent.settings import Secret
from agent.settings.credentials import CA_BYTES, Certificate

if TYPE_CHECKING:
    import ssl

VALID: Final = datetime.timedelta(days=365)
SKEW: Final = datetime.timedelta(days=1)
"""Valid from yesterday: the board's or the server's clock may be behind."""


def make_certificate(name: str, now: datetime.datetime) -> Certificate:
    """A key on P-256 and a certificate that it signed itself, for one year.

    ``name`` becomes the common name; :class:`InputError` if it is too long for that. ``now`` is
    aware of its zone. Source: the shape that the vendor's gateway makes, which the server takes.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    problem = name_problem(name, certificate=True)
    if problem is not None:
        raise InputError(field="name", problem=problem)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now - SKEW + VALID)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        # What TLS libraries of microcontrollers read without more.
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    return Certificate(certificate=public.decode(), key=Secret(private.decode()))


def check_certificate(own: Certificate, now: datetime.datetime) -> None:
    """Raise :class:`InputError` unless key and certificate are a pair that is valid ``now``."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    own.check()
    try:
        certificate = x509.load_pem_x509_certificate(own.certificate.encode())
    except ValueError:
        raise InputError(field="certificate", problem="is no certificate") from None
    try:
        key = serialization.load_pem_private_key(own.key.reveal().encode(), None)
    except (ValueError, TypeError):
        raise InputError(field="key", problem="is no private key without a passphrase") from None
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if certificate.public_key().public_bytes(*form) != key.public_key().public_bytes(*form):
        raise InputError(field="key", problem="does not belong to the certificate")
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not begin <= now <= end:
        days = f"{begin:%Y-%m-%d} to {end:%Y-%m-%d}"
        raise InputError(field="certificate", problem=f"is valid from {days} only")


def check_authorities(field: str, pem: str) -> str:
    """``pem`` as it is kept; :class:`InputError` unless it is certificates and nothing else."""
    text = pem.replace("\r\n", "\n").strip()
    if not text:
        return ""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    if len(text.encode(errors="replace")) > CA_BYTES:
        raise InputError(field=field, problem=f"is longer than {CA_BYTES} bytes")
    if "PRIVATE KEY" in text:
        raise InputError(field=field, problem="holds a private key; give the certificate alone")
    try:
        found = x509.load_pem_x509_certificates(text.encode("ascii"))
    except (ValueError, x509.InvalidVersion):
        raise InputError(field=field, problem="is no certificate in the form PEM") from None
    # Only what was read is kept, so that no remark of the file travels on.
    return "".join(each.public_bytes(Encoding.PEM).decode() for each in found)


def show_certificate(context: ssl.SSLContext, own: Certificate) -> None:
    """Let ``context`` prove with ``own`` who connects.

    Raises :class:`InputError` if it cannot be used, and ``OSError`` where no temporary file can be
    made. Python takes it from a file only, so the key is in one for a moment: encrypted with a password
    that exists here alone, readable for this user alone.
    """
    import ssl as tls

    from cryptography.hazmat.primitives import serialization

    password = secrets.token_bytes(32).hex()
    try:
        key = serialization.load_pem_private_key(own.key.reveal().encode(), None)
        encrypted = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(password.encode()),
        )
    except (ValueError, TypeError):
        raise InputError(field="key", problem="is no private key without a passphrase") from None
    handle, name = tempfile.mkstemp(suffix=".pem")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(own.certificate.encode() + b"\n" + encrypted)
        context.load_cert_chain(name, password=password)
    except tls.SSLError:
        raise InputError(field="certificate", problem="cannot be used for TLS") from None
    finally:
        Path(name).unlink()
