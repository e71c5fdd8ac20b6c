"""The procedure alone, against loaders in memory."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import NoBootloader, VerifyFailed
from agent.flash.samba_loader import (
    NVM_POLLS,
    NVM_STATE,
    SAMD21_LOADER,
    SAMD51_LOADER,
    UNO_R4_LOADER,
    FastWriter,
    LoaderKind,
)
from agent.protocols.samba import BRIDGE_GAP_S, GAP_S, Ask, SambaFailure
from agent.simulator.samba import End, LoaderFaults, SambaLoader, SamdLoader, UnoR4Loader
from agent.simulator.samba_chip import SAMD51P19A
from tests.flash.images import noise
from tests.flash.samba_rig import content, drive

Case = tuple[LoaderKind, Callable[[], SambaLoader]]

KINDS: dict[str, Case] = {
    "SAMD21": (SAMD21_LOADER, SamdLoader),
    "SAMD21 without extensions": (SAMD21_LOADER, lambda: SamdLoader(extended=False)),
    "SAMD51": (SAMD51_LOADER, lambda: SamdLoader(SAMD51P19A)),
    "UNO R4": (UNO_R4_LOADER, UnoR4Loader),
}
FAST = {name: kind for name, kind in KINDS.items() if "without" not in name}


def whole(data: bytes) -> list[bytes]:
    return [data] if data else []


def bytewise(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def padded(kind: LoaderKind, size: int) -> bytes:
    return noise(size) + b"\xff" * (-size % kind.page)


@pytest.mark.parametrize(("kind", "make"), KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("split", [whole, bytewise])
def test_a_sketch_is_written_verified_and_started(kind, make, split):
    loader = make()
    loader.memory.flash[kind.first + 0x5000 :] = bytes(
        len(loader.memory.flash) - kind.first - 0x5000
    )
    data = padded(kind, 9000)
    seen = drive(kind, data, loader, split)
    assert content(loader, len(data)) == data
    assert loader.ended is End.RESET
    assert [step.done for step in seen if step.stage == "write"] == [0, 4096, 8192, len(data)]
    assert seen[-1].stage == "reset"


@pytest.mark.parametrize(("kind", "make"), KINDS.values(), ids=KINDS)
def test_the_rest_of_an_older_sketch_is_erased(kind, make):
    loader = make()
    start = loader.memory.chip.loader_bytes
    loader.memory.flash[start:] = bytes(len(loader.memory.flash) - start)
    drive(kind, padded(kind, 100), loader, whole)
    # The loader of the UNO R4 erases only what it writes.
    behind = set(loader.memory.flash[start + 8192 :])
    assert behind == ({0} if kind is UNO_R4_LOADER else {0xFF})


@settings(max_examples=40)
@given(
    st.sampled_from(sorted(FAST)),
    st.integers(1, 40_000),
    st.lists(st.integers(0, 39_999), max_size=4, unique_by=lambda at: at // 8192),
)
def test_bytes_that_flip_once_are_written_again(name, size, flips):
    kind, make = FAST[name]
    loader = make()
    start = loader.memory.chip.loader_bytes
    for at in flips:
        loader.memory.flips[start + at] = 1
    data = padded(kind, size)
    drive(kind, data, loader, whole)
    assert content(loader, len(data)) == data


@pytest.mark.parametrize(("kind", "make"), KINDS.values(), ids=KINDS)
def test_a_byte_that_stays_wrong_is_an_error_and_the_loader_stays(kind, make):
    loader = make()
    data = padded(kind, 9000)
    wrong = next(at for at in range(5000, 9000) if data[at])
    loader.memory.flips[loader.memory.chip.loader_bytes + wrong] = 1000
    with pytest.raises(VerifyFailed) as error:
        drive(kind, data, loader, whole)
    assert loader.ended is None
    assert error.value.facts["expected"] != error.value.facts["found"]
    loader.memory.flips.clear()
    drive(kind, data, loader, whole)
    assert content(loader, len(data)) == data


@pytest.mark.parametrize(("kind", "make"), KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("chunk", [0, 4096])
def test_a_byte_at_the_end_of_a_chunk_is_mended(kind, make, chunk):
    loader = make()
    data = padded(kind, 9000)
    wrong = next(at for at in range(chunk + 4095, chunk, -1) if data[at])
    loader.memory.flips[loader.memory.chip.loader_bytes + wrong] = 1
    drive(kind, data, loader, whole)
    assert content(loader, len(data)) == data


def test_on_a_samd51_the_chunk_that_shares_the_erased_block_is_written_again():
    loader = SamdLoader(SAMD51P19A)
    data = noise(16384)
    loader.memory.flips[0x4000 + 4096 + data[4096:].index(1)] = 1
    seen = drive(SAMD51_LOADER, data, loader, whole)
    assert [step.done for step in seen if step.stage == "write"] == [
        *(0, 4096, 0, 4096, 8192, 12288, 16384)
    ]
    assert content(loader, len(data)) == data


@pytest.mark.parametrize(("kind", "make"), KINDS.values(), ids=KINDS)
def test_a_loader_that_was_left_in_the_middle_of_a_transfer_is_freed(kind, make):
    loader = make()
    loader.receive(b"S%08X,00001000#" % kind.buffer + b"\x55" * 100)
    data = padded(kind, 5000)
    drive(kind, data, loader, whole)
    assert content(loader, len(data)) == data


def test_a_loader_in_terminal_mode_is_brought_out_of_it():
    loader = SamdLoader(terminal=True)
    drive(SAMD21_LOADER, padded(SAMD21_LOADER, 500), loader, whole)
    assert loader.ended is End.RESET


def test_an_answer_that_is_lost_costs_one_more_try():
    class Deaf(UnoR4Loader):
        def receive(self, data):
            answer = super().receive(data)
            return b"" if self.commands["Z"] == 2 and data.startswith(b"Z") else answer

    loader = Deaf()
    data = padded(UNO_R4_LOADER, 20_000)
    drive(UNO_R4_LOADER, data, loader, whole)
    assert content(loader, len(data)) == data


@pytest.mark.parametrize(("kind", "make"), FAST.values(), ids=FAST)
def test_data_that_is_lost_on_the_way_costs_one_more_try(kind, make):
    class Lossy:
        def __init__(self, loader):
            self.loader = loader
            self.lost = False

        def receive(self, data):
            if not self.lost and len(data) == 4096 and self.loader.commands["S"] == 2:
                self.lost = True
                data = data[:-200]
            return self.loader.receive(data)

    loader = make()
    data = padded(kind, 20_000)
    wire = Lossy(loader)
    drive(kind, data, wire, whole)
    assert wire.lost
    assert content(loader, len(data)) == data


def test_a_flash_controller_that_is_never_ready_ends_the_run():
    class Busy:
        def __init__(self, loader):
            self.loader = loader

        def receive(self, data):
            answer = self.loader.receive(data)
            return bytes(4) if data.endswith(b"w%08X,4#" % NVM_STATE) else answer

    kind = msgspec.structs.replace(SAMD21_LOADER, room=4 * SAMD21_LOADER.erase_unit)
    loader = SamdLoader(extended=False)
    loader.memory.flash[kind.first :] = bytes(len(loader.memory.flash) - kind.first)
    # Only what is found in the flash counts: the marks of this controller are wrong.
    drive(kind, padded(kind, 100), Busy(loader), whole)
    assert loader.commands["w"] > 4 * NVM_POLLS


def test_data_for_the_bridge_follows_its_command_after_the_longer_pause():
    load = next(FastWriter(UNO_R4_LOADER).write(0, b"data"))
    assert isinstance(load, Ask)
    assert load.data == b"data"
    assert load.gap_s == BRIDGE_GAP_S > GAP_S


WRONG: dict[str, Case] = {
    "a SAMD51 for a SAMD21": (SAMD21_LOADER, lambda: SamdLoader(SAMD51P19A)),
    "a SAMD21 for a SAMD51": (SAMD51_LOADER, SamdLoader),
    "an UNO R4 for a SAMD21": (SAMD21_LOADER, UnoR4Loader),
    "a SAMD21 for an UNO R4": (UNO_R4_LOADER, SamdLoader),
    "a SAMD51 without extensions": (
        SAMD51_LOADER,
        lambda: SamdLoader(SAMD51P19A, extended=False),
    ),
}


@pytest.mark.parametrize(("kind", "make"), WRONG.values(), ids=WRONG)
def test_another_chip_is_left_alone(kind, make):
    loader = make()
    before = bytes(loader.memory.flash)
    with pytest.raises(NoBootloader) as error:
        drive(kind, padded(kind, 500), loader, whole)
    assert "Press reset." in error.value.report().remedy
    assert bytes(loader.memory.flash) == before
    assert loader.ended is None


class Hostile:
    """Gives other answers than its loader would, as long as there are any."""

    def __init__(self, loader: SambaLoader, answers: list[bytes]) -> None:
        self._loader = loader
        self._answers = iter(answers)

    def receive(self, data: bytes) -> bytes:
        answer = self._loader.receive(data)
        return next(self._answers, answer) if answer else answer


@pytest.mark.parametrize(("kind", "make"), FAST.values(), ids=FAST)
@given(answers=st.lists(st.binary(max_size=60), max_size=60))
@settings(max_examples=60)
def test_a_hostile_loader_ends_the_run_with_a_known_error(kind, make, answers):
    loader = make()
    data = padded(kind, 6000)
    try:
        drive(kind, data, Hostile(loader, answers), whole)
    except (NoBootloader, VerifyFailed, SambaFailure):
        assert loader.ended is None
    else:
        assert content(loader, len(data)) == data


def test_noise_on_the_wire_of_a_bridge_does_no_harm():
    loader = UnoR4Loader(faults=LoaderFaults(noise=b"\x00\xff~\r\n"))
    data = padded(UNO_R4_LOADER, 9000)
    drive(UNO_R4_LOADER, data, loader, whole)
    assert content(loader, len(data)) == data
