"""What was learned about boards is found by every id, hardware id and number in the air."""

from agent.boards.known import KNOWN_LIMIT, KnownBoard
from agent.boards.memory import Memory

KITCHEN = KnownBoard(id="uno-1", uhwid="ab", ble_address="A1", also=["uno-air"], name="kitchen")


def test_a_board_is_found_by_all_that_speaks_for_it():
    memory = Memory([KITCHEN])
    assert memory.named("uno-1") == memory.named("uno-air") == KITCHEN
    assert memory.of_hardware("ab") == memory.of_air("A1") == KITCHEN
    assert memory.named("uno-2") is memory.of("uno-2") is memory.of_air("B2") is None


def test_an_entry_takes_the_place_of_those_that_it_has_joined():
    memory = Memory([KnownBoard(id="uno-air", name="old"), KITCHEN])
    assert memory.named("uno-air") == KITCHEN


def test_an_id_that_became_a_board_of_its_own_is_that_board():
    apart = KnownBoard(id="uno-air", name="cellar")
    memory = Memory([KITCHEN, apart])
    assert memory.named("uno-air") == apart
    assert memory.named("uno-1") == KITCHEN


def test_what_was_learned_later_under_another_id_counts_and_the_number_in_the_air_stays():
    later = KnownBoard(id="usb-2", uhwid="ab", name="garden")
    found = Memory([KITCHEN, later]).of("uno-1")
    assert found is not None
    assert (found.id, found.name, found.ble_address) == ("usb-2", "garden", "A1")


def test_a_board_with_a_new_number_is_not_found_by_the_old_one():
    memory = Memory([KITCHEN, KnownBoard(id="uno-1", ble_address="B2")])
    assert memory.of_air("A1") is None
    assert memory.of_air("B2") is not None


def test_the_memory_has_a_limit():
    memory = Memory(
        KnownBoard(id=str(number), uhwid=str(number), ble_address=str(number), also=[f"x{number}"])
        for number in range(KNOWN_LIMIT + 10)
    )
    assert memory.named("9") is memory.of_hardware("9") is memory.of_air("9") is None
    assert memory.named("x9") is None
    assert memory.named("x10") is not None
