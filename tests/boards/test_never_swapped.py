"""Two boards of one model are never taken for each other, whatever comes and goes in any order.

All of them are in the air, too, and are heard or not at random: with the USB ids of their sketch and
with numbers of their own, as real ones are.
"""

from dataclasses import dataclass

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agent.boards.board import Port, PortKind
from agent.boards.registry import Registry
from agent.boards.sighting import Sighting
from agent.errors import AmbiguousBoard

from .conftest import heard

SERIAL_A, SERIAL_B = "6B1D4A1A50503233", "7C2E5B2B61614344"
SHARED = "A50285BI77"
H7 = ((0x2341, 0x025B), (0x2341, 0x035B), "usb")
"""Portenta H7: the loader is a DFU device."""
NANO = ((0x2341, 0x8057), (0x2341, 0x0057), "serial")
"""Nano 33 IoT: the loader is a serial port."""


@dataclass
class Piece:
    """A piece of hardware, and what the system shows of it."""

    kind: tuple[tuple[int, int], tuple[int, int], PortKind]
    serial: str | None
    loader_serial: str | None
    socket: str | None
    runs: str = "sketch"
    """``sketch``, ``loader`` or ``nothing``."""
    name: int = 0
    came: int = 0
    radio: int = 0
    """What makes the number of its radio."""
    heard: bool = False

    @property
    def ble_address(self) -> str:
        return f"A1:B2:C3:D4:E5:{self.radio:02X}"

    def in_air(self) -> Sighting | None:
        if not self.heard:
            return None
        (vid, pid), number = self.kind[0], self.ble_address.replace(":", "")
        name = f"Arduino-{vid:04x}-{pid:04x}"
        return heard(number, self.ble_address, self.kind[0], name, rssi_dbm=-60 - self.came % 9)

    def sightings(self) -> list[Sighting]:
        return [each for each in (self.sighting(), self.in_air()) if each]

    def sighting(self) -> Sighting | None:
        if self.runs == "nothing":
            return None
        sketch, loader, kind = self.kind
        in_sketch = self.runs == "sketch"
        vid, pid = sketch if in_sketch else loader
        port = Port(
            kind="serial" if in_sketch else kind,
            address=f"COM{self.name}",
            vid=vid,
            pid=pid,
            serial_number=self.serial if in_sketch else self.loader_serial,
            location=self.socket,
        )
        return Sighting(port, self.came)


class Desk:
    """Some boards, a registry that looks at them, and which board it calls what."""

    def __init__(self, catalog, pieces):
        self.pieces = pieces
        self.registry = Registry(catalog)
        self.now = 1000.0
        for name, piece in enumerate(pieces):
            piece.name = piece.radio = name
        self.look()
        self.ids = [self.at(piece) for piece in pieces]

    def look(self):
        seen = [each for piece in self.pieces for each in piece.sightings()]
        self.registry.update(seen, self.now)

    def learn(self, indices):
        """A session on the cable has read the addresses of these pieces."""
        for index in sorted(indices & set(range(len(self.pieces)))):
            piece = self.pieces[index]
            self.registry.learn(self.ids[index], ble_address=piece.ble_address, now=self.now)

    def hear(self, indices):
        """These pieces are heard from now on, the others are silent."""
        for index, piece in enumerate(self.pieces):
            piece.heard = index in indices
        self.look()

    def at(self, piece):
        """What the registry calls the board that has this piece's port."""
        seen = piece.sighting()
        for board in self.registry.boards():
            if seen and seen.port in board.ports:
                return board.id
        return None

    def change(self, piece, runs, name, seconds):
        """The piece runs something else from now on, at a port with this name if that is free."""
        taken = {other.name for other in self.pieces if other is not piece}
        piece.name = next(n for n in [name, *range(9)] if n not in taken)
        piece.runs = runs
        piece.came += 1
        self.now += seconds
        self.look()

    def check(self, held):
        """No board that is held has a port of another piece."""
        for index in held:
            board = self.registry.get(self.ids[index])
            assert board is not None
            mine = [each.port for each in self.pieces[index].sightings()]
            assert all(port in mine for port in board.ports)

    def heard_at(self, piece):
        """What the registry calls the board that is heard as this piece."""
        seen = piece.in_air()
        for board in self.registry.boards():
            if seen and seen.port in board.ports:
                return board.id
        return None

    def check_learned(self, learned):
        """A piece is one board on both links once a session has read its address."""
        for index in learned:
            piece = self.pieces[index]
            if piece.heard:
                assert self.heard_at(piece) == self.ids[index]
            if piece.runs == "sketch":
                assert self.at(piece) == self.ids[index]

    def check_each_port_has_one_board(self):
        shown = [port.address for board in self.registry.boards() for port in board.ports]
        there = [each.port.address for piece in self.pieces for each in piece.sightings()]
        assert sorted(shown) == sorted(there)


