"""Keys that a modem made: requests and public keys, and whose they are."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.nrf import cose, keygen
from agent.protocols.nrf.cose import Damaged, Problem
from agent.protocols.nrf.keygen import parse_keygen
from agent.simulator.nrf_identity import ModemIdentity

MODEM = ModemIdentity("THINGY91X_0001")
KEY = ec.generate_private_key(ec.SECP256R1())
REQUEST = MODEM.request(KEY, "CN=tester,O=Mooring")
PUBLIC = KEY.public_key().public_bytes(
    serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
)
TAG = 16842753


def problem(text: str) -> Problem:
    with pytest.raises(Damaged) as raised:
        parse_keygen(text)
    return raised.value.problem


def test_a_request_says_of_which_device_and_tag_it_is():
    text = MODEM.sign_key(REQUEST, sec_tag=TAG, request=True)
    made = parse_keygen(f'%KEYGEN: "{text}"')
    assert (made.request, made.device_id, made.sec_tag) == (True, str(MODEM.device_id), TAG)
    assert made.der == REQUEST
    assert made.text == text
    found = x509.load_pem_x509_csr(made.pem.encode())
    assert found.is_signature_valid
    assert found.subject.rfc4514_string() == "O=Mooring,CN=tester"


def test_a_public_key_is_none_of_a_request():
    made = parse_keygen(MODEM.sign_key(PUBLIC, sec_tag=7, request=False))
    assert (made.request, made.sec_tag) == (False, 7)
    assert serialization.load_pem_public_key(made.pem.encode()) == KEY.public_key()


def test_the_superfluous_null_of_old_modems_is_removed():
    old = keygen.with_null(REQUEST)
    assert len(old) == len(REQUEST) + 2
    with pytest.raises(ValueError, match=r".*"):
        _ = x509.load_der_x509_csr(old).signature_hash_algorithm
    made = parse_keygen(MODEM.sign_key(old, sec_tag=TAG, request=True))
    assert made.der == REQUEST
    assert x509.load_der_x509_csr(made.der).is_signature_valid
    assert keygen.without_null(PUBLIC) == PUBLIC
    assert keygen.with_null(PUBLIC) == PUBLIC


def test_a_tag_of_more_than_31_bits_comes_as_a_negative_number():
    assert parse_keygen(MODEM.sign_key(PUBLIC, sec_tag=-2, request=False)).sec_tag == 2**32 - 2


def test_a_request_that_somebody_put_in_place_of_the_signed_one_is_refused():
    other = MODEM.request(ec.generate_private_key(ec.SECP256R1()))
    own = MODEM.sign_key(REQUEST, sec_tag=TAG, request=True).split(".")[1]
    theirs = MODEM.sign_key(other, sec_tag=TAG, request=True).split(".")[0]
    assert problem(f"{theirs}.{own}") is Problem.DIGEST


def test_what_is_no_made_key_is_named():
    text = MODEM.sign_key(REQUEST, sec_tag=TAG, request=True)
    assert problem(MODEM.sign_key(PUBLIC, sec_tag=TAG, request=True)) is Problem.KIND
    assert problem(text.split(".")[0]) is Problem.UNSIGNED
    assert problem(text[:200]) is Problem.UNSIGNED
    assert problem(text[:-20]) is Problem.CUT
    assert problem(MODEM.attest()) is Problem.CUT
    assert problem(MODEM.sign_key(bytes(200), sec_tag=TAG, request=True)) is Problem.FORM
    token_s = MODEM.attest().split(".")[1]
    assert problem(f"{text.split('.', maxsplit=1)[0]}.{token_s}") is Problem.KIND


def test_an_answer_without_signature_will_do_where_chips_have_none():
    text = MODEM.sign_key(REQUEST, sec_tag=TAG, request=True).split(".")[0]
    made = parse_keygen(text, unsigned=True)
    assert (made.device_id, made.sec_tag, made.der) == ("", None, REQUEST)


@given(st.binary(max_size=250))
def test_any_bytes_are_a_made_key_or_damaged(body):
    text = cose.join(body, cose.encode(cose.Signed(cose.IDENTITY_KEY, body, bytes(64))))
    with pytest.raises(Damaged):
        parse_keygen(text)
    assert isinstance(keygen.without_null(body), bytes)
    assert isinstance(keygen.with_null(body), bytes)
