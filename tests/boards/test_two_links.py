"""One board over two links is one board, and never another one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.boards.board import Board, BoardState, Port
from agent.boards.known import KnownBoard, KnownBoards
from agent.boards.registry import Registry
from agent.errors import PortBusy

from .conftest import CH340, NANO, NANO_LOADER, NUMBER, UNO, heard, sighted

UHWID = "ab" * 32
OTHER_UHWID = "cd" * 32
BLE_ADDRESS = "A1:B2:C3:D4:E5:F6"
WIRED = sighted("/dev/ttyACM0", UNO, "F412FA65", "1-2")
AIR = heard()
WIRED_ID, AIR_ID = "uno_r4_wifi-F412FA65", "uno_r4_wifi-A1B2C3D4E5F6"
BLYNK = heard(None, ids=None, name="Blynk Thermo-4Y1H", service="blynk")
OTHER_AIR = heard("0123456789AB", "01:23:45:67:89:AB")


@pytest.fixture
def registry(catalog) -> Registry:
    return Registry(catalog)


def only(registry: Registry) -> Board:
    (board,) = registry.boards()
    return board


def ports(registry: Registry, board: str) -> list[Port]:
    return next(each.ports for each in registry.boards() if each.id == board)


def ids(registry: Registry) -> set[str]:
    return {board.id for board in registry.boards()}


def restarted(catalog, registry: Registry, *boards: str) -> Registry:
    """Another agent that has read what this one learned about these boards."""
    return Registry(catalog, [registry.require(board).known(1.0) for board in boards])


# --- in the air only ------------------------------------------------------------------------------


def test_a_board_in_the_air_is_ready_and_says_what_it_is_provisioned_with(registry):
    registry.update([AIR], 5.0)
    board = only(registry)
    assert (board.id, board.model, board.via) == (AIR_ID, "uno_r4_wifi", "ble")
    assert board.name == "Arduino UNO R4 WiFi"
    assert board.provisioning.installed == "2.0"
    assert (board.state, board.first_seen) == (BoardState.READY, 5.0)


def test_an_improv_device_has_its_own_name_and_no_model(registry):
    registry.update([heard(None, ids=None, name="Kitchen lamp", service="improv")], 0.0)
    board = only(registry)
    assert (board.id, board.name, board.model) == ("ble-A1B2C3D4E5F6", "Kitchen lamp", None)
    assert board.provisioning.installed == "improv"


def test_a_board_with_blynk_s_firmware_has_the_name_of_its_product(registry):
    registry.update([BLYNK], 0.0)
    board = only(registry)
    assert (board.name, board.model, board.via) == ("Blynk Thermo-4Y1H", None, "ble")
    assert (board.provisioning.installed, board.provisioning.supported) == ("blynk", [])


def test_a_device_without_any_name_is_still_listed(registry):
    registry.update([heard(None, ids=None, name=None, service="improv")], 0.0)
    assert only(registry).name == "Unknown board"


def test_a_model_in_several_carriers_is_that_model(registry):
    registry.update([heard(ids=(0x2341, 0x025B))], 0.0)
    assert only(registry).id == "portenta_h7-A1B2C3D4E5F6"


def test_a_board_that_changes_its_address_is_the_same_while_it_gives_its_number(registry):
    registry.update([AIR], 0.0)
    changes = registry.update([heard(address="5A:00:00:00:00:01", node=2)], 1.0)
    assert [board.id for board in changes.changed] == [AIR_ID]
    assert not changes.appeared
    assert not changes.vanished
    changes = registry.update([AIR, heard(address="5A:00:00:00:00:01", node=2)], 1.0)
    assert len(only(registry).ports) == 2


def test_a_board_that_gives_its_number_late_keeps_its_id(registry):
    registry.update([heard(None, "5A:00:00:00:00:01")], 0.0)
    first = only(registry).id
    registry.update([heard(NUMBER, "5A:00:00:00:00:01")], 1.0)
    assert only(registry).id == first


def test_a_board_that_is_silent_leaves_unless_a_job_holds_it(registry):
    registry.update([AIR, OTHER_AIR], 0.0)
    registry.hold(AIR_ID, "job")
    registry.update([], 30.0)
    board = only(registry)
    assert (board.id, board.state, board.via) == (AIR_ID, BoardState.UNREACHABLE, "ble")
    registry.update([AIR], 40.0)
    assert only(registry).state is BoardState.BUSY


def test_a_change_of_signal_is_a_change_of_the_board_only(registry):
    registry.update([AIR], 0.0)
    changes = registry.update([heard(rssi_dbm=-70)], 1.0)
    assert [board.ports[0].rssi_dbm for board in changes.changed] == [-70]
    assert not changes.appeared
    assert not changes.vanished


def test_the_chip_s_own_usb_tells_the_address_that_it_has_in_the_air(registry):
    on_chip = sighted("/dev/ttyACM0", (0x303A, 0x1001), "A1:B2:C3:D4:E5:F4", "1-2")
    changes = registry.update([BLYNK], 0.0)
    (heard_first,) = changes.appeared
    registry.update([BLYNK, on_chip], 1.0)
    board = only(registry)
    assert (board.via, [port.kind for port in board.ports]) == ("usb", ["serial", "ble"])
    assert (board.provisioning.installed, board.name) == ("blynk", "Blynk Thermo-4Y1H")
    assert registry.get(heard_first.id) == board


def test_a_number_of_a_bridge_tells_nothing_of_the_air(registry):
    registry.update([BLYNK, sighted("/dev/ttyUSB0", (0x10C4, 0xEA60), "A1B2C3D4E5F4", "1-2")], 0.0)
    assert len(registry.boards()) == 2


# --- one board ------------------------------------------------------------------------------------


def test_a_board_on_both_links_is_two_until_something_shows_that_it_is_one(registry):
    registry.update([WIRED, AIR], 0.0)
    assert ids(registry) == {WIRED_ID, AIR_ID}


@pytest.mark.parametrize("first", [WIRED, AIR])
def test_the_address_that_a_session_read_on_the_cable_makes_one_of_both(registry, first):
    registry.update([first], 0.0)
    registry.update([WIRED, AIR], 1.0)
    changes = registry.learn(WIRED_ID, ble_address=BLE_ADDRESS, now=2.0)
    board = only(registry)
    assert (board.id, board.via) == (WIRED_ID, "usb")
    assert [port.kind for port in board.ports] == ["serial", "ble"]
    assert changes.vanished == [AIR_ID]
    assert registry.get(AIR_ID) == board


def test_one_hardware_id_read_over_both_links_makes_one_of_both(registry):
    registry.update([WIRED, AIR], 0.0)
    registry.learn(AIR_ID, uhwid=UHWID, now=1.0)
    registry.learn(WIRED_ID, uhwid=UHWID, now=2.0)
    assert only(registry).id == WIRED_ID
    assert len(only(registry).ports) == 2


def test_the_board_in_use_keeps_its_id(registry):
    registry.update([WIRED, AIR], 0.0)
    registry.learn(WIRED_ID, uhwid=UHWID, now=1.0)
    registry.hold(AIR_ID, "job")
    registry.learn(AIR_ID, uhwid=UHWID, ble_address=BLE_ADDRESS, now=2.0)
    board = only(registry)
    assert (board.id, board.via, board.state) == (AIR_ID, "ble", BoardState.BUSY)
    assert registry.get(WIRED_ID) == board


def test_two_jobs_boards_become_one_when_the_first_job_ends(registry):
    registry.update([WIRED, AIR], 0.0)
    registry.hold(WIRED_ID, "one")
    registry.hold(AIR_ID, "two")
    registry.learn(WIRED_ID, ble_address=BLE_ADDRESS, now=1.0)
    assert ids(registry) == {WIRED_ID, AIR_ID}
    changes = registry.release(AIR_ID, 2.0)
    assert changes.vanished == [AIR_ID]
    assert (only(registry).id, only(registry).holder) == (WIRED_ID, "one")


def test_a_board_that_is_heard_after_it_was_learned_joins_at_once(registry):
    registry.update([WIRED], 0.0)
    registry.learn(WIRED_ID, ble_address=BLE_ADDRESS, now=1.0)
    changes = registry.update([WIRED, AIR], 2.0)
    assert [board.id for board in changes.changed] == [WIRED_ID]
    assert not changes.appeared


def test_a_known_board_that_is_heard_only_has_its_old_id(registry):
    registry.update([WIRED], 0.0)
    registry.learn(WIRED_ID, ble_address=BLE_ADDRESS, name="kitchen", now=1.0)
    registry.update([], 2.0)
    registry.update([AIR], 3.0)
    board = only(registry)
    assert (board.id, board.name, board.via) == (WIRED_ID, "kitchen", "ble")
    registry.update([AIR, WIRED], 4.0)
    assert (only(registry).id, only(registry).via) == (WIRED_ID, "usb")


def test_learning_again_what_is_known_changes_nothing(registry):
    registry.update([WIRED, AIR], 0.0)
    registry.learn(WIRED_ID, uhwid=UHWID, ble_address=BLE_ADDRESS, now=1.0)
    again = registry.learn(WIRED_ID, uhwid=UHWID, ble_address=BLE_ADDRESS, now=2.0)
    assert not again


# --- what a USB number tells -----------------------------------------------------------------------

ESP_WIRED = sighted("/dev/ttyACM0", UNO, "F09E9E7B1E90", "1-2")
ESP_AIR = heard("F09E9E7B1E92", "F0:9E:9E:7B:1E:92")
ESP_ID = "uno_r4_wifi-F09E9E7B1E90"


@pytest.mark.parametrize("order", [(ESP_WIRED, ESP_AIR), (ESP_AIR, ESP_WIRED)])
@pytest.mark.parametrize("together", [True, False])
def test_an_uno_r4_wifi_is_one_board_at_once_as_its_numbers_are_of_one_chip(
    registry, order, together
):
    if not together:
        registry.update(order[:1], 0.0)
    registry.update([*order, AIR], 1.0)
    assert ids(registry) == {ESP_ID, AIR_ID}
    assert len(registry.get(ESP_ID).ports) == 2


@pytest.mark.parametrize("number", ["F09E9E7B1E90", "F09E9E7B1E91", "F09E9E7B1E93", "F19E9E7B1E92"])
def test_other_numbers_of_the_same_maker_are_other_boards(registry, number):
    registry.update([ESP_WIRED, heard(number)], 0.0)
    assert len(registry.boards()) == 2


def test_the_numbers_of_other_models_tell_nothing(registry):
    registry.update([sighted("/dev/ttyACM0", NANO, "F09E9E7B1E90", "1-2"), ESP_AIR], 0.0)
    assert len(registry.boards()) == 2


def test_a_session_that_reads_another_address_is_believed(registry):
    registry.update([ESP_WIRED, ESP_AIR, AIR], 0.0)
    registry.learn(ESP_ID, ble_address=BLE_ADDRESS, now=1.0)
    assert registry.get(ESP_ID).ports == [ESP_WIRED.port, AIR.port]
    registry.update([ESP_WIRED, ESP_AIR, AIR], 2.0)
    assert registry.get("uno_r4_wifi-F09E9E7B1E92").ports == [ESP_AIR.port]


# --- what a cable does meanwhile ------------------------------------------------------------------


def joined(registry: Registry, *others) -> None:
    registry.update([WIRED, AIR, *others], 0.0)
    registry.learn(WIRED_ID, uhwid=UHWID, ble_address=BLE_ADDRESS, now=0.0)


def test_a_board_that_is_heard_while_its_loader_comes_is_not_doubled(registry):
    nano = sighted("/dev/ttyACM0", NANO, "6B1D4A1A", "1-3")
    air = heard(ids=NANO, name="Arduino-2341-8057")
    registry.update([nano, air], 0.0)
    registry.learn("nano_33_iot-6B1D4A1A", ble_address=BLE_ADDRESS, now=0.0)
    registry.update([air], 1.0)
    assert (only(registry).via, only(registry).state) == ("ble", BoardState.READY)
    registry.update([air, sighted("/dev/ttyACM1", NANO_LOADER, "A7C1", "1-3")], 2.0)
    board = only(registry)
    assert (board.id, board.state) == ("nano_33_iot-6B1D4A1A", BoardState.BOOTLOADER)
    registry.update([nano], 3.0)
    assert (only(registry).id, only(registry).state) == ("nano_33_iot-6B1D4A1A", BoardState.READY)


def test_a_board_that_comes_back_as_its_loader_is_still_what_is_heard(registry):
    nano = sighted("/dev/ttyACM0", NANO, "6B1D4A1A", "1-3")
    air = heard(ids=NANO, name="Arduino-2341-8057")
    registry.update([nano], 0.0)
    registry.learn("nano_33_iot-6B1D4A1A", ble_address=BLE_ADDRESS, now=0.0)
    registry.update([], 1.0)
    loader = sighted("/dev/ttyACM1", NANO_LOADER, "6B1D4A1A", "1-3")
    registry.update([loader], 2.0)
    registry.update([loader, air], 3.0)
    assert only(registry).id == "nano_33_iot-6B1D4A1A"


def test_a_board_held_over_usb_is_unreachable_without_its_cable_though_it_is_heard(registry):
    joined(registry)
    registry.hold(WIRED_ID, "job")
    registry.update([AIR], 1.0)
    board = only(registry)
    assert (board.state, board.via) == (BoardState.UNREACHABLE, "usb")
    registry.release(WIRED_ID, 2.0)
    assert (only(registry).state, only(registry).via) == (BoardState.READY, "ble")


def test_a_board_held_in_the_air_is_busy_whatever_its_cable_does(registry):
    joined(registry)
    registry.hold(WIRED_ID, "job", "ble")
    registry.update([AIR], 1.0)
    assert only(registry).state is BoardState.BUSY
    registry.update([WIRED], 2.0)
    assert only(registry).state is BoardState.UNREACHABLE


def test_a_board_held_in_the_air_does_not_wait_for_its_cable_for_long(registry):
    nano = sighted("/dev/ttyACM0", NANO, "6B1D4A1A", "1-5")
    air = heard(ids=NANO, name="Arduino-2341-8057")
    registry.update([nano, air], 0.0)
    registry.learn("nano_33_iot-6B1D4A1A", ble_address=BLE_ADDRESS, now=0.0)
    registry.hold("nano_33_iot-6B1D4A1A", "job", "ble")
    registry.update([air], 1.0)
    registry.update([air, sighted("/dev/ttyACM0", NANO_LOADER, "DFUDFU", "1-5")], 100.0)
    assert ports(registry, "nano_33_iot-6B1D4A1A") == [air.port]


def test_whoever_comes_second_is_told_who_uses_the_board_and_where(registry):
    joined(registry)
    registry.hold(WIRED_ID, "job", "ble")
    with pytest.raises(PortBusy) as caught:
        registry.hold(WIRED_ID, "another job")
    assert caught.value.facts == {"port": "ble://A1:B2:C3:D4:E5:F6", "holder": "job"}


def test_the_ids_that_a_board_has_in_the_air_say_nothing_about_its_number_on_a_cable(registry):
    """UNO R4 WiFi advertises 2341:1002 with the number of its radio."""
    registry.update([AIR], 0.0)
    registry.hold(AIR_ID, "job")
    registry.update([AIR, WIRED, sighted("/dev/ttyACM1", UNO, "F412FA66", "1-3")], 1.0)
    assert ids(registry) == {AIR_ID, WIRED_ID, "uno_r4_wifi-F412FA66"}
    assert len(registry.require(AIR_ID).sightings()) == 1


def test_another_board_in_the_socket_does_not_get_what_is_heard_of_the_first(registry):
    """Nothing but the socket speaks for it."""
    wired = sighted("/dev/ttyUSB0", CH340, None, "1-2")
    board = "usb-1a86-7523-1-2"
    air = heard(None, ids=None, name="lamp", service="improv")
    registry.update([wired], 0.0)
    registry.learn(board, ble_address=BLE_ADDRESS, uhwid=UHWID, name="kitchen", now=0.0)
    registry.update([wired, air], 1.0)
    assert len(only(registry).ports) == 2
    registry.update([air], 2.0)
    registry.update([air, wired], 3.0)
    found = {each.id: each for each in registry.boards()}
    assert found[board].name != "kitchen"
    assert found["ble-A1B2C3D4E5F6"].name == "kitchen"
    registry.learn(board, ble_address=BLE_ADDRESS, uhwid=UHWID, now=4.0)
    assert len(only(registry).ports) == 2


def test_what_a_session_reads_parts_what_was_taken_for_one_board(registry):
    joined(registry)
    registry.learn(WIRED_ID, uhwid=OTHER_UHWID, ble_address="01:23:45:67:89:AB", now=1.0)
    assert ids(registry) == {WIRED_ID, AIR_ID}
    assert registry.get(WIRED_ID).ports == [WIRED.port]
    registry.update([WIRED, AIR, OTHER_AIR], 2.0)
    assert registry.get(WIRED_ID).ports == [WIRED.port, OTHER_AIR.port]
    assert registry.get(AIR_ID).uhwid == UHWID


def test_a_new_address_parts_what_is_heard_under_the_old_one(registry):
    joined(registry)
    registry.learn(WIRED_ID, ble_address="01:23:45:67:89:AB", now=1.0)
    assert registry.get(WIRED_ID).ports == [WIRED.port]
    assert registry.get(WIRED_ID).uhwid == UHWID
    assert registry.get(AIR_ID).uhwid is None


def test_two_boards_on_cables_stay_two_whatever_address_they_tell(registry):
    other = sighted("/dev/ttyUSB0", CH340, None, "1-4")
    registry.update([WIRED, AIR, other], 0.0)
    registry.learn(WIRED_ID, ble_address=BLE_ADDRESS, now=0.0)
    named = next(each.id for each in registry.boards() if each.id != WIRED_ID)
    registry.learn(named, ble_address=BLE_ADDRESS, now=1.0)
    assert ports(registry, named) == [other.port]
    assert ports(registry, WIRED_ID) == [WIRED.port, AIR.port]


def test_a_job_adopts_the_device_of_a_board_that_stays_in_the_air(registry):
    joined(registry)
    nano = sighted("/dev/ttyACM1", NANO, "6B1D", "1-3")
    registry.update([WIRED, AIR, nano], 0.0)
    registry.hold("nano_33_iot-6B1D", "job")
    registry.update([WIRED, AIR], 1.0)
    registry.adopt("nano_33_iot-6B1D", WIRED.port, 2.0)
    assert registry.get(WIRED_ID).ports == [AIR.port]


# --- over restarts --------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(WIRED, AIR), (AIR, WIRED)])
@pytest.mark.parametrize("together", [True, False])
def test_one_board_stays_one_after_a_restart(catalog, registry, order, together):
    joined(registry)
    registry.learn(WIRED_ID, name="kitchen", now=1.0)
    again = restarted(catalog, registry, WIRED_ID)
    if not together:
        again.update(order[:1], 0.0)
        assert (only(again).id, only(again).name) == (WIRED_ID, "kitchen")
    again.update(order, 1.0)
    assert (only(again).id, only(again).name) == (WIRED_ID, "kitchen")
    assert len(only(again).ports) == 2


@pytest.mark.parametrize("order", [(WIRED, AIR), (AIR, WIRED)])
@pytest.mark.parametrize("together", [True, False])
def test_a_board_that_kept_the_id_of_the_air_stays_one_after_a_restart(
    catalog, registry, order, together
):
    registry.update([WIRED, AIR], 0.0)
    registry.learn(WIRED_ID, uhwid=UHWID, now=1.0)
    registry.hold(AIR_ID, "job")
    registry.learn(AIR_ID, uhwid=UHWID, ble_address=BLE_ADDRESS, now=2.0)
    again = restarted(catalog, registry, AIR_ID)
    if not together:
        again.update(order[:1], 0.0)
        assert only(again).id == AIR_ID
    again.update(order, 1.0)
    assert only(again).id == AIR_ID
    assert len(only(again).ports) == 2
    assert again.get(WIRED_ID) == only(again)


def test_a_loader_with_a_number_of_all_loaders_is_not_what_is_heard(catalog):
    """What is known of its number may be another board."""
    known = KnownBoard(id="nano_33_iot-A7C1B2D3", uhwid=UHWID, ble_address=NUMBER)
    registry = Registry(catalog, [known])
    loader = sighted("/dev/ttyACM0", NANO_LOADER, "A7C1B2D3", "1-3")
    air = heard(ids=NANO, name="Arduino-2341-8057")
    registry.update([loader], 0.0)
    registry.update([loader, air], 1.0)
    assert len(registry.boards()) == 2
    registry.learn("nano_33_iot-A7C1B2D3", uhwid=UHWID, ble_address=BLE_ADDRESS, now=2.0)
    assert len(registry.boards()) == 1


def test_a_board_that_is_only_heard_is_found_by_its_earlier_ids_after_a_restart(catalog):
    known = KnownBoard(id=WIRED_ID, uhwid=UHWID, ble_address=NUMBER, also=["uno_r4_wifi-first"])
    registry = Registry(catalog, [known])
    registry.update([AIR], 0.0)
    assert registry.get("uno_r4_wifi-first") == only(registry)


def test_a_second_board_with_the_number_of_a_known_one_is_another_board(catalog):
    registry = Registry(catalog, [KnownBoard(id=WIRED_ID, uhwid=UHWID, ble_address=NUMBER)])
    registry.update([WIRED, AIR], 0.0)
    registry.hold(WIRED_ID, "job")
    twin = sighted("/dev/ttyACM1", UNO, "F412FA65", "1-3")
    registry.update([WIRED, AIR, twin], 1.0)
    assert ports(registry, WIRED_ID) == [WIRED.port, AIR.port]
    assert len(registry.boards()) == 2


def test_of_two_boards_with_one_number_neither_is_what_is_heard(catalog):
    registry = Registry(catalog, [KnownBoard(id=WIRED_ID, uhwid=UHWID, ble_address=NUMBER)])
    twin = sighted("/dev/ttyACM1", UNO, "F412FA65", "1-3")
    registry.update([WIRED, twin], 0.0)
    registry.update([WIRED, twin, AIR], 1.0)
    assert sorted(len(board.ports) for board in registry.boards()) == [1, 1, 1]


def test_a_loader_with_the_number_of_all_loaders_does_not_join_a_board_that_is_heard(catalog):
    known = KnownBoard(id="nano_33_iot-A7C1B2D3", uhwid=UHWID, ble_address=NUMBER)
    registry = Registry(catalog, [known])
    air = heard(ids=NANO, name="Arduino-2341-8057")
    registry.update([air], 0.0)
    registry.update([air, sighted("/dev/ttyACM0", NANO_LOADER, "A7C1B2D3", "1-3")], 1.0)
    assert ports(registry, "nano_33_iot-A7C1B2D3") == [air.port]
    assert len(registry.boards()) == 2


def test_the_file_keeps_one_entry_for_one_board(tmp_path, catalog, registry):
    file = KnownBoards(tmp_path / "boards.json")
    registry.update([WIRED, AIR], 0.0)
    registry.learn(WIRED_ID, name="kitchen", now=1.0)
    file.put(registry.require(WIRED_ID).known(1.0))
    registry.hold(AIR_ID, "job")
    registry.learn(WIRED_ID, uhwid=UHWID, now=1.0)
    registry.learn(AIR_ID, uhwid=UHWID, now=2.0)
    file.put(registry.require(AIR_ID).known(2.0))
    again = KnownBoards(tmp_path / "boards.json")
    again.load()
    (entry,) = again.boards
    assert (entry.id, entry.also, entry.name) == (AIR_ID, [WIRED_ID], "kitchen")
    assert (entry.uhwid, entry.ble_address) == (UHWID, NUMBER)


def test_boards_that_were_only_heard_are_the_first_to_be_forgotten(registry):
    registry.update([WIRED], 0.0)
    registry.update([], 1.0)
    for number in range(300):
        registry.update([heard(f"5A00000{number:05X}", "5A:00:00:00:00:01")], 2.0 + number)
        registry.update([], 2.5 + number)
    assert registry.require(WIRED_ID).id == WIRED_ID


# --- nobody becomes another board by saying so ----------------------------------------------------

STRANGER = "66:66:66:66:66:66"


def stranger(number: str | None, node: int = 1):
    """Somebody who advertises what he likes."""
    return heard(number, STRANGER, node=node)


@pytest.mark.parametrize("wire", [sighted("/dev/ttyACM0", UNO, "F09E9E7B1E90", "1-2"), WIRED])
def test_a_number_in_the_air_is_not_the_id_of_a_board_known_from_a_cable(catalog, registry, wire):
    registry.update([wire], 0.0)
    board = only(registry).id
    registry.learn(board, uhwid=UHWID, name="kitchen", now=0.0)
    again = restarted(catalog, registry, board)
    claimed = board.rpartition("-")[2]
    again.update([stranger(claimed)], 1.0)
    assert only(again).id != board
    again.update([stranger(claimed), wire], 2.0)
    found = next(each for each in again.boards() if each.id == board)
    assert (found.name, found.uhwid, found.ports) == ("kitchen", UHWID, [wire.port])
    assert len(again.boards()) == 2


def test_a_device_that_changes_its_number_is_another_one(registry):
    registry.update([AIR], 0.0)
    registry.learn(AIR_ID, uhwid=UHWID, name="kitchen", now=0.0)
    registry.update([], 1.0)
    registry.update([stranger(NUMBER)], 2.0)
    registry.update([stranger("666666666667")], 3.0)
    assert only(registry).id == "uno_r4_wifi-666666666667"
    registry.update([AIR], 4.0)
    assert (only(registry).id, only(registry).name) == (AIR_ID, "kitchen")


def test_a_device_that_changes_its_number_all_the_time_is_not_remembered_for_each(registry):
    for turn in range(400):
        registry.update([stranger(None)], 2.0 * turn)
        registry.update([stranger(f"5A00000{turn:05X}")], 2.0 * turn + 1)
    for board in registry.boards():
        assert len(registry.require(board.id).heard_as) <= 2


def test_a_session_through_the_air_does_not_make_a_board_another_one(registry):
    registry.update([AIR, stranger("666666666667")], 0.0)
    told = "uno_r4_wifi-666666666667"
    registry.hold(told, "job", "ble")
    registry.learn(told, uhwid=OTHER_UHWID, ble_address=BLE_ADDRESS, now=1.0)
    registry.release(told, 2.0)
    assert registry.get(told).ports == [stranger("666666666667").port]
    assert registry.get(AIR_ID).ports == [AIR.port]


def test_a_job_in_the_air_keeps_its_board_whatever_address_it_reads(registry):
    quiet = heard(None, "5A:00:00:00:00:01")
    registry.update([ESP_WIRED, quiet], 0.0)
    registry.learn("uno_r4_wifi-5A0000000001", uhwid=UHWID, now=0.0)
    registry.learn(ESP_ID, uhwid=UHWID, now=0.0)
    registry.hold(ESP_ID, "job", "ble")
    registry.learn(ESP_ID, uhwid=UHWID, ble_address=BLE_ADDRESS, now=1.0)
    assert only(registry).state is BoardState.BUSY
    assert quiet.port in only(registry).ports


def test_a_session_through_the_air_tells_the_address_that_is_not_advertised(registry):
    """As on macOS, where the system hides addresses, with a board that gives no number."""
    quiet = heard(None, "5A:00:00:00:00:01")
    registry.update([quiet], 0.0)
    board = only(registry).id
    registry.hold(board, "job", "ble")
    registry.learn(board, ble_address=BLE_ADDRESS, now=1.0)
    registry.release(board, 2.0)
    registry.update([AIR], 3.0)
    assert only(registry).id == board


# --- any order ----------------------------------------------------------------------------------

WIRES = [
    WIRED,
    sighted("/dev/ttyACM1", UNO, "F412FA66", "1-3"),
    sighted("/dev/ttyUSB0", CH340, None, "1-4"),
    sighted("/dev/ttyACM2", NANO, "6B1D4A1A", "1-5"),
    sighted("/dev/ttyACM2", NANO_LOADER, "DFUDFU", "1-5"),
]
HEARD = [
    AIR,
    OTHER_AIR,
    heard(None, "5A:00:00:00:00:01", None, "lamp", "improv"),
    heard(None, "A1:B2:C3:D4:E5:F6", rssi_dbm=-80),
]
ADDRESSES = [BLE_ADDRESS, "01:23:45:67:89:AB", "5A:00:00:00:00:01", None]
actions = st.one_of(
    st.tuples(st.just("look"), st.sets(st.sampled_from(WIRES)), st.sets(st.sampled_from(HEARD))),
    st.tuples(
        st.just("learn"), st.sampled_from([UHWID, OTHER_UHWID, None]), st.sampled_from(ADDRESSES)
    ),
    st.tuples(st.just("hold"), st.sampled_from(["usb", "ble", None]), st.none()),
    st.tuples(st.just("release"), st.none(), st.none()),
    st.tuples(st.just("restart"), st.none(), st.none()),
)


@settings(max_examples=200)
@given(todo=st.lists(st.tuples(st.integers(0, 8), actions), max_size=30))
def test_whatever_is_learned_each_port_has_one_board_and_each_id_finds_one(catalog, todo):
    """The rest may be wrong, as what sessions read here belongs together by chance."""
    registry, file, there = Registry(catalog), KnownBoards(), []
    ever: set[str] = set()
    now = 0.0
    for pick, (what, first, second) in todo:
        now += 1.0
        boards = registry.boards()
        board = boards[pick % len(boards)] if boards else None
        if what == "look":
            there = [*first, *{each.port.address: each for each in second}.values()]
            registry.update(there, now)
        elif what == "learn" and board:
            registry.learn(board.id, uhwid=first, ble_address=second, now=now)
            file.put(registry.require(board.id).known(now))
        elif what == "hold" and board and board.holder is None:
            registry.hold(board.id, "job", first)
        elif what == "release" and board and board.holder:
            registry.release(board.id, now)
        elif what == "restart":
            registry, ever = Registry(catalog, file.boards), set()
            registry.update(there, now)
        shown = [port.address for each in registry.boards() for port in each.ports]
        assert sorted(shown) == sorted(each.port.address for each in there)
        ever |= ids(registry)
        assert all(registry.get(each) in (None, *registry.boards()) for each in ever)
        assert all(registry.get(each.id) == each for each in registry.boards())
