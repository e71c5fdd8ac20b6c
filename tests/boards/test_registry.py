import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.boards import records as module
from agent.boards.board import Board, BoardState
from agent.boards.known import KnownBoard
from agent.boards.matching import REENUMERATION_S
from agent.boards.registry import Registry
from agent.errors import InputError, PortBusy, UnknownBoard

from .conftest import CH340, NANO, NANO_LOADER, UNO, sighted

UHWID = "a1" * 32
OTHER_UHWID = "b2" * 32


@pytest.fixture
def registry(catalog):
    return Registry(catalog)


def only(registry):
    (board,) = registry.boards()
    return board


def test_a_port_with_known_ids_becomes_a_board_of_its_model(registry):
    changes = registry.update([sighted("/dev/ttyACM0", UNO, "F412FA65", "1-2:1.0")], 1000.0)

    board = only(registry)
    assert changes.appeared == [board]
    assert (board.id, board.model) == ("uno_r4_wifi-F412FA65", "uno_r4_wifi")
    assert board.name == "Arduino UNO R4 WiFi"
    assert board.fqbn == "arduino:renesas_uno:unor4wifi"
    assert board.provisioning.supported == ["2.0"]
    assert board.state is BoardState.READY
    assert board.first_seen == 1000.0
    assert board.candidates == []


def test_a_device_outside_the_catalogue_appears_as_an_unknown_board(registry):
    registry.update([sighted("/dev/ttyUSB0", (0xDEAD, 0xBEEF), "A50285BI", "1-2")], 0.0)
    board = only(registry)
    assert (board.name, board.model, board.fqbn) == ("Unknown board", None, None)
    assert board.id == "usb-dead-beef-A50285BI"


def test_a_port_without_usb_ids_is_a_board_too(registry):
    registry.update([sighted("/dev/ttyS0", None)], 0.0)
    assert only(registry).id == "port-ttyS0"


def test_a_common_bridge_lists_what_it_may_be(registry):
    registry.update([sighted("/dev/ttyUSB0", CH340, None, "1-2")], 0.0)
    board = only(registry)
    assert board.model is None
    assert board.name == "ESP32 or similar (CH34x)"
    assert {"esp32", "esp32s3", "esp8266"} <= set(board.candidates)


def test_nothing_new_is_no_change(registry):
    seen = [sighted("/dev/ttyACM0", UNO, "F412FA65", "1-2")]
    assert registry.update(seen, 0.0)
    assert not registry.update(seen, 1.0)


def test_an_unplugged_board_vanishes_and_comes_back_as_itself(registry):
    seen = [sighted("/dev/ttyACM0", UNO, "F412FA65", "1-2")]
    registry.update(seen, 0.0)
    assert registry.update([], 1.0).vanished == ["uno_r4_wifi-F412FA65"]
    assert registry.boards() == []
    changes = registry.update(seen, 9.0)
    assert changes.appeared[0].id == "uno_r4_wifi-F412FA65"
    assert changes.appeared[0].first_seen == 9.0


def test_a_board_with_a_number_is_itself_under_any_name_and_in_any_socket(registry):
    registry.update([sighted("/dev/ttyACM0", UNO, "F412FA65", "1-2")], 0.0)
    changes = registry.update([sighted("/dev/ttyACM7", UNO, "F412FA65", "1-2")], 1.0)
    assert [board.id for board in changes.changed] == ["uno_r4_wifi-F412FA65"]
    registry.update([], 2.0)
    registry.update([sighted("/dev/ttyACM1", UNO, "F412FA65", "3-1.4")], 1e6)
    assert only(registry).id == "uno_r4_wifi-F412FA65"


def test_a_port_that_came_back_unnoticed_is_a_change_of_nothing_people_see(registry):
    registry.update([sighted("/dev/ttyACM0", UNO, "F412FA65", "1-2", node=1)], 0.0)
    assert not registry.update([sighted("/dev/ttyACM0", UNO, "F412FA65", "1-2", node=2)], 1.0)


