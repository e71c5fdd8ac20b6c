"""Archives of tools: unpacked into an empty folder, and nothing of them is believed.

ZIP, and TAR packed with gzip or bzip2. Each name must lead to a place inside the folder on every
system; sizes are counted while unpacking. Links become copies of the files that they name, so that
nothing that is written later can follow one. The first folder of each name is dropped, as the
original does (agent-api-compat, section 9).
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import os
import posixpath
import re
import stat
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES_LIMIT: Final = 10_000
"""Files and folders of one tool; OpenOCD with its scripts has some 1000."""
UNPACKED_LIMIT: Final = 256 * 1024 * 1024
"""Bytes of one tool on the disk."""
NAME_LIMIT: Final = 240
"""Characters of a name in an archive."""
DEPTH_LIMIT: Final = 20
LINKS_LIMIT: Final = 8
"""So many links may lead to each other before the file."""
_HEADERS_LIMIT: Final = 1024 * 1024
"""Bytes between two files of a TAR archive: headers, long names, padding."""
_CENTRAL_LIMIT: Final = FILES_LIMIT * (46 + NAME_LIMIT + 100)
"""Bytes of the list of a ZIP archive, which is read into memory."""
_CHUNK: Final = 256 * 1024
_EOCD: Final = b"PK\x05\x06"
_EOCD_BYTES: Final = 22

_PART = re.compile(r"[^\x00-\x1f\x7f<>:\"\\|?*/]+")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|(com|lpt)[\d¹²³]) *(\.|$)")


class _Bytes(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes: ...


class ArchiveWrong(Exception):
    """The archive cannot be used; the text says why, as an end of a sentence."""


class UnpackedFile(msgspec.Struct, frozen=True):
    """A file as it was written."""

    size: int
    """Bytes."""
    sha256: str
    """Lower-case hexadecimal digits."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one archive may become."""

    files: int = FILES_LIMIT
    size: int = UNPACKED_LIMIT
    """Bytes."""


