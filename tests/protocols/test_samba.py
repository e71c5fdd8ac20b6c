import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols import samba
from agent.protocols.samba import Ask, Exactly, Reason, SambaFailure, SambaMachine

ANSWERS = [
    (samba.hello(), b"\n\r", b""),
    (samba.version(), b"v2.0 [Arduino:XYZ] Mar  7 2020\n\r", b"v2.0 [Arduino:XYZ] Mar  7 2020"),
    (samba.read_word(0x41002018), b"\x05\x03\x01\x10", b"\x05\x03\x01\x10"),
    (samba.read_block(0x2000, 63), bytes(range(63)), bytes(range(63))),
    (samba.erase(0x2000), b"X\n\r", b"X"),
    (samba.set_source(0x20004000), b"Y\n\r", b"Y"),
    (samba.write_flash(0x2000, 4096), b"Y\n\r", b"Y"),
    (samba.check(0x2000, 4096), b"Z0000BEEF#\n\r", b"0000BEEF"),
]
TEXTS = [each for each in ANSWERS if not isinstance(each[0].reply, Exactly)]


def run(ask: Ask, pieces: list[bytes]) -> bytes | SambaFailure | None:
    """The exchange with an answer in these pieces; all writes are taken before."""
    machine = SambaMachine()
    machine.start(ask, 0.0)
    assert machine.take_write(0.0) == ask.command
    if ask.data:
        assert machine.take_write(0.0) is None
        assert machine.take_write(ask.gap_s) == ask.data
    for piece in pieces:
        machine.receive(piece)
    return machine.take_result()


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    at = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(at)]


@given(st.sampled_from(ANSWERS), st.lists(st.integers(0, 300)))
def test_an_answer_counts_the_same_however_it_is_split(case, cuts):
    ask, answer, expected = case
    assert run(ask, split(answer, cuts)) == expected


NOISE = st.lists(st.integers(0x80, 0xFF), max_size=400).map(bytes)


@given(st.sampled_from(TEXTS), NOISE, st.lists(st.integers(0, 600)))
def test_foreign_bytes_before_a_text_answer_are_skipped(case, noise, cuts):
    ask, answer, expected = case
    assert run(ask, split(noise + answer, cuts)) == expected


@given(st.sampled_from(ANSWERS), st.lists(st.binary(max_size=700), max_size=5))
def test_whatever_a_board_sends_nothing_is_raised_and_little_is_kept(case, pieces):
    machine = SambaMachine()
    machine.receive(b"".join(pieces))
    machine.start(case[0], 0.0)
    machine.take_write(0.0)
    for piece in pieces:
        machine.receive(piece)
    machine.tick(1000.0)
    assert isinstance(machine.take_result(), bytes | SambaFailure)
    assert machine.take_result() is None
    machine.start(samba.hello(), 1000.0)


def test_a_board_that_talks_nonsense_is_given_up_before_the_limit():
    failure = run(samba.erase(0), [b"?" * 600])
    assert isinstance(failure, SambaFailure)
    assert failure.reason is Reason.GARBLED


def test_a_board_that_is_silent_is_given_up_at_the_limit():
    machine = SambaMachine()
    machine.start(samba.version(), 5.0)
    machine.take_write(5.0)
    assert machine.next_deadline == 5.0 + samba.ANSWER_S
    machine.tick(machine.next_deadline - 0.01)
    assert machine.take_result() is None
    machine.tick(machine.next_deadline)
    failure = machine.take_result()
    assert isinstance(failure, SambaFailure)
    assert failure.reason is Reason.SILENT
    assert failure.command == b"V#"


def test_the_limit_begins_when_the_last_bytes_were_written():
    machine = SambaMachine()
    machine.start(samba.load(0x20004000, b"data"), 0.0)
    machine.take_write(0.0)
    assert machine.next_deadline == samba.GAP_S
    machine.tick(1000.0)
    assert machine.take_result() is None


def test_a_command_and_its_data_are_two_writes_with_a_pause_between():
    machine = SambaMachine()
    machine.start(samba.load(0x20004000, b"\x00" * 64), 1.0)
    assert machine.take_write(1.0) == b"S20004000,00000040#"
    assert machine.take_write(1.0) is None
    assert machine.take_result() is None
    assert machine.take_write(machine.next_deadline) == b"\x00" * 64
    assert machine.take_result() == b""


def test_commands_without_an_answer_end_when_they_are_written():
    assert run(samba.write_word(0xE000ED0C, 0x05FA0004), []) == b""
    assert run(samba.restart(), []) == b""


def test_what_is_left_of_one_answer_is_not_part_of_the_next():
    machine = SambaMachine()
    machine.start(samba.read_word(0), 0.0)
    machine.take_write(0.0)
    machine.receive(b"\x01\x00\x00\x00surplus")
    assert machine.take_result() == b"\x01\x00\x00\x00"
    machine.start(samba.read_word(4), 0.0)
    machine.take_write(0.0)
    machine.receive(b"\x02\x00\x00\x00")
    assert machine.take_result() == b"\x02\x00\x00\x00"
    assert machine.ignored_bytes == len(b"surplus")


def test_one_exchange_at_a_time():
    machine = SambaMachine()
    machine.start(samba.hello(), 0.0)
    with pytest.raises(RuntimeError):
        machine.start(samba.hello(), 0.0)


@pytest.mark.parametrize("size", [0, 64, 4096])
def test_a_read_of_a_whole_packet_is_never_asked_for(size):
    with pytest.raises(ValueError, match="63"):
        samba.read_block(0, size)


def test_numbers_that_do_not_fit_are_refused():
    for wrong in (-1, 1 << 32):
        with pytest.raises(ValueError, match="32 bits"):
            samba.write_word(0, wrong)
    with pytest.raises(ValueError, match="4096"):
        samba.write_flash(0, 4097)


def test_only_the_last_command_of_a_batch_may_be_answered():
    ask = samba.batch(samba.write_word(4, 1), samba.write_word(8, 2), samba.read_word(12))
    assert ask.command == b"W00000004,00000001#W00000008,00000002#w0000000C,4#"
    assert run(ask, [b"\x01\0\0\0"]) == b"\x01\0\0\0"
    with pytest.raises(ValueError, match="together"):
        samba.batch(samba.read_word(0), samba.write_word(0, 0))
    with pytest.raises(ValueError, match="together"):
        samba.batch(samba.load(0, b"x"), samba.write_word(0, 0))


def test_the_extensions_are_the_letters_in_the_bracket():
    assert samba.extensions(b"v2.0 [Arduino:XYZ] Mar 7") == {"X", "Y", "Z"}
    assert samba.extensions(b"... 2.0 [Arduino:IKXYZ]") == {"I", "K", "X", "Y", "Z"}
    assert samba.extensions(b"v1.1 Dec 15 2010 19:25:04") == frozenset()


def test_the_check_value_is_crc_16_xmodem():
    assert samba.crc16(b"123456789") == 0x31C3
    assert samba.crc(b"000031c3") == 0x31C3
