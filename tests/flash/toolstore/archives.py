"""Archives as vendors make them, and as nobody should."""

from __future__ import annotations

import bz2
import gzip
import io
import stat
import tarfile
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def tar(files: Mapping[str, bytes | tarfile.TarInfo], *, packing: str = "gz") -> bytes:
    """A packed TAR; names that end in ``!`` are programs."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            info = tarfile.TarInfo(name.rstrip("!"))
            info.size = len(content)
            info.mode = 0o6755 if name.endswith("!") else 0o644
            archive.addfile(info, io.BytesIO(content))
    pack = bz2.compress if packing == "bz2" else gzip.compress
    return pack(out.getvalue())


def entry(name: str, kind: bytes, *, link: str = "") -> tarfile.TarInfo:
    """An entry that is no plain file."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    return info


def zipped(files: dict[str, bytes], *, links: dict[str, str] | None = None) -> bytes:
    """A ZIP; names that end in ``!`` are programs."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name.rstrip("!"))
            info.create_system = 3
            info.external_attr = (0o755 if name.endswith("!") else 0o644) << 16
            archive.writestr(info, content)
        for name, target in (links or {}).items():
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, target)
    return out.getvalue()
