"""Which certificates count for DTLS, and of which host they are."""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL, crypto

from agent.clouds import dtls_trust
from agent.clouds.dtls_trust import names_host, trust
from agent.clouds.route import CertificateFile, Route
from agent.errors import CertificatesUnreadable
from tests.internet import Authority

if TYPE_CHECKING:
    from pathlib import Path

KEY = ec.generate_private_key(ec.SECP256R1())
NOW = dt.datetime.now(dt.UTC)


def certificate(common: str, *others: str) -> x509.Certificate:
    """Of a common name, and of these names and addresses."""

    def general(text: str) -> x509.GeneralName:
        try:
            return x509.IPAddress(ipaddress.ip_address(text))
        except ValueError:
            return x509.DNSName(text)

    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    made = made.not_valid_before(NOW).not_valid_after(NOW + dt.timedelta(1))
    if others:
        names = x509.SubjectAlternativeName([general(each) for each in others])
        made = made.add_extension(names, critical=False)
    return made.public_key(KEY.public_key()).sign(KEY, hashes.SHA256())


@pytest.mark.parametrize(
    ("of", "host", "is_it"),
    [
        (("x", "tb.example"), "tb.example", True),
        (("x", "tb.example"), "TB.Example.", True),
        (("x", "tb.example"), "a.tb.example", False),
        (("x", "*.example.com"), "tb.example.com", True),
        (("x", "*.example.com"), "a.tb.example.com", False),
        (("x", "*.example.com"), "example.com", False),
        (("x", "*.com"), "example.com", False),
        (("x", "t*.example.com"), "tb.example.com", False),
        (("x", "a.*.com"), "a.b.com", False),
        (("x", "192.0.2.1", "fd00::5"), "192.0.2.1", True),
        (("x", "192.0.2.1", "fd00::5"), "fd00:0::5", True),
        (("x", "192.0.2.1"), "192.0.2.2", False),
        (("192.0.2.1",), "192.0.2.1", False),
        (("tb.example",), "tb.example", True),  # without other names the common one counts
        (("tb.example", "other.example"), "tb.example", False),
        (("tb.example", "192.0.2.1"), "tb.example", True),
    ],
)
def test_a_certificate_is_of_the_hosts_that_it_names(
    of: tuple[str, ...], host: str, is_it: bool
) -> None:
    assert names_host(certificate(*of), host) is is_it


@pytest.mark.parametrize("odd", [b"\xa3\x00", b"\xa5\x00", b"\x82\x01\xff", b"\x87\x01\x00"])
def test_names_that_cannot_be_read_name_nobody(odd: bytes) -> None:
    names = b"\x82\x0atb.example" + odd
    raw = x509.UnrecognizedExtension(
        x509.SubjectAlternativeName.oid, b"\x30" + bytes([len(names)]) + names
    )
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tb.example")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    made = made.not_valid_before(NOW).not_valid_after(NOW + dt.timedelta(1))
    made = made.public_key(KEY.public_key()).add_extension(raw, critical=False)
    assert names_host(made.sign(KEY, hashes.SHA256()), "tb.example") is False


def context() -> SSL.Context:
    return SSL.Context(SSL.DTLS_CLIENT_METHOD)


def counts(there: SSL.Context, pem: bytes) -> bool:
    store = there.get_cert_store()
    assert store is not None
    leaf = crypto.load_certificate(crypto.FILETYPE_PEM, pem)
    try:
        crypto.X509StoreContext(store, leaf).verify_certificate()
    except crypto.X509StoreContextError:
        return False
    return True


def test_what_the_account_and_the_settings_name_counts(tmp_path: Path) -> None:
    authority, other = (Authority(tmp_path / name, name) for name in ("one", "two"))
    routes: list[tuple[Route, bool]] = [
        (Route(), False),
        (Route(authorities=other.pem.read_text()), False),
        (Route(authorities=other.pem.read_text() + authority.pem.read_text()), True),
        (Route(certificates=(CertificateFile(str(authority.pem), 0, 0),)), True),
        (Route(certificates=(CertificateFile(str(authority.der), 0, 0),)), True),
    ]
    for route, expected in routes:
        there = context()
        trust(there, route)
        assert counts(there, authority.pem.read_bytes()) is expected
    (tmp_path / "bad.pem").write_text("hello")
    with pytest.raises(CertificatesUnreadable):
        trust(context(), Route(certificates=(CertificateFile(str(tmp_path / "bad.pem"), 0, 0),)))


@pytest.mark.system("linux")
def test_the_store_of_the_system_counts(tmp_path: Path, monkeypatch: Any) -> None:
    authority = Authority(tmp_path / "ca", "System's")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.pem))
    there = context()
    trust(there, Route())
    assert counts(there, authority.pem.read_bytes())


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_stores_that_python_and_the_system_show_are_taken_as_far_as_they_go(platform: str) -> None:
    there = context()
    dtls_trust._trust_system(there, platform)
    dtls_trust._add(there, [b"no certificate", *dtls_trust._certificates(b"")])
    assert not counts(there, certificate("x").public_bytes(Encoding.PEM))
