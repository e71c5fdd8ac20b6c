"""A board in its bootloader is the board that it is, whatever its bootloader looks like."""

import pytest

from agent.boards.board import BoardState
from agent.boards.matching import REENUMERATION_S
from agent.boards.registry import Registry
from agent.errors import AmbiguousBoard, PortBusy, PortGone

from .conftest import CH340, NANO, NANO_LOADER, sighted

H7, H7_LOADER = (0x2341, 0x025B), (0x2341, 0x035B)
NANO_ESP32 = (0x2341, 0x0070)
NANO_CONNECT, PICO, RP2040_ROM = (0x2341, 0x005E), (0x2E8A, 0xF00A), (0x2E8A, 0x0003)
SERIAL, OTHER = "002F00313138511238353333", "003A00263138511238353333"
ROM_SERIAL = "E0C9125B0D9B"


@pytest.fixture
def registry(catalog):
    return Registry(catalog)


def only(registry):
    (board,) = registry.boards()
    return board


def h7_sketch(serial=SERIAL, socket="1-2", name="/dev/ttyACM0"):
    return sighted(name, H7, serial, f"{socket}:1.0" if socket else None)


def h7_loader(serial=None, socket="1-2", address="usb:1-2"):
    return sighted(address, H7_LOADER, serial, socket, kind="usb")


@pytest.mark.parametrize("serial", [None, "0001", "38393233343536", SERIAL])
def test_a_dfu_loader_is_the_board_that_left_its_socket(registry, serial):
    registry.update([h7_sketch()], 0.0)
    before = only(registry)
    registry.update([], 1.0)
    (loader,) = registry.update([h7_loader(serial)], 2.0).appeared
    assert (loader.id, loader.model, loader.state) == (
        before.id,
        before.model,
        BoardState.BOOTLOADER,
    )
    assert [port.address for port in loader.ports] == ["usb:1-2"]
    registry.update([h7_sketch(name="/dev/ttyACM1")], 3.0)
    assert (only(registry).id, only(registry).state) == (before.id, BoardState.READY)


def test_a_loader_that_was_always_there_is_a_board_of_its_own(registry):
    registry.update([h7_loader("38393233343536")], 0.0)
    board = only(registry)
    assert board.state is BoardState.BOOTLOADER
    assert board.candidates == ["portenta_h7", "portenta_machine_control"]
    assert board.model == "portenta_h7"


def test_a_board_with_one_pair_of_ids_for_both_is_told_by_its_kind_of_port(registry):
    registry.update([sighted("/dev/ttyACM0", NANO_ESP32, "3485185F1B2C", "1-2:1.0")], 0.0)
    sketch = only(registry)
    assert sketch.state is BoardState.READY
    registry.update([sighted("usb:1-2", NANO_ESP32, "3485185F1B2C", "1-2", kind="usb")], 1.0)
    loader = only(registry)
    assert (loader.id, loader.model) == (sketch.id, "nano_esp32")
    assert loader.state is BoardState.BOOTLOADER
    # Back, and the same without a number in its loader.
    registry.update([sighted("/dev/ttyACM0", NANO_ESP32, "3485185F1B2C", "1-2:1.0")], 2.0)
    assert only(registry).state is BoardState.READY
    registry.update([sighted("usb:1-2", NANO_ESP32, None, "1-2", kind="usb")], 3.0)
    assert (only(registry).id, only(registry).state) == (sketch.id, BoardState.BOOTLOADER)
    registry.update([], 4.0)
    registry.update([sighted("/dev/ttyACM0", NANO_ESP32, "3485185F1B2C", "1-2:1.0")], 5.0)
    assert (only(registry).id, only(registry).state) == (sketch.id, BoardState.READY)


