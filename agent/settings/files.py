"""Files that only this user may read, replaced as a whole."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_private(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replace ``path`` by ``data`` with mode 0600; a reader sees the old bytes or the new ones.

    The folder is made if it is missing (0700). On Windows the folder of the user protects the file.
    ``durable`` costs some milliseconds: after a power cut it is there. Without it the old file or
    none may be.
    Raises :class:`OSError`; the old file is untouched then.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk: a new, replaced or deleted file survives a power cut.

    Nothing happens where the system keeps no folder open (Windows) or the file system does not do it.
    """
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
