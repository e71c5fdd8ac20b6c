"""Where lock and token of the running agent are: in a folder that is surely this user's."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from pathlib import Path


def choose_runtime_dir(wanted: Path) -> Path:
    """``wanted``, or on a read-only disk a folder among the temporary ones, which is then made.

    Every program of this user comes to the same answer. A folder there that somebody else made, or
    that others may enter, is not used: what is in it says whom to give passwords to.
    """
    base = wanted
    while not base.exists() and base != base.parent:
        base = base.parent
    if not base.is_dir() or os.access(base, os.W_OK | os.X_OK):
        return wanted
    user = ""
    if sys.platform != "win32":
        user = f"-{os.geteuid()}"
    number = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
    other = Path(tempfile.gettempdir()) / f"mooring{user}-{number}"
    try:
        other.mkdir(mode=0o700, exist_ok=True)
        return other if _is_ours(other) else wanted
    except OSError:
        return wanted


def _is_ours(folder: Path) -> bool:
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        return False
    if sys.platform == "win32":
        return True  # the folder of temporary files is this user's own
    return status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) & 0o077 == 0
