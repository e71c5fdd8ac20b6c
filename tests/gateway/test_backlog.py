"""Values that wait: in order, bounded, and what is lost is counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.gateway.backlog import TRIES_MAX, Backlog
from agent.protocols.thingsboard.gateway_pack import Sample


def sample(number: int, device: str = "a") -> Sample:
    return Sample(device, number, {"n": number})


def numbers(backlog: Backlog) -> list[int]:
    return [each.sample.at_ms for each in backlog]


@given(st.integers(1, 20), st.lists(st.sampled_from(["", "x", "y"]), max_size=60))
def test_it_is_bounded_and_loses_the_oldest(limit, keys):
    woken: list[int] = []
    backlog = Backlog(lambda: woken.append(1), limit)
    waiting: list[tuple[int, str]] = []
    lost = 0
    for number, key in enumerate(keys):
        backlog.put(sample(number), key)
        waiting = [each for each in waiting if not key or each[1] != key]
        waiting.append((number, key))
        if len(waiting) > limit:
            waiting.pop(0)
            lost += 1
    assert numbers(backlog) == [number for number, _ in waiting]
    assert backlog.lost == lost
    assert len(woken) == len(keys)


def test_what_the_server_has_is_gone():
    backlog = Backlog(lambda: None)
    backlog.put(sample(1), "x")
    (waiting,) = backlog
    backlog.done(waiting)
    backlog.put(sample(2), "x")
    backlog.done(waiting)
    assert numbers(backlog) == [2]


def test_it_says_when_the_server_has_everything():
    emptied: list[int] = []
    backlog = Backlog(lambda: None, emptied=lambda: emptied.append(1))
    backlog.put(sample(1))
    backlog.put(sample(2))
    for number, waiting in enumerate(backlog):
        assert len(emptied) == 0, number
        backlog.done(waiting)
    assert len(emptied) == 1


def test_a_newer_one_with_the_same_key_is_not_done_with_the_old_one():
    backlog = Backlog(lambda: None)
    backlog.put(sample(1), "x")
    (on_its_way,) = backlog
    backlog.put(sample(2), "x")
    backlog.done(on_its_way)
    assert numbers(backlog) == [2]


def test_one_that_ends_every_session_is_lost_at_last():
    backlog = Backlog(lambda: None)
    backlog.put(sample(1))
    for _ in range(TRIES_MAX - 1):
        (waiting,) = backlog
        backlog.tried(waiting)
    (waiting,) = backlog
    backlog.tried(waiting)
    assert len(backlog) == 0
    assert backlog.lost == 1
    backlog.tried(waiting)
    assert backlog.lost == 1


def test_parts_of_one_take_its_place_and_the_end():
    backlog = Backlog(lambda: None)
    backlog.put(sample(1))
    backlog.put(sample(2))
    first = next(iter(backlog))
    kept = backlog.split(first, [sample(11), sample(12)])
    assert kept is not None
    assert numbers(backlog) == [11, 2, 12]
    assert backlog.split(kept, []) is None
    assert (numbers(backlog), backlog.lost) == ([2, 12], 1)


def test_what_waits_goes_with_its_device():
    backlog = Backlog(lambda: None)
    backlog.put(sample(1, "a"), "x")
    backlog.put(sample(2, "b"))
    backlog.renamed("a", "c")
    assert [each.sample.device for each in backlog] == ["c", "b"]
    backlog.forget("c")
    assert numbers(backlog) == [2]


def test_what_was_on_its_way_goes_with_its_device_too():
    backlog = Backlog(lambda: None)
    backlog.put(sample(1, "a"))
    (on_its_way,) = backlog
    backlog.renamed("a", "c")
    backlog.tried(on_its_way)
    assert [(each.sample.device, each.tries) for each in backlog] == [("c", 1)]