numbers = st.sampled_from(
    [
        (SERIAL_A, SERIAL_B),
        (SHARED, SHARED),
        (None, None),
        (SERIAL_A, None),
    ]
)
loader_numbers = st.sampled_from(["the same", "none", "one for all", "another"])
steps = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["sketch", "loader", "nothing", "nothing"]),
        st.integers(0, 4),
        st.sampled_from([0.0, 0.1, 3.0, 40.0]),
        st.sets(st.integers(0, 2)),
    ),
    max_size=25,
)
some = st.sets(st.integers(0, 2))


def loader_number(how, serial, index):
    return {
        "the same": serial,
        "none": None,
        "one for all": "DFUDFUDFU1",
        "another": f"10ADE{index:02d}77",
    }[how]


def pieces_of(kind, serials, how, sockets, third):
    all_serials = [*serials, *third]
    return [
        Piece(
            kind, serial, loader_number(how, serial, index), f"1-{index + 1}" if sockets else None
        )
        for index, serial in enumerate(all_serials)
    ]


@settings(max_examples=200)
@given(
    kind=st.sampled_from([H7, NANO]),
    serials=numbers,
    how=loader_numbers,
    sockets=st.booleans(),
    third=st.sampled_from([[], [SERIAL_A], [SHARED], [None], ["9E407D4D83836566"]]),
    learned=some,
    steps=steps,
)
def test_a_board_in_use_never_shows_another_ones_port(
    catalog, kind, serials, how, sockets, third, learned, steps
):
    """Both are held; a third one comes and goes beside them and is held by nobody.

    Left out is a third one without number where the system tells no socket either: its name is
    all that it has.
    """
    assume(sockets or third != [None])
    desk = Desk(catalog, pieces_of(kind, serials, how, sockets, third))
    held = [0, 1]
    for index in held:
        desk.registry.hold(desk.ids[index], f"job {index}", "ble" if index in learned else None)
    desk.learn(learned)
    for index, runs, name, seconds, audible in steps:
        desk.hear(audible)
        desk.check(held)
        desk.change(desk.pieces[index % len(desk.pieces)], runs, name, seconds)
        desk.check(held)
        desk.check_each_port_has_one_board()


