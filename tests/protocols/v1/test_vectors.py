"""Recorded conversations of 1.0, the host's direction: what it sends, and what it understands."""

from __future__ import annotations

from typing import Any

from agent.protocols.v1.commands import Command, FrameType, encode_command
from agent.protocols.v1.host import Ask, Done, HostMachine, Refused, Silent
from agent.protocols.v2.frames import Frame, FrameDecoder, crc16_x25


def command_in(data: bytes) -> tuple[Command, bytes] | None:
    """The one command that is written, if it is one that a host of ours would write."""
    payload, crc = data[5:-4], data[-4:-2]
    whole = data[:3] == b"\x55\xaa\x01" and data[-2:] == b"\xaa\x55" and payload
    if not whole or crc != crc16_x25(payload).to_bytes(2, "big") or payload[0] not in set(Command):
        return None
    command, argument = Command(payload[0]), payload[1:]
    try:
        encode_command(command, argument)
    except ValueError:
        return None
    return command, argument


def test_vectors_of_1_0_are_encoded_as_they_were_recorded(v1_sessions_vector: dict[str, Any]):
    for step in v1_sessions_vector["steps"]:
        data = bytes.fromhex(step.get("send", ""))
        if (found := command_in(data)) is not None:
            assert encode_command(*found) == data


def test_vectors_of_1_0_are_decoded_as_they_were_recorded(v1_sessions_vector: dict[str, Any]):
    for step in v1_sessions_vector["steps"]:
        pieces = FrameDecoder().feed(bytes.fromhex(step["board"]))
        got = [(p.type, p.payload.hex()) for p in pieces if isinstance(p, Frame)]
        assert got == [(f["type"], f["payload"]) for f in step["frames"] if "payload" in f]


def test_vectors_of_1_0_are_judged_by_the_host(v1_sessions_vector: dict[str, Any]):
    """Each command on a link of its own, answered as the recorded board answered it."""
    for step in v1_sessions_vector["steps"]:
        found = command_in(bytes.fromhex(step.get("send", "")))
        if found is None:
            continue
        machine = HostMachine()
        machine.start([Ask(*found)], 0.0)
        assert machine.take_writes() == [bytes.fromhex(step["send"])]
        machine.receive(bytes.fromhex(step["board"]), 0.1)
        machine.tick(2.0)
        assert machine.result == expected(found[0], step["frames"]), step.get("note")


def expected(command: Command, frames: list[dict[str, Any]]) -> Done | Refused | Silent:
    whole = [frame for frame in frames if "payload" in frame]
    if not whole:
        return Silent(command, 2.0)
    payload = bytes.fromhex(whole[0]["payload"])
    if whole[0]["type"] == FrameType.DATA:
        return Done(payload.decode())
    return Done() if payload == b"\x02" else Refused(command, payload[0])


def test_vectors_with_a_whole_conversation_are_followed_from_end_to_end(
    v1_sessions_vector: dict[str, Any],
):
    steps = v1_sessions_vector["steps"]
    commands = [command_in(bytes.fromhex(step.get("send", ""))) for step in steps]
    known = [found for found in commands if found is not None]
    if len(known) != len(steps) or any(len(step["frames"]) != 1 for step in steps):
        return  # it has input that a host of ours never writes
    machine = HostMachine()
    machine.start([Ask(*found) for found in known], 0.0)
    for step in steps:
        assert machine.result is None
        assert machine.take_writes() == [bytes.fromhex(step["send"])]
        machine.receive(bytes.fromhex(step["board"]), 0.1)
    refused = [step for step in steps if step["frames"][0]["payload"] in {"03", "04"}]
    assert isinstance(machine.result, Refused if refused else Done)
