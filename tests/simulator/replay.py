"""Recorded conversations: finding them, playing them on a simulated board, comparing."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from agent.protocols.v2.frames import PAYLOAD_LIMIT, Control, Frame, FrameDecoder, PacketType
from agent.simulator.firmware import Firmware, new_memory
from agent.simulator.recorded import DEFAULT_WIFI, board_of, boot_ms, change_world

OWN_FOLDER = Path(__file__).parents[1] / "vectors"
FOLDER = Path(os.environ.get("MOORING_VECTORS") or OWN_FOLDER)
TAG_TOKEN, TAG_PUBLIC_KEY = "0x012011", "0x012017"
BYTE_GAP_MS = 2
"""Between two bytes that are written one at a time."""
RUN_AFTER_IDLE_MS = 50


def vectors_of(*kinds: str) -> list[Any]:
    """All vectors of these kinds in the folder, as parameters named ``file: id``.

    A conversation that goes on with the board of earlier ones carries them under ``before``.
    """
    found = []
    files = _files(FOLDER, kinds)
    usual_wifi = _usual_wifi(files)
    for path, vectors in files:
        for index, vector in enumerate(vectors):
            vector.setdefault("board_setup", {}).setdefault("wifi", usual_wifi)
            before = _before(vector["id"], vectors[:index]) or _own_before(vector["id"], kinds)
            found.append(
                pytest.param({**vector, "before": before}, id=f"{path.stem}: {vector['id']}")
            )
    return found


def _files(folder: Path, kinds: tuple[str, ...]) -> list[tuple[Path, list[dict[str, Any]]]]:
    files = []
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.get("kind") in kinds:
            files.append((path, content["vectors"]))
    return files


def _usual_wifi(files: list[tuple[Path, list[dict[str, Any]]]]) -> str:
    """The Wi-Fi of a conversation that names none: "as in the other sessions" of its set."""
    named = [v["board_setup"]["wifi"] for _, vectors in files for v in vectors if _names_wifi(v)]
    return max(named, key=named.count, default=DEFAULT_WIFI)


def _names_wifi(vector: dict[str, Any]) -> bool:
    return "wifi" in vector.get("board_setup", {})


def _before(name: str, earlier: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The conversations whose board ``name`` goes on with."""
    for index, vector in enumerate(earlier):
        first = vector["id"]
        if not first.endswith(("-first", "-first-boot")):
            continue
        stem = first.removesuffix("-boot").removesuffix("-first") + "-"
        if name.startswith(stem) and ("restart" in name or "boot" in name):
            chain = [v for v in earlier[index + 1 :] if v["id"].startswith(stem)]
            return [vector, *(v for v in chain if "restart" in v["id"] or "boot" in v["id"])]
    return []


def _own_before(name: str, kinds: tuple[str, ...]) -> list[dict[str, Any]]:
    """The same from the project's own set, for a set that has only the second part."""
    if FOLDER == OWN_FOLDER or name.endswith(("-first", "-first-boot")):
        return []
    for _, vectors in _files(OWN_FOLDER, kinds):
        own = [v for v in vectors if v["id"].endswith(("-first", "-first-boot"))]
        found = _before(name, own)
        if found:
            return found
    return []


def play(vector: dict[str, Any]) -> list[tuple[str, list[Any], list[Any]]]:
    """Play a conversation; for every step its name, what was recorded, and what came."""
    memory = new_memory()
    for earlier in vector.get("before", []):
        _play_on(earlier, memory)
    return _play_on(vector, memory)


def _play_on(vector: dict[str, Any], memory: Any) -> list[tuple[str, list[Any], list[Any]]]:
    config, timing, world = board_of(vector)
    board = Firmware(config, timing, world, memory)
    board.run(boot_ms(vector), finish_turn=True)
    steps = [("at boot", vector.get("at_boot", []), elements(board.take_output()))]
    for number, step in enumerate(vector["steps"]):
        name = f"step {number}: {step.get('note') or step.get('world') or 'wait'}"
        if "world" in step:
            _change(board, step["world"])
        if "idle_ms" in step:
            board.skip(step["idle_ms"])
            board.run(board.now + RUN_AFTER_IDLE_MS, finish_turn=True)
        data = bytes.fromhex(step.get("send", ""))
        if "one byte at a time" in step.get("note", ""):
            for byte in data:
                board.receive(bytes((byte,)))
                board.run(board.now + BYTE_GAP_MS, finish_turn=True)
        elif data:
            board.receive(data)
        if "wait_ms" in step:
            board.run(board.now + step["wait_ms"], finish_turn=True)
        steps.append((name, step.get("board", []), elements(board.take_output())))
    return steps


def _change(board: Firmware, words: str) -> None:
    """What happens around the board: to its port, its power, or its surroundings."""
    if "dtr" in words.lower() or "port" in words.lower():
        board.set_port_open("clos" not in words and "drop" not in words)
    elif "restart" in words or "power" in words:
        board.reset()
    else:
        change_world(board.world, words)
        board.changed()


