"""A delivery over the console, and everything that can go wrong between two bytes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.protocols import board_keys
from agent.protocols.console import talk
from agent.protocols.console.lines import END, LINE_BYTES, Line, encode_line
from agent.protocols.console.talk import Done, Failure, Hello, Reason, Status, Value
from tests.protocols.console.wire import FACTS, NEW, OLD, TABLE_BYTES, OurBoard, Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocols.console.wire import Board

own_board = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
"""Each example of a property begins with the board as it was."""


def test_a_board_is_asked_who_it_is_and_what_it_holds(wire: Wire) -> None:
    found = wire.run(talk.hello(5))
    assert isinstance(found, Hello)
    assert found.hardware_id == FACTS["id"]
    assert found.groups == ("network", "cloud")
    assert wire.run(talk.get("tb_name")) == Value(b"old")
    assert wire.run(talk.get("tb_client")) == Value(b"")
    wire.board.report("refused", "no such token 🧀")
    assert wire.run(talk.status()) == Status("refused", "no such token 🧀".encode())


def test_a_value_that_needs_several_lines_is_read_whole(wire: Wire) -> None:
    wire.board.hold({"tb_name": "Größe 🧀 ".encode() * 16})
    assert wire.run(talk.get("tb_name")) == Value("Größe 🧀 ".encode() * 16)


@pytest.mark.parametrize("key", ["wifi_pass", "tb_token", "tb_pass", "tb_key", "sim_pin"])
def test_a_secret_is_never_read_back(wire: Wire, key: str) -> None:
    wire.board.hold({key: b"MARKER"})
    said: list[bytes] = []

    def listen(_: int, data: bytes) -> bytes:
        said.append(data)
        return data

    wire.to_host = listen
    assert wire.run(talk.get(key)) == Value(b"")
    assert wire.put() == Done()
    assert not any(b"MARKER" in data or NEW["tb_token"] in data for data in said)


def test_settings_are_put_in_order_and_proved(wire: Wire) -> None:
    assert wire.put() == Done()
    assert wire.board.values == NEW
    assert wire.host.done == sum(map(len, NEW.values()))
    assert all(len(line) <= LINE_BYTES + len(END) for line in wire.heard)


def test_what_is_not_replaced_stays_and_what_is_missing_goes(wire: Wire) -> None:
    assert wire.put({"tb_host": b"h"}, "cloud") == Done()
    assert wire.board.values == {"wifi_ssid": b"Old", "wifi_pass": b"old secret", "tb_host": b"h"}
    assert wire.put({}, "network", "cloud") == Done()
    assert wire.board.values == {}


def lines_of_a_delivery() -> int:
    wire = Wire(OurBoard())
    wire.put()
    return wire.writes


LINES = lines_of_a_delivery()


@pytest.mark.parametrize("at", range(LINES))
@pytest.mark.parametrize("heard", [False, True], ids=["before", "after"])
def test_a_board_that_falls_silent_at_any_line_keeps_settings_that_are_whole(
    wire: Wire, at: int, heard: bool
) -> None:
    wire.to_board = lambda number, data: data if number < at + heard else b""
    wire.to_host = lambda number, data: data if number < at else b""
    ended = wire.put()
    assert isinstance(ended, Failure)
    last = at == LINES - 1
    assert ended.reason is (Reason.UNPROVEN if last else Reason.SILENT)
    assert wire.board.values == (NEW if last and heard else OLD)


@pytest.mark.parametrize("at", range(LINES))
@pytest.mark.parametrize("heard", [False, True], ids=["before", "after"])
def test_a_board_that_restarts_at_any_line_has_the_settings_in_the_end(
    wire: Wire, at: int, heard: bool
) -> None:

    def restart(number: int, data: bytes) -> bytes:
        if number != at:
            return data
        if heard:
            wire.board.hear(data)  # its answer is lost in the restart
        wire.board.restart()
        return b""

    wire.to_board = restart
    assert wire.put() == Done()
    assert wire.board.values == NEW


@pytest.mark.parametrize("at", range(LINES))
def test_an_answer_that_is_lost_is_given_again(wire: Wire, at: int) -> None:
    wire.to_host = lambda number, data: b"" if number == at else data
    assert wire.put() == Done()
    assert wire.board.values == NEW
    assert wire.writes == LINES + 1


@pytest.mark.parametrize("at", range(LINES))
def test_half_a_line_that_is_on_the_board_does_not_spoil_the_next_one(at: int) -> None:
    wire = Wire(OurBoard())  # the other is asked on a line of its own
    wire.to_board = lambda number, data: data[: len(data) // 2] if number == at else data
    assert wire.put() == Done()
    assert wire.writes == LINES + 1


def test_progress_counts_what_is_on_the_board_and_falls_back_when_it_restarts() -> None:
    wire = Wire(OurBoard())
    seen: list[int] = []

    def watch(number: int, data: bytes) -> bytes:
        seen.append(wire.host.done)
        if number == LINES - 2:
            wire.board.restart()
        return data

    wire.to_board = watch
    assert wire.put() == Done()
    first, second = seen[: LINES - 1], seen[LINES:]
    assert first == sorted(first)
    assert first[-1] > 0
    assert second[0] == 0
    assert second == sorted(second)
    wire.board.wear_out()
    wire.to_board = lambda _, data: data
    assert wire.put({"tb_host": b"h"}, "cloud") == Failure(
        Reason.REFUSED, "commit", words=("store",)
    )
    assert wire.put({"tb_zebra": b"h" * 99}, "cloud") == Failure(
        Reason.REFUSED, "set", "tb_zebra", ("key",)
    )
    assert wire.host.done == 0


@pytest.mark.parametrize("times", [1, 99])
def test_a_byte_that_is_wrong_in_spite_of_its_check_value_is_found_by_the_digest(
    wire: Wire, times: int
) -> None:
    spoilt: list[bytes] = []

    def spoil(_: int, data: bytes) -> bytes:
        if b" set tb_port " not in data or len(spoilt) == times:
            return data
        spoilt.append(data)
        tag, *words = data.decode().split()[1:-1]
        return encode_line(Line("mooring", tag, (*words[:-1], "8884")))

    wire.to_board = spoil
    if times == 1:
        assert wire.put() == Done()
        assert wire.board.values == NEW
    else:
        assert wire.put() == Failure(Reason.DIGEST, "commit", words=("digest",))
        assert wire.board.values == OLD


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (("set tb_name 0 n", "set tb_host 0 h"), "error order"),
        (("set tb_host 1 h",), "error order"),
        (("set tb_host 0 h", "set tb_host 2 h"), "error order"),
        (("set tb_host 0 host", "set tb_host 1 oST"), "error order"),
        (("set tb_host 0 host", "set tb_host 1 os"), "ok"),
        (("set tb_host 0 host", "set tb_host 0 host"), "ok"),
        (("set tb_host 0 %00",), "error order"),
        (("set tb_host 0 %zz",), "error order"),
        (("hello", "set tb_host 0 h"), "error begin"),
        (("hello", "commit 00"), "error begin"),
        (("commit 00",), "error digest"),
        (("get tb_host 9",), "error order"),
        (("set tb_host 0",), "error verb"),
        (("begin",), "error group"),
        (("sing",), "error verb"),
    ],
)
def test_what_a_host_may_not_say_is_refused_in_the_words_of_the_document(
    board: Board, said: tuple[str, ...], answer: str
) -> None:
    answers: list[bytes] = []
    for number, words in enumerate(("begin network cloud", *said)):
        line = Line("mooring", f"5f3a91c2.{number}", tuple(words.split()))
        answers += board.hear(encode_line(line))
    assert answers[-1].decode().split(" ", 2)[2].startswith(f"{answer} *")
    assert board.values == OLD


def test_a_board_that_restarts_for_ever_is_given_up(wire: Wire) -> None:

    def restart(number: int, data: bytes) -> bytes:
        if number % 5 == 4:
            wire.board.restart()
        return data

    wire.to_board = restart
    ended = wire.put()
    assert isinstance(ended, Failure)
    assert ended.reason is Reason.RESTARTING
    assert wire.board.values == OLD


def test_a_board_that_stores_and_restarts_without_a_word_leaves_the_matter_open(wire: Wire) -> None:

    def restart(_: int, data: bytes) -> bytes:
        if b" commit " not in data:
            return data
        wire.board.hear(data)
        wire.board.restart()
        return b""

    wire.to_board = restart
    assert wire.put() == Failure(Reason.UNPROVEN, "commit")


def test_another_board_on_the_port_is_not_written_to(wire: Wire) -> None:

    def swap(number: int, data: bytes) -> bytes:
        if number == 3:
            wire.board.hardware_id = "ffffffffffff"
            wire.board.restart()
        return data

    wire.to_board = swap
    ended = wire.put()
    assert isinstance(ended, Failure)
    assert ended.reason is Reason.OTHER_BOARD
    assert ended.words == ("ffffffffffff",)
    assert wire.board.values == OLD


damage = st.tuples(
    st.integers(0, 60),
    st.integers(0, 250),
    st.sampled_from(["flip", "drop", "add", "cut"]),
    st.integers(1, 255),
)


def damaged(data: bytes, at: int, how: str, byte: int) -> bytes:
    at %= len(data)
    match how:
        case "flip":
            return data[:at] + bytes([data[at] ^ byte]) + data[at + 1 :]
        case "drop":
            return data[:at] + data[at + 1 :]
        case "add":
            return data[:at] + bytes([byte]) + data[at:]
    return data[:at]


@own_board
@given(st.lists(damage, max_size=12), st.lists(damage, max_size=12))
def test_noise_at_any_byte_costs_time_and_nothing_else(
    board: Board, there: list[tuple[int, int, str, int]], back: list[tuple[int, int, str, int]]
) -> None:

    board.hold(OLD)
    wire = Wire(board)

    def spoil(hits: list[tuple[int, int, str, int]]) -> Callable[[int, bytes], bytes]:
        def one(number: int, data: bytes) -> bytes:
            for line, at, how, byte in hits:
                if line == number and data:
                    data = damaged(data, at, how, byte)
            return data

        return one

    wire.to_board, wire.to_host = spoil(there), spoil(back)
    ended = wire.put()
    assert wire.board.values in (OLD, NEW)
    assert ended == Done() or isinstance(ended, Failure)
    if len(there) + len(back) < talk.COMMIT_TRIES:
        assert ended == Done()
        assert wire.board.values == NEW


@settings(own_board, max_examples=30)
@given(st.binary(max_size=600), st.booleans())
def test_a_log_between_and_before_the_answers_and_an_echo_do_no_harm(
    board: Board, log: bytes, echo: bool
) -> None:
    board.hold(OLD)
    wire = Wire(board)
    before = log.replace(b"moored", b"")
    wire.to_host = lambda _, data: (
        (wire.heard[-1] if echo else b"") + b"\r\n" + before + b"> " + data + before + b"\n"
    )
    assert wire.put() == Done()


def test_a_board_whose_lines_all_fail_the_check_is_silent(wire: Wire) -> None:
    wire.to_board = lambda _, data: data.replace(b" *", b" *0", 1)
    assert wire.put() == Failure(Reason.SILENT, "begin")


@pytest.mark.parametrize(("extra", "taken"), [(0, True), (1, False)])
def test_a_value_of_the_longest_length_is_taken_and_one_byte_more_is_not(
    extra: int, taken: bool
) -> None:
    limit = board_keys.BY_NAME["tb_name"].limit
    wire = Wire(OurBoard())
    ended = wire.put({"tb_name": b"%" * (limit + extra)}, "cloud")
    assert (ended == Done()) is taken
    if not taken:
        assert ended == Failure(Reason.REFUSED, "set", "tb_name", ("long", str(limit)))
        assert wire.board.values == {}


@pytest.mark.parametrize("extra", [0, 1])
def test_settings_that_just_fit_are_taken_and_one_byte_more_is_not(wire: Wire, extra: int) -> None:
    free = TABLE_BYTES - len(board_keys.table({"wifi_ssid": b"Old", "wifi_pass": b"old secret"}))
    values = {"tb_ca": b"c" * 2000, "tb_cert": b""}
    values["tb_cert"] = b"\n" * (free - len(board_keys.table(values)) - len(b"tb_cert\0\0") + extra)
    ended = wire.put(values, "cloud")
    if extra:
        assert ended == Failure(Reason.REFUSED, "set", "tb_cert", ("full", str(free)))
        assert wire.board.values == OLD
    else:
        assert ended == Done()
        assert {name: wire.board.values[name] for name in values} == values


@pytest.mark.parametrize("key", ["tb_zebra", "tb", "x", "tb_hos", "_host", "wifi_pass!"])
def test_a_key_that_the_firmware_does_not_know_is_refused_with_nothing_changed(
    wire: Wire, key: str
) -> None:
    assert wire.put({key: b"1"}, "cloud") == Failure(Reason.REFUSED, "set", key, ("key",))
    assert wire.board.values == OLD


@pytest.mark.parametrize("groups", [("cloud", "weather"), ("weather",)])
def test_a_kind_of_settings_that_the_firmware_does_not_know_is_refused(
    wire: Wire, groups: tuple[board_keys.Group, ...]
) -> None:
    assert wire.put(NEW, *groups) == Failure(Reason.REFUSED, "begin", words=("group",))


def test_a_key_of_settings_that_are_not_replaced_is_refused(wire: Wire) -> None:
    refused = Failure(Reason.REFUSED, "set", "wifi_pass", ("group",))
    assert wire.put(NEW, "cloud") == refused
    assert wire.board.values == OLD


def test_a_memory_that_cannot_be_written_is_told(wire: Wire) -> None:
    wire.board.wear_out()
    assert wire.put() == Failure(Reason.REFUSED, "commit", words=("store",))
    assert wire.board.values == OLD


def test_a_memory_that_keeps_something_else_is_found_out() -> None:
    class Faulty(OurBoard):
        def read(self) -> dict[str, bytes]:
            return {**super().read(), "tb_token": b"worn out"}

    assert Wire(Faulty()).put() == Failure(Reason.NOT_STORED, "commit")


def test_a_board_that_gives_back_what_it_was_sent_has_proved_nothing(wire: Wire) -> None:

    def parrot(_: int, data: bytes) -> bytes:
        if b" commit " not in wire.heard[-1]:
            return data
        words = wire.heard[-1].decode().split()
        return encode_line(Line("moored", words[1], ("ok", words[3])))

    wire.to_host = parrot
    assert wire.put() == Failure(Reason.NOT_STORED, "commit")


@pytest.mark.parametrize("at", range(LINES))
def test_a_delivery_of_another_host_in_the_middle_of_ours_makes_ours_begin_again(
    board: Board, at: int
) -> None:
    mine, other = Wire(board), Wire(board, session="00c0ffee")
    theirs = {"tb_host": b"theirs", "tb_name": b"theirs"}

    def intrude(number: int, data: bytes) -> bytes:
        if number == at:
            assert other.put(theirs, "network", "cloud") == Done()
        return data

    mine.to_board = intrude
    assert mine.put() == Done()
    assert mine.board.values == NEW


@pytest.mark.parametrize("at", range(1, LINES))
def test_a_host_whose_delivery_was_pushed_aside_hears_it(wire: Wire, at: int) -> None:

    def intrude(number: int, data: bytes) -> bytes:
        if number == at:
            wire.board.hear(encode_line(Line("mooring", "00c0ffee.1", ("begin", "cloud"))))
        return data

    wire.to_board = intrude
    ended = wire.put()
    assert isinstance(ended, Failure)
    assert ended.reason is Reason.OTHER_HOST
    assert wire.board.values == OLD


def test_answers_to_another_host_and_late_ones_are_passed_over(wire: Wire) -> None:
    late: list[bytes] = []

    def twice(_: int, data: bytes) -> bytes:
        late.append(data)
        foreign = encode_line(Line("moored", "00c0ffee.1", ("error", "key")))
        return foreign + b"".join(late)

    wire.to_host = twice
    assert wire.put() == Done()


def test_another_version_of_the_protocol_is_not_spoken_to(wire: Wire) -> None:
    wire.to_host = lambda _, data: encode_line(
        Line("moored", data.decode().split()[1], ("ok", "2"))
    )
    assert wire.run(talk.hello(5)) == Failure(Reason.VERSION, "hello", words=("2",))


def test_hello_is_said_until_a_restarting_board_hears_it(wire: Wire) -> None:
    wire.to_board = lambda _, data: data if wire.now >= 4 else b""
    assert isinstance(wire.run(talk.hello(8)), Hello)
    wire.to_board = lambda _, _data: b""
    began = wire.now
    assert wire.run(talk.hello(8)) == Failure(Reason.SILENT, "hello")
    assert wire.now - began == 8


@own_board
@given(st.lists(st.binary(max_size=60), max_size=20))
def test_whatever_a_host_sends_the_board_answers_lines_and_keeps_its_settings(
    board: Board, said: list[bytes]
) -> None:
    board.hold(OLD)
    wire = Wire(board)
    for data in said:
        wire.board.hear(data + b"\n")
        words = tuple(data.decode("latin-1").split())
        if words and all(word.isascii() and word.isprintable() for word in words):
            for answer in wire.board.hear(encode_line(Line("mooring", "5f3a91c2.1", words))):
                assert answer.startswith(b"moored 5f3a91c2.1 ")
    assert wire.board.values == OLD
