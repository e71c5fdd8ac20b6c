"""The container of what a modem signs."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.nrf import cose
from agent.protocols.nrf.cose import Damaged, Problem
from agent.protocols.v2 import cbor

SIGNED = cose.Signed(cose.IDENTITY_KEY, None, bytes(64))


@given(st.binary(min_size=1, max_size=300), st.none() | st.binary(max_size=100))
def test_what_is_joined_can_be_split(body, payload):
    signed = cose.Signed(cose.IDENTITY_KEY, payload, bytes(range(64)))
    assert cose.split(cose.join(body, cose.encode(signed)), 1) == (body, signed)


def test_another_reader_finds_the_same_in_it():
    read = cbor2.loads(cose.encode(SIGNED))
    assert read.tag == cose.TAG
    protected, unprotected, payload, signature = read.value
    assert cbor2.loads(protected) == {1: -7}
    assert {key: cbor2.loads(value) for key, value in unprotected.items()} == {4: -2}
    assert (payload, signature) == (None, bytes(64))
    signed = cbor2.loads(cose.to_be_signed(b"body"))
    assert list(signed) == ["Signature1", protected, b"", b"body"]


@pytest.mark.parametrize(
    "data",
    [
        cose.encode(cose.Signed(cose.IDENTITY_KEY, b"", bytes(65))),
        cose.encode(SIGNED).replace(b"\xa1\x01\x26", b"\xa1\x01\x27"),
        cose.encode(SIGNED).replace(b"\xa1\x04\x41\x21", b"\xa1\x05\x41\x21"),
        cose.encode(SIGNED).replace(b"\xd2\x84", b"\xd1\x84"),
        cose.encode(SIGNED).replace(b"\xd2\x84", b"\xd2\x85"),
        cose.encode(SIGNED).replace(b"\xf6\x58\x40", b"\x41\x00\x58\x40") + b"\x00",
        bytes(77),
        cbor.byte_string(bytes(80)),
    ],
)
def test_each_part_of_the_signature_s_form_counts(data):
    with pytest.raises(Damaged) as raised:
        cose.split(cose.join(b"body", data), 1)
    assert raised.value.problem is Problem.FORM


def test_a_signature_without_its_tag_is_one():
    assert cose.split(cose.join(b"body", cose.encode(SIGNED)[1:] + b""), 1)[1] == SIGNED
