"""Whom this computer trusts, for DTLS: the same as ``trust`` has it for TLS, in the form of pyOpenSSL.

The library that checks for TLS on Windows and macOS (truststore) can do so for TLS alone. So on
Windows the certificates of the system's stores are read, and on macOS those that came with it; a
company's own authority on macOS has to be named.
"""

from __future__ import annotations

import contextlib
import ipaddress
import ssl
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.clouds.trust import client_context

if TYPE_CHECKING:
    from cryptography import x509
    from OpenSSL import SSL

    from agent.clouds.route import Route

HOST_MISMATCH: Final = 62
"""X509_V_ERR_HOSTNAME_MISMATCH of OpenSSL."""
REASONS: Final = {
    2: "unable to get issuer certificate",
    9: "certificate is not yet valid",
    10: "certificate has expired",
    18: "self-signed certificate",
    19: "self-signed certificate in certificate chain",
    20: "unable to get local issuer certificate",
    21: "unable to verify the first certificate",
    24: "invalid CA certificate",
    26: "unsuitable certificate purpose",
}
"""What the checks of OpenSSL are called there (x509_txt.c)."""
_MAC_STORE: Final = "/System/Library/Keychains/SystemRootCertificates.keychain"
_MAC_LIMIT_S: Final = 10.0
"""The list of some 150 certificates takes a fraction of a second."""
_PEM: Final = b"-----BEGIN CERTIFICATE-----"


def trust(context: SSL.Context, route: Route) -> None:
    """Let ``context`` accept what the system trusts, and what ``route`` names besides.

    Reads files, and on macOS asks a program. :class:`CertificatesUnreadable`.
    """
    client_context(route.certificates, route.authorities)  # says what cannot be used
    named = [Path(file.path).read_bytes() for file in route.certificates]
    named.append(route.authorities.encode())
    _trust_system(context, sys.platform)
    for data in named:
        _add(context, _certificates(data))


def names_host(certificate: x509.Certificate, host: str) -> bool:
    """Whether a certificate is of this host (a name or an address).

    ``*`` stands for one whole label, the first. A common name counts only where no name is given
    besides, as with TLS. Source: RFC 6125, section 6.4.
    """
    from cryptography import x509

    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        found = x509.SubjectAlternativeName([])
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return address in found.get_values_for_type(x509.IPAddress)
    names = found.get_values_for_type(x509.DNSName)
    if not names:
        common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        names = [str(each.value) for each in common]
    return any(_is_name(name, host) for name in names)


def _is_name(pattern: str, host: str) -> bool:
    pattern, host = pattern.lower().removesuffix("."), host.lower().removesuffix(".")
    first, _, rest = pattern.partition(".")
    if first == "*":
        return "." in rest and host.partition(".")[2] == rest
    return pattern == host


def _trust_system(context: SSL.Context, platform: str) -> None:
    if platform == "win32":
        system = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        system.load_default_certs()
        _add(context, system.get_ca_certs(binary_form=True))
    elif platform == "darwin":
        asked = ("/usr/bin/security", "find-certificate", "-a", "-p", _MAC_STORE)
        with contextlib.suppress(
            OSError, subprocess.SubprocessError
        ):  # then named ones count alone
            done = subprocess.run(asked, capture_output=True, timeout=_MAC_LIMIT_S, check=True)  # noqa: S603 - no shell, nothing of anybody in it
            _add(context, _certificates(done.stdout))
    else:
        paths = ssl.get_default_verify_paths()
        if paths.cafile or paths.capath:
            context.load_verify_locations(paths.cafile, paths.capath)
        else:  # a Python that was built elsewhere; this looks where systems have them
            context.set_default_verify_paths()


def _certificates(data: bytes) -> list[bytes]:
    """Out of PEM, or the one that it is; as DER."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    if _PEM not in data:
        return [data] if data else []
    return [each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(data)]


def _add(context: SSL.Context, certificates: list[bytes]) -> None:
    from OpenSSL import crypto

    store = context.get_cert_store()
    assert store is not None  # noqa: S101 - pyOpenSSL: None for contexts without one, which this is not
    for der in certificates:
        with contextlib.suppress(crypto.Error):  # stores have some that nobody can read
            store.add_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, der))
