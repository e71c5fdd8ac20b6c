"""The device EUI of a LoRa board out of what its sketch prints."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.v1.lora import LINE_BYTES, EuiCollector

LINE = b"a8610a3233388b06\r\n"
EUI = "A8610A3233388B06"


def collect(*chunks: bytes) -> EuiCollector:
    collector = EuiCollector()
    for chunk in chunks:
        collector.feed(chunk)
    return collector


def test_two_equal_lines_are_the_eui() -> None:
    assert collect(LINE).eui is None
    assert collect(LINE, LINE).eui == EUI


def test_reading_that_begins_in_the_middle_of_a_line_gives_no_wrong_eui() -> None:
    assert collect(LINE[6:], LINE).eui is None
    assert collect(LINE[6:], LINE, LINE).eui == EUI


@given(st.integers(0, 18), st.lists(st.integers(1, 20), max_size=20))
def test_any_beginning_and_any_split_give_the_same(begin: int, cuts: list[int]) -> None:
    data = (LINE * 4)[begin:]
    collector = EuiCollector()
    for size in cuts:
        collector.feed(data[:size])
        data = data[size:]
    collector.feed(data)
    assert collector.eui == EUI


@pytest.mark.parametrize(
    "line", [LINE[1:], b"0" + LINE, b"g8610a3233388b06\n", b"\xffa8610a3233388b06\n", b" " + LINE]
)
def test_a_line_of_another_form_is_no_eui(line: bytes) -> None:
    assert collect(line, line, line).eui is None


def test_two_different_lines_are_not_enough() -> None:
    other = b"A8610A3233388B07\n"
    assert collect(LINE, other, LINE).eui is None
    assert collect(LINE, other, other).eui == "A8610A3233388B07"


@pytest.mark.parametrize("text", [b"Modem failed to start", b"ERROR 3", b"no module not found"])
def test_a_failure_text_is_told(text: bytes) -> None:
    collector = collect(text + b"\r\n", LINE, LINE)
    assert collector.failure == text
    assert collector.eui is None


def test_other_text_is_kept_for_the_report() -> None:
    collector = collect(b"\r\n", b"starting\r\n", b"\r\n")
    assert (collector.heard, collector.failure) == (b"starting", None)


@given(st.lists(st.binary(max_size=400), max_size=20))
def test_memory_is_bounded_and_nothing_makes_it_raise(chunks: list[bytes]) -> None:
    collector = collect(*chunks)
    assert len(collector._rest) <= LINE_BYTES + 1
    assert len(collector.heard) <= LINE_BYTES


def test_the_end_of_an_endless_line_is_no_eui() -> None:
    assert collect(b"x" * 1000, LINE, LINE).eui is None
    assert collect(b"x" * 1000, LINE, LINE, LINE).eui == EUI
