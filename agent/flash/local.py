"""A file of this person: what can be said of it before it goes into the store.

Whether it fits into the board to the byte is checked by the flash method, before each flash.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from agent.errors import ImageRefused, InputError
from agent.flash.content import read_image
from agent.flash.sketch import SKETCH_LIMIT, Sketch, SketchKind, check_fqbn
from agent.settings import clean_text

if TYPE_CHECKING:
    from pathlib import Path

    from agent.catalog import Catalog, Model

_ANY_FORMAT = frozenset({"uf2", "rp2040"})
"""Methods that turn a memory image or an ELF file into what the board takes."""


def read_local(
    path: Path,
    fqbn: str,
    catalog: Catalog,
    *,
    kind: SketchKind = "local",
    version: str | None = None,
    now: float,
) -> tuple[Sketch, bytes]:
    """The file and its record; ``now`` in Unix seconds.

    Raises :class:`InputError` or :class:`ImageRefused`: not readable, empty, too large, not what
    its name says, or of a kind that the board does not take.
    """
    check_fqbn(fqbn)
    shown = clean_text(path.name)
    try:
        if not path.is_file():
            raise InputError(field=shown, problem="is not a file")
        with path.open("rb") as file:
            data = file.read(SKETCH_LIMIT + 1)
    except OSError as error:
        raise InputError(field=shown, problem=f"cannot be read: {error.strerror}") from None
    if len(data) > SKETCH_LIMIT:
        raise InputError(field=shown, problem=f"is larger than {SKETCH_LIMIT} bytes")
    read_image(path.name, data)
    model = catalog.by_fqbn(fqbn)
    if model is not None:
        _check_for(model, path, len(data))
    sketch = Sketch(
        sha256=hashlib.sha256(data).hexdigest(),
        name=path.name,
        size=len(data),
        kind=kind,
        fqbn=fqbn,
        version=version,
        fetched_at=now,
        kept=True,
    )
    return sketch, data


def _check_for(model: Model, path: Path, size: int) -> None:
    upload = model.upload
    taken = {upload.file_extension, upload.alternative_extension, upload.v1_binary_extension}
    taken.discard("")
    if upload.method in _ANY_FORMAT:
        taken |= {".bin", ".elf", ".uf2"}
    name, extension = clean_text(path.name), path.suffix.lower()
    if extension not in taken:
        known = ", ".join(sorted(taken))
        problem = f"this board takes {known}, not {extension or 'a file without extension'}"
        raise ImageRefused(name=name, model=model.name, problem=problem)
    if extension == ".bin" and upload.max_size is not None and size > upload.max_size:
        problem = f"it has {size} bytes, and the board has room for {upload.max_size}"
        raise ImageRefused(name=name, model=model.name, problem=problem)