def test_two_boards_with_the_same_number_in_two_sockets_are_two_boards(registry):
    one = sighted("/dev/ttyACM0", UNO, "F412FA65", "1-2")
    two = sighted("/dev/ttyACM1", UNO, "F412FA65", "1-3")
    registry.update([two, one], 0.0)
    ids = [board.id for board in registry.boards()]
    assert ids == ["uno_r4_wifi-F412FA65", "uno_r4_wifi-F412FA65-1-3"]
    # Each is itself again in its socket, whichever comes first.
    registry.update([one], 1.0)
    registry.update([], 2.0)
    registry.update([two], 3.0)
    assert only(registry).id == "uno_r4_wifi-F412FA65-1-3"


def test_a_twin_number_in_a_socket_where_the_other_one_was_before_is_another_board(registry):
    registry.update([sighted("/dev/ttyACM0", UNO, "F412FA65", "1-2")], 0.0)
    registry.update([sighted("/dev/ttyACM0", UNO, "F412FA65", "1-3")], 1.0)
    registry.update(
        [
            sighted("/dev/ttyACM0", UNO, "F412FA65", "1-3"),
            sighted("/dev/ttyACM1", UNO, "F412FA65", "1-2"),
        ],
        2.0,
    )
    assert len(registry.boards()) == 2


@pytest.mark.parametrize("serial", ["0001", None, ""])
def test_boards_without_a_usable_number_are_told_apart_by_their_sockets(registry, serial):
    one = sighted("/dev/ttyUSB0", CH340, serial, "1-2")
    two = sighted("/dev/ttyUSB1", CH340, serial, "1-3")
    registry.update([one, two], 0.0)
    assert [b.id for b in registry.boards()] == ["usb-1a86-7523-1-2", "usb-1a86-7523-1-3"]


def test_several_ports_of_one_device_are_one_board(registry):
    registry.update(
        [
            sighted("/dev/ttyACM1", (0x1366, 0x1059), "001050012345", "1-2:1.2"),
            sighted("/dev/ttyACM0", (0x1366, 0x1059), "001050012345", "1-2:1.0"),
        ],
        0.0,
    )
    board = only(registry)
    assert [port.address for port in board.ports] == ["/dev/ttyACM0", "/dev/ttyACM1"]
    assert board.candidates == ["nrf9151_dk", "nrf9160_dk"]
    assert board.name == "Nordic nRF9151 DK or Nordic nRF9160 DK (J-Link)"


def test_the_loader_of_a_board_is_the_same_board_in_another_state(registry):
    serial = "6B1D4A1A5050323339202020FF0B2A17"
    registry.update([sighted("/dev/ttyACM0", NANO, serial, "1-2")], 0.0)
    sketch = only(registry)
    assert sketch.state is BoardState.READY

    registry.update([], 1.0)
    registry.update([sighted("/dev/ttyACM0", NANO_LOADER, serial, "1-2")], 2.0)

    assert only(registry).id == sketch.id
    assert only(registry).state is BoardState.BOOTLOADER


def test_a_loader_without_a_number_is_known_by_its_socket_for_a_short_time(registry):
    seen = [sighted("/dev/ttyACM0", NANO, "6B1D4A1A50503233", "1-2")]
    loader = [sighted("/dev/ttyACM0", NANO_LOADER, None, "1-2")]
    registry.update(seen, 0.0)
    known = only(registry).id
    registry.update([], 1.0)
    registry.update(loader, 1.0 + REENUMERATION_S)
    assert (only(registry).id, only(registry).state) == (known, BoardState.BOOTLOADER)
    registry.update([], 50.0)
    registry.update(seen, 51.0)
    assert (only(registry).id, only(registry).state) == (known, BoardState.READY)


def test_a_loader_that_comes_much_later_in_the_same_socket_may_be_another_board(registry):
    registry.update([sighted("/dev/ttyACM0", NANO, "6B1D4A1A50503233", "1-2")], 0.0)
    known = only(registry).id
    registry.update([], 1.0)
    registry.update([sighted("/dev/ttyACM0", NANO_LOADER, None, "1-2")], 2.0 + REENUMERATION_S)
    assert only(registry).id != known


