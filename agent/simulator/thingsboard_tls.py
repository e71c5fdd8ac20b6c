"""Certificates of the simulated ThingsBoard: an authority of its own, good and wrong servers.

``cryptography`` is imported where it is needed: a start that makes none does not load it.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import itertools
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

ServerCertificate = Literal["good", "expired", "not yet", "other host", "unknown"]
"""``unknown``: signed by an authority that nobody was given."""
LIFETIME: Final = dt.timedelta(days=365)
HOSTS: Final = ("localhost", "127.0.0.1", "::1")
NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL: the server looks at the dates itself, after the handshake."""


class Certificates:
    """An authority and what it signed; contexts are made anew for each connection."""

    def __init__(self, now: Callable[[], float], names: tuple[str, ...] = HOSTS) -> None:
        """``now`` gives Unix seconds; ``names`` are the hosts of the good certificates."""
        self._now = now
        self._names = names
        self._folder = tempfile.TemporaryDirectory(prefix="thingsboard-")
        self._authority = _Authority("Simulated ThingsBoard CA", self._moment())
        self._stranger = _Authority("Somebody else's CA", self._moment())
        self.ca_pem = self._authority.pem
        """What a client is to trust."""
        self.kind: ServerCertificate = "good"
        """What clients are shown from now on."""

    def close(self) -> None:
        """Take the files away."""
        self._folder.cleanup()

    def context(self) -> ssl.SSLContext:
        """A server's, without a client's certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file())
        return context

    def asking_context(self) -> ssl.SSLContext:
        """A server's that takes any client certificate which the link puts into it.

        TLS 1.2 alone, which the server's configuration names too: there certificates are not
        encrypted, so that the link can see them. Without tickets: a session that is taken up again
        shows none.
        """
        context = self.context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_TICKET
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags = ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN | NO_CHECK_TIME
        return context

    def switching_context(self) -> ssl.SSLContext:
        """A server's for many connections, each of which sees the certificate of its moment."""
        context = self.context()

        def choose(link: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
            link.context = self.context()

        context.sni_callback = choose
        return context

    def file(self) -> Path:
        """Certificate and key of what clients are shown now, PEM."""
        kind = self.kind
        file = Path(self._folder.name) / f"{get_args(ServerCertificate).index(kind)}.pem"
        if not file.exists():
            signer = self._stranger if kind == "unknown" else self._authority
            hosts = ("thingsboard.invalid",) if kind == "other host" else self._names
            shift = {"expired": -2 * LIFETIME, "not yet": LIFETIME}.get(kind, dt.timedelta())
            file.write_text(signer.server(hosts, self._moment() + shift), encoding="ascii")
        return file

    def _moment(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self._now(), dt.UTC)


class _Authority:
    """A certificate that signs others."""

    def __init__(self, name: str, moment: dt.datetime) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec

        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _common(name)
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = _builder(self._name, self._name, self._key, moment - 10 * LIFETIME, 20 * LIFETIME)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        builder = builder.add_extension(usage, True)
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), False
        )
        self.pem = _sign(builder, self._key)

    def server(self, hosts: tuple[str, ...], moment: dt.datetime) -> str:
        """Certificate and key of a server, PEM."""
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        start = moment - dt.timedelta(days=1)
        builder = _builder(_common(hosts[0]), self._name, key, start, LIFETIME)
        names = x509.SubjectAlternativeName([_host(host) for host in hosts])
        builder = builder.add_extension(names, False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        usage = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(usage, False)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False
        )
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return _sign(builder, self._key) + private.decode()


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    start: dt.datetime,
    lifetime: dt.timedelta,
) -> x509.CertificateBuilder:
    from cryptography import x509

    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    return builder.not_valid_before(start).not_valid_after(start + lifetime)


def _sign(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> str:
    from cryptography.hazmat.primitives import hashes, serialization

    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def _common(name: str) -> x509.Name:
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _host(host: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def common_name(der: bytes) -> str:
    """The common name of a certificate; empty if it has none, or is none."""
    from cryptography import x509

    try:
        names = x509.load_der_x509_certificate(der).subject
    except ValueError:
        return ""
    found = names.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def valid_at(der: bytes, seconds: float) -> bool:
    """Whether a certificate is within its dates."""
    from cryptography import x509

    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    certificate = x509.load_der_x509_certificate(der)
    return certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc


def signs_downwards(chain: tuple[bytes, ...]) -> bool:
    """Whether each certificate of a chain (the leaf first) is signed by the next one's key."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    try:
        found = [x509.load_der_x509_certificate(der) for der in chain]
        for lower, upper in itertools.pairwise(found):
            lower.verify_directly_issued_by(upper)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
