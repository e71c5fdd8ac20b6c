"""CoAP messages: there and back, against another implementation, and whatever comes in."""

from __future__ import annotations

import aiocoap
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.coap.messages import (
    CON,
    NON,
    POST,
    Block,
    CoapMessage,
    WrongMessageError,
    decode,
    encode,
    pack_number,
)

OPTIONS = st.lists(
    st.tuples(
        st.sampled_from([3, 11, 12, 15, 17, 23, 27, 35, 2049, 40_000]), st.binary(max_size=300)
    ),
    max_size=6,
).map(lambda found: tuple(sorted(found, key=lambda option: option[0])))
MESSAGES = st.builds(
    CoapMessage,
    kind=st.integers(0, 3),
    code=st.integers(1, 255),
    mid=st.integers(0, 0xFFFF),
    token=st.binary(max_size=8),
    options=OPTIONS,
    payload=st.binary(max_size=50),
)


@given(MESSAGES)
def test_a_message_comes_back_as_it_was(message):
    assert decode(encode(message)) == message


@given(st.binary(max_size=60))
def test_whatever_comes_in_is_a_message_or_wrong(data):
    try:
        message = decode(data)
    except WrongMessageError:
        return
    assert decode(encode(message)) == message


@given(
    st.sampled_from([CON, NON]),
    st.integers(0, 0xFFFF),
    st.binary(max_size=8),
    st.lists(st.text(max_size=40), max_size=4),
    st.binary(max_size=40),
)
def test_another_implementation_reads_what_this_one_writes(kind, mid, token, path, payload):
    options = tuple((11, part.encode()) for part in path)
    read = aiocoap.Message.decode(encode(CoapMessage(kind, POST, mid, token, options, payload)))
    assert (read.mtype, read.code, read.mid, read.token) == (kind, aiocoap.POST, mid, token)
    assert (read.opt.uri_path, read.payload) == (tuple(path), payload)


@given(
    st.lists(st.text(max_size=40), max_size=4),
    st.integers(0, 0xFFFF),
    st.binary(max_size=8),
    st.binary(max_size=40),
    st.integers(0, 0xFFFFF),
)
def test_this_one_reads_what_another_implementation_writes(path, mid, token, payload, number):
    said = aiocoap.Message(code=aiocoap.POST, payload=payload, content_format=50)
    said.opt.uri_path = path
    said.opt.block1 = aiocoap.optiontypes.BlockOption.BlockwiseTuple(number, True, 5)
    said.mid, said.mtype, said.token = mid, aiocoap.CON, token
    read = decode(said.encode())
    assert (read.kind, read.code, read.mid, read.token) == (CON, POST, mid, token)
    assert read.values(11) == [part.encode() for part in path]
    assert read.values(12) == [b"\x32"]
    assert read.block(27) == Block(number, True, 5)
    assert read.payload == payload


@given(st.integers(0, 0xFFFFF), st.booleans(), st.integers(0, 6))
def test_a_block_comes_back_as_it_was(number, more, exponent):
    block = Block(number, more, exponent)
    assert Block.read(block.pack()) == block
    assert block.size == 16 << exponent


@pytest.mark.parametrize("value", [b"\x07", b"\x00\x00\x00\x01"])
def test_a_block_that_is_none(value):
    with pytest.raises(WrongMessageError):
        Block.read(value)


def test_a_number_takes_as_few_bytes_as_it_needs():
    assert [pack_number(n) for n in (0, 50, 256)] == [b"", b"\x32", b"\x01\x00"]