def test_another_board_of_the_same_model_in_the_same_socket_is_another_board(registry):
    registry.update([sighted("/dev/ttyACM0", UNO, "F412FA65", "1-2")], 0.0)
    registry.update([], 1.0)
    registry.update([sighted("/dev/ttyACM0", UNO, "F412FA99", "1-2")], 2.0)
    assert only(registry).id == "uno_r4_wifi-F412FA99"


def test_the_shared_rom_loader_of_several_models_is_the_board_that_was_there(registry):
    registry.update([sighted("/dev/ttyACM0", (0x2341, 0x0070), "3485185F1B2C", "1-2")], 0.0)
    before = only(registry)
    assert before.model == "nano_esp32"
    registry.update([], 1.0)
    registry.update([sighted("/dev/ttyACM0", (0x303A, 0x1001), "34:85:18:5F:1B:2C", "1-2")], 2.0)
    after = only(registry)
    assert (after.id, after.model, after.state) == (before.id, "nano_esp32", BoardState.BOOTLOADER)


def test_devices_of_two_makers_with_the_same_number_are_two_boards(registry):
    registry.update([sighted("/dev/ttyUSB0", (0xDEAD, 0xBEEF), "A50285BI", "1-2")], 0.0)
    registry.update([], 1.0)
    registry.update([sighted("/dev/ttyUSB0", (0x0403, 0x6001), "A50285BI", "1-3")], 2.0)
    assert only(registry).id == "usb-0403-6001-A50285BI"


def test_a_face_that_says_more_narrows_what_the_board_may_be(registry):
    registry.update([sighted("/dev/ttyACM0", (0x303A, 0x1001), "3485185F1B2C", "1-2")], 0.0)
    before = only(registry)
    assert before.model is None
    registry.update([], 1.0)
    registry.update([sighted("/dev/ttyACM0", (0x2341, 0x0070), "3485185F1B2C", "1-2")], 2.0)
    after = only(registry)
    assert (after.id, after.model, after.candidates) == (before.id, "nano_esp32", [])


def test_a_chain_of_merges_keeps_every_id_working(registry):
    registry.update(
        [
            sighted("/dev/ttyACM0", (0x303A, 0x1001), "3485185F1B2C", "1-2"),
            sighted("/dev/ttyUSB0", CH340, None, "1-3"),
            sighted("/dev/ttyUSB1", (0x10C4, 0xEA60), None, "1-4"),
        ],
        0.0,
    )
    cp210x, ch340, native = (board.id for board in registry.boards())
    registry.learn(ch340, uhwid=UHWID, now=1.0)
    registry.learn(cp210x, uhwid=UHWID, now=2.0)
    assert len(registry.boards()) == 2
    registry.learn(native, uhwid=UHWID, now=3.0)
    board = only(registry)
    assert board.id == native
    assert registry.get(ch340) == registry.get(cp210x) == board
    assert len(board.ports) == 3


def test_a_held_board_names_its_holder_and_refuses_a_second_one(registry):
    registry.update([sighted("/dev/ttyACM0", UNO, "F412FA65", "1-2")], 0.0)
    board = only(registry).id

    changes = registry.hold(board, "Setting up kitchen-sensor")

    assert changes.changed[0].state is BoardState.BUSY
    assert changes.changed[0].holder == "Setting up kitchen-sensor"
    with pytest.raises(PortBusy) as caught:
        registry.hold(board, "the serial monitor")
    assert caught.value.facts == {"port": "/dev/ttyACM0", "holder": "Setting up kitchen-sensor"}
    assert registry.release(board, 1.0).changed[0].state is BoardState.READY


def test_a_board_of_the_list_is_not_held_in_the_network_of_its_own(registry):
    registry.update([sighted("/dev/ttyACM0", UNO, "F412FA65", "1-2")], 0.0)
    with pytest.raises(InputError, match="via"):
        registry.hold(only(registry).id, "the serial monitor", "ap")
    assert only(registry).holder is None


