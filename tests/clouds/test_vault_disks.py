"""The vault on a disk that is really full or read-only: in a process and on a disk of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.system("linux")

START = """
import asyncio, sys
from pathlib import Path
from agent.errors import VaultFailed
from tests.clouds.vaults import add, add_proven, settings, states, vault_in

home = Path(sys.argv[1])

async def refused(work):
    try:
        await work
    except VaultFailed as error:
        return str(error)
    raise AssertionError("not refused")
"""

FULL = """
def fill_up(leave=0):
    with (home / "fill").open("ab", buffering=0) as out:
        size = 1 << 16
        while size:
            try:
                if out.write(bytes(size)) < size:
                    size //= 2
            except OSError:
                size //= 2
        if leave:
            out.truncate(out.tell() - leave)

async def main():
    vault = vault_in(home)
    kept = await add_proven(vault)
    other = await add(vault)
    before = await states(vault)
    fill_up(leave=500_000)
    print(await refused(add(vault)))
    fill_up()
    for work in (vault.prove(other), vault.replace(other, settings("long" * 50))):
        print(await refused(work))
    again = vault_in(home)
    assert await states(again) == before
    assert await again.entry(kept) == await again.entry(other) == settings()
    names = {path.name for path in (home / "vault").iterdir()}
    assert len(names) == 3, names
    (home / "fill").unlink()
    await vault.prove(other)
    assert await states(again) == {kept: "earlier", other: "proven"}

asyncio.run(main())
"""

READ_ONLY = """
import subprocess

async def main():
    vault = vault_in(home, wait_s=1.0)
    entry = await add_proven(vault)
    subprocess.run(["mount", "-o", "remount,ro", home], check=True)
    assert await states(vault) == {entry: "proven"}
    assert await vault_in(home).entry(entry) == settings()
    for work in (add(vault), vault.forget(entry)):
        print(await refused(work))

asyncio.run(main())
"""


def run_on(disk: Path, script: str) -> list[str]:
    """In a process that sees a disk of two megabytes at ``disk``, as nobody else does."""
    disk.mkdir()
    mount = f'mount -t tmpfs -o size=2m tmpfs {disk} && exec "$@"'
    done = subprocess.run(
        [
            *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"),
            *(sys.executable, "-c", START + script, str(disk)),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_full_disk_refuses_before_anything_depends_on_it_and_loses_nothing(
    tmp_path: Path,
) -> None:
    little, *none = run_on(tmp_path / "disk", FULL)
    assert "only 0." in little
    assert "MB are free" in little
    assert all("No space left on device" in line for line in none)
    assert len(none) == 2


def test_a_read_only_disk_can_be_read_and_refuses_changes(tmp_path: Path) -> None:
    said = run_on(tmp_path / "disk", READ_ONLY)
    assert len(said) == 2
    for line in said:
        assert "Read-only file system" in line or "Permission denied" in line, line
