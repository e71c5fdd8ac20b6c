"""A vault that cannot be used: said before the cloud is asked, and nothing in it is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.clouds.accounts import KEYRING_LIMIT_S
from agent.clouds.mqtt import CONNECT_LIMIT_S
from agent.errors import VaultUnreadable
from agent.jobs.job import JobState
from agent.jobs.states import VAULT_LIMIT_S
from tests.jobs.enrol_bench import FACTS, EnrolBench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.catalog import Catalog

NAME = f"esp32-{FACTS['id']}"
ROOT = Path(__file__).parents[2]

ON_A_DISK = """
import asyncio, subprocess, sys
from pathlib import Path
from agent.catalog import Catalog
from tests.jobs.enrol_bench import EnrolBench

disk, home = Path(sys.argv[1]), Path(sys.argv[2])

def fill():
    with (disk / "fill").open("ab", buffering=0) as out:
        size = 1 << 16
        while size:
            try:
                if out.write(bytes(size)) < size:
                    size //= 2
            except OSError:
                size //= 2

async def refused(bench, before, **changes):
    asked = bench.server.record.count("provision")
    job = await bench.jobs.wait(await bench.provision(**changes))
    assert job.error is not None, job
    assert job.error.code == "vault", job.error
    print(job.error.title)
    assert bench.server.record.count("provision") == asked
    assert (bench.board.values, dict(bench.server.state.devices)) == before

async def main():
    bench = EnrolBench(home, Catalog.load(), vault_home=disk)
    await bench.start()
    await bench.start_agent(bench.account())
    job = await bench.jobs.wait(await bench.provision())
    assert job.state.value == "done", job
    (entry,) = (await bench.vault.list()).entries
    before = (dict(bench.board.values), dict(bench.server.state.devices))
    fill()
    await refused(bench, before, name="another", confirmed=True)
    (disk / "fill").unlink()
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    await refused(bench, before, name="another", confirmed=True)
    # What is there can still be read, tried out and put on the board again.
    bench.board.values.clear()
    (board,) = bench.boards.list()
    request = {"kind": "restore", "board": board.id, "entry": entry.id}
    job = await bench.jobs.wait(await bench.jobs.start(request, attended=False))
    assert job.state.value == "done", job
    assert bench.board.values == before[0]
    await bench.stop()

asyncio.run(main())
"""


@pytest.mark.system("linux")
def test_a_disk_that_is_full_or_read_only_is_said_before_the_cloud_is_asked(tmp_path: Path):
    disk, home = tmp_path / "disk", tmp_path / "home"
    disk.mkdir()
    home.mkdir()
    mount = f'mount -t tmpfs -o size=2m tmpfs {disk} && exec "$@"'
    done = subprocess.run(
        [
            *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"),
            *(sys.executable, "-c", ON_A_DISK, str(disk), str(home)),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    full, read_only = done.stdout.splitlines()
    assert "are free" in full
    assert "Read-only file system" in read_only


@pytest.fixture
async def bench(tmp_path: Path, catalog: Catalog) -> AsyncIterator[EnrolBench]:
    """A board that works with the only entry of the vault."""
    made = EnrolBench(tmp_path, catalog)
    await made.start()
    try:
        await made.start_agent(made.account(administrator=True))
        assert (await made.jobs.wait(await made.provision())).state is JobState.DONE
        yield made
    finally:
        await made.stop()


def damage(bench: EnrolBench) -> None:
    (path,) = (bench.vault_home / "vault").glob("*.json")
    path.write_bytes(path.read_bytes()[:-40])


def lose_key(bench: EnrolBench) -> None:
    for path in (bench.vault_home / "keys").iterdir():
        path.unlink()


@pytest.mark.parametrize("harm", [damage, lose_key])
async def test_what_cannot_be_read_is_told_and_stays_and_the_device_can_be_had_again(
    bench: EnrolBench, harm: Any
):
    (entry,) = (await bench.vault.list()).entries
    await bench.stop_agent()
    harm(bench)
    kept = {path: path.read_bytes() for path in (bench.vault_home / "vault").glob("*.json")}
    await bench.start_agent()
    (board,) = bench.boards.list()
    values = dict(bench.board.values)
    with pytest.raises(VaultUnreadable):
        await bench.jobs.start(
            {"kind": "restore", "board": board.id, "entry": entry.id}, attended=True
        )
    assert bench.board.values == values
    # The server has the name, so a person is asked; nothing was made and nothing was changed.
    number = await bench.provision()
    asked = await bench.asks(number)
    assert asked.question
    assert asked.question.error
    assert asked.question.error.code == "enrol-name-taken"
    await bench.jobs.answer(number, {"action": "administrator"})
    assert (await bench.jobs.wait(number)).state is JobState.DONE
    assert bench.board.values == values
    assert all(path.read_bytes() == content for path, content in kept.items())


async def test_a_removal_leaves_what_it_cannot_read_and_says_so(bench: EnrolBench):
    await bench.stop_agent()
    lose_key(bench)
    await bench.start_agent()
    (board,) = bench.boards.list()
    request = {"kind": "remove", "board": board.id, "cloud": "thingsboard", "confirmed": True}
    job = await bench.jobs.wait(await bench.jobs.start(request, attended=False))
    assert job.state is JobState.DONE, job
    assert bench.server.state.devices == {}
    assert len((await bench.vault.list()).entries) == 1
    assert job.result
    assert job.result["kept"]
    assert job.result["notes"]


async def test_a_folder_that_is_none_is_said_before_the_cloud_is_asked(bench: EnrolBench):
    asked = bench.server.record.count("provision")
    vault = bench.vault_home / "vault"
    vault.rename(bench.folder / "moved")
    vault.write_bytes(b"")
    for changes in ({"name": "another", "confirmed": True}, {"delivery": "header", "name": "x"}):
        job = await bench.jobs.wait(await bench.provision(**changes))
        assert job.error
        assert job.error.code == "vault"
    assert bench.server.record.count("provision") == asked
    assert list(bench.server.state.devices) == [NAME]
    vault.unlink()
    (bench.folder / "moved").rename(vault)
    assert len((await bench.vault.list()).entries) == 1


def test_a_keyring_that_nobody_unlocks_is_given_up_before_the_job_is():
    # Asked for what is there and for the key of a new entry; then a file takes its place. The look at
    # the server in between may be made in two versions of MQTT and of TLS.
    assert 2 * KEYRING_LIMIT_S + 4 * CONNECT_LIMIT_S < VAULT_LIMIT_S
