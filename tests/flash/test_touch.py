import msgspec
import pytest

from agent.catalog import Catalog
from agent.errors import NoBootloader
from agent.flash.method import FlashTarget
from agent.flash.touch import (
    APPEARS_S,
    BRIDGE_RESTART_S,
    SETTLED_S,
    TOUCH_AGAIN_S,
    Action,
    BootloaderWait,
    Entry,
    entry_of,
)

CATALOG = Catalog.load()


def model(name):
    found = CATALOG.get(name)
    assert found is not None
    return found


MKR = model("mkr_wifi_1010")
UNO = model("uno_r4_wifi")
SKETCH = FlashTarget(
    address="/dev/ttyACM0", vid=0x2341, pid=0x8054, serial_number="AAA", location="1-2"
)
LOADER = FlashTarget(
    address="/dev/ttyACM0", vid=0x2341, pid=0x0054, serial_number="AAA", location="1-2"
)


def but(target: FlashTarget, **changes: object) -> FlashTarget:
    return msgspec.structs.replace(target, **changes)


def wait(touched=SKETCH, present=None, of=MKR):
    return BootloaderWait(of, touched, present or [touched], 100.0)


def settle(waiting, devices, at=101.0):
    """What is found when these devices stay for long enough."""
    waiting.look(devices, at)
    return waiting.look(devices, at + SETTLED_S)


def test_the_catalogue_says_how_a_board_gets_into_its_bootloader():
    assert entry_of(MKR) is Entry.RESTARTS
    assert entry_of(model("portenta_h7")) is Entry.RESTARTS
    assert entry_of(model("pico_w")) is Entry.RESTARTS
    assert entry_of(UNO) is Entry.STAYS
    assert entry_of(model("portenta_c33")) is Entry.DETACHES
    assert entry_of(model("nano_esp32")) is Entry.DETACHES
    assert entry_of(model("esp32")) is Entry.BY_TOOL


def test_a_sketch_with_the_ids_of_its_bootloader_is_told_by_its_serial_port():
    nano = model("nano_esp32")
    loader = FlashTarget(vid=0x2341, pid=0x0070, serial_number="AAA", location="1-2")
    told = but(loader, address="/dev/ttyACM0")
    waiting = wait(told, of=nano)
    assert settle(waiting, [told]) is Action.WAIT
    assert settle(waiting, [loader], at=102.0) == loader


def test_a_loader_in_the_same_socket_is_the_board_whatever_its_port_is_called():
    for loader in (LOADER, but(LOADER, address="COM17"), but(LOADER, serial_number=None)):
        waiting = wait()
        assert waiting.look([SKETCH], 100.1) is Action.WAIT
        assert waiting.look([], 100.4) is Action.WAIT
        assert settle(waiting, [loader]) == loader


def test_a_loader_without_a_serial_port_is_found_by_its_usb_ids():
    touched = but(SKETCH, vid=0x2341, pid=0x025B)
    loader = FlashTarget(vid=0x2341, pid=0x035B, location="1-2")
    assert settle(wait(touched, of=model("portenta_h7")), [loader]) == loader


def test_it_must_have_settled_and_a_break_starts_anew():
    waiting = wait()
    assert waiting.look([LOADER], 101.0) is Action.WAIT
    assert waiting.next_deadline == 101.0 + SETTLED_S
    assert waiting.look([], 101.1) is Action.WAIT
    assert waiting.look([LOADER], 101.15) is Action.WAIT
    assert waiting.look([LOADER], 101.0 + SETTLED_S) is Action.WAIT
    assert waiting.look([LOADER], 101.15 + SETTLED_S) == LOADER


def test_two_boards_touched_at_once_do_not_swap():
    other = but(SKETCH, address="/dev/ttyACM1", serial_number="BBB", location="1-3")
    there = [SKETCH, other]
    loaders = [
        but(LOADER, address="/dev/ttyACM1"),
        but(LOADER, serial_number="BBB", location="1-3"),
    ]
    for touched, expected in zip(there, loaders, strict=True):
        assert settle(wait(touched, there), loaders) == expected


def test_another_board_in_its_loader_is_not_taken():
    elsewhere = but(LOADER, address="/dev/ttyACM3", location="1-4")
    assert settle(wait(present=[SKETCH, elsewhere]), [elsewhere]) is Action.WAIT
    assert settle(wait(), [elsewhere]) is Action.WAIT
    assert settle(wait(), [but(LOADER, pid=0x0057)]) is Action.WAIT