def test_a_held_board_without_a_port_is_unreachable_until_it_is_released(registry):
    registry.update([sighted("/dev/ttyACM0", UNO, "F412FA65", "1-2")], 0.0)
    board = only(registry).id
    registry.hold(board, "job")
    (changed,) = registry.update([], 1.0).changed
    assert (changed.state, changed.holder) == (BoardState.UNREACHABLE, "job")
    assert registry.release(board, 2.0).vanished == [board]


def test_a_held_board_that_returns_under_another_name_is_the_same_appearance(registry):
    registry.update([sighted("/dev/ttyACM0", UNO, "F412FA65", "1-2")], 5.0)
    board = only(registry).id
    registry.hold(board, "job")
    registry.update([], 6.0)
    registry.update([sighted("/dev/ttyACM3", UNO, "F412FA65", "1-2")], 7.0)
    back = only(registry)
    assert (back.id, back.state, back.first_seen) == (board, BoardState.BUSY, 5.0)
    assert back.ports[0].address == "/dev/ttyACM3"


def test_a_board_that_is_not_there_cannot_be_held(registry):
    registry.update([sighted("/dev/ttyACM0", UNO, "F412FA65", "1-2")], 0.0)
    registry.update([], 1.0)
    with pytest.raises(UnknownBoard):
        registry.hold("uno_r4_wifi-F412FA65", "job")
    with pytest.raises(UnknownBoard):
        registry.hold("never-seen", "job")


def test_a_learned_name_is_cleaned_and_an_empty_one_clears(registry):
    registry.update([sighted("/dev/ttyACM0", UNO, "F412FA65", "1-2")], 0.0)
    board = only(registry).id
    registry.learn(board, name="kitchen\x1b[31m", uhwid=UHWID, installed="2.0", now=1.0)
    assert only(registry).name == "kitchen·[31m"
    assert (only(registry).uhwid, only(registry).provisioning.installed) == (UHWID, "2.0")
    registry.learn(board, name="", now=2.0)
    assert only(registry).name == "Arduino UNO R4 WiFi"
    assert only(registry).uhwid == UHWID


def test_a_name_survives_replugging_of_a_board_with_a_number(registry):
    seen = [sighted("/dev/ttyACM0", UNO, "F412FA65", "1-2")]
    registry.update(seen, 0.0)
    registry.learn(only(registry).id, name="kitchen", now=0.0)
    registry.update([], 1.0)
    registry.update(seen, 2.0)
    assert only(registry).name == "kitchen"


def test_a_board_known_by_its_socket_only_loses_its_name_when_it_was_unplugged(registry):
    """Another board of the same kind may sit in the socket now."""
    seen = [sighted("/dev/ttyUSB0", CH340, None, "1-2")]
    registry.update(seen, 0.0)
    board = only(registry).id
    registry.learn(board, name="kitchen", uhwid=UHWID, now=0.0)
    registry.update([], 1.0)
    registry.update(seen, 2.0)
    assert (only(registry).id, only(registry).uhwid) == (board, None)
    assert only(registry).name == "ESP32 or similar (CH34x)"
    # Its hardware id gives the name back.
    registry.learn(board, uhwid=UHWID, now=3.0)
    assert only(registry).name == "kitchen"


def test_during_a_lease_the_socket_is_evidence_enough(registry):
    seen = [sighted("/dev/ttyUSB0", CH340, None, "1-2")]
    registry.update(seen, 0.0)
    board = only(registry).id
    registry.learn(board, name="kitchen", now=0.0)
    registry.hold(board, "job")
    registry.update([], 1.0)
    registry.update(seen, 2.0)
    assert only(registry).name == "kitchen"


def test_another_hardware_id_in_the_same_place_is_another_board_with_its_own_name(registry):
    registry.update([sighted("/dev/ttyUSB0", CH340, None, "1-2")], 0.0)
    board = only(registry).id
    registry.learn(board, name="kitchen", uhwid=UHWID, now=0.0)
    registry.learn(board, uhwid=OTHER_UHWID, now=1.0)
    assert only(registry).name == "ESP32 or similar (CH34x)"
    registry.learn(board, uhwid=UHWID, now=2.0)
    assert only(registry).name == "kitchen"


