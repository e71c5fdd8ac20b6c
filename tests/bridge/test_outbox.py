"""What waits for one peer: nothing is lost silently, and nothing grows without bound."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from agent.bridge import limits
from agent.bridge.outbox import Notification, Outbox


class Progress(msgspec.Struct):
    job: str
    percent: int


def note(job: str, percent: int) -> Notification:
    return Notification("job.changed", Progress(job, percent))


def drain(outbox: Outbox) -> list[str | bytes]:
    messages = []
    while (message := outbox.pop()) is not None:
        messages.append(message)
    return messages


def params(message: str | bytes) -> Any:
    return json.loads(message)["params"]


def test_answers_and_notifications_leave_in_order() -> None:
    outbox = Outbox()
    outbox.post(b"1")
    outbox.notify(note("a", 1), key="a")
    outbox.post(b"2")
    outbox.notify(note("a", 2), key="a")
    first, second, third, fourth = drain(outbox)
    assert (first, third) == ("1", "2")
    assert [params(second)["percent"], params(fourth)["percent"]] == [1, 2]


def test_a_peer_that_keeps_up_sees_every_change() -> None:
    outbox = Outbox()
    for percent in range(limits.BEHIND):
        outbox.notify(note("a", percent), key="a")
    assert [params(message)["percent"] for message in drain(outbox)] == list(range(limits.BEHIND))


def test_a_peer_that_is_behind_gets_the_last_state_of_each_thing() -> None:
    outbox = Outbox()
    for percent in range(100_000):
        outbox.notify(note("a", percent), key="a")
        outbox.notify(note("b", percent), key="b")
    messages = [params(message) for message in drain(outbox)]
    assert len(messages) <= limits.BEHIND + 1
    for job in ("a", "b"):
        assert [m for m in messages if m["job"] == job][-1]["percent"] == 99_999
    outbox.notify(note("a", 1), key="a")
    assert len(drain(outbox)) == 1


def test_merging_can_add_up() -> None:
    outbox = Outbox()
    for _ in range(1000):
        outbox.notify(
            note("a", 1), key="a", merge=lambda old, new: Progress("a", old.percent + new.percent)
        )
    assert sum(params(message)["percent"] for message in drain(outbox)) == 1000


def test_answers_that_nobody_reads_fail_the_peer() -> None:
    outbox = Outbox()
    for _ in range(9):
        outbox.post(b"x" * (limits.ANSWER_BYTES // 8))
    assert outbox.failure is not None
    assert outbox.failure.code == "slow-reader"
    assert outbox.pop() is None


def test_notifications_of_ever_new_things_fail_the_peer() -> None:
    outbox = Outbox()
    for number in range(limits.NOTIFICATIONS + 1):
        outbox.notify(note(str(number), 1), key=str(number))
    assert outbox.failure is not None


def test_answers_that_were_read_do_not_count() -> None:
    outbox = Outbox()
    for _ in range(100):
        outbox.post("é".encode() * (limits.ANSWER_BYTES // 4))
        outbox.pop()
    assert outbox.failure is None


def test_serial_data_waits_until_the_peer_knows_the_channel() -> None:
    outbox = Outbox()
    stream = outbox.open_stream(7)
    stream.offer(b"early")
    assert outbox.pop() is None
    stream.release()
    assert drain(outbox) == [b"\x07early"]


def test_the_oldest_serial_data_is_dropped_and_reported_in_its_place() -> None:
    outbox = Outbox()
    stream = outbox.open_stream(1)
    stream.release()
    stream.offer(b"a" * limits.STREAM_BYTES)
    stream.offer(b"b" * 10)
    stream.offer(b"c" * 10)
    report, data = drain(outbox)
    assert json.loads(report) == {
        "jsonrpc": "2.0",
        "method": "serial.dropped",
        "params": {"channel": 1, "count": limits.STREAM_BYTES},
    }
    assert data == b"\x01" + b"b" * 10 + b"c" * 10


def test_channels_take_turns_and_texts_go_first() -> None:
    outbox = Outbox()
    for number in (1, 2):
        stream = outbox.open_stream(number)
        stream.release()
        for _ in range(4):
            stream.offer(bytes(limits.DATA_MESSAGE_BYTES))
    outbox.post(b"answer")
    messages = drain(outbox)
    assert messages[0] == "answer"
    assert [message[0] for message in messages[1:]] == [1, 2, 1, 2, 1, 2, 1, 2]


def test_the_end_of_a_channel_follows_its_data() -> None:
    outbox = Outbox()
    stream = outbox.open_stream(3)
    stream.release()
    stream.offer(b"last words")
    ended: list[bool] = []
    stream.end(Notification("serial.closed", {"channel": 3}), lambda: ended.append(True))
    assert ended == []
    data, closed = drain(outbox)
    assert data == b"\x03last words"
    assert params(closed) == {"channel": 3}
    assert ended == [True]


@given(st.lists(st.one_of(st.binary(min_size=1, max_size=50), st.none()), max_size=60))
def test_every_byte_is_either_delivered_in_order_or_counted(steps: list[bytes | None]) -> None:
    outbox = Outbox()
    stream = outbox.open_stream(1, limit=100)
    stream.release()
    offered, delivered, dropped = b"", b"", 0

    def take(message: str | bytes | None) -> None:
        nonlocal delivered, dropped
        if isinstance(message, bytes):
            delivered += message[1:]
            assert offered[: len(delivered) + dropped].endswith(message[1:])
        elif message is not None:
            dropped += params(message)["count"]

    for step in steps:
        if step is None:
            take(outbox.pop())
        else:
            offered += step
            stream.offer(step)
            assert stream.size <= 100
    while (message := outbox.pop()) is not None:
        take(message)
    assert len(delivered) + dropped == len(offered)
