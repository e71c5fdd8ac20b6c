"""Lines of the console: whatever else is on the port, and however it is cut."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.protocols.console.lines import (
    END,
    LINE_BYTES,
    Line,
    LineReader,
    check_value,
    encode_line,
    escape,
    room,
    unescape,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

words = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=12)
lines = st.builds(
    Line,
    st.just("moored"),
    st.from_regex("[0-9a-f]{8}[.][0-9]{1,4}", fullmatch=True),
    st.lists(words, min_size=1, max_size=12).map(tuple),
)
logs = st.binary(max_size=120).map(lambda data: data.replace(b"moored", b"MOORED"))


@given(
    st.lists(st.tuples(logs, lines, logs), max_size=3),
    st.lists(st.integers(0, 2000), max_size=12) | st.just(range(2000)),
)
def test_lines_are_found_between_logs_and_prompts_and_however_they_are_cut(
    said: list[tuple[bytes, Line, bytes]], cuts: Sequence[int]
) -> None:
    stream = b"".join(
        before + encode_line(line).removesuffix(END) + (b" " + after if after else b"") + b"\n"
        for before, line, after in said
    )
    reader = LineReader("moored")
    found: list[Line] = []
    for start, end in itertools.pairwise([0, *sorted(cuts), len(stream) + 2000]):
        found += reader.feed(stream[start:end])
    # Behind a line only so much is borne as fits beside it; a longer rest is a broken line.
    expected = [line for _, line, after in said if _fits(line, after)]
    assert [line for line in found if line in expected] == expected or not expected
    assert all(line in [each for _, each, _ in said] for line in found)


def _fits(line: Line, after: bytes) -> bool:
    rest = after.split(b"\n")[0].split(b"\r")[0]
    return len(encode_line(line)) + len(rest) < LINE_BYTES


@given(lines, st.data())
def test_a_line_with_one_wrong_byte_is_none(line: Line, data: st.DataObject) -> None:
    text = bytearray(encode_line(line))
    at = data.draw(st.integers(0, len(text) - len(END) - 1))
    text[at] ^= data.draw(st.integers(1, 255))
    found = LineReader("moored").feed(bytes(text))
    assert found in ([], [line])
    if found:  # a letter of the check value in the other case, or a byte that ends the line early
        assert at > text.rindex(b"*")


@given(st.binary(max_size=2000))
@example(b"moored " * 400 + b" *0000" * 400)
@example(b"moored " * 30 + b" *0000" * 30 + b"\n")
def test_noise_is_no_line_and_fills_no_memory(noise: bytes) -> None:
    reader = LineReader("moored")
    for line in reader.feed(noise):
        assert encode_line(line).removesuffix(END) in noise
    assert len(reader._pending) <= 2 * LINE_BYTES


@pytest.mark.parametrize("size", [0, 239, 240, 241, 470, 481, 700, 5000])
def test_a_line_behind_noise_without_an_end_is_found(size: int) -> None:
    line = Line("moored", "a.1", ("ok", "x" * (room("moored", "a.1", "ok") - 1)))
    assert LineReader("moored").feed(b"\x80" * size + encode_line(line)) == [line]


def test_a_line_is_found_though_the_start_of_another_follows_on_it() -> None:
    text = encode_line(Line("moored", "a.1", ("ok",))).removesuffix(END)
    assert LineReader("moored").feed(text + b" moored a.2 o\n") == [Line("moored", "a.1", ("ok",))]


def test_a_line_longer_than_a_board_can_hold_is_none() -> None:
    text = b"mooring a.1 set wifi_ssid 0 " + b"x" * 300
    assert LineReader("mooring").feed(text + b" *%04X\n" % check_value(text)) == []


def test_what_never_ends_is_not_kept() -> None:
    reader = LineReader("moored")
    for _ in range(100):
        assert reader.feed(b"moored a.1 ok " * 50) == []
        assert len(reader._pending) <= 2 * LINE_BYTES


def test_the_echo_of_a_host_is_no_answer() -> None:
    asked = encode_line(Line("mooring", "5f3a91c2.1", ("hello",)))
    assert LineReader("moored").feed(asked) == []
    assert LineReader("mooring").feed(asked) == [Line("mooring", "5f3a91c2.1", ("hello",))]


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\n\r", b"\r\r\n"])
def test_each_end_of_a_line_is_one(end: bytes) -> None:
    text = encode_line(Line("moored", "a.1", ("ok",))).removesuffix(END) + end
    assert LineReader("moored").feed(text + text) == [Line("moored", "a.1", ("ok",))] * 2


def test_the_check_value_is_that_of_the_catalogues() -> None:
    assert check_value(b"123456789") == 0x29B1  # CRC-16/IBM-3740
    line = Line("mooring", "5f3a91c2.1", ("hello",))
    assert encode_line(line) == b"mooring 5f3a91c2.1 hello *1CC1\r\n"


@given(st.binary(max_size=300))
def test_bytes_travel_as_one_word_and_come_back(data: bytes) -> None:
    word = escape(data)
    assert unescape(word) == data
    assert not set(word) & set(" *\"'\\;$`?#&|<>(){}[]!\r\n\0")


@pytest.mark.parametrize("word", ["%", "%4", "%4x", "%zz", "a b", "é", "a*", '"', "%2a"])
def test_what_is_no_escaped_word_is_refused(word: str) -> None:
    assert unescape(word) is None


@pytest.mark.parametrize(
    "words",
    [("x" * 300,), ("a b",), ("",), ("é",), ("a\n",)],
    ids=["long", "blank", "none", "é", "end"],
)
def test_what_is_no_line_is_not_written(words: tuple[str, ...]) -> None:
    with pytest.raises(ValueError):
        encode_line(Line("mooring", "a.1", words))


def test_a_line_of_the_longest_length_goes_and_one_more_does_not() -> None:
    size = room("mooring", "a.1", "set")
    text = encode_line(Line("mooring", "a.1", ("set", "x" * size)))
    assert len(text) == LINE_BYTES + len(END)
    assert LineReader("mooring").feed(text)
    with pytest.raises(ValueError, match="buffer"):
        encode_line(Line("mooring", "a.1", ("set", "x" * (size + 1))))
