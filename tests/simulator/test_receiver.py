"""The receiver: recorded frames are received whole, bad ones do what they do on a real board."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.v2.frames import crc16_x25, encode_frame
from agent.simulator.receiver import BYTE_VALIDITY_MS, Packet, Receiver, Reception
from tests.simulator.replay import vectors_of

GOOD = encode_frame(2, b"\xda\x00\x01\x20\x03\x81\x01")


def receive(receiver: Receiver, packet: Packet, data: bytes, now: float = 0) -> list[Reception]:
    """What the agent does with a buffer: after an error the rest of it is thrown away."""
    results = []
    for byte in data:
        results.append(receiver.receive(packet, byte, now))
        if results[-1] is Reception.ERROR:
            break
        if results[-1] is Reception.RECEIVED:
            packet.clear()
    return results


@pytest.mark.parametrize("vector", vectors_of("frames"))
def test_vectors_of_frames_are_received_by_the_board(vector: dict[str, Any]) -> None:
    if vector["op"] == "crc16":
        assert f"{crc16_x25(bytes.fromhex(vector['input'])):04x}" == vector["crc16"]
        return
    frame, payload = bytes.fromhex(vector["frame"]), bytes.fromhex(vector["payload"])
    assert encode_frame(vector["type"], payload) == frame
    receiver, packet = Receiver(), Packet()
    results = [receiver.receive(packet, byte, 0) for byte in frame]
    if payload and vector["type"] in {2, 3}:
        assert results[-1] is Reception.RECEIVED
        assert (packet.type, bytes(packet.payload)) == (vector["type"], payload)
    else:
        assert Reception.RECEIVED not in results


@given(st.binary(min_size=1, max_size=300), st.integers(2, 3))
def test_any_good_frame_is_received_and_the_next_one_too(payload: bytes, kind: int) -> None:
    receiver, packet = Receiver(), Packet()
    frame = encode_frame(kind, payload)
    assert receive(receiver, packet, frame)[-1] is Reception.RECEIVED
    assert receive(receiver, packet, frame)[-1] is Reception.RECEIVED


@given(st.binary(max_size=400))
def test_any_bytes_leave_the_receiver_in_one_of_its_states(data: bytes) -> None:
    receiver, packet = Receiver(), Packet()
    receive(receiver, packet, data)
    assert receiver.state in Reception
    assert len(packet.payload) <= packet.payload_size


@pytest.mark.parametrize("cut", range(1, len(GOOD)))
def test_only_a_pause_in_the_payload_wedges_the_receiver(cut: int) -> None:
    receiver, packet = Receiver(), Packet()
    receive(receiver, packet, GOOD[:cut])
    later = BYTE_VALIDITY_MS + 1
    receive(receiver, packet, GOOD, later)
    alive = Reception.RECEIVED in receive(receiver, packet, GOOD, later)
    in_payload = 5 <= cut < len(GOOD) - 4
    assert alive is not in_payload


def test_a_forgotten_header_still_names_the_type_of_a_packet_whose_end_arrives_late() -> None:
    receiver, packet = Receiver(), Packet()
    receive(receiver, packet, GOOD[:-3])
    end_of_nothing = b"\x00\x00\xaa\x55"
    results = [receiver.receive(packet, b, BYTE_VALIDITY_MS + 1) for b in end_of_nothing]
    assert results[-1] is Reception.RECEIVED
    assert (packet.type, bytes(packet.payload)) == (2, b"")


def test_what_one_agent_received_of_a_packet_is_not_seen_by_the_other() -> None:
    receiver, first, second = Receiver(), Packet(), Packet()
    receive(receiver, first, GOOD[:3])
    assert Reception.ERROR in receive(receiver, second, GOOD[3:])