@pytest.mark.parametrize(
    ("ids", "model"), [(NANO_CONNECT, "nano_rp2040_connect"), (PICO, "pico_w")]
)
def test_a_known_board_keeps_its_model_in_the_loader_that_several_models_share(
    registry, ids, model
):
    registry.update([sighted("/dev/ttyACM0", ids, "E66138528350", "1-2:1.0")], 0.0)
    before = only(registry)
    registry.update([], 1.0)
    device = sighted("usb:1-2", RP2040_ROM, ROM_SERIAL, "1-2", kind="usb")
    registry.update([device], 2.0)
    # People see it before the drive is mounted; then the drive joins it.
    assert (only(registry).model, only(registry).state) == (model, BoardState.BOOTLOADER)
    drive = sighted("/media/ada/RPI-RP2", RP2040_ROM, ROM_SERIAL, "1-2:1.0", kind="volume")
    (changed,) = registry.update([device, drive], 3.0).changed
    assert (changed.id, changed.model) == (before.id, model)
    assert [port.kind for port in changed.ports] == ["usb", "volume"]
    assert changed.state is BoardState.BOOTLOADER


def test_an_unknown_board_in_a_shared_loader_shows_what_it_may_be(registry):
    registry.update([sighted("usb:1-2", RP2040_ROM, ROM_SERIAL, "1-2", kind="usb")], 0.0)
    board = only(registry)
    assert board.model is None
    assert board.candidates == ["nano_rp2040_connect", "pico_w"]
    assert board.state is BoardState.BOOTLOADER
    # Its sketch says which it is.
    registry.update([], 1.0)
    registry.update([sighted("/dev/ttyACM0", PICO, "E66138528350", "1-2:1.0")], 2.0)
    assert (only(registry).id, only(registry).model) == (board.id, "pico_w")


def test_the_number_of_a_boot_rom_says_nothing(registry):
    """All RP2040 show the same: two in two sockets, and one after the other in one socket."""
    registry.update(
        [
            sighted("usb:1-2", RP2040_ROM, ROM_SERIAL, "1-2", kind="usb"),
            sighted("usb:1-3", RP2040_ROM, ROM_SERIAL, "1-3", kind="usb"),
        ],
        0.0,
    )
    assert [b.id for b in registry.boards()] == ["usb-2e8a-0003-1-2", "usb-2e8a-0003-1-3"]
    registry.update([], 1.0)
    registry.update([sighted("/dev/ttyACM0", PICO, "E66138528350", "1-5:1.0")], 100.0)
    registry.update([], 101.0)
    registry.update([sighted("usb:1-2", RP2040_ROM, ROM_SERIAL, "1-2", kind="usb")], 102.0)
    assert only(registry).id == "usb-2e8a-0003-1-2"


# --- the wrong board comes back -------------------------------------------------------------------


@pytest.mark.parametrize("loader_serial", [None, "38393233343536", SERIAL])
@pytest.mark.parametrize("held", [True, False])
def test_another_board_that_comes_out_of_the_loader_is_another_board(registry, loader_serial, held):
    registry.update([h7_sketch(SERIAL)], 0.0)
    ours = only(registry).id
    if held:
        registry.hold(ours, "job")
    registry.update([], 1.0)
    registry.update([h7_loader(loader_serial)], 2.0)
    assert only(registry).id == ours
    registry.update([], 3.0)

    registry.update([h7_sketch(OTHER)], 4.0)

    other = next(board for board in registry.boards() if board.ports)
    assert other.id != ours
    assert other.ports[0].serial_number == OTHER
    if held:
        assert registry.require(ours).board().state is BoardState.UNREACHABLE
        # And the right one is itself again, also in another socket.
        registry.update([h7_sketch(OTHER), h7_sketch(SERIAL, "1-4", "/dev/ttyACM1")], 5.0)
        assert registry.get(ours).state is BoardState.BUSY
    else:
        assert [board.id for board in registry.boards()] == [other.id]


def test_a_sketch_without_a_number_may_be_the_one_that_was_just_written(registry):
    registry.update([h7_sketch()], 0.0)
    ours = only(registry).id
    registry.update([h7_loader()], 1.0)
    registry.update([h7_sketch(None)], 2.0)
    assert only(registry).id == ours


