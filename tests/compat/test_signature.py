"""Whose command lines are run: one key's, and only as they were signed."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from agent.compat.signature import SIGNATURE_KEY, CommandKey
from agent.errors import InputError, UploadUnsigned

LINE = '"{runtime.tools.bossac.path}/bossac" --port={serial.port.file} é'


@pytest.fixture(scope="module")
def private():
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def key(private):
    return CommandKey(pem(private.public_key()))


def pem(public: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> bytes:
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def signed(private: rsa.RSAPrivateKey, text: str, algorithm: HashAlgorithm | None = None) -> str:
    return private.sign(text.encode(), PKCS1v15(), algorithm or SHA256()).hex()


def test_what_the_key_signed_is_accepted_in_digits_of_any_case(private, key):
    key.check(LINE, signed(private, LINE))
    key.check(LINE, signed(private, LINE).upper())


@pytest.mark.parametrize(
    "text", ["", LINE + " ", LINE[:-1], LINE.replace("bossac", "Bossac"), "\ud800"]
)
def test_any_other_text_is_refused(private, key, text):
    with pytest.raises(UploadUnsigned):
        key.check(text, signed(private, LINE))


def test_what_is_no_signature_is_refused(private, key):
    good = signed(private, LINE)
    other = rsa.generate_private_key(65537, 2048)
    for bad in ("", "x", good[:-1], good[:-2], good + "00", f" {good}", "0" * 5000, "00" * 256):
        with pytest.raises(UploadUnsigned):
            key.check(LINE, bad)
    for bad in (signed(other, LINE), signed(private, LINE, SHA1())):
        with pytest.raises(UploadUnsigned):
            key.check(LINE, bad)


def test_only_a_public_rsa_key_that_is_long_enough_can_be_set():
    short = pem(rsa.generate_private_key(65537, 1024).public_key())
    curve = pem(ec.generate_private_key(ec.SECP256R1()).public_key())
    for bad in (b"", b"secret", short, curve):
        with pytest.raises(InputError) as caught:
            CommandKey(bad)
        assert caught.value.facts["field"] == "compat.signature_key"


def test_the_key_of_a_file_counts_alone(tmp_path, private):
    file = tmp_path / "key.pem"
    file.write_bytes(pem(private.public_key()))
    CommandKey.of_file(str(file)).check(LINE, signed(private, LINE))
    with pytest.raises(UploadUnsigned):
        CommandKey.of_file("").check(LINE, signed(private, LINE))
    with pytest.raises(InputError, match=r"names the file .*none\.pem, which cannot be read"):
        CommandKey.of_file(str(tmp_path / "none.pem"))


def test_the_vendors_key_is_the_one_of_the_document():
    public = load_pem_public_key(SIGNATURE_KEY.read_bytes())
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    known = "19595cad7646284b941c09358cfd2582e0b11d9e9a13280fe4cb852886aff0b5"
    assert hashlib.sha256(der).hexdigest() == known
    with pytest.raises(UploadUnsigned):
        CommandKey.of_vendor().check(LINE, "00" * 256)
