import pytest

from agent.boards.board import Board, Port
from agent.boards.find import find_board, is_whole
from agent.errors import AmbiguousBoard, ExitStatus, UnknownBoard


def board(board_id, name, address, serial=None, uhwid=None):
    port = Port(kind="serial", address=address, serial_number=serial)
    return Board(
        id=board_id, name=name, model=None, fqbn=None, ports=[port], uhwid=uhwid, first_seen=0.0
    )


BOARDS = [
    board("uno_r4_wifi-F412FA65", "kitchen", "/dev/ttyACM0", "F412FA65", "a1" * 32),
    board("uno_r4_wifi-F412FA99", "bath", "/dev/ttyACM1", "F412FA99"),
    board("nano_33_iot-6B1D4A1A-77EE", "Garden", "COM3", "6B1D4A1A5050"),
]


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("uno_r4_wifi-F412FA65", 0),
        ("UNO_R4_WIFI-f412fa65", 0),
        ("FA65", 0),
        ("/dev/ttyACM1", 1),
        ("ttyACM1", 1),
        ("F412FA99", 1),
        ("f412fa99", 1),
        ("kitchen", 0),
        ("KITCHEN", 0),
        ("kit", 0),
        ("a1" * 32, 0),
        ("nano", 2),
        ("garden", 2),
        ("com3", 2),
        ("  bath ", 1),
    ],
)
def test_a_board_is_found_by_any_way_to_name_it(query, index):
    assert find_board(BOARDS, query) is BOARDS[index]


def test_an_exact_name_wins_over_parts_of_others():
    boards = [board("x-1", "sensor", "/dev/a"), board("x-2", "sensor-2", "/dev/b")]
    assert find_board(boards, "sensor").id == "x-1"
    assert find_board(boards, "x-1").id == "x-1"


def test_an_id_wins_over_a_name_that_somebody_made_equal_to_it():
    boards = [board("x-1", "a", "/dev/a"), board("x-2", "x-1", "/dev/b")]
    assert find_board(boards, "x-1").id == "x-1"


def test_several_matches_are_listed():
    with pytest.raises(AmbiguousBoard) as caught:
        find_board(BOARDS, "uno")
    assert caught.value.facts["count"] == 2
    assert caught.value.facts["matches"] == "uno_r4_wifi-F412FA65, uno_r4_wifi-F412FA99"
    assert caught.value.exit_status is ExitStatus.NO_BOARD


def test_many_matches_are_listed_in_part():
    many = [board(f"uno-{n:02}", "x", f"/dev/{n}") for n in range(30)]
    with pytest.raises(AmbiguousBoard) as caught:
        find_board(many, "uno")
    assert str(caught.value.facts["matches"]).endswith("uno-07, …")


@pytest.mark.parametrize("query", ["mega", "", "  ", "/dev/ttyACM7", "ttyACM"])
def test_what_fits_nothing_is_unknown(query):
    with pytest.raises(UnknownBoard):
        find_board(BOARDS, query)


def test_hostile_words_are_cleaned_before_they_are_shown():
    with pytest.raises(UnknownBoard) as caught:
        find_board(BOARDS, "\x1b[2Jx")
    assert "\x1b" not in caught.value.report().title


@pytest.mark.parametrize("query", ["usb:1-2.3", "USB:1-2.3", "/media/ada/RPI-RP2"])
def test_a_board_in_its_bootloader_is_found_by_the_address_of_that(query):
    loader = board("pico_w-E66138528350", "Pico", "usb:1-2.3")
    drive = board("nano_rp2040_connect-A", "Nano", "/media/ada/RPI-RP2")
    assert find_board([*BOARDS, loader, drive], query) is (drive if "/" in query else loader)


def test_a_whole_name_is_told_from_a_part_of_one():
    assert is_whole(BOARDS[0], BOARDS[0].id.upper())
    assert not is_whole(BOARDS[0], BOARDS[0].id[:-1])
