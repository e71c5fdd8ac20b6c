"""A delivery over the console, and everything that can go wrong between two bytes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.protocols import board_keys
from agent.protocols.console import talk
from agent.protocols.console.lines import END, LINE_BYTES, Line, encode_line
from agent.protocols.console.talk import Done, Failure, Hello, Reason, Status, Value
from tests.protocols.console.wire import FACTS, NEW, OLD, Memory, Wire

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS = (NEW, OLD)


def whole(memory: Memory) -> bool:
    """The settings of before or the new ones, never a mixture."""
    return memory.values in PARTS


def test_a_board_is_asked_who_it_is_and_what_it_holds() -> None:
    wire = Wire()
    found = wire.run(talk.hello(5))
    assert isinstance(found, Hello)
    assert found.hardware_id == FACTS["id"]
    assert found.groups == ("network", "cloud")
    assert wire.run(talk.get("tb_name")) == Value(b"old")
    assert wire.run(talk.get("tb_client")) == Value(b"")
    wire.board.state, wire.board.detail = "refused", "no such token 🧀"
    assert wire.run(talk.status()) == Status("refused", "no such token 🧀".encode())


def test_a_value_that_needs_several_lines_is_read_whole() -> None:
    wire = Wire()
    wire.memory.values["tb_name"] = "Größe 🧀 ".encode() * 16
    assert wire.run(talk.get("tb_name")) == Value("Größe 🧀 ".encode() * 16)


@pytest.mark.parametrize("key", ["wifi_pass", "tb_token", "tb_pass", "tb_key", "sim_pin"])
def test_a_secret_is_never_read_back(key: str) -> None:
    wire = Wire()
    wire.memory.values[key] = b"MARKER"
    said: list[bytes] = []

    def listen(_: int, data: bytes) -> bytes:
        said.append(data)
        return data

    wire.to_host = listen
    assert wire.run(talk.get(key)) == Value(b"")
    assert wire.put() == Done()
    assert not any(b"MARKER" in data or NEW["tb_token"] in data for data in said)


def test_settings_are_put_in_order_and_proved() -> None:
    wire = Wire()
    assert wire.put() == Done()
    assert wire.memory.values == NEW
    assert wire.board.fresh
    assert wire.host.done == sum(map(len, NEW.values()))
    assert all(len(line) <= LINE_BYTES + len(END) for line in wire.heard)


def test_what_is_not_replaced_stays_and_what_is_missing_goes() -> None:
    wire = Wire()
    assert wire.put({"tb_host": b"h"}, "cloud") == Done()
    assert wire.memory.values == {"wifi_ssid": b"Old", "wifi_pass": b"old secret", "tb_host": b"h"}
    assert wire.put({}, "network", "cloud") == Done()
    assert wire.memory.values == {}


def lines_of_a_delivery() -> int:
    wire = Wire()
    wire.put()
    return wire.writes


LINES = lines_of_a_delivery()


@pytest.mark.parametrize("at", range(LINES))
@pytest.mark.parametrize("heard", [False, True], ids=["before", "after"])
def test_a_board_that_falls_silent_at_any_line_keeps_settings_that_are_whole(
    at: int, heard: bool
) -> None:
    wire = Wire()
    wire.to_board = lambda number, data: data if number < at + heard else b""
    wire.to_host = lambda number, data: data if number < at else b""
    ended = wire.put()
    assert isinstance(ended, Failure)
    last = at == LINES - 1
    assert ended.reason is (Reason.UNPROVEN if last else Reason.SILENT)
    assert wire.memory.values == (NEW if last and heard else OLD)


@pytest.mark.parametrize("at", range(LINES))
@pytest.mark.parametrize("heard", [False, True], ids=["before", "after"])
def test_a_board_that_restarts_at_any_line_has_the_settings_in_the_end(
    at: int, heard: bool
) -> None:
    wire = Wire()

    def restart(number: int, data: bytes) -> bytes:
        if number != at:
            return data
        if heard:
            wire.board.hear(data)  # its answer is lost in the restart
        wire.restart()
        return b""

    wire.to_board = restart
    assert wire.put() == Done()
    assert wire.memory.values == NEW


def test_a_board_that_restarts_for_ever_is_given_up() -> None:
    wire = Wire()

    def restart(number: int, data: bytes) -> bytes:
        if number % 5 == 4:
            wire.restart()
        return data

    wire.to_board = restart
    ended = wire.put()
    assert isinstance(ended, Failure)
    assert ended.reason is Reason.RESTARTING
    assert wire.memory.values == OLD


def test_a_board_that_stores_and_restarts_without_a_word_leaves_the_matter_open() -> None:
    wire = Wire()

    def restart(_: int, data: bytes) -> bytes:
        if b" commit " not in data:
            return data
        wire.board.hear(data)
        wire.restart()
        return b""

    wire.to_board = restart
    assert wire.put() == Failure(Reason.UNPROVEN, "commit")


def test_another_board_on_the_port_is_not_written_to() -> None:
    wire = Wire()

    def swap(number: int, data: bytes) -> bytes:
        if number == 3:
            wire.facts["id"] = "ffffffffffff"
            wire.restart()
        return data

    wire.to_board = swap
    ended = wire.put()
    assert isinstance(ended, Failure)
    assert ended.reason is Reason.OTHER_BOARD
    assert ended.words == ("ffffffffffff",)
    assert wire.memory.values == OLD


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


@given(st.lists(damage, max_size=12), st.lists(damage, max_size=12))
def test_noise_at_any_byte_costs_time_and_nothing_else(
    there: list[tuple[int, int, str, int]], back: list[tuple[int, int, str, int]]
) -> None:
    wire = Wire()

    def spoil(hits: list[tuple[int, int, str, int]]) -> Callable[[int, bytes], bytes]:
        def one(number: int, data: bytes) -> bytes:
            for line, at, how, byte in hits:
                if line == number and data:
                    data = damaged(data, at, how, byte)
            return data

        return one

    wire.to_board, wire.to_host = spoil(there), spoil(back)
    ended = wire.put()
    assert whole(wire.memory)
    assert ended == Done() or isinstance(ended, Failure)
    if len(there) + len(back) < talk.COMMIT_TRIES:
        assert ended == Done()
        assert wire.memory.values == NEW


@settings(max_examples=30)
@given(st.binary(max_size=600), st.booleans())
def test_a_log_between_and_before_the_answers_and_an_echo_do_no_harm(
    log: bytes, echo: bool
) -> None:
    wire = Wire()
    before = log.replace(b"moored", b"")
    wire.to_host = lambda _, data: (
        (wire.heard[-1] if echo else b"") + b"\r\n" + before + b"> " + data + before + b"\n"
    )
    assert wire.put() == Done()


def test_a_board_whose_lines_all_fail_the_check_is_silent() -> None:
    wire = Wire()
    wire.to_board = lambda _, data: data.replace(b" *", b" *0", 1)
    assert wire.put() == Failure(Reason.SILENT, "begin")


@pytest.mark.parametrize(("extra", "taken"), [(0, True), (1, False)])
def test_a_value_of_the_longest_length_is_taken_and_one_byte_more_is_not(
    extra: int, taken: bool
) -> None:
    limit = board_keys.BY_NAME["tb_ca"].limit
    values = {"tb_ca": b"%" * (limit + extra)}
    wire = Wire()
    ended = wire.put(values, "cloud")
    assert (ended == Done()) is taken
    if not taken:
        assert ended == Failure(Reason.REFUSED, "set", "tb_ca", ("long", str(limit)))
        assert wire.memory.values == OLD


@pytest.mark.parametrize("room", [0, -1])
def test_settings_that_just_fit_are_taken_and_one_byte_more_is_not(room: int) -> None:
    kept = len(board_keys.table({"wifi_ssid": b"Old", "wifi_pass": b"old secret"}))
    values = {"tb_host": b"h" * 50, "tb_name": b"n" * 60}
    wire = Wire()
    wire.table_bytes = kept + len(board_keys.table(values)) + room
    wire.restart()
    ended = wire.put(values, "cloud")
    if room:
        free = str(wire.table_bytes - kept)
        assert ended == Failure(Reason.REFUSED, "set", "tb_name", ("full", free))
        assert wire.memory.values == OLD
    else:
        assert ended == Done()


def test_a_key_that_the_firmware_does_not_know_is_refused_with_nothing_changed() -> None:
    wire = Wire()
    wire.keys = frozenset(NEW) - {"tb_tls"}
    wire.restart()
    assert wire.put() == Failure(Reason.REFUSED, "set", "tb_tls", ("key",))
    assert wire.memory.values == OLD


def test_a_memory_that_cannot_be_written_is_told() -> None:
    wire = Wire(Memory(works=False))
    assert wire.put() == Failure(Reason.REFUSED, "commit", words=("store",))


def test_a_memory_that_keeps_something_else_is_found_out() -> None:
    class Faulty(Memory):
        def read(self) -> dict[str, bytes]:
            return {**super().read(), "tb_token": b"worn out"}

    ended = Wire(Faulty()).put()
    assert ended == Failure(Reason.NOT_STORED, "commit")


def test_a_board_that_gives_back_what_it_was_sent_has_proved_nothing() -> None:
    wire = Wire()

    def parrot(_: int, data: bytes) -> bytes:
        if b" commit " not in wire.heard[-1]:
            return data
        words = wire.heard[-1].decode().split()
        return encode_line(Line("moored", words[1], ("ok", words[3])))

    wire.to_host = parrot
    assert wire.put() == Failure(Reason.NOT_STORED, "commit")


@pytest.mark.parametrize("at", range(LINES))
def test_of_two_hosts_one_is_told_and_the_board_has_the_settings_of_one(at: int) -> None:
    mine = Wire()
    other = Wire(mine.memory, session="00c0ffee")
    other.board = mine.board
    theirs = {"tb_host": b"theirs", "tb_name": b"theirs"}

    def intrude(number: int, data: bytes) -> bytes:
        if number == at:
            assert other.put(theirs, "network", "cloud") == Done()
        return data

    mine.to_board = intrude
    ended = mine.put()
    # Theirs is over when our next line comes, so ours begins again and is the last.
    assert ended == Done()
    assert mine.memory.values == NEW


@pytest.mark.parametrize("at", range(1, LINES))
def test_a_host_whose_delivery_was_pushed_aside_hears_it(at: int) -> None:
    wire = Wire()

    def intrude(number: int, data: bytes) -> bytes:
        if number == at:
            wire.board.hear(encode_line(Line("mooring", "00c0ffee.1", ("begin", "cloud"))))
        return data

    wire.to_board = intrude
    ended = wire.put()
    assert isinstance(ended, Failure)
    assert ended.reason is Reason.OTHER_HOST
    assert wire.memory.values == OLD


def test_answers_to_another_host_and_late_ones_are_passed_over() -> None:
    wire = Wire()
    late: list[bytes] = []

    def twice(_: int, data: bytes) -> bytes:
        late.append(data)
        foreign = encode_line(Line("moored", "00c0ffee.1", ("error", "key")))
        return foreign + b"".join(late)

    wire.to_host = twice
    assert wire.put() == Done()


def test_another_version_of_the_protocol_is_not_spoken_to() -> None:
    wire = Wire()
    wire.to_host = lambda _, data: encode_line(
        Line("moored", data.decode().split()[1], ("ok", "2"))
    )
    assert wire.run(talk.hello(5)) == Failure(Reason.VERSION, "hello", words=("2",))


def test_hello_is_said_until_a_restarting_board_hears_it() -> None:
    wire = Wire()
    wire.to_board = lambda _, data: data if wire.now >= 4 else b""
    assert isinstance(wire.run(talk.hello(8)), Hello)
    wire.to_board = lambda _, _data: b""
    began = wire.now
    assert wire.run(talk.hello(8)) == Failure(Reason.SILENT, "hello")
    assert wire.now - began == 8


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_whatever_a_host_sends_the_board_answers_lines_and_keeps_its_settings(
    said: list[bytes],
) -> None:
    wire = Wire()
    for data in said:
        wire.board.hear(data + b"\n")
        words = tuple(data.decode("latin-1").split())
        if words and all(word.isascii() and word.isprintable() for word in words):
            for answer in wire.board.hear(encode_line(Line("mooring", "5f3a91c2.1", words))):
                assert answer.startswith(b"moored 5f3a91c2.1 ")
    assert wire.memory.values == OLD
