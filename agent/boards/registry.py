"""Ports become boards: pure bookkeeping without I/O; time enters as an argument.

A device that appears is held against the boards known so far by the rules of ``matching``; what
none of them recognises is a new board.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from agent.boards.board import LOADER_KINDS, BoardChanges
from agent.boards.identity import board_id, face_of, natural_key, place_part
from agent.boards.known import KNOWN_LIMIT
from agent.boards.matching import RULES, Newcomer, Scene
from agent.boards.record import Record
from agent.catalog import UsbId, UsbMatch
from agent.errors import AmbiguousBoard, PortBusy, PortGone, UnknownBoard
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.boards.board import Board, Port, Via
    from agent.boards.identity import Face, UsbLookup
    from agent.boards.known import KnownBoard
    from agent.boards.sighting import Sighting

ABSENT_LIMIT: Final = 256
"""Boards remembered that are not there, so that they keep their ids; the oldest is dropped."""


class Registry:
    """All boards, present and remembered. Every change is returned as :class:`BoardChanges`."""

    def __init__(self, catalog: UsbLookup, known: Iterable[KnownBoard] = ()) -> None:
        self._catalog = catalog
        self._records: dict[str, Record] = {}
        self._aliases: dict[str, str] = {}
        self._faces: dict[Face, Record] = {}
        self._shown: dict[str, Board] = {}
        self._created = 0
        self._turn = 0
        self._known: dict[str, KnownBoard] = {}
        self._known_hardware: dict[str, KnownBoard] = {}
        for entry in known:
            self._remember(entry)

    def boards(self) -> list[Board]:
        """Boards that are there or expected back, in the order in which they appeared."""
        return sorted(self._shown.values(), key=lambda b: (b.first_seen, natural_key(b.id)))

    def get(self, board: str) -> Board | None:
        """The board of this id, also of one that was merged into another board."""
        return self._shown.get(self._aliases.get(board, board))

    def require(self, board: str) -> Record:
        """What is kept about a board, also when it is not there; raises :class:`UnknownBoard`."""
        record = self._records.get(self._aliases.get(board, board))
        if record is None:
            raise UnknownBoard(wanted=clean_text(board))
        return record

    def update(self, sightings: Sequence[Sighting], now: float) -> BoardChanges:
        """Take over the complete list of ports as it is now; ``now`` in Unix seconds."""
        devices: dict[Face, list[Sighting]] = {}
        for sighting in sightings:
            devices.setdefault(face_of(sighting.port), []).append(sighting)
        touched = self._refresh(devices, now)
        arriving = [f for f in devices if f not in self._faces or f not in self._faces[f].ports]
        arriving.sort(key=_order)
        new = [Newcomer(face, self._matches(face, devices[face])) for face in arriving]
        scene = Scene(self._records.values(), self._faces, arriving, now)
        for rule in RULES:
            rest: list[Newcomer] = []
            for newcomer in new:
                found = rule(scene, newcomer)
                if found is None:
                    rest.append(newcomer)
                else:
                    touched.append(self._attach(found, newcomer, devices[newcomer.face], now))
            new = rest
        touched += [self._attach(self._create(each), each, devices[each.face], now) for each in new]
        gone = [twin for record in touched if (twin := self._unify(record))]
        self._drop_oldest()
        return self._changes(touched, gone)

    def adopt(self, board: str, port: Port, now: float) -> BoardChanges:
        """A job has found out that the device at ``port`` is this board, which it holds.

        A board that was made for the device only is gone then. Raises :class:`PortGone` if the
        port is not there, :class:`PortBusy` if somebody uses it, and :class:`AmbiguousBoard` if
        the device bears the number of another board or may as well be one that another job waits
        for.
        """
        record = self.require(board)
        other, face = self._shown_at(port)
        if other is record:
            return BoardChanges()
        if other.holder is not None:
            raise PortBusy(port=port.address, holder=other.holder)
        new = Newcomer(face, other.faces[face])
        scene = Scene(self._records.values(), self._faces, (face,), now)
        same_socket = record.last is not None and record.last.topology == face.topology
        proven = record.bears(*new) or (same_socket and face.topology is not None)
        if record.contradicts(*new) or (not proven and scene.rivals(record, new, held=True)):
            ids = ", ".join(sorted((record.id, other.id)))
            raise AmbiguousBoard(wanted=clean_text(port.address), count=2, matches=ids)
        sightings = other.ports.pop(face)
        del other.faces[face]
        other.left_at = now
        self._show(record, new, sightings)
        if other.faces:
            return self._changes([record, other])
        self._forget(other)
        vanished = [other.id] if self._shown.pop(other.id, None) else []
        changes = self._changes([record])
        return msgspec.structs.replace(changes, vanished=[*vanished, *changes.vanished])

    def hold(self, board: str, holder: str, via: Via | None = None) -> BoardChanges:
        """Note who uses the board, and how; None: as :attr:`Board.via` says.

        Raises :class:`PortBusy` with the holder, or :class:`UnknownBoard`.
        """
        record = self.require(board)
        if not record.visible:
            raise UnknownBoard(wanted=clean_text(board))
        if record.holder is not None:
            raise PortBusy(port=record.last_address, holder=record.holder)
        record.chosen = via or record.via or "usb"
        record.holder = holder
        return self._changes([record])

    def release(self, board: str, now: float) -> BoardChanges:
        """The holder is done; a board without a port vanishes now."""
        record = self.require(board)
        record.holder = None
        record.left_at = now
        gone = self._unify(record)
        return self._changes([record], [gone] if gone else [])

    def learn(
        self,
        board: str,
        *,
        name: str | None = None,
        uhwid: str | None = None,
        installed: str | None = None,
        ble_address: str | None = None,
        now: float,
    ) -> BoardChanges:
        """Take over what a session or a job learned; None leaves as it is, an empty text clears.

        A unique hardware id that another board has too makes one board of both: the one in use,
        else the one with a serial number, else the older. The other id keeps working.
        """
        record = self.require(board)
        if uhwid is not None and uhwid != record.uhwid:
            if record.uhwid is not None:
                record.forget()
            record.uhwid = uhwid
            earlier = self._known_hardware.get(uhwid)
            if earlier is not None:
                record.recall(earlier)
        if ble_address is not None:
            record.ble_address = ble_address.replace(":", "").upper() or None
        if name is not None:
            record.name = clean_text(name) or None
        if installed is not None:
            record.installed = installed or None
        gone = self._unify(record)
        self._remember(self.require(board).known(now))
        return self._changes([record, self.require(board)], [gone] if gone else [])

    def _refresh(self, devices: dict[Face, list[Sighting]], now: float) -> list[Record]:
        """Remove ports that are gone and replace those that changed; the records touched."""
        touched: list[Record] = []
        for record in self._records.values():
            for face, before in list(record.ports.items()):
                ports = tuple(devices.get(face, ()))
                if ports == before:
                    continue
                if ports:
                    self._show(record, Newcomer(face, self._matches(face, ports)), ports)
                else:
                    del record.ports[face]
                    record.left_at = now
                touched.append(record)
        return touched

    def _shown_at(self, port: Port) -> tuple[Record, Face]:
        for record in self._records.values():
            for face, sightings in record.ports.items():
                if any(sighting.port.address == port.address for sighting in sightings):
                    return record, face
        raise PortGone(port=port.address)

    def _create(self, new: Newcomer) -> Record:
        face = new.face
        models = tuple(match.model for match in new.matches)
        base = board_id(face, models)
        if self._taken(base) and face.serial:
            # A serial number that another board has as well; only the socket is left.
            base = f"{base}-{place_part(face)}"
        name, count = base, 2
        while self._taken(name):
            name, count = f"{base}-{count}", count + 1
        self._created += 1
        record = self._records[name] = Record(name, self._created, models)
        return record

    def _show(self, record: Record, new: Newcomer, sightings: tuple[Sighting, ...]) -> None:
        self._turn += 1
        record.show(new.face, new.matches, sightings, self._turn)
        self._faces[new.face] = record

    def _attach(
        self, record: Record, new: Newcomer, sightings: list[Sighting], now: float
    ) -> Record:
        fresh = not record.visible
        self._show(record, new, tuple(sightings))
        if fresh:
            record.first_seen = now
            known = self._known.get(record.id)
            if record.by_place:
                record.forget()
            elif known is not None:
                # The same hardware may have been learned under another id since.
                record.recall(self._known_hardware.get(known.uhwid or "", known))
        return record

    def _unify(self, record: Record) -> Record | None:
        """Merge ``record`` with another one of the same hardware; the one that is gone."""
        if record.uhwid is None or self._records.get(record.id) is not record:
            return None
        for other in self._records.values():
            if other is not record and other.uhwid == record.uhwid and _can_be_one(record, other):
                keep, drop = sorted((record, other), key=_rank)
                self._merge(keep, drop)
                return drop
        return None

    def _merge(self, keep: Record, drop: Record) -> None:
        if not keep.visible or (drop.visible and drop.first_seen < keep.first_seen):
            keep.first_seen = drop.first_seen
        keep.together |= {*keep.faces, *drop.faces}
        keep.take(drop)
        for face in drop.faces:
            self._faces[face] = keep
        for face, sightings in drop.ports.items():
            self._show(keep, Newcomer(face, drop.faces[face]), sightings)
        del self._records[drop.id]
        for alias, target in self._aliases.items():
            if target == drop.id:
                self._aliases[alias] = keep.id
        self._aliases[drop.id] = keep.id

    def _changes(self, touched: Iterable[Record], gone: Iterable[Record] = ()) -> BoardChanges:
        appeared: list[Board] = []
        changed: list[Board] = []
        vanished: list[str] = [r.id for r in gone if self._shown.pop(r.id, None)]
        survivors = [self.require(record.id) for record in gone]
        for record in dict.fromkeys([*touched, *survivors]):
            if self._records.get(record.id) is not record:
                continue
            before, after = self._shown.get(record.id), record.board()
            if after is None:
                if before is not None:
                    del self._shown[record.id]
                    vanished.append(record.id)
            elif before is None:
                self._shown[record.id] = after
                appeared.append(after)
            elif after != before:
                self._shown[record.id] = after
                changed.append(after)
        return BoardChanges(appeared=appeared, changed=changed, vanished=vanished)

    def _drop_oldest(self) -> None:
        absent = sorted(
            (r for r in self._records.values() if not r.visible), key=lambda r: r.left_at
        )
        for record in absent[: max(0, len(absent) - ABSENT_LIMIT)]:
            self._forget(record)

    def _forget(self, record: Record) -> None:
        del self._records[record.id]
        for face in record.faces:
            if self._faces.get(face) is record:
                del self._faces[face]
        self._aliases = {a: t for a, t in self._aliases.items() if t != record.id}

    def _remember(self, entry: KnownBoard) -> None:
        _bounded(self._known)[entry.id] = entry
        if entry.uhwid is not None:
            _bounded(self._known_hardware)[entry.uhwid] = entry

    def _matches(self, face: Face, sightings: Iterable[Sighting]) -> list[UsbMatch]:
        if face.vid is None or face.pid is None:
            return []
        matches = self._catalog.by_usb(face.vid, face.pid)
        if all(sighting.port.kind not in LOADER_KINDS for sighting in sightings):
            return matches
        # Some models show the same ids with their sketch.
        ids = UsbId(face.vid, face.pid)
        loaders = [m.model for m in matches if ids in m.model.usb.bootloader]
        return [UsbMatch(model, "bootloader") for model in loaders] or matches

    def _taken(self, name: str) -> bool:
        return name in self._records or name in self._aliases


def _order(face: Face) -> tuple[object, ...]:
    """Devices found at the same moment are numbered by their sockets."""
    place = natural_key(face.topology or face.address or "")
    return (place, face.vid or 0, face.pid or 0, face.serial or "")


def _bounded(memory: dict[str, KnownBoard]) -> dict[str, KnownBoard]:
    while len(memory) >= KNOWN_LIMIT:
        del memory[next(iter(memory))]
    return memory


def _rank(record: Record) -> tuple[bool, bool, int]:
    return (record.holder is None, record.by_place, record.number)


def _can_be_one(one: Record, other: Record) -> bool:
    """Not two jobs' boards at once, and not two devices of one kind with different numbers."""
    if one.holder is not None and other.holder is not None:
        return False
    return not any(
        (a.vid, a.pid) == (b.vid, b.pid) and a.serial and b.serial and a.serial != b.serial
        for a in one.faces
        for b in other.faces
    )