def elements(output: list[bytes]) -> list[dict[str, Any]]:
    """What a board sent, in the form of the vector files."""
    found: list[dict[str, Any]] = []
    for piece in FrameDecoder(PAYLOAD_LIMIT).feed(b"".join(output)):
        if not isinstance(piece, Frame):
            if found and "text" in found[-1]:
                piece_hex = found[-1]["hex"] + piece.data.hex()
                found[-1] = {"hex": piece_hex, "text": bytes.fromhex(piece_hex).decode()}
            else:
                found.append({"text": piece.data.decode(), "hex": piece.data.hex()})
        elif piece.type is PacketType.CONTROL:
            found.append({"control": Control(piece.payload[0]).name, "payload": piece.payload})
        else:
            item = cbor2.loads(piece.payload)
            found.append(
                {
                    "data": {"tag": f"0x{item.tag:06x}", "value": item.value},
                    "payload": piece.payload,
                }
            )
    return found


def differences(vector: dict[str, Any]) -> list[str]:
    """What came differently from what was recorded; empty: the board behaves as the real one."""
    wrong = []
    came: list[Any] = []
    public_key: str | None = None
    for name, recorded, came in play(vector):
        wanted, got = list(recorded), list(came)
        if "flood" in f"{vector['id']} {vector.get('description', '')}":
            wanted, got = _once(wanted), _once(got)
        if len(wanted) != len(got):
            wrong.append(f"{name}: recorded {_short(wanted)}, came {_short(got)}")
            continue
        for want, have in zip(wanted, got, strict=True):
            if have.get("data", {}).get("tag") == TAG_PUBLIC_KEY:
                public_key = have["data"]["value"][0]
            problem = compare(want, have, vector, public_key)
            if problem:
                wrong.append(f"{name}: {problem}: recorded {_short([want])}, came {_short([have])}")
    answers = any("data" in element for element in came)
    if vector.get("answers_afterwards", answers) != answers:
        wrong.append(f"the last step: answers_afterwards is recorded otherwise than {answers}")
    return wrong


def compare(
    want: dict[str, Any], have: dict[str, Any], vector: dict[str, Any], public_key: str | None
) -> str:
    """What is different in one element; empty: nothing."""
    if "text" in want or "text" in have:
        return "" if want.get("hex") == have.get("hex") else "other text"
    if "control" in want or "control" in have:
        return "" if want.get("control") == have.get("control") else "other control packet"
    frame = Frame(PacketType.DATA, have["payload"])
    tag = want["data"]["tag"]
    if tag != have["data"]["tag"]:
        return "other message"
    if tag == TAG_PUBLIC_KEY:
        return _compare_keys(want["data"]["value"], have["data"]["value"])
    if tag == TAG_TOKEN and have["data"]["tag"] in {*vector.get("varies", []), TAG_TOKEN}:
        return _compare_tokens(want["data"]["value"], have["data"]["value"], public_key)
    if bytes.fromhex(want["frame"])[5:-4] != frame.payload:
        return "other content"
    # The recording says the same twice; a set that contradicts itself must not pass.
    return "" if want["data"]["value"] == _written(have["data"]["value"]) else "other value"


def _written(value: Any) -> Any:
    """A value as the vector files write it."""
    if isinstance(value, list | tuple):
        return [_written(each) for each in value]
    return {"hex": value.hex()} if isinstance(value, bytes) else value


def _compare_keys(want: list[Any], have: list[Any]) -> str:
    """The recorded private key is not known, so the board has another one of the same form."""
    shape = [len(line) for line in want[0].split("\n")]
    if [len(line) for line in have[0].split("\n")] != shape:
        return "other form of the key"
    key = load_pem_public_key(have[0].encode())
    same_curve = isinstance(key, EllipticCurvePublicKey) and key.curve.name == "secp256r1"
    return "" if same_curve else "not a P-256 key"


def _compare_tokens(want: list[Any], have: list[Any], public_key: str | None) -> str:
    """Header and claims are the recorded ones, the signature fits the key that was sent."""
    recorded, token = _bytes(want[0]).split(b"."), _bytes(have[0]).split(b".")
    if recorded[:2] != token[:2]:
        return "other claims"
    if public_key is None:
        return "a token before any key"
    signature = base64.urlsafe_b64decode(token[2] + b"==")
    half = len(signature) // 2
    r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
    key = load_pem_public_key(public_key.encode())
    assert isinstance(key, EllipticCurvePublicKey)
    key.verify(encode_dss_signature(r, s), b".".join(token[:2]), ECDSA(SHA256()))
    return ""


def _bytes(value: Any) -> bytes:
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else bytes(value)


def _once(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Repetitions of a pair count once: how many there are is not fixed."""
    kept: list[dict[str, Any]] = []
    shapes: list[Any] = []
    for item in items:
        shape = item.get("data") or item.get("control") or item.get("text")
        kept.append(item)
        shapes.append(shape)
        if len(shapes) >= 4 and shapes[-4:-2] == shapes[-2:]:
            del kept[-2:], shapes[-2:]
    return kept


def _short(items: list[dict[str, Any]]) -> list[Any]:
    shown: list[Any] = []
    for item in items:
        data = item.get("data")
        shown.append((data["tag"], data["value"]) if data else item.get("control") or item["text"])
    return shown
