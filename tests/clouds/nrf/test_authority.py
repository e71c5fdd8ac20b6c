"""An authority of one's own: what it signs, and what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from agent.clouds.nrf.authority import Authority, check_authority, make_authority, sign_request
from agent.errors import InputError
from agent.settings import Secret

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def request() -> tuple[ec.EllipticCurvePrivateKey, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "what the modem says")])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return key, made.public_bytes(serialization.Encoding.PEM).decode()


def pem(
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, password: bytes = b""
) -> Secret:
    sealed = serialization.BestAvailableEncryption(password) if password else None
    data = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        sealed or serialization.NoEncryption(),
    )
    return Secret(data.decode())


def test_a_board_s_certificate_has_its_device_id_and_its_own_key():
    authority = make_authority(NOW)
    check_authority(authority)
    key, asked = request()
    made = x509.load_pem_x509_certificate(sign_request(authority, asked, "device-1", NOW).encode())
    issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
    made.verify_directly_issued_by(issuer)
    assert made.subject.rfc4514_string() == "CN=device-1"
    assert made.public_key() == key.public_key()
    assert made.not_valid_before_utc < NOW < made.not_valid_after_utc
    constraints = made.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert not constraints.ca
    assert "PRIVATE" not in repr(authority)


def test_a_request_that_another_key_signed_gets_no_certificate():
    _, asked = request()
    body = asked.splitlines()
    body[-2] = body[-2][::-1]
    for text in ("\n".join(body), "", "-----BEGIN CERTIFICATE REQUEST-----"):
        with pytest.raises(InputError) as raised:
            sign_request(make_authority(NOW), text, "device-1", NOW)
        assert raised.value.facts["field"] == "request"


def test_files_that_do_not_belong_together_are_refused():
    ours, other = make_authority(NOW), make_authority(NOW)
    key = ec.generate_private_key(ec.SECP256R1())
    strange = ed25519.Ed25519PrivateKey.generate()
    wrong = [
        (Authority(ours.certificate, other.key), "--ca-key", "not that of"),
        (Authority(ours.certificate, Secret("x")), "--ca-key", "no private key"),
        (Authority(ours.certificate, pem(key, b"pass")), "--ca-key", "passphrase"),
        (Authority(ours.certificate, pem(strange)), "--ca-key", "cannot sign"),
        (Authority(ours.key.reveal(), ours.key), "--ca", "no certificate"),
    ]
    for authority, field, problem in wrong:
        with pytest.raises(InputError) as raised:
            check_authority(authority)
        assert raised.value.facts["field"] == field
        assert problem in str(raised.value.facts["problem"])