def test_two_ports_of_the_same_hardware_become_one_board(registry):
    registry.update(
        [
            sighted("/dev/ttyACM0", (0x303A, 0x1001), "34:85:18:5F:1B:2C", "1-2"),
            sighted("/dev/ttyUSB0", CH340, None, "1-3"),
        ],
        0.0,
    )
    bridge, native = (board.id for board in registry.boards())
    registry.learn(native, uhwid=UHWID, name="kitchen", now=1.0)

    changes = registry.learn(bridge, uhwid=UHWID, now=2.0)

    assert changes.vanished == [bridge]
    board = only(registry)
    assert (board.id, board.name, board.first_seen) == (native, "kitchen", 0.0)
    assert {port.address for port in board.ports} == {"/dev/ttyACM0", "/dev/ttyUSB0"}
    assert registry.get(bridge) == board
    # Both faces belong to it from now on.
    registry.update([sighted("/dev/ttyUSB0", CH340, None, "1-3")], 3.0)
    assert only(registry).id == native


def test_a_merged_board_has_been_there_since_the_first_of_its_ports_came(registry):
    bridge = sighted("/dev/ttyUSB0", CH340, None, "1-3")
    native = sighted("/dev/ttyACM0", (0x303A, 0x1001), "3485185F1B2C", "1-2")
    registry.update([native], 1.0)
    registry.learn("usb-303a-1001-3485185F1B2C", uhwid=UHWID, now=1.0)
    registry.update([], 2.0)
    registry.update([bridge], 5.0)
    registry.learn("usb-1a86-7523-1-3", uhwid=UHWID, now=6.0)
    assert (only(registry).id, only(registry).first_seen) == ("usb-303a-1001-3485185F1B2C", 5.0)


def test_the_board_in_use_keeps_its_id_when_two_become_one(registry):
    registry.update(
        [
            sighted("/dev/ttyACM0", (0x303A, 0x1001), "34:85:18:5F:1B:2C", "1-2"),
            sighted("/dev/ttyUSB0", CH340, None, "1-3"),
        ],
        0.0,
    )
    bridge, native = (board.id for board in registry.boards())
    registry.learn(native, uhwid=UHWID, now=1.0)
    registry.hold(bridge, "job")
    registry.learn(bridge, uhwid=UHWID, now=2.0)
    assert (only(registry).id, only(registry).holder) == (bridge, "job")
    with pytest.raises(PortBusy):
        registry.hold(native, "monitor")


def test_two_boards_in_use_become_one_when_one_of_them_is_released(registry):
    registry.update(
        [
            sighted("/dev/ttyACM0", (0x303A, 0x1001), "34:85:18:5F:1B:2C", "1-2"),
            sighted("/dev/ttyUSB0", CH340, None, "1-3"),
        ],
        0.0,
    )
    bridge, native = (board.id for board in registry.boards())
    registry.hold(native, "one")
    registry.hold(bridge, "two")
    registry.learn(native, uhwid=UHWID, now=1.0)
    registry.learn(bridge, uhwid=UHWID, now=2.0)
    assert len(registry.boards()) == 2
    assert registry.release(native, 3.0).vanished == [native]
    assert only(registry).holder == "two"


def test_two_numbers_are_two_boards_even_if_their_hardware_ids_were_copied(registry):
    registry.update(
        [
            sighted("/dev/ttyACM0", UNO, "F412FA65", "1-2"),
            sighted("/dev/ttyACM1", UNO, "F412FA99", "1-3"),
        ],
        0.0,
    )
    for board in registry.boards():
        registry.learn(board.id, uhwid=UHWID, now=1.0)
    assert len(registry.boards()) == 2


def test_what_was_known_before_a_restart_is_known_again(catalog):
    known = KnownBoard(
        id="uno_r4_wifi-F412FA65", uhwid=UHWID, name="kitchen", installed="2.0", seen=1.0
    )
    registry = Registry(catalog, [known])
    registry.update([sighted("/dev/ttyACM4", UNO, "F412FA65", "1-2")], 10.0)
    board = only(registry)
    assert (board.name, board.uhwid, board.provisioning.installed) == ("kitchen", UHWID, "2.0")


