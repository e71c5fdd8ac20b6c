"""What a row that becomes a file costs the vault when thousands of such rows are in it already."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[2]))

import msgspec

from agent.clouds.vault_entry import new_id, parse_entry, seal
from agent.clouds.vault_key import VaultKeys
from tests.clouds.vaults import add, entry_files, settings, vault_in

Row = tuple[str, float, str, str | None]

ENTRIES = 9_000
ROWS = 20


async def run() -> list[Row]:
    """Processor time for each of some rows: look it up, keep it, keep what the cloud said."""
    with TemporaryDirectory() as name:
        home = Path(name)
        await add(vault_in(home), "")
        await _fill(home, ENTRIES)
        vault = vault_in(home)
        began = time.process_time()
        for number in range(ROWS):
            given = settings(f"row-{number}")
            assert not await vault.of_board("", given.cloud, device=given.name)
            await vault.replace(await add(vault, "", given), given)
        row_ms = 1000 * (time.process_time() - began) / ROWS
    return [(f"vault: a row among {ENTRIES} others", row_ms, "ms", "<= 60")]


async def _fill(home: Path, count: int) -> None:
    """Entries as the vault writes them, without waiting for the disk."""
    (first,) = entry_files(home)
    plain = parse_entry(first.read_bytes()).plain
    key = await VaultKeys(home / "vault-keys", use_keyring=False).current()
    for number in range(count):
        given = settings(f"gate-{number}")
        own = msgspec.structs.replace(plain, id=new_id(), device=given.name, key=key.id)
        first.with_name(own.file_name).write_bytes(seal(own, given, key.data))
