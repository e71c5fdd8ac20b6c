"""Room on a disk: how much is free, and how little is none."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

FULL_BYTES: Final = 16 << 20
"""Three logs of 1 MB, the journal with its write-ahead file (4 MB and more while it is in use), and
the largest sketch (some 3 MB), all of them once more while they are replaced."""


def free_bytes(path: Path) -> int | None:
    """What is free for this account on the disk of ``path`` or of the nearest folder above it.

    None: the system does not say.
    """
    for place in (path, *path.parents):
        try:
            return shutil.disk_usage(place).free
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return None


def size_text(count: int) -> str:
    """``3.2 MB``, ``1.0 GB``."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