def test_a_renamed_hardware_has_its_newest_name_after_a_restart(catalog):
    registry = Registry(
        catalog,
        [
            KnownBoard(id="uno_r4_wifi-F412FA65", uhwid=UHWID, name="old", seen=1.0),
            KnownBoard(id="usb-1a86-7523-1-2", uhwid=UHWID, name="new", seen=2.0),
        ],
    )
    registry.update([sighted("/dev/ttyACM0", UNO, "F412FA65", "1-2")], 10.0)
    assert only(registry).name == "new"


def test_a_known_socket_gives_no_name_after_a_restart(catalog):
    registry = Registry(catalog, [KnownBoard(id="usb-1a86-7523-1-2", uhwid=UHWID, name="kitchen")])
    registry.update([sighted("/dev/ttyUSB0", CH340, None, "1-2")], 0.0)
    assert only(registry).name != "kitchen"


def test_boards_that_left_are_remembered_within_a_limit(registry):
    for number in range(module.ABSENT_LIMIT + 50):
        registry.update([sighted("/dev/ttyACM0", UNO, f"F412{number:04X}", "1-2")], float(number))
    assert len(list(registry._records)) <= module.ABSENT_LIMIT + 1
    assert len(registry._records.faces) <= module.ABSENT_LIMIT + 1


# --- any order ----------------------------------------------------------------------------------

SERIALS = ["F412FA65", "F412FA66", "A50285BI", "6B1D4A1A5050323339202020FF0B2A17"]
KINDS = [UNO, NANO, NANO_LOADER, CH340, (0xDEAD, 0xBEEF), (0x303A, 0x1001)]


@st.composite
def device(draw, serials):
    """A device with its own number, or without a usable one; the socket comes later."""
    return draw(st.sampled_from(KINDS)), draw(serials)


unique_devices = st.lists(
    device(st.sampled_from([*SERIALS, None, "0001"])),
    min_size=1,
    max_size=6,
    # A usable number occurs once; boards without one are told apart by their sockets.
    unique_by=lambda d: d[1] if d[1] in SERIALS else object(),
)
any_devices = st.lists(device(st.sampled_from([*SERIALS[:2], None])), min_size=1, max_size=6)


def plugged(devices):
    """Each device in a socket of its own."""
    return [
        sighted(f"/dev/ttyACM{index}", ids, serial, f"1-{index + 1}")
        for index, (ids, serial) in enumerate(devices)
    ]


def as_set(registry):
    return {
        (board.id, board.model, board.name, board.state, tuple(p.address for p in board.ports))
        for board in registry.boards()
    }


def consistent(registry):
    boards = registry.boards()
    ids = [board.id for board in boards]
    assert len(set(ids)) == len(ids)
    addresses = [port.address for board in boards for port in board.ports]
    assert len(set(addresses)) == len(addresses)
    return sorted(addresses)


@given(devices=unique_devices, data=st.data())
def test_any_order_of_plugging_leaves_the_same_boards(catalog, devices, data):
    seen = plugged(devices)
    at_once, one_by_one = Registry(catalog), Registry(catalog)
    at_once.update(seen, 0.0)
    order = data.draw(st.permutations(seen))
    for count in range(1, len(order) + 1):
        one_by_one.update(order[:count], float(count))
    assert as_set(one_by_one) == as_set(at_once)


@given(
    devices=any_devices,
    steps=st.lists(st.sets(st.integers(0, 5)), max_size=12),
    pace=st.sampled_from([0.1, 1.0, 100.0]),
)
def test_no_two_boards_ever_share_an_id_or_a_port(catalog, devices, steps, pace):
    seen = plugged(devices)
    registry = Registry(catalog)
    for now, step in enumerate(steps):
        present = [s for index, s in enumerate(seen) if index in step]
        registry.update(present, now * pace)
        assert consistent(registry) == sorted(s.port.address for s in present)


