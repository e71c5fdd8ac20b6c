"""What the registry keeps about one board, present or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from agent.boards.board import LOADER_KINDS, Board, BoardState, Provisioning
from agent.boards.identity import air_key_of, model_of, natural_key, shown_name
from agent.boards.known import KnownBoard

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.boards.board import Via
    from agent.boards.identity import Face
    from agent.boards.sighting import Sighting
    from agent.catalog import Model, UsbMatch


class Number(NamedTuple):
    """A serial number that a board has shown."""

    vid: int | None
    pid: int | None
    loader: bool
    """Its loader showed it: that number may be another one, or that of all loaders."""
    serial: str


ALSO_LIMIT: Final = 8
"""Earlier ids that are kept; a board has one more with each link that it was first seen on."""


class Record:
    """One board: the faces it has shown, those it shows now, and what was learned about it.

    Faces, numbers, sockets and everything that ``matching`` judges are those on a cable. What is
    heard in the air is kept beside them, so that it can never make one board look like another.
    """

    def __init__(self, board_id: str, number: int, models: tuple[Model, ...]) -> None:
        self.id = board_id
        self.number = number
        """Order of creation: the board known for longer has the lower one."""
        self.models = models
        """What it may be, narrowed by each face; empty: not in the catalogue."""
        self.faces: dict[Face, list[UsbMatch]] = {}
        self.ports: dict[Face, tuple[Sighting, ...]] = {}
        self.numbers: set[Number] = set()
        self.together: set[Face] = set()
        """Faces that are one board only because they have one hardware id: a board with two
        cables may show them at the same time."""
        self.air: dict[str, tuple[Sighting, ...]] = {}
        """What is heard of it now, by ``identity.air_key``."""
        self.heard_as: set[str] = set()
        """All keys under which it was ever heard."""
        self.last: Face | None = None
        self.turn = 0
        """Order in which boards showed themselves last; the highest came last."""
        self.last_address = ""
        self.last_heard_at = ""
        """Its latest address in the air."""
        self.left_at = 0.0
        self.first_seen = 0.0
        self.holder: str | None = None
        self.chosen: Via | None = None
        """How its holder talks to it."""
        self.also: list[str] = []
        """Ids that other finds of it had."""
        self.doubtful = False
        """What is known of it may be of another board: it was not recognised by its sketch."""
        self.advertised: str | None = None
        """How it calls itself in the air."""
        self.uhwid: str | None = None
        self.ble_address: str | None = None
        """The key under which it must be heard, as a session has read it."""
        self._expected_air: str | None = None
        self.name: str | None = None
        self.installed: str | None = None

    @property
    def visible(self) -> bool:
        """It has a port, or a job still expects it back."""
        return bool(self.ports or self.air) or self.holder is not None

    @property
    def air_number(self) -> str | None:
        """The key under which it must be heard: read by a session, else told by its USB number."""
        return self.ble_address or self._expected_air

    @property
    def chosen_air(self) -> bool:
        """Its holder talks to it through the air."""
        return self.holder is not None and self.chosen == "ble"

    @property
    def advertised_numbers(self) -> set[str]:
        """The numbers that it says it has in the air, now."""
        said = (sighting.port.serial_number for group in self.air.values() for sighting in group)
        return {number for number in said if number is not None}

    @property
    def by_place(self) -> bool:
        """Nothing but sockets ever spoke for it."""
        return bool(self.faces) and all(face.by_place for face in self.faces)

    def show(
        self, face: Face, matches: list[UsbMatch], sightings: tuple[Sighting, ...], turn: int
    ) -> None:
        """The board shows itself as ``face`` at these ports."""
        self._narrow([match.model for match in matches])
        self.faces[face] = matches
        self.ports[face] = sightings
        self._expected_air = air_key_of(face) or self._expected_air
        if face.serial is not None:
            loader = self.as_loader(matches)
            self.numbers.add(Number(face.vid, face.pid, loader, face.serial))
        self.last = face
        self.turn = turn
        self.last_address = sightings[0].port.address

    def hear(self, key: str, models: Sequence[Model], sightings: tuple[Sighting, ...]) -> None:
        """The board is heard in the air as ``key`` at these ports."""
        self._narrow(models)
        self.air[key] = sightings
        self.heard_as.add(key)
        self.last_heard_at = sightings[0].port.address
        self.advertised = sightings[0].port.product or self.advertised

    def take(self, other: Record) -> None:
        """Take over what is known about ``other``, which is the same hardware; not its ports."""
        for face, matches in other.faces.items():
            self.faces.setdefault(face, matches)
        self.numbers |= other.numbers
        if self.last is None:
            self.last, self.turn, self.left_at = other.last, other.turn, other.left_at
            self.last_address = other.last_address
        self.heard_as |= other.heard_as
        self.last_heard_at = self.last_heard_at or other.last_heard_at
        self.advertised = self.advertised or other.advertised
        self._narrow(other.models)
        self.name = self.name or other.name
        self.installed = self.installed or other.installed
        self.uhwid = self.uhwid or other.uhwid
        self._expected_air = self._expected_air or other._expected_air
        self.ble_address = self.ble_address or other.ble_address
        self._add_ids([*other.also, *([] if other.by_place else [other.id])])

    def is_same_hardware(self, other: Record) -> bool:
        """Both have one hardware id, or one of them was only heard, as the other one must be."""
        heard_only = not (self.faces and other.faces)
        if heard_only and (self.doubtful or other.doubtful):
            return False
        if self.uhwid is not None and other.uhwid is not None:
            return self.uhwid == other.uhwid
        found = self.air_number in other.heard_as or other.air_number in self.heard_as
        return heard_only and found

    def may_be(self, face: Face, matches: Iterable[UsbMatch]) -> bool:
        """Some model has both these USB ids and those of the faces so far, or they are the same."""
        found = {match.model.id for match in matches}
        same = any((seen.vid, seen.pid) == (face.vid, face.pid) for seen in self.faces)
        return same or any(model.id in found for model in self.models)

    def bears(self, face: Face, matches: list[UsbMatch], *, loader: bool = False) -> bool:
        """It has shown this serial number with its sketch (or with its loader only)."""
        return any(
            number.serial == face.serial
            and number.loader is loader
            and (number.vid == face.vid or self.may_be(face, matches))
            for number in self.numbers
        )

    def contradicts(self, face: Face, matches: list[UsbMatch]) -> bool:
        """It has shown another serial number with the same ids in the same role."""
        loader = self.as_loader(matches)
        shown = {
            number.serial
            for number in self.numbers
            if (number.vid, number.pid, number.loader) == (face.vid, face.pid, loader)
        }
        return face.serial is not None and bool(shown) and face.serial not in shown

    def changes_role(self, matches: Iterable[UsbMatch]) -> bool:
        """Its sketch was there last and this is its loader, or the other way round."""
        roles = {match.model.id: match.role for match in matches}
        before = self.faces[self.last] if self.last is not None else []
        return any(roles.get(match.model.id, match.role) != match.role for match in before)

    def as_loader(self, matches: Iterable[UsbMatch]) -> bool:
        """All models that it may be show these ids only while their loader runs."""
        known = list(matches)
        mine = {model.id for model in self.models}
        roles = {match.role for match in known if match.model.id in mine}
        return (roles or {match.role for match in known}) == {"bootloader"}

    def in_loader(self, face: Face) -> bool:
        """The device that it shows as ``face`` is its loader."""
        kinds = {sighting.port.kind for sighting in self.ports.get(face, ())}
        return bool(kinds & LOADER_KINDS) or self.as_loader(self.faces[face])

    def recall(self, known: KnownBoard) -> None:
        """Take over what was learned in an earlier life."""
        self.uhwid = known.uhwid or self.uhwid
        self.ble_address = known.ble_address or self.ble_address
        self.name = known.name
        self.installed = known.installed
        self._add_ids(known.also)

    def forget(self) -> None:
        """Another board may sit in the socket now."""
        self.uhwid = self.ble_address = self.name = self.installed = None
        self.also = []

    def known(self, now: float) -> KnownBoard:
        """What is worth keeping over a restart."""
        # An id that names a socket is no name for what is heard in the air.
        air = None if self.by_place else self.ble_address or min(self.heard_as, default=None)
        return KnownBoard(
            id=self.id,
            uhwid=self.uhwid,
            name=self.name,
            installed=self.installed,
            ble_address=air,
            also=self.also,
            seen=now,
        )

    @property
    def via(self) -> Via | None:
        """How it is talked to: as its holder chose, else over the cable if there is one."""
        if self.holder is not None:
            return self.chosen
        if self.ports:
            return "usb"
        return "ble" if self.air else None

    def address(self, via: Via | None) -> str:
        """Where it is or was last, for errors."""
        if via == "ble":
            return self.last_heard_at or self.last_address
        return self.last_address or self.last_heard_at

    def sightings(self, via: Via | None = None) -> list[Sighting]:
        """Its ports, those on a cable first, in an order that is the same each time."""
        wired = [sighting for group in self.ports.values() for sighting in group]
        heard = [sighting for group in self.air.values() for sighting in group]
        wired.sort(key=_place)
        heard.sort(key=_place)
        return {"usb": wired, "ble": heard, "ap": [], None: wired + heard}[via]

    def board(self) -> Board | None:
        """The board as others see it; None if it is not there."""
        if not self.visible:
            return None
        model = model_of(self.models)
        return Board(
            id=self.id,
            name=self._shown_name(),
            model=model.id if model else None,
            fqbn=model.fqbn if model else None,
            candidates=[m.id for m in self.models] if len(self.models) > 1 else [],
            ports=[sighting.port for sighting in self.sightings()],
            via=self.via,
            provisioning=Provisioning(
                supported=list(model.provisioning) if model else [], installed=self.installed
            ),
            state=self._state(),
            holder=self.holder,
            uhwid=self.uhwid,
            first_seen=self.first_seen,
        )

    def _shown_name(self) -> str:
        vid = self.last.vid if self.last else None
        # What it calls itself says more than the name of a chip that many boards have.
        heard = self.advertised if model_of(self.models) is None else None
        return self.name or heard or shown_name(self.models, vid)

    def _narrow(self, found: Iterable[Model]) -> None:
        models = tuple(found)
        ids = {model.id for model in models}
        self.models = tuple(m for m in self.models if m.id in ids) or self.models or models

    def _add_ids(self, more: Iterable[str]) -> None:
        found = dict.fromkeys([*self.also, *more])
        self.also = [each for each in found if each != self.id][-ALSO_LIMIT:]

    def _state(self) -> BoardState:
        if not (self.air if self.via == "ble" else self.ports):
            return BoardState.UNREACHABLE
        if self.holder is not None:
            return BoardState.BUSY
        if self.via == "usb" and all(self.in_loader(face) for face in self.ports):
            return BoardState.BOOTLOADER
        return BoardState.READY


def _place(sighting: Sighting) -> tuple[object, ...]:
    return (natural_key(sighting.port.location or ""), natural_key(sighting.port.address))
