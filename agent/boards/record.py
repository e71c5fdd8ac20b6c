"""What the registry keeps about one board, present or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agent.boards.board import LOADER_KINDS, Board, BoardState, Provisioning
from agent.boards.identity import model_of, natural_key, shown_name
from agent.boards.known import KnownBoard

if TYPE_CHECKING:
    from collections.abc import Iterable

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


class Record:
    """One board: the faces it has shown, those it shows now, and what was learned about it."""

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
        self.last: Face | None = None
        self.turn = 0
        """Order in which boards showed themselves last; the highest came last."""
        self.last_address = ""
        self.left_at = 0.0
        self.first_seen = 0.0
        self.holder: str | None = None
        self.chosen: Via | None = None
        """How its holder talks to it."""
        self.uhwid: str | None = None
        self.ble_address: str | None = None
        self.name: str | None = None
        self.installed: str | None = None

    @property
    def visible(self) -> bool:
        """It has a port, or a job still expects it back."""
        return bool(self.ports) or self.holder is not None

    @property
    def by_place(self) -> bool:
        """Nothing but sockets ever spoke for it."""
        return all(face.by_place for face in self.faces)

    def show(
        self, face: Face, matches: list[UsbMatch], sightings: tuple[Sighting, ...], turn: int
    ) -> None:
        """The board shows itself as ``face`` at these ports."""
        found = {match.model.id for match in matches}
        narrowed = tuple(model for model in self.models if model.id in found)
        if narrowed or not self.models:
            self.models = narrowed or tuple(match.model for match in matches)
        self.faces[face] = matches
        self.ports[face] = sightings
        if face.serial is not None:
            loader = self.as_loader(matches)
            self.numbers.add(Number(face.vid, face.pid, loader, face.serial))
        self.last = face
        self.turn = turn
        self.last_address = sightings[0].port.address

    def take(self, other: Record) -> None:
        """Take over what is known about ``other``, which is the same hardware; not its ports."""
        for face, matches in other.faces.items():
            self.faces.setdefault(face, matches)
        self.numbers |= other.numbers
        self.name = self.name or other.name
        self.installed = self.installed or other.installed

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
        self.name = known.name
        self.installed = known.installed

    def forget(self) -> None:
        """Another board may sit in the socket now."""
        self.uhwid = self.name = self.installed = None

    def known(self, now: float) -> KnownBoard:
        """What is worth keeping over a restart."""
        return KnownBoard(
            id=self.id, uhwid=self.uhwid, name=self.name, installed=self.installed, seen=now
        )

    @property
    def via(self) -> Via | None:
        """How it is talked to: as its holder chose, else over the cable if there is one."""
        if self.holder is not None:
            return self.chosen
        sightings = self.sightings()
        return sightings[0].port.via if sightings else None

    def sightings(self, via: Via | None = None) -> list[Sighting]:
        """Its ports, those on a cable first, in an order that is the same each time."""
        found = [s for group in self.ports.values() for s in group if via in (None, s.port.via)]
        return sorted(found, key=_place)

    def board(self) -> Board | None:
        """The board as others see it; None if it is not there."""
        if not self.visible:
            return None
        model = model_of(self.models)
        vid = self.last.vid if self.last else None
        return Board(
            id=self.id,
            name=self.name or shown_name(self.models, vid),
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

    def _state(self) -> BoardState:
        if not self.sightings(self.via):
            return BoardState.UNREACHABLE
        if self.holder is not None:
            return BoardState.BUSY
        if self.via == "usb" and all(self.in_loader(face) for face in self.ports):
            return BoardState.BOOTLOADER
        return BoardState.READY


def _place(sighting: Sighting) -> tuple[object, ...]:
    port = sighting.port
    return (port.via == "ble", natural_key(port.location or ""), natural_key(port.address))
