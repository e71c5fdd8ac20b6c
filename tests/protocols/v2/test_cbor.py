from __future__ import annotations

import contextlib

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.protocols.v2 import cbor
from agent.protocols.v2.cbor import CborError, Reader


@given(st.integers(-(2**64), 2**64 - 1))
@example(23)
@example(24)
@example(-25)
def test_integers_are_written_as_short_as_another_encoder_does(value: int):
    assert cbor.integer(value) == cbor2.dumps(value)
    assert Reader(cbor.integer(value)).integer() == value


@given(st.text(max_size=300), st.binary(max_size=300))
def test_strings_are_written_as_another_encoder_does(text: str, data: bytes):
    assert cbor.text(text.encode()) == cbor2.dumps(text)
    assert cbor.byte_string(data) == cbor2.dumps(data)
    assert cbor.tagged(0x012004, cbor.text(text.encode()), cbor.byte_string(data)) == cbor2.dumps(
        cbor2.CBORTag(0x012004, [text, data])
    )


@given(st.binary(max_size=300))
def test_a_text_that_is_not_utf_8_keeps_its_bytes(data: bytes):
    assert Reader(cbor.text(data)).text() == data


@given(st.binary(max_size=40))
def test_reading_anything_gives_an_item_or_a_cbor_error(data: bytes):
    for read in (Reader.head, Reader.array, Reader.integer, Reader.byte_string, Reader.text):
        with contextlib.suppress(CborError):
            read(Reader(data))


@pytest.mark.parametrize(
    "data", [b"", b"\x18", b"\x1b" + bytes(7), b"\x5b" + b"\xff" * 8, b"\x9f\xff", b"\x42a"]
)
def test_an_item_that_is_cut_off_or_endless_is_refused(data: bytes):
    with pytest.raises(CborError):
        Reader(data).byte_string()


def test_wider_encodings_than_needed_are_read():
    assert Reader(b"\x1a\x00\x00\x00\x05").integer() == 5
