"""Whose device is this? What speaks for a board when a device appears, best evidence first.

Pure functions. Two mistakes are possible. A board that is not recognised shows up a second time,
which a person or a job can put right; a board that is taken for another one gets a sketch that
was meant for the other. So where two boards fit, neither is taken, and a board that a job waits
for is recognised by stricter rules. Source: flashing, sections 9 and 10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from agent.boards.identity import Face
    from agent.boards.record import Record
    from agent.catalog import UsbMatch

REENUMERATION_S: Final = 30.0
"""A device in the socket of a board that left this short a time ago may be its other role.
Loaders come up within 10 s (flashing, section 10); a person double-presses slower."""


class Newcomer(NamedTuple):
    """A device that no board shows yet."""

    face: Face
    matches: list[UsbMatch]
    """Models that it may be, and whether their sketch or their loader runs."""


class Scene(NamedTuple):
    """What is known at this moment."""

    records: Collection[Record]
    """Those that were ever seen on a cable."""
    faces: Mapping[Face, Record]
    """Who showed each face last."""
    arriving: Collection[Face]
    """All devices that appear at this moment."""
    now: float

    def expected(self, record: Record) -> bool:
        """It left a short time ago, or a job waits for it on its cable."""
        held = record.holder is not None and record.chosen != "ble"
        return held or self.now - record.left_at <= REENUMERATION_S

    def tells(self, new: Newcomer) -> bool:
        """The number of its sketch, which nothing else shows that appears at this moment."""
        face = new.face
        loader = {match.role for match in new.matches} == {"bootloader"}
        alone = sum(each.serial == face.serial for each in self.arriving) == 1
        return face.serial is not None and alone and not loader

    def last_in(self, topology: str | None) -> Record | None:
        """The board that was the last in this socket, or still is there."""
        there = (r for r in self.records if r.last is not None and r.last.topology == topology)
        return max(there, key=lambda r: r.turn, default=None) if topology else None

    def rivals(self, record: Record, new: Newcomer, *, held: bool = False) -> bool:
        """Another board is away as well that may be this device; ``held``: one that a job has."""
        return any(
            other is not record
            and not other.ports
            and (other.holder is not None or (not held and self.expected(other)))
            and other.may_be(new.face, new.matches)
            and not other.contradicts(new.face, new.matches)
            for other in self.records
        )


def by_number_in_its_socket(scene: Scene, new: Newcomer) -> Record | None:
    """The serial number of a sketch, in the socket where the board was."""
    if new.face.topology is None:
        return None
    return _latest(
        record
        for record in _bearers(scene, new)
        if not record.ports
        and record.last is not None
        and record.last.topology == new.face.topology
    )


def by_number(scene: Scene, new: Newcomer) -> Record | None:
    """The same anywhere: the board was moved. Only a number that one single board has."""
    bearers = _bearers(scene, new)
    alone = sum(face.serial == new.face.serial for face in scene.arriving) == 1
    return bearers[0] if alone and len(bearers) == 1 and not bearers[0].ports else None


def by_socket(scene: Scene, new: Newcomer) -> Record | None:
    """Sketch and loader of one board follow each other in one socket, whatever their numbers."""
    last = scene.last_in(new.face.topology)
    if last is None or last.ports or not scene.expected(last):
        return None
    if last.contradicts(new.face, new.matches) or not last.changes_role(new.matches):
        return None
    return last


def by_face(scene: Scene, new: Newcomer) -> Record | None:
    """A board looked exactly like this before: ids, number and place."""
    face = new.face
    record = scene.faces.get(face)
    if record is None or any(_is_another(face, shown) for shown in record.ports):
        return None
    if record.ports:
        return record if face in record.together else None
    held = record.holder is not None
    if face.topology is not None:
        if scene.last_in(face.topology) is not record and (held or not _numbered(record, face)):
            return None
        return record if _numbered(record, face) or scene.expected(record) else None
    # Its name is all that is left, and names are given anew.
    if record.bears(face, new.matches):
        away = [r for r in _bearers(scene, new) if r is not record and not r.ports]
        return None if any(held or twin.holder for twin in away) else record
    if not record.by_place or (held and scene.rivals(record, new)):
        return None
    return record


def by_loader_number(scene: Scene, new: Newcomer) -> Record | None:
    """The serial number of a loader; some makers give all their loaders the same."""
    if new.face.serial is None:
        return None
    bearers = [r for r in scene.records if r.bears(new.face, new.matches, loader=True)]
    if len(bearers) != 1 or bearers[0].ports:
        return None
    record = bearers[0]
    if record.holder is not None:
        was = record.last.topology if record.last else None
        if (was and new.face.topology) or scene.rivals(record, new):
            return None
    return record


Rule: TypeAlias = "Callable[[Scene, Newcomer], Record | None]"

RULES: Final[tuple[Rule, ...]] = (
    by_number_in_its_socket,
    by_number,
    by_socket,
    by_face,
    by_loader_number,
)
"""In this order; a board that was found by one is no more in question for the next."""


def _bearers(scene: Scene, new: Newcomer) -> list[Record]:
    return [record for record in scene.records if record.bears(new.face, new.matches)]


def _latest(records: Iterable[Record]) -> Record | None:
    return max(records, key=lambda r: r.turn, default=None)


def _numbered(record: Record, face: Face) -> bool:
    """More than the place speaks for it, or nothing but places ever did."""
    return face.serial is not None or record.by_place


def _is_another(face: Face, shown: Face) -> bool:
    """Two devices of one kind in two sockets at once, whatever their serial numbers say."""
    return (face.vid, face.pid) == (shown.vid, shown.pid) and face.topology != shown.topology