def test_a_new_sketch_may_show_other_ids_and_another_number(registry):
    """Not the same ids: the number of another core is no evidence against it."""
    registry.update([sighted("/dev/ttyACM0", PICO, "E66138528350", "1-2:1.0")], 0.0)
    ours = only(registry).id
    registry.update([sighted("usb:1-2", RP2040_ROM, ROM_SERIAL, "1-2", kind="usb")], 1.0)
    registry.update([sighted("/dev/ttyACM0", (0x2E8A, 0x00C0), "DE6613852835", "1-2:1.0")], 2.0)
    assert only(registry).id == ours


def test_a_loader_in_a_socket_belongs_to_the_board_that_was_there_last(registry):
    """Not to the one whose loader was seen there yesterday."""
    registry.update([h7_sketch(SERIAL)], 0.0)
    first = only(registry).id
    registry.update([h7_loader()], 1.0)
    registry.update([], 2.0)
    registry.update([h7_sketch(OTHER)], 1e5)
    second = only(registry).id
    registry.update([h7_loader()], 1e5 + 1)
    assert only(registry).id == second != first


def test_a_loader_without_a_number_in_another_socket_is_not_the_board_that_left(registry):
    registry.update([h7_sketch()], 0.0)
    ours = only(registry).id
    registry.hold(ours, "job")
    registry.update([], 1.0)
    registry.update([h7_loader(socket="1-3", address="usb:1-3")], 2.0)
    assert registry.get(ours).ports == []


def test_a_number_that_all_loaders_have_does_not_outweigh_the_socket(registry):
    every = "DFUDFUDFU1"
    registry.update([h7_sketch(SERIAL, "1-2")], 0.0)
    registry.update([h7_loader(every, "1-2")], 1.0)
    registry.update([h7_sketch(SERIAL, "1-2")], 2.0)
    first = only(registry).id
    registry.hold(first, "one")
    registry.update([h7_sketch(OTHER, "1-3", "/dev/ttyACM1")], 3.0)
    second = next(board.id for board in registry.boards() if board.ports)
    registry.hold(second, "two")
    registry.update([], 4.0)
    registry.update([h7_loader(every, "1-3", "usb:1-3")], 5.0)
    assert registry.get(first).ports == []
    assert registry.get(second).ports[0].location == "1-3"


def test_a_loader_that_comes_goes_and_comes_again_stays_the_same_board(registry):
    registry.update([h7_sketch()], 0.0)
    ours = only(registry).id
    registry.hold(ours, "job")
    for moment in range(1, 8, 2):
        registry.update([h7_loader()], float(moment))
        assert [board.id for board in registry.boards()] == [ours]
        registry.update([], moment + 1.0)
    registry.update([h7_sketch()], 9.0)
    assert [board.id for board in registry.boards()] == [ours]


@pytest.mark.parametrize("shared", [True, False])
def test_two_boards_touched_at_once_come_back_as_themselves(registry, shared):
    second = SERIAL if shared else OTHER
    sketches = [h7_sketch(SERIAL, "1-2"), h7_sketch(second, "1-3", "/dev/ttyACM1")]
    loaders = [h7_loader(None, "1-2", "usb:1-2"), h7_loader(None, "1-3", "usb:1-3")]
    registry.update(sketches, 0.0)
    ids = {board.ports[0].location[:3]: board.id for board in registry.boards()}
    assert len(set(ids.values())) == 2
    for board in ids.values():
        registry.hold(board, "job")
    registry.update([], 1.0)
    registry.update([loaders[1]], 1.1)
    registry.update([], 1.2)
    registry.update(loaders, 1.3)
    assert {b.ports[0].location: b.id for b in registry.boards()} == ids
    registry.update([loaders[0]], 2.0)
    # Their sketches take each other's names.
    swapped = [h7_sketch(SERIAL, "1-2", "/dev/ttyACM1"), h7_sketch(second, "1-3", "/dev/ttyACM0")]
    registry.update([loaders[0], swapped[1]], 2.1)
    registry.update(swapped, 2.2)
    assert {b.ports[0].location[:3]: b.id for b in registry.boards()} == ids


# --- a job knows better ---------------------------------------------------------------------------


