"""Recorded conversations of provisioning 1.0, played on the simulated sketch."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from agent.protocols.v2.frames import Frame, FrameDecoder, PacketType
from agent.simulator.config import BoardConfig
from agent.simulator.firmware import Firmware
from agent.simulator.timing import VECTOR_TIMING
from agent.simulator.world import SecureElement, World

BOOT_MS = VECTOR_TIMING.setup
STEP_MS = 1_000
KNOWN_RESPONSES = {1, 2, 3, 4}


def v1_board(world: World | None = None) -> Firmware:
    """A board with the 1.0 sketch that listens."""
    config = BoardConfig(model="mkr_wifi_1010", serial_number="v1", sketch="provisioning-1.0")
    board = Firmware(config, VECTOR_TIMING, world or World())
    board.run(BOOT_MS, finish_turn=True)
    return board


def send(board: Firmware, data: bytes) -> bytes:
    """Write ``data`` with one call; what the board answers."""
    board.receive(data)
    board.run(board.now + STEP_MS, finish_turn=True)
    return b"".join(board.take_output())


def frames_in(data: bytes) -> list[dict[str, Any]]:
    """What a board sent, in the form of the vector files."""
    found: list[dict[str, Any]] = []
    decoder = FrameDecoder()
    for piece in [*decoder.feed(data), *decoder.reset()]:
        if isinstance(piece, Frame):
            found.append({"type": int(piece.type), "payload": piece.payload.hex()})
        else:
            found.append({"not_a_frame": piece.data.hex()})
    return found


def differences(vector: dict[str, Any]) -> list[str]:
    """What came differently from what was recorded; empty: the board behaves as the real one."""
    board = v1_board(_world(vector["description"]))
    wrong = []
    for number, step in enumerate(vector["steps"]):
        came = send(board, bytes.fromhex(step.get("send", "")))
        for problem in _compare(step, came):
            wrong.append(f"step {number} ({step.get('note', '')}): {problem}")
    slots = {str(slot): data.hex() for slot, data in board.memory.element.slots.items()}
    if slots != vector.get("slots", {}):
        wrong.append(f"slots: recorded {vector.get('slots')}, are {slots}")
    return wrong


def _world(words: str) -> World:
    if "refuses" in words:
        return World(secure_element=SecureElement.NO_WRITE)
    if any(text in words for text in ("no chip", "chip is missing", "chip does not answer")):
        return World(secure_element=SecureElement.NO_ANSWER)
    return World()


def _compare(step: dict[str, Any], came: bytes) -> list[str]:
    recorded, have = step["frames"], frames_in(came)
    if len(recorded) != len(have):
        return [f"recorded {recorded}, came {have}"]
    varies = any(_varies(frame) for frame in recorded)
    if not varies and came.hex() != step["board"]:
        return [f"recorded {step['board']}, came {came.hex()}"]
    return [
        f"recorded {want}, came {got}"
        for want, got in zip(recorded, have, strict=True)
        if not _alike(want, got)
    ]


def _varies(frame: dict[str, Any]) -> bool:
    """A fresh key's request, or the byte that nobody can predict."""
    if frame.get("type") == PacketType.DATA:
        return True
    return frame.get("type") == PacketType.CONTROL and not _known(frame["payload"])


def _known(payload: str) -> bool:
    return len(payload) == 2 and int(payload, 16) in KNOWN_RESPONSES


def _alike(want: dict[str, Any], got: dict[str, Any]) -> bool:
    if not _varies(want):
        return want == got
    if want["type"] != got.get("type"):
        return False
    if want["type"] == PacketType.CONTROL:
        return len(got["payload"]) == len(want["payload"])
    return _shape(bytes.fromhex(want["payload"])) == _shape(bytes.fromhex(got["payload"]))


def _shape(pem: bytes) -> tuple[Any, ...]:
    """What does not change from key to key of a certificate request that is signed rightly."""
    request = x509.load_pem_x509_csr(pem)
    key = request.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    lines = pem.split(b"\n")
    return (
        request.is_signature_valid,
        request.subject.public_bytes(),
        key.curve.name,
        request.signature_algorithm_oid,
        len(request.extensions),
        len(request.tbs_certrequest_bytes),
        lines[0],
        [len(line) for line in lines[1:-3]],
        lines[-2:],
    )
