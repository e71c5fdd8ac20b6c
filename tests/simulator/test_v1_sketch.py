"""The simulated provisioning sketch of 1.0: every recorded conversation, and its own rules."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509

from agent.protocols.v1.commands import Command, FrameType, encode_command
from agent.protocols.v2.frames import encode_frame
from agent.simulator.device_certificate import COMPRESSED_SLOT, rebuild
from agent.simulator.world import SecureElement, World
from tests.simulator.replay import vectors_of
from tests.simulator.v1_replay import differences, frames_in, send, v1_board

DEVICE_ID = b"01234567-89ab-cdef-0123-456789abcdef"
INFO = encode_command(Command.SKETCH_INFO)
ACK = encode_frame(FrameType.RESPONSE, b"\x02")
ERROR = encode_frame(FrameType.RESPONSE, b"\x04")


def command(code: int, data: bytes = b"") -> bytes:
    """A frame without the host's checks."""
    return encode_frame(FrameType.COMMAND, bytes((code,)) + data)


@pytest.mark.parametrize("vector", vectors_of("v1_sessions"))
def test_vectors_of_1_0_play_as_recorded(vector: dict[str, Any]) -> None:
    assert differences(vector) == []


def test_a_lost_end_marker_runs_the_old_command_late() -> None:
    board = v1_board()
    send(board, encode_command(Command.CSR, DEVICE_ID))
    assert send(board, encode_command(Command.BEGIN_STORAGE)[:-2] + b"\0\0") == b""
    assert send(board, INFO) == ACK
    assert 12 in board.memory.element.slots
    assert send(board, INFO) == ACK


def test_an_odd_number_of_bytes_behind_a_lost_marker_deafens_the_board() -> None:
    board = v1_board()
    assert send(board, INFO[:-2] + b"\0\0\0") == b""
    for _ in range(3):
        assert send(board, INFO) == b""
    board.reset()
    board.run(board.now + 5_000, finish_turn=True)
    assert send(board, INFO) == ACK


def test_a_frame_longer_than_the_buffer_stops_the_sketch() -> None:
    board = v1_board()
    assert send(board, encode_frame(FrameType.COMMAND, bytes(131))) == b""
    assert board.state_name == "DEAD"


def test_the_longest_payload_is_taken() -> None:
    board = v1_board()
    assert send(board, encode_frame(FrameType.COMMAND, b"\x01" + bytes(129))) == ACK


def test_an_empty_data_frame_is_answered_with_another_code() -> None:
    board = v1_board()
    assert send(board, bytes.fromhex("55aa020000aa55") + INFO)[:7].hex() == "55aa030103aa55"


def test_a_response_of_the_host_is_ignored() -> None:
    board = v1_board()
    assert send(board, ACK) == b""
    assert send(board, INFO) == ACK


@pytest.mark.parametrize(
    "state",
    [SecureElement.NO_ANSWER, SecureElement.NO_CONFIGURATION, SecureElement.NO_LOCK],
)
def test_without_a_usable_secure_element_nothing_ever_answers(state: SecureElement) -> None:
    board = v1_board(World(secure_element=state))
    assert send(board, INFO) == b""
    assert board.state_name == "DEAD"


def test_a_failed_certificate_request_stops_the_sketch() -> None:
    board = v1_board(World(secure_element=SecureElement.NO_KEY))
    assert send(board, INFO) == ACK
    assert send(board, encode_command(Command.CSR, DEVICE_ID)) == b""
    assert send(board, INFO) == b""


def test_a_shorter_device_id_keeps_the_tail_of_the_one_before() -> None:
    board = v1_board()
    send(board, command(2, DEVICE_ID))
    (frame,) = frames_in(send(board, command(2, b"short")))
    request = x509.load_pem_x509_csr(bytes.fromhex(frame["payload"]))
    assert request.subject.rfc4514_string() == "CN=short" + DEVICE_ID[5:].decode()


def test_every_request_makes_a_new_key() -> None:
    board = v1_board()
    frames = [frames_in(send(board, command(2, DEVICE_ID)))[0]["payload"] for _ in range(2)]
    one, two = (x509.load_pem_x509_csr(bytes.fromhex(pem)).public_key() for pem in frames)
    assert one != two


@pytest.mark.parametrize(("code", "size"), [(13, 16), (14, 20), (15, 64)])
def test_a_field_of_another_size_is_an_error(code: int, size: int) -> None:
    board = v1_board()
    assert send(board, command(code, bytes(size))) == ACK
    assert send(board, command(code, bytes(size - 1))) == ERROR
    assert send(board, command(code, bytes(size + 1))) == ERROR


def test_nothing_can_be_stored_or_rebuilt_before_there_is_a_key() -> None:
    board = v1_board()
    assert send(board, command(6)) == ACK
    assert send(board, command(16)) == ERROR
    assert send(board, command(17)) == ERROR


def test_a_chip_that_stops_taking_writes_refuses_the_certificate() -> None:
    board = v1_board()
    send(board, command(2, DEVICE_ID))
    assert send(board, command(6)) == ACK
    board.world.secure_element = SecureElement.NO_WRITE
    assert send(board, command(16)) == ERROR
    assert COMPRESSED_SLOT not in board.memory.element.slots


def test_a_date_that_is_none_cannot_be_rebuilt() -> None:
    board = v1_board()
    send(board, command(2, DEVICE_ID))
    send(board, command(6))
    assert send(board, command(16)) == ACK  # month 0, day 0
    assert send(board, command(17)) == ERROR
    with pytest.raises(ValueError, match="month"):
        rebuild(board.memory.element)


def test_text_in_a_date_counts_up_to_its_first_letter() -> None:
    board = v1_board()
    send(board, command(2, DEVICE_ID))
    for code, digits in ((6, b""), (8, b"2031"), (9, b"1x"), (10, b"x"), (11, b"23"), (12, b"31")):
        assert send(board, command(code, digits)) == ACK
    assert send(board, command(16)) == ACK
    dates = board.memory.element.slots[COMPRESSED_SLOT][64:67]
    assert int.from_bytes(dates) == 31 << 19 | 1 << 15 | 0 << 10 | 23 << 5 | 31


def test_identity_of_1_0_stays_until_the_reset_of_2_0() -> None:
    element = (board := v1_board()).memory.element
    send(board, command(2, DEVICE_ID))
    send(board, command(6))
    assert element.device_id == DEVICE_ID.decode()
    element.wipe()
    assert (element.device_id, element.slots) == ("", {})


def test_the_sketch_ignores_pin_and_cloud_and_can_be_made_deaf() -> None:
    board = v1_board()
    board.release_pin(5_000)
    board.cloud_answer(200, b"")
    assert not board.host_connected
    assert send(board, INFO) == ACK
    assert board.host_connected
    board.wedge()
    assert send(board, INFO[:9]) == b""
