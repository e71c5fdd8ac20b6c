"""Commands of 1.0: what is sent byte by byte, and what is never sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.v1.commands import PAYLOAD_LIMIT, Command, FrameType, encode_command
from agent.protocols.v2.frames import crc16_x25

GOOD = {
    Command.SKETCH_INFO: b"",
    Command.CSR: b"01234567-89ab-cdef-0123-456789abcdef",
    Command.BEGIN_STORAGE: b"",
    Command.YEAR: b"2026",
    Command.MONTH: b"12",
    Command.DAY: b"31",
    Command.HOUR: b"00",
    Command.VALIDITY: b"31",
    Command.SERIAL: bytes(16),
    Command.AUTHORITY_KEY_ID: bytes(20),
    Command.SIGNATURE: bytes(64),
    Command.END_STORAGE: b"",
    Command.RECONSTRUCT: b"",
}


@pytest.mark.parametrize("command", Command)
def test_a_command_is_one_frame_of_the_sketchs_format(command: Command) -> None:
    payload = bytes((command,)) + GOOD[command]
    frame = encode_command(command, GOOD[command])
    assert frame[:5] == b"\x55\xaa\x01" + (len(payload) + 2).to_bytes(2, "big")
    assert frame[5:-4] == payload
    assert frame[-4:] == crc16_x25(payload).to_bytes(2, "big") + b"\xaa\x55"
    assert len(payload) <= PAYLOAD_LIMIT
    assert len(frame) >= 10  # the sketch looks at nothing shorter


@given(st.sampled_from(Command), st.binary(max_size=200))
def test_whatever_is_encoded_fits_the_sketch(command: Command, data: bytes) -> None:
    try:
        frame = encode_command(command, data)
    except ValueError:
        return
    assert frame[2] == FrameType.COMMAND
    assert len(data) == len(GOOD[command])


@pytest.mark.parametrize(
    ("command", "data"),
    [
        (Command.SKETCH_INFO, b"\0"),
        (Command.CSR, b"x" * 35),
        (Command.CSR, b"x" * 37),
        (Command.CSR, b"x" * 35 + b" "),
        (Command.CSR, b"x" * 35 + b"\xc3"),
        (Command.YEAR, b"1999"),
        (Command.YEAR, b"2032"),
        (Command.YEAR, b"+202"),
        (Command.YEAR, b"26"),
        (Command.MONTH, b"00"),
        (Command.MONTH, b"13"),
        (Command.MONTH, b"1"),
        (Command.DAY, b"32"),
        (Command.DAY, b"00"),
        (Command.HOUR, b"24"),
        (Command.VALIDITY, b"32"),
        (Command.VALIDITY, b"00"),
        (Command.SERIAL, bytes(15)),
        (Command.AUTHORITY_KEY_ID, bytes(21)),
        (Command.SIGNATURE, bytes(63)),
        (Command.END_STORAGE, b"x"),
    ],
)
def test_what_the_sketch_cannot_take_is_never_built(command: Command, data: bytes) -> None:
    with pytest.raises(ValueError, match=command.words):
        encode_command(command, data)


def test_commands_without_a_meaning_do_not_exist() -> None:
    assert {3, 4, 5, 7}.isdisjoint(Command)


def test_a_command_is_named_in_words() -> None:
    assert Command.BEGIN_STORAGE.words == "begin storage"
    assert Command.CSR.words == "certificate request"
