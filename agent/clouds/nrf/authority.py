"""A certificate authority of one's own: certificates of boards for keys that were made in modems.

nRF Cloud takes the certificate that comes with a device, whoever signed it; the authority's key is
used here alone and reaches no cloud and no board. Source: cloud-nrf, section 7.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.errors import InputError
from agent.settings import Secret

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

NAME: Final = "Mooring: boards on nRF Cloud"
VALID: Final = datetime.timedelta(days=3652)
"""Ten years, as the vendor's tool makes them: nothing renews them on the board."""
SKEW: Final = datetime.timedelta(days=1)
"""Valid from yesterday: a board's clock may be behind."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate and its key, both PEM."""

    certificate: str
    key: Secret


def make_authority(now: datetime.datetime) -> Authority:
    """A new one on P-256 that signs boards and no other authority; ``now`` has its zone."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(NAME)
    certificate = (
        _begun(name, name, now)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Authority(_pem(certificate), Secret(private.decode()))


def check_authority(authority: Authority) -> None:
    """:class:`InputError` unless both can be read and belong together."""
    _read(authority)


def sign_request(authority: Authority, request: str, device_id: str, now: datetime.datetime) -> str:
    """The certificate (PEM) of a board for its signing request (PEM).

    Its name is the device id, whatever the request says. :class:`InputError` if the request is not
    signed by its own key.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID

    issuer, key = _read(authority)
    try:
        asked = x509.load_pem_x509_csr(request.encode())
        genuine = asked.is_signature_valid
    except ValueError:
        raise InputError(field="request", problem="cannot be read") from None
    if not genuine:
        raise InputError(field="request", problem="is not signed by the key in it")
    certificate = (
        _begun(_name(device_id), issuer.subject, now)
        .public_key(asked.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(asked.public_key()), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    return _pem(certificate)


def _read(authority: Authority) -> tuple[x509.Certificate, CertificateIssuerPrivateKeyTypes]:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    try:
        certificate = x509.load_pem_x509_certificate(authority.certificate.encode())
    except ValueError:
        raise InputError(field="--ca", problem="is no certificate in PEM") from None
    try:
        key = serialization.load_pem_private_key(authority.key.reveal().encode(), None)
    except TypeError:
        problem = "is protected by a passphrase; give one without"
        raise InputError(field="--ca-key", problem=problem) from None
    except (ValueError, UnsupportedAlgorithm):
        raise InputError(field="--ca-key", problem="is no private key in PEM") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise InputError(field="--ca-key", problem="is of a kind that cannot sign here")
    if key.public_key() != certificate.public_key():
        raise InputError(field="--ca-key", problem="is not that of the certificate in --ca")
    return certificate, key


def _begun(
    subject: x509.Name, issuer: x509.Name, now: datetime.datetime
) -> x509.CertificateBuilder:
    from cryptography import x509

    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now - SKEW + VALID)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives import serialization

    return certificate.public_bytes(serialization.Encoding.PEM).decode()
