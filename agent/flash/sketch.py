"""A sketch as the store keeps it: what it is, for which board, and how it is checked."""

from __future__ import annotations

import hashlib
import re
from typing import Final, Literal, TypeAlias

import msgspec

from agent.errors import InputError, SketchDamaged
from agent.settings import clean_text

SketchKind: TypeAlias = Literal["provisioning-1.0", "lora-1.0", "provisioning-2.0", "local"]
KINDS: Final[tuple[SketchKind, ...]] = (
    "provisioning-1.0",
    "lora-1.0",
    "provisioning-2.0",
    "local",
)

SKETCH_LIMIT: Final = 32 * 1024 * 1024
"""Bytes of one sketch: twice the largest flash of the catalogue, for files with debug sections."""

_NAME_BYTES: Final = 80
_FQBN = re.compile(r"[\w.-]{1,60}:[\w.-]{1,60}:[\w.-]{1,60}(:[\w.,=-]{1,200})?", re.ASCII)
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")


class Sketch(msgspec.Struct, frozen=True, kw_only=True):
    """A sketch in the store, and for what it is."""

    sha256: str
    """Lower-case hexadecimal digits."""
    name: str
    size: int
    """Bytes."""
    kind: SketchKind
    fqbn: str
    version: str | None = None
    """None where the source does not tell it: the 1.0 sketches have none."""
    source: str = ""
    """Address it came from; empty for a file of this person."""
    fetched_at: float = 0.0
    """Unix seconds."""
    etag: str | None = None
    kept: bool = False
    """A person put it here: never thrown away to make room."""

    @property
    def id(self) -> str:
        """What people call it."""
        return self.sha256[:12]

    def is_for(self, fqbn: str) -> bool:
        """Whether it was built for this kind of board, whatever its options."""
        return without_options(self.fqbn) == without_options(fqbn)


def check_content(sketch: Sketch, data: bytes) -> None:
    """Raise unless ``data`` is what ``sketch`` says.

    :class:`InputError` for empty or too large, :class:`SketchDamaged` for another size or SHA-256.
    """
    name = clean_text(sketch.name)
    if not sketch.size:
        raise InputError(field=name, problem="is empty")
    if sketch.size > SKETCH_LIMIT or len(data) > SKETCH_LIMIT:
        raise InputError(field=name, problem=f"is larger than {SKETCH_LIMIT} bytes")
    if len(data) != sketch.size:
        problem = f"it has {len(data)} bytes instead of {sketch.size}"
        raise SketchDamaged(name=name, problem=problem)
    found = hashlib.sha256(data).hexdigest()
    if found != sketch.sha256:
        problem = f"its SHA-256 begins with {found[:12]} instead of {sketch.sha256[:12]}"
        raise SketchDamaged(name=name, problem=problem, found=found, expected=sketch.sha256)


def check_fqbn(fqbn: str) -> str:
    """``fqbn`` if it is one; else :class:`InputError`."""
    if not _FQBN.fullmatch(fqbn):
        problem = "is not an FQBN such as arduino:samd:mkrwifi1010"
        raise InputError(field="fqbn", problem=problem)
    return fqbn


def without_options(fqbn: str) -> str:
    """An FQBN without its board options."""
    return ":".join(fqbn.split(":")[:3])


def safe_name(name: str) -> str:
    """A file name that every system takes and that names no folder."""
    last = re.split(r"[/\\]", name)[-1]
    plain = re.sub(r"[^A-Za-z0-9._+-]", "_", last).strip(".")[-_NAME_BYTES:].lstrip(".")
    if plain.lower().endswith(".json"):
        # That ending is the store's own.
        plain = f"{plain[:-5]}_json"
    return f"_{plain}" if not plain or _RESERVED.match(plain) else plain
