"""Certificates of devices and of authorities."""

from __future__ import annotations

import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from agent.clouds.thingsboard.certificates import (
    check_authorities,
    check_certificate,
    make_certificate,
    show_certificate,
)
from agent.errors import InputError
from agent.settings import Secret
from agent.settings.credentials import Certificate
from tests.internet import Authority, of_version_4

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_a_made_certificate_is_what_the_server_takes() -> None:
    made = make_certificate("bench-7", NOW)
    certificate = x509.load_pem_x509_certificate(made.certificate.encode())
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)
    assert isinstance(certificate.signature_hash_algorithm, hashes.SHA256)
    assert certificate.subject == certificate.issuer
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert [name.value for name in names] == ["bench-7"]
    assert certificate.not_valid_before_utc == NOW - timedelta(days=1)
    assert certificate.not_valid_after_utc == NOW + timedelta(days=364)
    certificate.verify_directly_issued_by(certificate)
    assert made.key.reveal().startswith("-----BEGIN EC PRIVATE KEY-----")
    made.check()
    check_certificate(made, NOW)


def test_two_boards_never_share_a_key() -> None:
    assert make_certificate("a", NOW).key != make_certificate("a", NOW).key


def test_a_name_too_long_for_a_certificate_is_refused() -> None:
    make_certificate("n" * 64, NOW)
    with pytest.raises(InputError) as caught:
        make_certificate("n" * 65, NOW)
    assert caught.value.facts["field"] == "name"


def test_what_is_no_pair_or_not_valid_now_is_refused() -> None:
    made, other = make_certificate("a", NOW), make_certificate("b", NOW)
    mixed = Certificate(certificate=made.certificate, key=other.key)
    broken = made.certificate.replace("MII", "AAA", 1)
    encrypted = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"x"),
    )
    for wrong, moment, field in (
        (mixed, NOW, "key"),
        (made, NOW + timedelta(days=400), "certificate"),
        (made, NOW - timedelta(days=2), "certificate"),
        (Certificate(certificate=broken, key=made.key), NOW, "certificate"),
        (Certificate(certificate=made.certificate, key=Secret(encrypted.decode())), NOW, "key"),
    ):
        with pytest.raises(InputError) as caught:
            check_certificate(wrong, moment)
        assert caught.value.facts["field"] == field
        assert "PRIVATE" not in str(caught.value.facts)


def test_a_key_is_nowhere_on_the_disk_after_tls_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made = make_certificate("a", datetime.now(UTC))
    show_certificate(context, made)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError):
        show_certificate(context, Certificate(certificate=made.certificate, key=Secret("x")))
    with pytest.raises(InputError):
        show_certificate(context, Certificate(certificate="x", key=made.key))
    assert list(tmp_path.iterdir()) == []


def test_authorities_are_kept_without_remarks(tmp_path: Path) -> None:
    one, two = (Authority(tmp_path / name, name).pem.read_text() for name in "ab")
    kept = check_authorities("ca", f"remark\r\n{one}\r\nanother\n{two}")
    assert kept == one + two
    assert check_authorities("ca", " \n") == ""


@pytest.mark.parametrize("text", ["x", "-----BEGIN CERTIFICATE-----\nMIIB\n", "ü", "x" * 20_000])
def test_what_is_no_authority_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        check_authorities("ca", text)
    assert caught.value.facts["field"] == "ca"


def test_an_authority_that_only_some_programs_can_read_is_refused(tmp_path: Path) -> None:
    odd = of_version_4(Authority(tmp_path, "a").pem.read_text())
    with pytest.raises(InputError):
        check_authorities("ca", odd)


def test_a_private_key_among_the_authorities_is_refused() -> None:
    made = make_certificate("a", NOW)
    with pytest.raises(InputError) as caught:
        check_authorities("ca", made.certificate + made.key.reveal())
    assert "private key" in str(caught.value.facts["problem"])