def unpack(data: bytes, folder: Path, limits: Limits | None = None) -> dict[str, UnpackedFile]:
    """Write what ``data`` holds into ``folder``, which is empty; the files by name, with ``/``.

    Every file is on the disk when this returns. Raises :class:`ArchiveWrong` and
    :class:`OSError`; what was written until then is still there.
    """
    writer = _Writer(folder, limits or Limits())
    try:
        if data[:4] in {b"PK\x03\x04", _EOCD}:
            _unzip(data, writer)
        elif data[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as plain:
                _untar(plain, writer)
        elif data[:3] == b"BZh":
            with bz2.BZ2File(io.BytesIO(data)) as plain:
                _untar(plain, writer)
        else:
            raise ArchiveWrong("it is neither a ZIP nor a packed TAR archive")
        writer.copy_links()
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise ArchiveWrong(f"it is damaged ({clean_text(str(error))})") from None
    except (NotImplementedError, RuntimeError, UnicodeError, ValueError, OverflowError) as error:
        raise ArchiveWrong(f"it is packed in an uncommon way ({clean_text(str(error))})") from None
    except OSError as error:
        if error.errno is None:  # bz2 says so of data that is not its own.
            raise ArchiveWrong(f"it is damaged ({clean_text(str(error))})") from None
        raise
    if not writer.files:
        raise ArchiveWrong("it holds no file")
    return writer.files


def inside(name: str, *, drop_first: bool = True) -> str:
    """Where ``name`` leads below a folder; empty for the folder itself.

    Raises :class:`ArchiveWrong` for a name that could lead out of it, or that a system takes for
    something else.
    """
    parts = [part for part in name.split("/") if part not in {"", "."}]
    shown = clean_text(name, 80)
    if len(name) > NAME_LIMIT or len(parts) > DEPTH_LIMIT:
        raise ArchiveWrong(f"the name {shown} is too long")
    wrong = name.startswith("/") or any(
        part == ".."
        or not part.isprintable()
        or part[-1] in ". "
        or _PART.fullmatch(part) is None
        or _RESERVED.match(part) is not None
        for part in parts
    )
    if wrong:
        raise ArchiveWrong(f"the name {shown} could lead out of its folder")
    return "/".join(parts[1:] if drop_first and len(parts) > 1 else parts)


class _Writer:
    """Writes below one folder and counts."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.files: dict[str, UnpackedFile] = {}
        self._folder = folder
        self._limits = limits
        self._entries = 0
        self._left = limits.size
        self._links: dict[str, str] = {}

    def count(self) -> None:
        """One more entry."""
        self._entries += 1
        if self._entries > self._limits.files:
            raise ArchiveWrong(f"it holds more than {self._limits.files} files")

    def file(self, name: str, source: _Bytes, *, program: bool) -> None:
        """Write what ``source`` gives as ``name``."""
        path = self._place(name)
        digest, size = hashlib.sha256(), 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags, 0o700 if program else 0o600), "wb") as file:
            while chunk := source.read(min(_CHUNK, self._left + 1)):
                self._left -= len(chunk)
                if self._left < 0:
                    raise ArchiveWrong(f"it becomes larger than {self._limits.size} bytes")
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
            file.flush()
            os.fsync(file.fileno())
        self.files[name] = UnpackedFile(size, digest.hexdigest())

    def link(self, name: str, target: str) -> None:
        """Remember that ``name`` stands for ``target``, a name inside the folder."""
        if name in self._links:
            raise ArchiveWrong(f"it holds {clean_text(name, 80)} twice")
        self._links[name] = target

    def copy_links(self) -> None:
        """Make copies of the files that links name; a link to a folder or to nothing is left out."""
        for name, target in self._links.items():
            end = target
            for _ in range(LINKS_LIMIT):
                if end not in self._links:
                    break
                end = self._links[end]
            if end in self.files and name:
                source = self._folder / end
                program = bool(source.stat().st_mode & stat.S_IXUSR)
                with source.open("rb") as file:
                    self.file(name, file, program=program)

    def _place(self, name: str) -> Path:
        path = self._folder / name
        taken = name in self.files or not name
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            taken = taken or path.exists()
        except (FileExistsError, NotADirectoryError):
            taken = True
        if taken:
            # Also two names that differ in their case only, where the system takes them for one.
            raise ArchiveWrong(f"it holds {clean_text(name, 80)} twice")
        return path


def _untar(plain: _Bytes, writer: _Writer) -> None:
    counted = _Counted(plain)
    counted.allow(_HEADERS_LIMIT)
    with tarfile.open(fileobj=counted, mode="r|", bufsize=tarfile.RECORDSIZE) as archive:
        for member in _members(archive, counted):
            writer.count()
            name = inside(member.name)
            if member.isdir():
                continue
            if member.issym():
                # Relative to where the link is, in the names of the archive.
                there = posixpath.join(posixpath.dirname(member.name), member.linkname)
                writer.link(name, _link_target(there, member.linkname))
            elif member.islnk():
                writer.link(name, _link_target(member.linkname, member.linkname))
            elif member.isreg() and not member.issparse():
                counted.allow(member.size + _HEADERS_LIMIT)
                source = archive.extractfile(member)
                if source is None:
                    raise ArchiveWrong(f"{clean_text(name, 80)} cannot be read")
                writer.file(name, source, program=bool(member.mode & 0o111))
            else:
                raise ArchiveWrong(f"{clean_text(name, 80)} is neither a file nor a folder")


def _members(archive: tarfile.TarFile, counted: _Counted) -> Iterator[tarfile.TarInfo]:
    while True:
        counted.allow(_HEADERS_LIMIT)
        member = archive.next()
        if member is None:
            return
        yield member


def _link_target(path: str, shown: str) -> str:
    normal = posixpath.normpath(path)
    if shown.startswith("/") or normal.startswith(("/", "..")):
        raise ArchiveWrong(f"a link leads out of its folder, to {clean_text(shown, 80)}")
    return inside(normal)


class _Counted(io.RawIOBase):
    """What a TAR archive is read from: no header makes it read more than was allowed."""

    def __init__(self, source: _Bytes) -> None:
        super().__init__()
        self._source = source
        self._left = 0

    def allow(self, size: int) -> None:
        """From here on, ``size`` bytes may be read."""
        self._left = size

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes, unpacked."""
        if self._left <= 0:
            raise ArchiveWrong("it holds headers that are too long")
        data = self._source.read(min(size if size >= 0 else _CHUNK, self._left))
        self._left -= len(data)
        return data


def _unzip(data: bytes, writer: _Writer) -> None:
    _check_list(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            writer.count()
            name = inside(entry.filename)
            mode = entry.external_attr >> 16 if entry.create_system == 3 else 0
            if entry.is_dir() or stat.S_ISDIR(mode):
                continue
            if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise ArchiveWrong(f"{clean_text(name, 80)} is packed in an uncommon way")
            with archive.open(entry) as source:
                if stat.S_ISLNK(mode):
                    target = source.read(NAME_LIMIT + 1).decode()
                    there = posixpath.join(posixpath.dirname(entry.filename), target)
                    writer.link(name, _link_target(there, target))
                elif stat.S_IFMT(mode) in {0, stat.S_IFREG}:
                    writer.file(name, source, program=bool(mode & 0o111))
                else:
                    raise ArchiveWrong(f"{clean_text(name, 80)} is neither a file nor a folder")


def _check_list(data: bytes) -> None:
    """Refuse a ZIP archive whose list would fill the memory."""
    at = data.rfind(_EOCD, max(0, len(data) - _EOCD_BYTES - 0xFFFF))
    if at < 0 or len(data) < at + _EOCD_BYTES:
        raise ArchiveWrong("it is cut off")
    if int.from_bytes(data[at + 12 : at + 16], "little") > _CENTRAL_LIMIT:
        raise ArchiveWrong(f"it holds more than {FILES_LIMIT} files")
