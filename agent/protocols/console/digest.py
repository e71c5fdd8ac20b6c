"""Digests of a delivery: what is sent to be stored, and the proof that it was.

SHA-256 over a word, the session and the table of :func:`agent.protocols.board_keys.table`. The two words
differ, so a board cannot give back what it was sent instead of looking into its memory; the session
differs each time, so an old answer proves nothing.
"""

from __future__ import annotations

import hashlib
from typing import Literal

Stage = Literal["draft", "stored"]


def digest(stage: Stage, session: str, table: bytes) -> str:
    """64 lower-case hex digits."""
    return hashlib.sha256(f"{stage}\0{session}\0".encode() + table).hexdigest()