@settings(max_examples=200)
@given(
    kind=st.sampled_from([H7, NANO]),
    how=loader_numbers,
    held=st.sets(st.integers(0, 2), min_size=1),
    learned=some,
    steps=st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(["touch", "loader", "glitch", "flashed", "unplug", "plug", "plug"]),
            st.integers(0, 3),
            st.sampled_from([0.0, 0.1, 3.0, 40.0]),
            st.sets(st.integers(0, 2)),
        ),
        max_size=30,
    ),
)
def test_a_board_in_the_socket_of_another_one_is_not_taken_for_it(
    catalog, kind, how, held, learned, steps
):
    """Boards with numbers are touched, restart, and are plugged into any free socket."""
    desk = Desk(catalog, pieces_of(kind, (SERIAL_A, SERIAL_B), how, True, ["9E407D4D83836566"]))
    for index in held:
        desk.registry.hold(desk.ids[index], f"job {index}")
    desk.learn(learned)
    state = dict.fromkeys(range(3), "sketch")
    follows = {
        # Each action: the state it starts from, what runs then, and the state it leads to.
        "touch": ("sketch", "nothing", "touched"),
        "loader": ("touched", "loader", "loader"),
        "glitch": ("loader", "nothing", "touched"),
        "flashed": ("loader", "sketch", "sketch"),
        "unplug": ("sketch", "nothing", "unplugged"),
        "plug": ("unplugged", "sketch", "sketch"),
    }
    for index, action, place, seconds, audible in steps:
        desk.hear(audible)
        desk.check(held)
        desk.check_learned(learned)
        piece = desk.pieces[index]
        before, runs, after = follows[action]
        if state[index] != before:
            continue
        if action == "plug":
            used = {
                desk.pieces[i].socket for i in range(3) if i != index and state[i] != "unplugged"
            }
            piece.socket = next(socket for socket in [f"1-{place}", *"abc"] if socket not in used)
        state[index] = after
        desk.change(piece, runs, place, seconds)
        desk.check(held)
        desk.check_learned(learned)
        desk.check_each_port_has_one_board()
        if runs != "nothing" and index in held:
            assert desk.at(piece) == desk.ids[index]


@settings(max_examples=200)
@given(
    kind=st.sampled_from([H7, NANO]),
    how=loader_numbers,
    learned=some,
    audible=some,
    held=some,
    by=st.sampled_from(["usb", "ble"]),
    order=st.permutations(range(3)),
    steps=st.lists(st.tuples(some, some), min_size=1, max_size=6),
)
def test_boards_that_are_one_stay_one_over_a_restart(
    catalog, kind, how, learned, audible, held, by, order, steps
):
    """Whatever shows itself first to the new agent: its cable, or what is heard of it."""
    serials = (SERIAL_A, SERIAL_B)
    desk = Desk(catalog, pieces_of(kind, serials, how, True, ["9E407D4D83836566"]))
    desk.hear(audible)
    for index in sorted(held & audible & learned):
        # The hardware id shows it, and it is used under the id that it has in the air.
        uhwid = f"{index:064x}"
        desk.registry.learn(desk.ids[index], uhwid=uhwid, now=1.0)
        desk.ids[index] = desk.heard_at(desk.pieces[index])
        desk.registry.hold(desk.ids[index], "job", by)
        desk.registry.learn(desk.ids[index], uhwid=uhwid, now=1.0)
    desk.learn(learned)
    desk.check_learned(learned)
    known = [desk.registry.require(desk.ids[index]).known(1.0) for index in order]
    desk.ids = [desk.registry.require(board).id for board in desk.ids]
    for piece in desk.pieces:
        piece.runs, piece.heard = "nothing", False
    desk.registry = Registry(catalog, known)
    for plugged, now_audible in steps:
        for index, piece in enumerate(desk.pieces):
            piece.runs = "sketch" if index in plugged else "nothing"
        desk.hear(now_audible)
        desk.check_learned(learned)
        desk.check_each_port_has_one_board()


def test_a_job_can_adopt_the_loader_of_its_board_but_not_that_of_another_job(catalog):
    """Without sockets and numbers nobody can know: then nothing is adopted."""
    desk = Desk(catalog, pieces_of(H7, (SERIAL_A, SERIAL_B), "none", False, []))
    first, second = desk.ids
    desk.registry.hold(first, "one")
    desk.change(desk.pieces[0], "nothing", 0, 1.0)
    desk.change(desk.pieces[0], "loader", 5, 1.0)
    loader = desk.at(desk.pieces[0])
    assert loader not in desk.ids
    desk.registry.adopt(first, desk.pieces[0].sighting().port, desk.now)
    assert desk.at(desk.pieces[0]) == first
    desk.registry.hold(second, "two")
    desk.change(desk.pieces[0], "nothing", 0, 1.0)
    desk.change(desk.pieces[1], "nothing", 0, 1.0)
    desk.change(desk.pieces[0], "loader", 6, 1.0)
    for board in desk.ids:
        with pytest.raises(AmbiguousBoard):
            desk.registry.adopt(board, desk.pieces[0].sighting().port, desk.now)
    desk.check([0, 1])
