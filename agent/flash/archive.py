"""Sketches carried from one computer to another in a ZIP file.

It holds ``sketches.json``, a list of records, and each sketch as ``<sha256>/<name>``. Nothing of it
is believed: names are made anew, sizes are bounded before a byte is unpacked, and every sketch
passes the same check as one that was fetched.
"""

from __future__ import annotations

import contextlib
import io
import zipfile
import zlib
from typing import TYPE_CHECKING, Final

import msgspec

from agent.errors import InputError, SketchDamaged, StoreFailed
from agent.flash.sketch import SKETCH_LIMIT, Sketch, check_content, check_fqbn
from agent.settings import clean_text
from agent.settings.files import write_private

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from agent.flash.store import SketchStore

LIST_NAME: Final = "sketches.json"
FORMAT: Final = 1
LIST_LIMIT: Final = 1024 * 1024
"""Bytes of the list: some thousand sketches."""
SKETCHES_LIMIT: Final = 1000
FILE_LIMIT: Final = 512 * 1024 * 1024
"""Bytes of the ZIP file."""
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The same sketches make the same file."""


class _List(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    sketches: list[Sketch]


def export_sketches(store: SketchStore, sketches: Sequence[Sketch], path: Path) -> None:
    """Write ``sketches`` to ``path``; :class:`SketchDamaged` or :class:`StoreFailed`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        listed = _List(format=FORMAT, sketches=list(sketches))
        archive.writestr(_entry(LIST_NAME), msgspec.json.format(msgspec.json.encode(listed)))
        for name, sketch in {_name(sketch): sketch for sketch in sketches}.items():
            archive.writestr(_entry(name), store.read(sketch))
    try:
        write_private(path, packed.getvalue())
    except OSError as error:
        raise StoreFailed(path=str(path), detail=error.strerror or str(error)) from error


def import_sketches(store: SketchStore, path: Path) -> list[Sketch]:
    """Put the sketches of a ZIP file into the store; what was put.

    Everything is checked before the first one is put. Raises :class:`InputError`,
    :class:`SketchDamaged`, :class:`StoreFailed`.
    """
    title = clean_text(path.name)
    try:
        if path.stat().st_size > FILE_LIMIT:
            raise InputError(field=title, problem=f"is larger than {FILE_LIMIT} bytes")
        with path.open("rb") as file, _explained(title), zipfile.ZipFile(file) as archive:
            listed = _list_of(archive, title)
            for sketch in listed:
                check_content(sketch, _content_of(archive, sketch))
            # Read twice, so that never more than one of them is in memory.
            return [store.put(sketch, _content_of(archive, sketch)) for sketch in listed]
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}"
        raise InputError(field=title, problem=problem) from None


def _list_of(archive: zipfile.ZipFile, title: str) -> list[Sketch]:
    listed = msgspec.json.decode(_unpack(archive, LIST_NAME, LIST_LIMIT), type=_List)
    if listed.format != FORMAT:
        problem = f"has format {listed.format}; this version reads {FORMAT}"
        raise InputError(field=title, problem=problem)
    if len(listed.sketches) > SKETCHES_LIMIT:
        raise InputError(field=title, problem=f"lists more than {SKETCHES_LIMIT} sketches")
    for sketch in listed.sketches:
        check_fqbn(sketch.fqbn)
    return [msgspec.structs.replace(sketch, kept=True) for sketch in listed.sketches]


def _content_of(archive: zipfile.ZipFile, sketch: Sketch) -> bytes:
    return _unpack(archive, _name(sketch), max(0, min(sketch.size, SKETCH_LIMIT)))


@contextlib.contextmanager
def _explained(title: str) -> Iterator[None]:
    """What can be wrong with a foreign archive, as one sentence."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        problem = f"is no archive of sketches: {clean_text(str(error))}"
        raise InputError(field=title, problem=problem) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        problem = f"has a list that is not understood: {clean_text(str(error))}"
        raise InputError(field=title, problem=problem) from None


def _unpack(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """At most one byte more than ``limit``: what an entry says of its size counts nothing."""
    try:
        found = archive.getinfo(name)
    except KeyError:
        raise zipfile.BadZipFile(f"{name} is missing") from None
    if found.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise zipfile.BadZipFile(f"{name} is packed in an uncommon way")
    with archive.open(found) as packed:
        data = packed.read(limit + 1)
    if len(data) > limit:
        raise SketchDamaged(name=clean_text(name), problem=f"it is longer than {limit} bytes")
    return data


def _name(sketch: Sketch) -> str:
    return f"{sketch.sha256}/{sketch.name}"


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry
