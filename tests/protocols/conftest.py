"""Vectors recorded from the reference firmware: one test per vector.

A test that takes ``frames_vector``, ``cbor_to_board_vector``, ``cbor_from_board_vector``,
``sessions_vector`` or ``v1_sessions_vector`` runs once for each vector of that kind in the folder
``MOORING_VECTORS``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

KINDS = ("frames", "cbor_to_board", "cbor_from_board", "sessions", "v1_sessions")
OWN_VECTORS = Path(__file__).parent.parent / "vectors"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Fill the arguments named after a kind of vector."""
    for kind in KINDS:
        name = f"{kind}_vector"
        if name in metafunc.fixturenames:
            vectors = read_vectors(kind)
            metafunc.parametrize(name, vectors, ids=[vector["id"] for vector in vectors])


def read_vectors(kind: str, folder: Path | None = None) -> list[dict[str, Any]]:
    """All vectors of one kind, from the folder that the tests are to use if none is given."""
    folder = folder or Path(os.environ.get("MOORING_VECTORS") or OWN_VECTORS)
    found: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.get("kind") == kind:
            found += data["vectors"]
    return found
