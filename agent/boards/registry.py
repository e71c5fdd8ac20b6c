"""Ports become boards: pure bookkeeping without I/O; time enters as an argument.

A device that appears on a cable is held against the boards known so far by the rules of
``matching``, one that is heard in the air by those of ``air``; what none of them recognises is a new
board.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent.boards import air
from agent.boards.board import AP_ONLY, LOADER_KINDS, BoardChanges, in_use
from agent.boards.identity import air_digits, face_of, natural_key
from agent.boards.matching import RULES, Newcomer, Scene
from agent.boards.records import Records
from agent.catalog import UsbId, UsbMatch
from agent.errors import AmbiguousBoard, InputError, PortBusy, PortGone, UnknownBoard
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.boards.board import Board, Port, Via
    from agent.boards.identity import Face, UsbLookup
    from agent.boards.known import KnownBoard
    from agent.boards.record import Record
    from agent.boards.sighting import Sighting


class Registry:
    """All boards, present and remembered. Every change is returned as :class:`BoardChanges`."""

    def __init__(self, catalog: UsbLookup, known: Iterable[KnownBoard] = ()) -> None:
        self._catalog = catalog
        self._records = Records(catalog, known)
        self._shown: dict[str, Board] = {}

    def boards(self) -> list[Board]:
        """Boards that are there or expected back, in the order in which they appeared."""
        return sorted(self._shown.values(), key=lambda b: (b.first_seen, natural_key(b.id)))

    def get(self, board: str) -> Board | None:
        """The board of this id, also of one that was merged into another board."""
        return self._shown.get(self._records.id_of(board))

    def require(self, board: str) -> Record:
        """What is kept about a board, also when it is not there; raises :class:`UnknownBoard`."""
        record = self._records.get(board)
        if record is None:
            raise UnknownBoard(wanted=clean_text(board))
        return record

    def update(self, sightings: Sequence[Sighting], now: float) -> BoardChanges:
        """Take over the complete list of ports as it is now; ``now`` in Unix seconds."""
        touched = self._plug([s for s in sightings if s.port.via == "usb"], now)
        changed, came = self._hear([s for s in sightings if s.port.via == "ble"], now)
        gone = [twin for record in [*touched, *came] for twin in self._records.unify(record)]
        self._records.drop_oldest()
        return self._changes([*touched, *changed, *came], gone)

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
        scene = Scene(self._records.on_cables(), self._records.faces, (face,), now)
        same_socket = record.last is not None and record.last.topology == face.topology
        proven = record.bears(*new) or (same_socket and face.topology is not None)
        if record.contradicts(*new) or (not proven and scene.rivals(record, new, held=True)):
            ids = ", ".join(sorted((record.id, other.id)))
            raise AmbiguousBoard(wanted=clean_text(port.address), count=2, matches=ids)
        sightings = other.ports.pop(face)
        del other.faces[face]
        other.left_at = now
        self._records.show(record, new, sightings)
        if other.faces or other.air:
            return self._changes([record, other])
        self._records.forget(other)
        vanished = [other.id] if self._shown.pop(other.id, None) else []
        changes = self._changes([record])
        return msgspec.structs.replace(changes, vanished=[*vanished, *changes.vanished])

    def hold(self, board: str, holder: str, via: Via | None = None) -> BoardChanges:
        """Note who uses the board, and how; None: as :attr:`Board.via` says.

        Raises :class:`PortBusy` with the holder (:class:`OtherLinkBusy` where the other link is in
        use), or :class:`UnknownBoard`.
        """
        record = self.require(board)
        if not record.visible:
            raise UnknownBoard(wanted=clean_text(board))
        if via == "ap":
            raise InputError(field="via", problem=AP_ONLY)
        if record.holder is not None:
            raise in_use(record.address(record.chosen), record.holder, record.chosen, via)
        record.chosen = via or record.via or "usb"
        record.holder = holder
        return self._changes([record])

    def release(self, board: str, now: float) -> BoardChanges:
        """The holder is done; a board without a port vanishes now."""
        record = self.require(board)
        record.holder = None
        if record.chosen != "ble":
            record.left_at = now
        return self._changes([record], self._records.unify(record))

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
        else the one with a number, else the one on a cable, else the older. So does ``ble_address``
        (``A1:B2:C3:D4:E5:F6``) with a board that was only heard. The other id keeps working.
        What a session through the air reads of an address does not count against the number that the
        board advertises: nobody becomes another board by saying so.
        """
        record = self.require(board)
        number = air_digits(ble_address or "") or None
        if record.chosen_air and record.advertised_numbers - {number}:
            number = None
        another = None not in (uhwid, record.uhwid) and uhwid != record.uhwid
        moved = None not in (number, record.air_number) and number != record.air_number
        parted = self._records.part(record, number, learned=another) if another or moved else []
        if another:
            record.forget()
        if uhwid is not None and uhwid != record.uhwid:
            record.uhwid = uhwid
            earlier = self._records.memory.of_hardware(uhwid)
            if earlier is not None:
                record.recall(earlier)
        record.ble_address = number or record.ble_address
        record.doubtful = record.doubtful and uhwid is None and number is None
        if name is not None:
            record.name = clean_text(name) or None
        if installed is not None:
            record.installed = installed or None
        gone = self._records.unify(record)
        survivor = self.require(board)
        self._records.memory.put(survivor.known(now))
        return self._changes([record, survivor, *parted], gone)

    def _plug(self, sightings: Sequence[Sighting], now: float) -> list[Record]:
        """Take over what is on cables; the records that changed."""
        devices: dict[Face, list[Sighting]] = {}
        for sighting in sightings:
            devices.setdefault(face_of(sighting.port), []).append(sighting)
        touched = self._refresh(devices, now)
        faces = self._records.faces
        arriving = [f for f in devices if f not in faces or f not in faces[f].ports]
        if not arriving:
            return touched
        arriving.sort(key=_order)
        new = [Newcomer(face, self._matches(face, devices[face])) for face in arriving]
        scene = Scene(self._records.on_cables(), faces, arriving, now)
        for rule in (*RULES, self._records.heard_and_known):
            rest: list[Newcomer] = []
            for newcomer in new:
                found = rule(scene, newcomer)
                if found is None:
                    rest.append(newcomer)
                else:
                    touched += self._attach(scene, found, newcomer, devices[newcomer.face])
            new = rest
        for each in new:
            record = self._records.create(scene, each)
            touched += self._attach(scene, record, each, devices[each.face])
        return touched

    def _refresh(self, devices: dict[Face, list[Sighting]], now: float) -> list[Record]:
        """Remove ports that are gone and replace those that changed; the records touched."""
        touched: list[Record] = []
        for record in self._records:
            for face, before in list(record.ports.items()):
                ports = tuple(devices.get(face, ()))
                if ports == before:
                    continue
                if ports:
                    new = Newcomer(face, self._matches(face, ports))
                    self._records.show(record, new, ports)
                else:
                    del record.ports[face]
                    record.left_at = now
                touched.append(record)
        return touched

    def _shown_at(self, port: Port) -> tuple[Record, Face]:
        for record in self._records:
            for face, sightings in record.ports.items():
                if any(sighting.port.address == port.address for sighting in sightings):
                    return record, face
        raise PortGone(port=port.address)

    def _attach(
        self, scene: Scene, record: Record, new: Newcomer, sightings: list[Sighting]
    ) -> list[Record]:
        """The device is that of ``record``; the records that changed."""
        new_here, fresh = not record.faces, not record.visible
        unwatched = not record.ports and record.holder is None
        self._records.show(record, new, tuple(sightings))
        if fresh:
            record.first_seen = scene.now
        if unwatched and record.by_place:
            parted = self._records.part(record, learned=True)
            record.forget()
            return [record, *parted]
        if fresh and (known := self._records.memory.of(record.id)):
            record.recall(known)
            record.doubtful |= new_here and not scene.tells(new)
        return [record]

    def _hear(self, sightings: Sequence[Sighting], now: float) -> tuple[list[Record], list[Record]]:
        """Take over what is in the air; the records that changed, and those that came."""
        devices = air.by_key(sightings)
        changed: list[Record] = []
        silent: dict[str, Record] = {}
        for record in self._records:
            for key, before in list(record.air.items()):
                heard = tuple(devices.pop(key, ()))
                if heard == before:
                    continue
                if heard:
                    record.hear(key, air.models_of(self._catalog, heard), heard)
                else:
                    del record.air[key]
                    if record.heard_as == {key}:
                        silent.update({s.port.address: record for s in before if _unnumbered(s)})
                    record.left_at = record.left_at if record.faces else now
                changed.append(record)
        came = [self._heard(key, tuple(devices[key]), silent, now) for key in sorted(devices)]
        return changed, came

    def _heard(
        self, key: str, sightings: tuple[Sighting, ...], silent: dict[str, Record], now: float
    ) -> Record:
        models = air.models_of(self._catalog, sightings)
        record = air.whose(self._records, key, sightings, silent)
        record = record or self._records.create_heard(key, models)
        if not record.visible:
            record.first_seen = now
        record.hear(key, models, sightings)
        record.installed = sightings[0].port.service or record.installed
        return record

    def _changes(self, touched: Iterable[Record], gone: Iterable[Record] = ()) -> BoardChanges:
        appeared: list[Board] = []
        changed: list[Board] = []
        vanished: list[str] = [r.id for r in gone if self._shown.pop(r.id, None)]
        survivors = [self.require(record.id) for record in gone]
        for record in dict.fromkeys([*touched, *survivors]):
            if record not in self._records:
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


def _unnumbered(sighting: Sighting) -> bool:
    """It has not given its number so far; one that has does not change it."""
    return sighting.port.serial_number is None


def _order(face: Face) -> tuple[object, ...]:
    """Devices found at the same moment are numbered by their sockets."""
    place = natural_key(face.topology or face.address or "")
    return (place, face.vid or 0, face.pid or 0, face.serial or "")
