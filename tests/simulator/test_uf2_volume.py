from __future__ import annotations

import pytest

from agent.protocols.elf import Segment
from agent.protocols.uf2 import BLOCK_BYTES, FAMILY_RP2040, build_uf2
from agent.simulator.uf2_volume import Uf2Volume

START = 0x1000_0000


@pytest.fixture
def volume(tmp_path):
    drive = Uf2Volume(tmp_path / "RPI-RP2")
    drive.plug(watch=False)
    yield drive
    drive.unplug()


def file_of(fill: int, size: int) -> bytes:
    """A sketch whose bytes are all ``fill``; ``size`` in bytes."""
    return build_uf2([Segment(START, bytes([fill]) * size)], FAMILY_RP2040)


def held(volume: Uf2Volume) -> set[int]:
    return {byte for payload in volume.flash.values() for byte in payload}


@pytest.mark.parametrize("size", [2_000, 40_000, 50_000])
def test_a_file_that_broke_off_does_not_spoil_the_next_of_the_same_name(volume, size):
    path = volume.folder / "SKETCH.UF2"
    path.write_bytes(file_of(1, 40_000)[: 100 * BLOCK_BYTES])
    assert not volume.look()
    path.write_bytes(file_of(2, size))
    assert volume.look()
    assert volume.complete
    assert volume.flash[START] == bytes([2]) * 256


def test_a_file_that_grows_is_taken_block_by_block(volume):
    path = volume.folder / "SKETCH.UF2"
    data = file_of(3, 4_000)
    came = []
    volume.on_block = lambda: came.append(len(volume.flash))
    path.write_bytes(data[: 3 * BLOCK_BYTES + 100])
    assert not volume.look()
    assert not volume.look()
    assert came == [1, 2, 3]
    path.write_bytes(data)
    assert volume.look()
    assert len(came) == len(data) // BLOCK_BYTES
    assert held(volume) <= {0, 3}
    assert not volume.folder.exists()
