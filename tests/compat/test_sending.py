"""What pages send, as bytes: text with anything in it, base64 as far as it goes."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.compat.sending import parse_send, raw_bytes, text_bytes


def test_everything_after_the_blank_that_follows_the_port_is_data() -> None:
    assert parse_send("/dev/ttyACM0 a  b \n") == ("/dev/ttyACM0", "a  b \n")
    assert parse_send("COM3 ") == ("COM3", "")
    for wrong in ("", "COM3", " COM3"):
        assert parse_send(wrong) is None, wrong


@given(st.text())
def test_text_is_sent_as_utf_8(text: str) -> None:
    assert text_bytes(text) == text.encode()


def test_half_of_a_surrogate_pair_is_replaced_and_a_whole_one_is_a_character() -> None:
    assert text_bytes("a\ud83d") == "a\ufffd".encode()
    assert text_bytes("\ud83d\ude00") == "😀".encode()


@given(st.binary(), st.booleans())
def test_base64_is_read_with_and_without_padding(data: bytes, padded: bool) -> None:
    text = base64.b64encode(data).decode()
    assert raw_bytes(text if padded else text.rstrip("=")) == (data, True)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("QUJD!QUJD", b"ABC"),
        ("QUJDQU!D", b"ABC"),
        ("QUJD=", b"ABC"),
        ("QUJDQ", b"ABC"),
        ("QUI=QUJD", b""),
        ("QUJDé", b"ABC"),
        ("-_-_", b""),
        ("===", b""),
    ],
)
def test_what_is_no_base64_is_used_as_far_as_it_is(text: str, data: bytes) -> None:
    assert raw_bytes(text) == (data, False)


def test_line_ends_are_passed_over() -> None:
    assert raw_bytes("QUJD\r\nREVG\n") == (b"ABCDEF", True)


@given(st.text())
def test_no_text_is_a_defect(text: str) -> None:
    data, whole = raw_bytes(text)
    assert isinstance(data, bytes)
    assert len(data) <= len(text)
    assert isinstance(whole, bool)