def test_without_sockets_the_serial_number_decides_between_several():
    touched = but(SKETCH, location=None)
    ours, other = but(LOADER, location=None), but(LOADER, location=None, serial_number="BBB")
    assert settle(wait(touched), [other, ours]) == ours
    assert settle(wait(touched), [but(ours, serial_number="CCC")]) == but(ours, serial_number="CCC")
    assert settle(wait(touched, [touched, other]), [other]) is Action.WAIT


def test_of_two_new_loaders_without_any_sign_none_is_taken():
    touched = FlashTarget(address="COM3", vid=0x2341, pid=0x8054)
    one = FlashTarget(address="COM4", vid=0x2341, pid=0x0054)
    two = FlashTarget(address="COM5", vid=0x2341, pid=0x0054)
    assert settle(wait(touched), [one, two]) is Action.WAIT
    assert settle(wait(touched), [one]) == one


def test_a_sketch_that_is_still_there_is_touched_once_more():
    waiting = wait()
    assert waiting.next_deadline == 100.0 + TOUCH_AGAIN_S
    assert waiting.look([SKETCH], 100.0 + TOUCH_AGAIN_S) is Action.TOUCH_AGAIN
    assert waiting.look([SKETCH], 104.0) is Action.WAIT
    gone = wait()
    assert gone.look([], 100.0 + TOUCH_AGAIN_S) is Action.WAIT


def test_a_loader_that_never_comes_is_an_error_that_says_what_to_press():
    waiting = wait()
    waiting.look([SKETCH], 103.0)
    assert waiting.next_deadline == 100.0 + APPEARS_S
    with pytest.raises(NoBootloader) as error:
        waiting.look([SKETCH], 100.0 + APPEARS_S)
    assert MKR.bootloader_entry.manual in error.value.report().remedy


def test_behind_a_bridge_the_port_stays_and_only_time_passes():
    touched = FlashTarget(address="/dev/ttyACM0", vid=0x2341, pid=0x1002, location="1-2")
    waiting = wait(touched, of=UNO)
    assert waiting.next_deadline == 100.0 + BRIDGE_RESTART_S
    assert waiting.look([touched], 100.2) is Action.WAIT
    assert waiting.look([touched], 100.0 + BRIDGE_RESTART_S) == touched


def test_behind_a_bridge_that_left_the_bus_runs_the_sketch_so_it_is_touched_again_once():
    touched = FlashTarget(address="/dev/ttyACM0", vid=0x2341, pid=0x1002, location="1-2")
    back = but(touched, address="/dev/ttyACM7")
    waiting = wait(touched, of=UNO)
    assert waiting.look([], 100.2) is Action.WAIT
    assert waiting.next_deadline == 100.0 + APPEARS_S
    assert waiting.look([but(touched, location="1-3")], 101.0) is Action.WAIT
    assert waiting.look([back], 104.0) is Action.TOUCH_AGAIN
    assert waiting.next_deadline == 104.0 + BRIDGE_RESTART_S
    assert waiting.look([back], 104.2) is Action.WAIT
    assert waiting.look([back], 104.0 + BRIDGE_RESTART_S) == back


def test_behind_a_bridge_that_comes_and_goes_nothing_is_touched_without_end():
    touched = FlashTarget(address="/dev/ttyACM0", vid=0x2341, pid=0x1002, location="1-2")
    waiting = wait(touched, of=UNO)
    waiting.look([], 100.2)
    waiting.look([touched], 101.0)
    waiting.look([], 101.2)
    with pytest.raises(NoBootloader):
        waiting.look([touched], 102.0)


def test_a_bridge_that_does_not_come_back_is_an_error_that_says_what_to_press():
    touched = FlashTarget(address="/dev/ttyACM0", vid=0x2341, pid=0x1002, location="1-2")
    waiting = wait(touched, of=UNO)
    assert waiting.look([], 100.2) is Action.WAIT
    with pytest.raises(NoBootloader, match="did not appear"):
        waiting.look([], 100.0 + APPEARS_S)


def test_a_board_that_was_away_and_is_back_with_its_sketch_is_touched_again():
    waiting = wait()
    assert waiting.look([], 100.0 + TOUCH_AGAIN_S) is Action.WAIT
    assert waiting.next_deadline == 100.0 + APPEARS_S
    other = but(SKETCH, serial_number="BBB", location="1-3")
    assert waiting.look([other], 104.0) is Action.WAIT
    again = but(SKETCH, address="/dev/ttyACM7")
    assert waiting.look([again], 105.0) is Action.TOUCH_AGAIN
    assert waiting.look([again], 106.0) is Action.WAIT
    with pytest.raises(NoBootloader):
        waiting.look([again], 100.0 + APPEARS_S)
