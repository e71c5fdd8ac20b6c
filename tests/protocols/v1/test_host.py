"""The host's side of 1.0: every answer awaited, nothing sent after silence."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.v1 import host
from agent.protocols.v1.certificate import CompressedCertificate
from agent.protocols.v1.commands import Command, FrameType
from agent.protocols.v1.host import Ask, Done, HostMachine, Refused, Silent
from agent.protocols.v2.frames import encode_frame

DEVICE_ID = "01234567-89ab-cdef-0123-456789abcdef"
PEM = "-----BEGIN CERTIFICATE REQUEST-----\nTUlJQg==\n-----END CERTIFICATE REQUEST-----\n"
ACK = encode_frame(FrameType.RESPONSE, b"\x02")
CSR = encode_frame(FrameType.DATA, PEM.encode())
CERTIFICATE = CompressedCertificate(
    not_before=datetime(2026, 1, 2, 3, tzinfo=UTC),
    serial=bytes(range(16)),
    authority_key_id=bytes(range(20)),
    signature=bytes(range(64)),
)
EVERYTHING = (*host.sketch_info(), *host.csr(DEVICE_ID), *host.store(CERTIFICATE))


def commands_of(frames: list[bytes]) -> list[int]:
    return [frame[5] for frame in frames]


def test_commands_go_out_one_by_one_each_after_the_answer_before() -> None:
    machine = HostMachine()
    machine.start(EVERYTHING, 0.0)
    sent = []
    while machine.result is None:
        (frame,) = machine.take_writes()
        sent.append(frame[5])
        machine.receive(CSR if frame[5] == Command.CSR else ACK, 0.0)
    assert machine.result == Done(PEM)
    assert sent == [1, 2, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]
    assert machine.take_writes() == []


def test_limits_are_two_seconds_and_ten_for_what_takes_long() -> None:
    limits = {ask.command: ask.limit_s for ask in EVERYTHING}
    assert {c for c, s in limits.items() if s == 10.0} == {Command.CSR, Command.END_STORAGE}
    assert {s for c, s in limits.items() if c not in {2, 16}} == {2.0}


@pytest.mark.parametrize("index", range(len(EVERYTHING)))
@pytest.mark.parametrize("response", [1, 3, 4, 0x20, 0xFF])
def test_anything_but_ack_is_a_refusal_that_names_the_command(index: int, response: int) -> None:
    machine = HostMachine()
    machine.start(EVERYTHING[index:], 0.0)
    machine.take_writes()
    machine.receive(encode_frame(FrameType.RESPONSE, bytes((response,))), 0.1)
    assert machine.result == Refused(EVERYTHING[index].command, response)
    assert machine.take_writes() == []
    assert not machine.stopped  # the board listens: a job may begin again with a new key


@pytest.mark.parametrize("index", range(len(EVERYTHING)))
def test_after_silence_nothing_is_sent_any_more(index: int) -> None:
    ask = EVERYTHING[index]
    machine = HostMachine()
    machine.start(EVERYTHING[index:], 5.0)
    machine.take_writes()
    assert machine.next_deadline == 5.0 + ask.limit_s
    machine.tick(5.0 + ask.limit_s - 0.001)
    assert machine.result is None
    machine.tick(5.0 + ask.limit_s)
    assert machine.result == Silent(ask.command, ask.limit_s)
    machine.receive(ACK, 20.0)
    assert machine.take_writes() == []
    with pytest.raises(RuntimeError):
        machine.start(host.sketch_info(), 30.0)


def test_sketch_info_may_be_asked_again_because_it_does_nothing() -> None:
    machine = HostMachine()
    machine.start(host.sketch_info(tries=3), 0.0)
    for second in (2.0, 4.0):
        assert len(machine.take_writes()) == 1
        machine.tick(second)
    assert len(machine.take_writes()) == 1
    machine.tick(6.0)
    assert machine.result == Silent(Command.SKETCH_INFO, 6.0)


def test_late_answers_to_sketch_info_do_not_answer_the_request_behind_it() -> None:
    machine = HostMachine()
    machine.start((*host.sketch_info(tries=3), *host.csr(DEVICE_ID), Ask(Command.BEGIN_STORAGE)), 0)
    machine.tick(2.0)
    machine.receive(ACK, 3.0)
    machine.receive(ACK, 3.1)
    assert machine.result is None
    machine.receive(CSR, 3.2)
    assert commands_of(machine.take_writes()) == [1, 1, 2, 6]


def test_a_certificate_request_of_an_earlier_link_answers_nothing() -> None:
    machine = HostMachine()
    machine.start(host.sketch_info(), 0.0)
    machine.receive(CSR, 0.1)
    assert machine.result is None
    machine.receive(ACK, 0.2)
    assert machine.result == Done()


@pytest.mark.parametrize(
    "payload",
    [
        b"hello",
        PEM.encode().replace(b"REQUEST", b"REQUES"),
        PEM.encode().replace(b"TU", b"\xff\xff"),
        PEM.encode().replace(b"TUlJQg==\n", b"TUlJQg==\n" * 150),
    ],
)
def test_what_is_no_certificate_request_is_a_refusal(payload: bytes) -> None:
    machine = HostMachine()
    machine.start(host.csr(DEVICE_ID), 0.0)
    machine.receive(encode_frame(FrameType.DATA, payload), 0.1)
    machine.tick(10.0)
    assert isinstance(machine.result, Refused | Silent)
    if len(payload) <= 1024:
        assert machine.result == Refused(Command.CSR, None)


@pytest.mark.parametrize("device_id", ["", "short", DEVICE_ID + "x", "ä" * 36, " " * 36])
def test_a_device_id_of_another_form_is_never_sent(device_id: str) -> None:
    machine = HostMachine()
    with pytest.raises(ValueError, match=r"device id|certificate request"):
        machine.start(host.csr(device_id), 0.0)
    assert machine.take_writes() == []


def test_nothing_is_sent_when_a_later_command_does_not_fit() -> None:
    machine = HostMachine()
    with pytest.raises(ValueError, match="year"):
        machine.start((*host.sketch_info(), Ask(Command.YEAR, b"1999")), 0.0)
    assert machine.take_writes() == []
    machine.start(host.sketch_info(), 0.0)


@given(st.binary(max_size=40).filter(lambda noise: b"\x55" not in noise), st.data())
def test_noise_and_any_split_change_nothing(noise: bytes, data: st.DataObject) -> None:
    machine = HostMachine()
    machine.start(EVERYTHING, 0.0)
    while machine.result is None:
        (frame,) = machine.take_writes()
        answer = noise + (CSR if frame[5] == Command.CSR else ACK) + noise
        cut = data.draw(st.integers(0, len(answer)))
        machine.receive(answer[:cut], 0.0)
        machine.receive(answer[cut:], 0.0)
    assert machine.result == Done(PEM)
    assert len(machine.text) <= host.TEXT_BYTES


def test_an_answer_behind_a_false_start_is_found_at_the_limit() -> None:
    machine = HostMachine()
    machine.start(host.sketch_info(), 0.0)
    machine.receive(b"\x55\xaa\x03\x01\x00" + ACK, 0.1)
    assert machine.result is None
    machine.tick(2.0)
    assert machine.result == Done()


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_nothing_that_a_board_sends_makes_it_raise(chunks: list[bytes]) -> None:
    machine = HostMachine()
    machine.start(EVERYTHING, 0.0)
    for number, chunk in enumerate(chunks):
        machine.receive(chunk, number * 0.01)
    for _ in EVERYTHING:
        machine.tick(machine.next_deadline)
    assert machine.result is not None


def test_giving_up_in_the_middle_means_a_new_link() -> None:
    machine = HostMachine()
    machine.start(host.csr(DEVICE_ID), 0.0)
    machine.abandon()
    assert machine.stopped
    assert machine.take_writes() == []
    idle = HostMachine()
    idle.abandon()
    assert not idle.stopped


def test_the_second_answer_to_a_repeated_sketch_info_is_no_certificate_request() -> None:
    machine = HostMachine()
    machine.start((*host.sketch_info(tries=2), *host.csr(DEVICE_ID)), 0.0)
    machine.tick(2.0)
    assert commands_of(machine.take_writes()) == [1, 1]
    machine.receive(ACK + ACK, 2.1)
    assert machine.result is None
    assert commands_of(machine.take_writes()) == [2]
    machine.receive(CSR, 2.2)
    assert machine.result == Done(PEM)


def test_of_a_board_that_never_stops_talking_only_the_latest_text_is_kept() -> None:
    machine = HostMachine()
    for _ in range(100):
        machine.receive(b"hello again\r\n" * 100, 0.0)
    assert len(machine.text) == host.TEXT_BYTES
    assert machine.text.endswith(b"hello again\r\n")
