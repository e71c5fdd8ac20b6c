"""The store of sketches: content-addressed, checked whenever it is written or read.

``<folder>/<sha256>/<name>`` holds the bytes, one ``*.json`` beside it says what they are for; the
same bytes may serve several boards. Every change is a temporary file that is renamed once it is
whole, and changes of several processes take turns; reading needs no turn.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
from typing import TYPE_CHECKING, Final

import msgspec

from agent.errors import InputError, SketchDamaged, SketchUnknown, StoreFailed
from agent.flash.sketch import (
    SKETCH_LIMIT,
    Sketch,
    SketchKind,
    check_content,
    safe_name,
)
from agent.flash.store_folder import StoreFolder
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STORE_LIMIT: Final = 512 * 1024 * 1024
"""Bytes of the whole store. Above it, what can be fetched again goes, least recently used first;
what a person added or imported is never thrown away, new files are refused instead."""
DAMAGED_LIMIT: Final = 4
"""Damaged entries that are kept for a look at them; the oldest goes."""
TURN_LIMIT_S: Final = 30.0
"""Longest wait for another process that writes; a large sketch on a slow disk takes a second."""

_RECORD: Final = ".json"
_DAMAGED: Final = "damaged"
_SHA256 = re.compile(r"[0-9a-f]{64}")


class SketchStore:
    """The store in one folder. Its methods block for some milliseconds; run them in a thread."""

    def __init__(self, folder: Path, *, limit: int = STORE_LIMIT) -> None:
        """``limit`` is the size of the whole store in bytes."""
        self.folder = folder
        self._disk = StoreFolder(folder, StoreFailed, TURN_LIMIT_S)
        self._limit = limit

    def list(self) -> list[Sketch]:
        """What is there, by board, kind and age (newest first); contents are not checked."""
        with self._disk.failing():
            found = [sketch for _, sketch in self._records()]
        return sorted(found, key=lambda s: (s.fqbn, s.kind, -s.fetched_at))

    def find(self, wanted: str, fqbn: str | None = None) -> Sketch:
        """The one whose id begins with ``wanted``, or that has this name.

        Of records for several boards the one for ``fqbn`` if there is one. Raises
        :class:`SketchUnknown` for no or several contents.
        """
        matches = [
            sketch
            for sketch in self.list()
            if (wanted and sketch.sha256.startswith(wanted.lower())) or sketch.name == wanted
        ]
        contents = {sketch.sha256 for sketch in matches}
        if len(contents) != 1:
            raise SketchUnknown(wanted=clean_text(wanted), count=len(contents) or "No")
        mine = [sketch for sketch in matches if fqbn is not None and sketch.is_for(fqbn)]
        return (mine or matches)[0]

    def newest(self, fqbn: str, kind: SketchKind, sha256: str | None = None) -> Sketch | None:
        """The last one that was fetched for this kind of board, or the one with this SHA-256."""
        for sketch in self.list():
            same = sketch.kind == kind and sketch.is_for(fqbn)
            if same and sha256 in (None, sketch.sha256):
                return sketch
        return None

    def put(self, sketch: Sketch, data: bytes) -> Sketch:
        """Write ``data`` and what it is for; returns the record as stored.

        Raises :class:`SketchDamaged` unless size and SHA-256 are those of ``sketch``,
        :class:`InputError` if it is empty, too large or the store is full, :class:`StoreFailed`.
        """
        check_content(sketch, data)
        with self._disk.failing(), self._disk.turn():
            folder = self.folder / sketch.sha256
            there = self._data_file(folder)
            if there is not None and _digest_of(there) == sketch.sha256:
                sketch = msgspec.structs.replace(sketch, name=there.name)
            else:
                self._make_room(len(data), keep=sketch.sha256)
                sketch = msgspec.structs.replace(sketch, name=safe_name(sketch.name))
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                for left in folder.glob(".*"):
                    left.unlink()  # A draft of a process that was killed: nobody else writes now.
                if there is not None:
                    there.unlink()
                _write_checked(folder / sketch.name, data, sketch.sha256)
            record = folder / _record_name(sketch)
            if record.exists() and not sketch.kept:
                # What a person put here stays theirs even if it is fetched later.
                before = _read_record(record)
                sketch = msgspec.structs.replace(sketch, kept=bool(before and before.kept))
            _write_checked(record, msgspec.json.format(msgspec.json.encode(sketch)), None)
        return sketch

    def read(self, sketch: Sketch) -> bytes:
        """The bytes, their size and SHA-256 checked just now.

        A damaged entry is set aside first, so that it can be fetched again, and
        :class:`SketchDamaged` is raised; so it is for one that is gone.
        """
        path = self.folder / sketch.sha256 / sketch.name
        try:
            with path.open("rb") as file:
                data = file.read(SKETCH_LIMIT + 1)
            check_content(sketch, data)
        except (FileNotFoundError, NotADirectoryError):
            problem = "its file is gone from the store"
            self._set_aside(sketch)
            raise SketchDamaged(name=sketch.name, problem=problem) from None
        except (SketchDamaged, InputError):
            self._set_aside(sketch)
            raise
        except OSError as error:
            raise self._disk.error(error) from error
        with contextlib.suppress(OSError):
            # When it was used last decides what goes when the store is full.
            os.utime(path)
        return data

    def remove(self, sketch: Sketch) -> None:
        """Take the sketch out, for all boards that it is for."""
        with self._disk.failing(), self._disk.turn():
            self._delete(self.folder / sketch.sha256)

    # --- what needs the turn ---

    def _make_room(self, needed: int, keep: str) -> None:
        sizes: dict[Path, int] = {}
        used: dict[Path, float] = {}
        kept: set[Path] = set()
        for folder, sketch in self._records():
            data = self._data_file(folder)
            if data is not None:
                stat = data.stat()
                sizes[folder], used[folder] = stat.st_size, stat.st_mtime
            if sketch.kept or sketch.sha256 == keep:
                kept.add(folder)
        total = sum(sizes.values()) + needed
        for folder in sorted(sizes.keys() - kept, key=lambda each: used[each]):
            if total <= self._limit:
                break
            self._delete(folder)
            total -= sizes[folder]
        if total > self._limit:
            problem = f"is full with files of yours ({self._limit} bytes); remove some of them"
            raise InputError(field="the store of sketches", problem=problem)

    def _set_aside(self, sketch: Sketch) -> None:
        """Out of the way, with its records; the last few are kept."""
        with self._disk.failing(), self._disk.turn():
            folder = self.folder / sketch.sha256
            data = folder / sketch.name
            if (
                data.is_file()
                and data.stat().st_size == sketch.size
                and _digest_of(data) == sketch.sha256
            ):
                return  # Another process has mended it meanwhile.
            damaged = self.folder / _DAMAGED
            damaged.mkdir(mode=0o700, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                folder.rename(damaged / f"{sketch.sha256}.{secrets.token_hex(4)}")
            aside = sorted(damaged.iterdir(), key=lambda each: each.stat().st_mtime)
            for old in aside[:-DAMAGED_LIMIT]:
                shutil.rmtree(old, ignore_errors=True)

    def _delete(self, folder: Path) -> None:
        # Records first: whoever lists meanwhile must not see an entry without its file.
        for record in folder.glob(f"*{_RECORD}"):
            record.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)

    # --- files ---

    def _records(self) -> Iterator[tuple[Path, Sketch]]:
        if not self.folder.is_dir():
            return
        for folder in self.folder.iterdir():
            if not _SHA256.fullmatch(folder.name):
                continue
            for path in folder.glob(f"*{_RECORD}"):
                sketch = _read_record(path)
                if sketch is not None and sketch.sha256 == folder.name:
                    yield folder, sketch

    def _data_file(self, folder: Path) -> Path | None:
        if not folder.is_dir():
            return None
        for path in folder.iterdir():
            if not path.name.startswith(".") and path.suffix != _RECORD and path.is_file():
                return path
        return None


def _record_name(sketch: Sketch) -> str:
    """One record for each board and kind that the same bytes are for."""
    key = hashlib.sha256(f"{sketch.fqbn}\n{sketch.kind}".encode()).hexdigest()[:16]
    return f"{key}{_RECORD}"


def _read_record(path: Path) -> Sketch | None:
    """None for a record that cannot be read: its bytes can be fetched again."""
    try:
        sketch = msgspec.json.decode(path.read_bytes(), type=Sketch)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return sketch if sketch.name == safe_name(sketch.name) else None


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require_digest(path: Path, sha256: str, name: str) -> None:
    if _digest_of(path) != sha256:
        raise SketchDamaged(name=name, problem="the disk gave back other bytes than were written")


def _write_checked(path: Path, data: bytes, sha256: str | None) -> None:
    """A new file under its name only when it is whole on the disk."""
    draft = path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if sha256 is not None:
            _require_digest(draft, sha256, path.name)
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
