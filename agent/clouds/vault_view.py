"""What people see of the vault: entries without secrets, and why some cannot be read. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from agent.clouds.vault_entry import Damaged, Kind, Plain, State, Stored, unseal
from agent.errors import VaultDamaged, VaultUnreadable
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from agent.clouds.vault_file import Found
    from agent.clouds.vault_key import FoundKeys
    from agent.errors import ErrorReport
    from agent.settings.credentials import CloudSettings

    Opened: TypeAlias = tuple[Plain, CloudSettings | None]

_EMPTY: Final = "the cloud has not answered yet"
_NO_KEY: Final = "the key that it was sealed with is not on this computer"
_NO_KEYRING: Final = "the keyring that has its key is locked or does not answer"
_DAMAGED: Final = "its file is damaged"
_MENDS: Final = {
    _DAMAGED: "Put the file back if there is a copy; else set up the board again.",
    _NO_KEY: "Put keyring or key file back if there is a copy; else set up the board again.",
    _NO_KEYRING: "Unlock the keyring and try again.",
}


class VaultEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry without its secrets."""

    id: str
    board: str = ""
    """Id of the board; like all that follows empty if the file cannot be read."""
    board_name: str = ""
    cloud: str = ""
    device: str = ""
    """Name of the device in the cloud."""
    server: str = ""
    """Where the board connects to: ``mqtts://tb.example.com:8883``."""
    credentials: Kind = ""
    """Kind; empty: the cloud has not given them yet."""
    state: State | None = None
    made_at: float | None = None
    """Unix seconds."""
    proven_at: float | None = None
    job: str = ""
    """Job that made it."""
    hardware_id: str = ""
    """What the board said of itself; empty: it was not asked."""
    problem: str = ""
    """Why the credentials cannot be read; empty: they can."""


class VaultList(msgspec.Struct, frozen=True, kw_only=True):
    """The vault as people see it."""

    entries: list[VaultEntry]
    """Newest first."""
    key_in_file: bool = False
    """A key rests in a file, because there is no keyring or it failed; who copies all of this
    user's files can read those entries."""


def view(found: Sequence[Found], keys: FoundKeys) -> VaultList:
    """All of ``found``, newest first; one that cannot be read says why."""
    opened = open_all(found, keys.data)
    newest: dict[str, Plain] = {}
    for plain, _ in opened.values():
        if plain.state == "proven" and (
            plain.group not in newest or rank(newest[plain.group]) < rank(plain)
        ):
            newest[plain.group] = plain
    entries = [_entry(each, opened, newest.get(each.group), keys) for each in found]
    entries.sort(key=lambda each: (each.made_at or 0.0, each.id), reverse=True)
    return VaultList(entries=entries, key_in_file=bool(keys.in_files))


def open_entry(found: Found, keys: FoundKeys) -> tuple[Stored, CloudSettings | None]:
    """The entry with its credentials; raises :class:`VaultUnreadable`."""
    stored = found.stored
    if stored is None:
        raise _unreadable(found.id, "this board", _DAMAGED)
    key = keys.data.get(stored.plain.key)
    if key is None:
        why = _NO_KEYRING if keys.failed else _NO_KEY
        raise _unreadable(found.id, stored.plain.device, why)
    try:
        return stored, unseal(stored, key)
    except Damaged:
        raise _unreadable(found.id, stored.plain.device, _DAMAGED) from None


def open_all(found: Iterable[Found], keys: Mapping[str, bytes]) -> dict[str, Opened]:
    """Those that can be read, by id; what is not authentic decides nothing."""
    opened: dict[str, Opened] = {}
    for each in found:
        if each.stored is None or (key := keys.get(each.stored.plain.key)) is None:
            continue
        try:
            opened[each.id] = (each.stored.plain, unseal(each.stored, key))
        except Damaged:
            continue
    return opened


def empty(plain: Plain) -> VaultUnreadable:
    """The error for an entry whose cloud has not given credentials."""
    return VaultUnreadable(
        entry=plain.id,
        device=clean_text(plain.device),
        detail=_EMPTY,
        mend="Start the job again.",
    )


def rank(plain: Plain) -> tuple[int, float, str]:
    """Which of those that were proven was proven later."""
    return (plain.order, plain.proven_at or 0.0, plain.id)


def newest_proven(opened: Mapping[str, Opened]) -> str | None:
    """The id of the one that counts, of those of one board and cloud."""
    proven = [plain for plain, _ in opened.values() if plain.state == "proven"]
    return max(proven, key=rank).id if proven else None


def key_ids(found: Iterable[Found]) -> list[str]:
    """The keys that these are sealed with, one for each entry."""
    return [each.stored.plain.key for each in found if each.stored is not None]


def notice(entries: Iterable[VaultEntry], folder: Path) -> ErrorReport | None:
    """What to tell about entries that cannot be read; None: nothing."""
    why = [each.problem for each in entries if each.problem in _MENDS]
    if not why:
        return None
    reasons = [reason for reason in _MENDS if reason in why]
    detail = "; ".join(reasons)
    mend = " ".join(_MENDS[reason] for reason in reasons)
    return VaultDamaged(count=len(why), detail=detail, folder=str(folder), mend=mend).report()


def damage_notice(found: Iterable[Found], folder: Path) -> ErrorReport | None:
    """The same as far as it can be told without keys."""
    damaged = (VaultEntry(id=f.id, problem=_DAMAGED) for f in found if f.stored is None)
    return notice(damaged, folder)


def _entry(
    found: Found, opened: Mapping[str, Opened], newest: Plain | None, keys: FoundKeys
) -> VaultEntry:
    if found.stored is None:
        return VaultEntry(id=found.id, problem=_DAMAGED)
    plain = found.stored.plain
    problem = ""
    if found.id not in opened:
        problem = _NO_KEYRING if keys.failed else _NO_KEY
        if plain.key in keys.data:
            problem = _DAMAGED
    elif opened[found.id][1] is None:
        problem = _EMPTY
    # Between two writes of one change, or where a lost key kept it from being marked.
    late = plain.state == "proven" and newest is not None and rank(newest) > rank(plain)
    return VaultEntry(
        id=plain.id,
        board=clean_text(plain.board),
        board_name=clean_text(plain.board_name),
        cloud=clean_text(plain.cloud),
        device=clean_text(plain.device),
        server=clean_text(plain.server),
        credentials=plain.credentials,
        state="earlier" if late else plain.state,
        made_at=plain.made_at,
        proven_at=plain.proven_at,
        job=clean_text(plain.job),
        hardware_id=clean_text(plain.hardware_id or ""),
        problem=problem,
    )


def _unreadable(entry: str, device: str, detail: str) -> VaultUnreadable:
    shown = clean_text(device)
    return VaultUnreadable(entry=entry, device=shown, detail=detail, mend=_MENDS[detail])
