"""The three kinds of buffer: every split of what a board sends gives the same."""

from __future__ import annotations

import base64
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.compat.buffers import KEEP_BYTES, PIECE_BYTES, TICK_S, Buffer, Kind

TEXT_KINDS = (Kind.DEFAULT, Kind.TIMED)

pieces = st.lists(st.tuples(st.binary(max_size=12), st.booleans()), max_size=30)
"""What is read at once, and whether the page takes it then."""
letters = st.text(st.sampled_from("aé€😀\n\x00\ufeff"), max_size=40)


def run(buffer: Buffer, reads: list[tuple[bytes, bool]]) -> list[str]:
    """Every value, that of the end included."""
    values: list[str] = []

    def take() -> None:
        while (value := buffer.take(0.0)) is not None:
            values.append(value)

    for data, taken in reads:
        buffer.feed(data, 0.0)
        if taken:
            take()
    take()
    rest = buffer.end()
    return values if rest is None else [*values, rest]


@pytest.mark.parametrize("kind", TEXT_KINDS)
@given(reads=pieces)
def test_any_bytes_in_any_split_give_the_text_of_the_whole(
    kind: Kind, reads: list[tuple[bytes, bool]]
) -> None:
    values = run(Buffer(kind), reads)
    whole = b"".join(data for data, _ in reads)
    assert "".join(values) == whole.decode("utf-8", "replace")
    assert all(values)


@given(reads=pieces)
def test_raw_values_decode_to_the_very_bytes(reads: list[tuple[bytes, bool]]) -> None:
    values = run(Buffer(Kind.TIMEDRAW), reads)
    got = b"".join(base64.b64decode(value, validate=True) for value in values)
    assert got == b"".join(data for data, _ in reads)


@pytest.mark.parametrize("kind", TEXT_KINDS)
@given(text=letters, cuts=st.lists(st.integers(0, 160), max_size=20))
def test_no_character_is_cut(kind: Kind, text: str, cuts: list[int]) -> None:
    data = text.encode()
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    reads = [(data[a:b], True) for a, b in itertools.pairwise(edges)]
    values = run(Buffer(kind), reads)
    assert "".join(values) == text
    assert not any("\ufffd" in value for value in values)


@pytest.mark.parametrize("kind", TEXT_KINDS)
@pytest.mark.parametrize("wrong", [b"\xff", b"\x80", b"\xc0", b"\xf8", b"\xe2a", b"\xed\xa0"])
def test_an_invalid_byte_stalls_nothing(kind: Kind, wrong: bytes) -> None:
    buffer = Buffer(kind)
    buffer.feed(wrong, 0.0)
    first = buffer.take(0.0) or ""
    assert first.startswith("\ufffd") or len(wrong) > 1
    buffer.feed(b"ok", 0.0)
    text = first + (buffer.take(0.0) or "")
    assert text.startswith("\ufffd")
    assert text.endswith("ok")


def test_the_beginning_of_a_character_waits_for_its_rest_and_not_longer_than_the_link() -> None:
    buffer = Buffer(Kind.DEFAULT)
    buffer.feed("€".encode()[:2], 0.0)
    assert buffer.take(0.0) is None
    buffer.feed("€".encode()[2:], 1.0)
    assert buffer.take(0.0) == "€"
    buffer.feed("😀".encode()[:3], 2.0)
    assert buffer.take(0.0) is None
    assert buffer.end() == "\ufffd"


def test_after_silence_all_kinds_are_due_at_once_and_then_the_timed_ones_every_tick() -> None:
    for kind, wait_s in ((Kind.DEFAULT, 0.0), (Kind.TIMED, TICK_S), (Kind.TIMEDRAW, TICK_S)):
        buffer = Buffer(kind)
        assert buffer.due is None
        buffer.feed(b"", 1.0)
        assert buffer.due is None
        buffer.feed(b"a", 2.0)
        buffer.feed(b"b", 2.01)
        assert buffer.due == 2.0
        assert buffer.take(2.0) in {"ab", base64.b64encode(b"ab").decode()}
        assert buffer.due is None
        buffer.feed(b"c", 2.001)
        assert buffer.due == max(2.001, 2.0 + wait_s)
        assert buffer.take(2.02) in {"c", base64.b64encode(b"c").decode()}
        buffer.feed(b"d", 9.0)
        assert buffer.due == 9.0


def test_a_long_wait_is_given_out_in_pieces() -> None:
    buffer = Buffer(Kind.TIMED)
    text = "0123456789€" * 20_000
    buffer.feed(text.encode(), 0.0)
    values = []
    while buffer.due is not None:
        values.append(buffer.take(0.0) or "")
    assert len(values) > 3
    assert all(len(value.encode()) <= PIECE_BYTES + 3 for value in values)
    assert "".join(values) == text
    assert buffer.size == 0


@pytest.mark.parametrize("kind", list(Kind))
@given(reads=st.lists(st.binary(min_size=1, max_size=9), max_size=40), limit=st.integers(1, 40))
def test_what_waits_is_bounded_and_what_is_lost_is_counted(
    kind: Kind, reads: list[bytes], limit: int
) -> None:
    buffer = Buffer(kind, limit)
    for data in reads:
        buffer.feed(data, 0.0)
        assert buffer.size <= limit
    whole = b"".join(reads)
    assert buffer.size + buffer.dropped == len(whole)
    value = buffer.take(0.0)
    if kind is Kind.TIMEDRAW:
        assert base64.b64decode(value or "") == whole[buffer.dropped :]
    elif not buffer.dropped:
        assert (value or "") + (buffer.end() or "") == whole.decode("utf-8", "replace")


@given(text=letters, limit=st.integers(4, 40), held=st.integers(0, 3))
def test_after_a_loss_text_begins_with_a_whole_character(text: str, limit: int, held: int) -> None:
    buffer = Buffer(Kind.TIMED, limit)
    beginning = "😀".encode()[:held]
    buffer.feed(beginning, 0.0)
    assert buffer.take(0.0) is None
    rest = "😀".encode()[held:] if held else b""
    data = rest + text.encode() + b"." * limit
    for at in range(0, len(data), 7):
        buffer.feed(data[at : at + 7], 0.0)
    values = buffer.take(0.0) or ""
    if buffer.dropped:
        assert "\ufffd" not in values
    assert buffer.dropped + len(values.encode()) == len(beginning + data)


def test_a_page_is_kept_waiting_for_a_second_of_the_fastest_board() -> None:
    buffer = Buffer(Kind.TIMED)
    buffer.feed(bytes(KEEP_BYTES), 0.0)
    assert buffer.dropped == 0
    buffer.feed(b"x", 0.0)
    assert buffer.dropped == 1
