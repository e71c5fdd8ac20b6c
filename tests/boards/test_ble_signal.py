"""A board's strength: calm while it stands, quick enough when it moves, never out of range."""

from hypothesis import given
from hypothesis import strategies as st

from agent.boards.ble_signal import RSSI_MAX_DBM, RSSI_MIN_DBM, STEP_DB, Signal

ANY = st.integers(-200, 200)


def test_the_first_value_is_shown_as_it_is():
    signal = Signal()
    assert signal.shown_dbm is None
    assert signal.add(-67, 0.0)
    assert signal.shown_dbm == -67


def test_the_jumps_of_a_board_that_stands_still_are_not_shown():
    signal = Signal()
    signal.add(-60, 0.0)
    shown = {signal.shown_dbm}
    for turn in range(1, 100):
        signal.add(-60 + (8 if turn % 2 else -8), turn * 0.1)
        shown.add(signal.shown_dbm)
    assert shown == {-60}


def test_a_board_that_is_carried_away_is_seen_to_go():
    signal = Signal()
    signal.add(-40, 0.0)
    for turn in range(1, 41):
        signal.add(-80, turn * 0.1)
    assert signal.shown_dbm is not None
    assert signal.shown_dbm <= -70


def test_after_a_long_pause_the_new_value_counts():
    signal = Signal()
    signal.add(-40, 0.0)
    assert signal.add(-80, 60.0)
    assert signal.shown_dbm == -80


def test_what_stands_for_unknown_is_no_strength():
    signal = Signal()
    assert not signal.add(-127, 0.0)
    assert not signal.add(127, 0.0)
    assert signal.shown_dbm is None


@given(st.lists(st.tuples(ANY, st.floats(-1, 10)), max_size=60))
def test_what_is_shown_lies_between_what_was_heard_and_changes_in_steps(values):
    signal, now = Signal(), 0.0
    heard = [rssi for rssi, _ in values if RSSI_MIN_DBM <= rssi <= RSSI_MAX_DBM]
    for rssi, pause in values:
        now += pause
        before = signal.shown_dbm
        news = signal.add(rssi, now)
        assert news is (before != signal.shown_dbm)
        if before is not None and news:
            assert signal.shown_dbm is not None
            assert abs(signal.shown_dbm - before) >= STEP_DB - 1
    if heard:
        assert signal.shown_dbm is not None
        assert min(heard) <= signal.shown_dbm <= max(heard)
    else:
        assert signal.shown_dbm is None
