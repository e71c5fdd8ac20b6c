"""The example sketch where it differs from other boards: its memory, and a loss of power in it."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING

import pytest

from agent.protocols.console import talk
from agent.protocols.console.talk import Done, Value
from tests.protocols.console.wire import NEW, OLD, SketchBoard, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.needs("g++"), pytest.mark.system("linux", "darwin")]

HEAD_BYTES = 12
"""Of a slot: written last."""


@pytest.fixture
def sketch(all_keys: Path, tmp_path: Path) -> Iterator[SketchBoard]:
    made = SketchBoard(all_keys, tmp_path / "eeprom")
    made.hold(OLD)
    yield made
    made.close()


def bytes_written(sketch: SketchBoard) -> int:
    """How many bytes of the memory a delivery changes."""
    before = sketch.eeprom.read_bytes()
    assert Wire(sketch).put() == Done()
    after = sketch.eeprom.read_bytes()
    sketch.hold(OLD)
    return sum(a != b for a, b in zip(before, after, strict=True))


def test_power_that_is_lost_at_any_byte_leaves_settings_that_are_whole(
    sketch: SketchBoard,
) -> None:
    total = bytes_written(sketch)
    moments = [0, 1, 2, *range(10, total, 97), *range(total - HEAD_BYTES - 1, total + 1)]
    found: list[dict[str, bytes]] = []
    for left in moments:
        sketch.hold(OLD)
        sketch.environ["MOORING_WRITES_LEFT"] = str(left)
        sketch.restart()
        wire = Wire(sketch)
        lost: list[bytes] = []

        def hear(_: int, data: bytes, lost: list[bytes] = lost) -> bytes:
            if b" commit " in data and not lost:
                lost.append(data)
                sketch.hear(data)
                found.append(sketch.values)
                del sketch.environ["MOORING_WRITES_LEFT"]
                sketch.restart()  # the power is back
                return b""
            return data

        wire.to_board = hear
        assert wire.put() == Done()
        assert sketch.values == NEW
    assert found[:-1] == [OLD] * (len(found) - 1)
    assert found[-1] == NEW


def test_deliveries_go_to_the_two_slots_in_turn_and_the_count_may_run_over(
    sketch: SketchBoard,
) -> None:
    from tests.sessions.arduino_sketch import SLOT

    table = b"tb_host\0old.test\0"
    head = struct.pack("<HH", 0xFFFF, len(table))
    slot = head + hashlib.sha256(head + table).digest()[:8] + table
    sketch.close()
    sketch.eeprom.write_bytes(b"\xff" * (SLOT.size + 4000) + slot)
    sketch.restart()
    for number, host in enumerate([b"one", b"two", b"three"]):
        assert Wire(sketch, session=f"0000000{number}").put({"tb_host": host}, "cloud") == Done()
        sketch.restart()
        assert Wire(sketch).run(talk.get("tb_host")) == Value(host)


@pytest.mark.parametrize("noise", [b"", b"\xff" * 9000, b"\0" * 9000, bytes(range(256)) * 40])
def test_a_memory_with_anything_in_it_is_an_empty_one(sketch: SketchBoard, noise: bytes) -> None:
    sketch.close()
    sketch.eeprom.write_bytes(noise)
    sketch.restart()
    assert sketch.values == {}
    assert Wire(sketch).put() == Done()
    assert sketch.values == NEW
