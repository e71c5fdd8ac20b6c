"""A plain start loads no library that it does not need yet."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

HEAVY = {
    "cbor2",
    "cryptography",
    "h11",
    "httpx",
    "hypothesis",
    "keyring",
    "rich",
    "serial",
    "serialx",
    "sqlite3",
    "starlette",
    "truststore",
    "uvicorn",
    "websockets",
}

ENTRIES = {
    "import agent": HEAVY | {"asyncio", "click", "msgspec"},
    "import agent.errors": HEAVY | {"asyncio", "click"},
    "import agent.catalog": HEAVY | {"asyncio", "click"},
    "import agent.protocols.v2": HEAVY - {"cbor2"} | {"asyncio", "click"},
}
"""What each start must not have loaded."""

PRINT_MODULES = (
    "import sys, json; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
)


def loaded(*words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return set(found)


@pytest.mark.parametrize("code", ENTRIES, ids=lambda code: code.removeprefix("import "))
def test_an_import_loads_nothing_heavy(code):
    assert not loaded("-c", f"{code}; {PRINT_MODULES}") & ENTRIES[code]