def drive(name="RPI-RP2"):
    """As a system shows it that tells no socket."""
    return sighted(f"/Volumes/{name}", RP2040_ROM, None, None, kind="volume")


def test_a_drive_without_a_socket_is_adopted_and_the_board_made_for_it_vanishes(registry):
    registry.update([sighted("/dev/cu.usbmodem1", PICO, "E66138528350", "20-1")], 0.0)
    ours = only(registry).id
    registry.hold(ours, "job")
    registry.update([], 1.0)
    (made,) = registry.update([drive()], 2.0).appeared
    assert made.id != ours

    changes = registry.adopt(ours, made.ports[0], 3.0)

    assert changes.vanished == [made.id]
    (board,) = registry.boards()
    assert changes.changed == [board]
    assert (board.id, board.model, board.state) == (ours, "pico_w", BoardState.BUSY)
    assert board.ports == made.ports
    assert registry.get(made.id) is None
    assert not registry.adopt(ours, made.ports[0], 4.0)
    # The next drive of this name is not taken for it without a job.
    registry.update([], 5.0)
    registry.release(ours, 5.0)
    registry.update([drive()], 1000.0)
    assert only(registry).id != ours


def test_what_is_not_there_cannot_be_adopted(registry):
    registry.update([h7_sketch()], 0.0)
    ours = only(registry).id
    with pytest.raises(PortGone):
        registry.adopt(ours, drive().port, 1.0)


def test_what_somebody_else_uses_cannot_be_adopted(registry):
    registry.update([h7_sketch(), h7_loader(socket="1-3", address="usb:1-3")], 0.0)
    boards = {board.ports[0].kind: board for board in registry.boards()}
    registry.hold(boards["usb"].id, "another job")
    with pytest.raises(PortBusy):
        registry.adopt(boards["serial"].id, boards["usb"].ports[0], 1.0)


def test_a_board_with_another_number_cannot_be_adopted(registry):
    registry.update([h7_sketch(SERIAL), h7_sketch(OTHER, "1-3", "/dev/ttyACM1")], 0.0)
    first, second = registry.boards()
    registry.hold(first.id, "job")
    registry.update([h7_sketch(OTHER, "1-3", "/dev/ttyACM1")], 1.0)
    with pytest.raises(AmbiguousBoard):
        registry.adopt(first.id, second.ports[0], 2.0)


def test_a_board_known_by_other_things_loses_only_the_face_that_is_adopted(registry):
    nano = "6B1D4A1A50503233"
    registry.update([sighted("/dev/ttyACM0", NANO, nano, "1-2")], 0.0)
    registry.update([sighted("/dev/ttyACM0", NANO_LOADER, None, "1-2")], 1.0)
    registry.update([sighted("/dev/ttyACM1", NANO, "7C2E5B2B61614344", "1-3")], 2.0)
    wrong = "nano_33_iot-6B1D4A1A50503233"
    ours = only(registry).id
    registry.hold(ours, "job")
    loader = sighted("/dev/ttyACM0", NANO_LOADER, None, "1-2")
    registry.update([loader], 3.0)
    assert registry.get(wrong).ports == [loader.port]
    changes = registry.adopt(ours, loader.port, 4.0)
    assert changes.vanished == [wrong]
    assert registry.get(ours).ports == [loader.port]
    registry.update([sighted("/dev/ttyACM0", NANO, nano, "1-2")], 5.0 + REENUMERATION_S)
    assert registry.get(wrong) is not None


def test_a_bridge_and_the_boards_own_port_are_seen_side_by_side_again(registry):
    """One hardware with two cables: each of them may be unplugged alone."""
    native = sighted("/dev/ttyACM0", (0x303A, 0x1001), "34:85:18:5F:1B:2C", "1-2")
    bridge = sighted("/dev/ttyUSB0", CH340, None, "1-3")
    registry.update([native, bridge], 0.0)
    for board in registry.boards():
        registry.learn(board.id, uhwid="a1" * 32, now=1.0)
    board = only(registry).id
    registry.update([native], 2.0)
    registry.update([native, bridge], 3.0)
    assert (only(registry).id, len(only(registry).ports)) == (board, 2)
