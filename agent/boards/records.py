"""The boards themselves: who has which id, and how two become one, or one becomes two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.boards import air
from agent.boards.identity import air_id, board_id, place_part
from agent.boards.memory import Memory
from agent.boards.record import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from agent.boards.identity import Face, UsbLookup
    from agent.boards.known import KnownBoard
    from agent.boards.matching import Newcomer, Scene
    from agent.boards.sighting import Sighting
    from agent.catalog import Model

ABSENT_LIMIT: Final = 256
"""Boards remembered that are not there, so that they keep their ids; the oldest is dropped."""


class Records:
    """All boards, present and remembered, by their ids; every change of ids happens here."""

    def __init__(self, catalog: UsbLookup, known: Iterable[KnownBoard] = ()) -> None:
        self.memory = Memory(known)
        self.faces: dict[Face, Record] = {}
        """Who showed each device on a cable last."""
        self._catalog = catalog
        self._records: dict[str, Record] = {}
        self._aliases: dict[str, str] = {}
        self._created = 0
        self._turn = 0

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())

    def __contains__(self, record: Record) -> bool:
        return self._records.get(record.id) is record

    def id_of(self, board: str) -> str:
        """The id under which a board is found now that had this one."""
        return self._aliases.get(board, board)

    def get(self, board: str) -> Record | None:
        """The board of this id, also of one that it had before."""
        return self._records.get(self.id_of(board))

    def on_cables(self) -> list[Record]:
        """Those that were ever seen on a cable."""
        return [record for record in self if record.faces]

    def create(self, scene: Scene, new: Newcomer) -> Record:
        """A board for a device on a cable that is none of those so far."""
        models = [match.model for match in new.matches]
        base = board_id(new.face, models)
        known = self.known_by_number(scene, new)
        if known is not None and not self._taken(known.id) and not self._taken(base):
            record = self._add(known.id, models)
            self._also_called(record, [base, *known.also])
            return record
        if self._taken(base) and new.face.serial:
            # A serial number that another board has as well; only the socket is left.
            base = f"{base}-{place_part(new.face)}"
        return self._add(self._free_id(base), models)

    def create_heard(self, key: str, models: Iterable[Model]) -> Record:
        """A board for a device in the air that is none of those so far."""
        models = list(models)
        known = self.memory.of_air(key)
        if known is None or self._taken(known.id):
            # A device in the air says any number that it likes: it is not known by that alone.
            return self._add(self._free_id(air_id(key, models), unknown=True), models)
        record = self._add(known.id, models)
        record.recall(known)
        self._also_called(record, known.also)
        return record

    def heard_and_known(self, scene: Scene, new: Newcomer) -> Record | None:
        """A rule as in ``matching``: it is heard already, and had this number on a cable once."""
        known = self.known_by_number(scene, new)
        if known is None:
            return None
        for record in self:
            mine = record.id == known.id or known.ble_address in record.heard_as
            if mine and not record.faces:
                self._also_called(record, [board_id(new.face, [m.model for m in new.matches])])
                return record
        return None

    def known_by_number(self, scene: Scene, new: Newcomer) -> KnownBoard | None:
        """What was learned of the board with this number, if the number can tell it."""
        if not scene.tells(new):
            return None
        return self.memory.named(board_id(new.face, [match.model for match in new.matches]))

    def show(self, record: Record, new: Newcomer, sightings: tuple[Sighting, ...]) -> None:
        """The board shows itself on a cable."""
        self._turn += 1
        record.show(new.face, new.matches, sightings, self._turn)
        self.faces[new.face] = record

    def unify(self, record: Record) -> list[Record]:
        """Merge ``record`` with others of the same hardware; those that are gone."""
        gone: list[Record] = []
        while record in self:
            twin = next((other for other in self if _can_be_one(record, other)), None)
            if twin is None:
                break
            record, drop = sorted((record, twin), key=_rank)
            self._merge(record, drop)
            gone.append(drop)
        return gone

    def part(self, record: Record, keep: str | None = None, *, learned: bool) -> list[Record]:
        """What is heard as ``record`` is not this board, except as ``keep``: it becomes another one.

        ``learned``: what is known belongs to that one. Nothing happens while a session through the
        air speaks for it.
        """
        if record.chosen_air:
            return []
        for key in record.heard_as - {keep}:
            self._free({air_id(key, record.models), air_id(key, ())}, record)
        record.heard_as &= {keep}
        parted: list[Record] = []
        for key in [key for key in record.air if key != keep]:
            sightings = record.air.pop(key)
            models = air.models_of(self._catalog, sightings)
            other = self._add(self._free_id(air_id(key, models)), models)
            other.first_seen = record.first_seen
            other.hear(key, models, sightings)
            if learned:
                other.uhwid, other.name, other.installed = (
                    record.uhwid,
                    record.name,
                    record.installed,
                )
            parted.append(other)
        return parted

    def drop_oldest(self) -> None:
        """Forget boards that left long ago, first those that were never on a cable."""
        absent = sorted(
            (record for record in self if not record.visible),
            key=lambda record: (bool(record.faces), record.left_at),
        )
        for record in absent[: max(0, len(absent) - ABSENT_LIMIT)]:
            self.forget(record)

    def forget(self, record: Record) -> None:
        """It was a mistake, or is too long ago."""
        del self._records[record.id]
        for face in record.faces:
            if self.faces.get(face) is record:
                del self.faces[face]
        self._aliases = {a: t for a, t in self._aliases.items() if t != record.id}

    def _merge(self, keep: Record, drop: Record) -> None:
        if not keep.visible or (drop.visible and drop.first_seen < keep.first_seen):
            keep.first_seen = drop.first_seen
        if keep.faces and drop.faces:
            keep.together |= {*keep.faces, *drop.faces}
        keep.take(drop)
        for face in drop.faces:
            self.faces[face] = keep
        for face, sightings in drop.ports.items():
            self._turn += 1
            keep.show(face, drop.faces[face], sightings, self._turn)
        for key, heard in drop.air.items():
            keep.hear(key, drop.models, heard)
        del self._records[drop.id]
        for alias, target in self._aliases.items():
            if target == drop.id:
                self._aliases[alias] = keep.id
        self._aliases[drop.id] = keep.id

    def _add(self, name: str, models: Iterable[Model]) -> Record:
        self._created += 1
        record = self._records[name] = Record(name, self._created, tuple(models))
        return record

    def _also_called(self, record: Record, names: Iterable[str]) -> None:
        for name in names:
            if not self._taken(name):
                self._aliases[name] = record.id

    def _free(self, names: Collection[str], record: Record) -> None:
        """Ids that lead to ``record`` no longer do."""
        self._aliases = {
            name: board
            for name, board in self._aliases.items()
            if board != record.id or name not in names
        }
        record.also = [name for name in record.also if name not in names]

    def _free_id(self, base: str, *, unknown: bool = False) -> str:
        """``unknown``: nor the id of a board that is known from earlier."""
        name, count = base, 2
        while self._taken(name) or (unknown and self.memory.named(name) is not None):
            name, count = f"{base}-{count}", count + 1
        return name

    def _taken(self, name: str) -> bool:
        return name in self._records or name in self._aliases


def _rank(record: Record) -> tuple[bool, bool, bool, int]:
    return (record.holder is None, record.by_place, not record.faces, record.number)


def _can_be_one(one: Record, other: Record) -> bool:
    """The same hardware; neither two jobs' boards, nor devices of one kind with two numbers."""
    if one is other or not one.is_same_hardware(other):
        return False
    if one.holder is not None and other.holder is not None:
        return False
    return not any(
        (a.vid, a.pid) == (b.vid, b.pid) and a.serial and b.serial and a.serial != b.serial
        for a in one.faces
        for b in other.faces
    )