@given(
    devices=unique_devices,
    steps=st.lists(st.sets(st.integers(0, 5)), max_size=12),
    names=st.permutations(range(6)),
)
def test_replugging_gives_the_same_ids_even_under_other_names(catalog, devices, steps, names):
    seen = plugged(devices)
    registry = Registry(catalog)
    # Long pauses: nothing here is the other role of a board that has just left.
    registry.update(seen, 0.0)
    first = {board.ports[0].location: board.id for board in registry.boards()}
    for turn, step in enumerate(steps):
        registry.update([s for i, s in enumerate(seen) if i in step], 100.0 * (turn + 1))
    registry.update([], 1e6)
    renamed = [
        sighted(f"/dev/ttyACM{names[i]}", ids, serial, f"1-{i + 1}")
        for i, (ids, serial) in enumerate(devices)
    ]
    registry.update(renamed, 2e6)
    assert {board.ports[0].location: board.id for board in registry.boards()} == first


@given(devices=unique_devices, sockets=st.permutations(range(6)))
def test_boards_with_numbers_keep_their_ids_in_any_socket(catalog, devices, sockets):
    numbered = [(ids, serial) for ids, serial in devices if serial in SERIALS]
    registry = Registry(catalog)
    registry.update(plugged(numbered), 0.0)
    first = {board.ports[0].serial_number: board.id for board in registry.boards()}
    registry.update([], 100.0)
    moved = [
        sighted(f"/dev/ttyACM{i}", ids, serial, f"2-{sockets[i]}")
        for i, (ids, serial) in enumerate(numbered)
    ]
    registry.update(moved, 200.0)
    assert {board.ports[0].serial_number: board.id for board in registry.boards()} == first


@given(devices=unique_devices, restarts=st.permutations(range(6)))
def test_a_restart_gives_the_same_ids(catalog, devices, restarts):
    seen = plugged(devices)
    first, second = Registry(catalog), Registry(catalog)
    first.update(seen, 0.0)
    second.update([seen[i] for i in restarts if i < len(seen)], 0.0)
    assert {b.id for b in first.boards()} == {b.id for b in second.boards()}


@given(
    devices=any_devices,
    steps=st.lists(
        st.tuples(
            st.sampled_from(["ports", "hold", "release", "learn"]),
            st.sets(st.integers(0, 5)),
            st.integers(0, 5),
            st.sampled_from([UHWID, OTHER_UHWID]),
        ),
        max_size=30,
    ),
)
def test_the_changes_told_always_add_up_to_the_list(catalog, devices, steps):
    seen = plugged(devices)
    registry = Registry(catalog)
    told: dict[str, Board] = {}
    held = set()
    for now, (kind, present, which, uhwid) in enumerate(steps):
        boards = registry.boards()
        board = boards[which % len(boards)].id if boards else None
        if kind == "ports":
            changes = registry.update([s for i, s in enumerate(seen) if i in present], float(now))
        elif board is None:
            continue
        elif kind == "hold":
            if any(b.id == board and b.holder for b in boards):
                continue
            changes = registry.hold(board, f"holder {now}")
            held.add(board)
        elif kind == "release":
            if not held:
                continue
            changes = registry.release(held.pop(), float(now))
        else:
            changes = registry.learn(board, uhwid=uhwid, now=float(now))
        for gone in changes.vanished:
            del told[gone]
        for new in changes.appeared:
            assert new.id not in told
            told[new.id] = new
        for other in changes.changed:
            assert other.id in told
            told[other.id] = other
        assert told == {b.id: b for b in registry.boards()}
        consistent(registry)
    holders = [b.holder for b in registry.boards() if b.holder]
    assert len(holders) == len(held)


def test_thirty_two_boards_at_once_and_one_after_the_other_are_the_same(catalog):
    seen = [sighted(f"/dev/ttyACM{i}", UNO, f"F412FA{i:02X}", f"1-{i}") for i in range(32)]
    at_once, one_by_one = Registry(catalog), Registry(catalog)
    at_once.update(seen, 0.0)
    for count in range(33):
        one_by_one.update(seen[:count], 0.0)
    assert as_set(at_once) == as_set(one_by_one)
    assert len(at_once.boards()) == 32
    assert list(itertools.chain(at_once.update(seen, 1.0).changed)) == []
