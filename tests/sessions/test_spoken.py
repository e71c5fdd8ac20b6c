"""The words of a board's program about its connection."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.sessions.spoken import LINE_BYTES, SpokenState

LOG = b"I (312) wifi: ok\r\nmooring: refused  code 5\x07\r\nmooring: connected\n"


def test_the_first_word_counts_and_then_the_next():
    spoken = SpokenState()
    first = spoken.feed(LOG)
    assert first is not None
    assert (first.outcome, first.detail) == ("refused", "code 5·")
    second = spoken.feed(b"")
    assert second is not None
    assert second.outcome == "connected"
    assert spoken.feed(b"more\n") is None


def test_a_word_that_is_cut_or_begins_elsewhere_is_none():
    for line in (b"mooring: connected", b"xmooring: connected\n", b"mooring: connectedness\n"):
        assert SpokenState().feed(line) is None


@given(st.lists(st.integers(1, 7), min_size=1, max_size=40))
def test_any_split_gives_the_same(sizes):
    spoken, found, place = SpokenState(), [], 0
    for size in [*sizes, len(LOG)]:
        state = spoken.feed(LOG[place : place + size])
        place += size
        while state is not None:
            found.append(state.outcome)
            state = spoken.feed(b"")
    assert found == ["refused", "connected"]


@given(st.lists(st.binary(max_size=400), max_size=20))
def test_whatever_comes_little_is_kept(parts):
    spoken = SpokenState()
    for part in parts:
        if spoken.feed(part) is None:
            assert len(spoken._heard) <= LINE_BYTES
