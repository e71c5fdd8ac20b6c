"""``mooring batch`` for names without boards: a device in ThingsBoard and a file for each."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from agent.protocols.nvs.store import read_store
from agent.simulator.thingsboard_faults import Fault
from tests.cli.batch_line import PASSWORD, Line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.cli.conftest import Ended

HEAD = "# cloud = thingsboard\n# ssid = Factory\n"


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with Line(tmp_path / "line", 0) as made:
        yield made


def token(line: Line, device: str) -> str:
    return line.server.state.devices[device].credentials.id


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def counted(ended: Ended) -> tuple[int, int]:
    return ended.lines[-1]["done"], ended.lines[-1]["left"]


async def test_names_from_standard_input_become_header_files_and_images(line: Line):
    manifest = {
        "batch": "May",
        "cloud": "thingsboard",
        "ssid": "Factory",
        "delivery": "header",
        "name": "unit-{n}",
        "rows": [{"count": 3}, {"name": "gate", "delivery": "image"}],
    }
    results, folder = line.folder / "may.csv", line.folder / "out"
    ended = await line.run(
        *("batch", "-", "--json", "--results", str(results), "--files", str(folder)),
        stdin=json.dumps(manifest),
    )
    assert ended.status == 0, ended
    assert ended.lines[-1]["batch"] == "May"
    headers = [f"0000{n}-unit-{n}.h" for n in (1, 2, 3)]
    assert files(folder) == [*headers, "00004-gate.bin"]
    assert line.devices == ["gate", "unit-1", "unit-2", "unit-3"]
    image = read_store(folder.joinpath("00004-gate.bin").read_bytes())
    assert image.get("mooring", "tb_token") == token(line, "gate").encode()
    for n, name in enumerate(headers, 1):
        text = folder.joinpath(name).read_text(encoding="utf-8")
        assert PASSWORD in text
        assert token(line, f"unit-{n}") in text
    if sys.platform != "win32":
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    found = results.read_text(encoding="utf-8")
    told = {row["row"]: row for row in csv.DictReader(io.StringIO(found))}
    assert [told[n]["device"] for n in sorted(told)] == ["unit-1", "unit-2", "unit-3", "gate"]
    kept = [found.encode(), ended.out.encode(), ended.err.encode()]
    kept += [path.read_bytes() for path in line.home.rglob("journal.sqlite3*")]
    secrets = [PASSWORD, *(token(line, device) for device in line.devices)]
    assert not any(secret.encode() in content for secret in secrets for content in kept)


async def killed(process: asyncio.subprocess.Process, reached: Callable[[], bool]) -> None:
    """Kill the command as soon as it has come so far."""
    ending = asyncio.ensure_future(process.communicate(b""))
    while not reached():
        assert not ending.done(), ending.result()
        await asyncio.wait({ending}, timeout=0.005)
    process.kill()
    await ending


@pytest.mark.parametrize("moment", ["made and the answer lost", "some files are there"])
async def test_nothing_is_lost_or_made_twice_when_it_is_killed(line: Line, moment: str):
    manifest = line.manifest(HEAD + "# delivery = header\n# name = unit-{n:02}\ncount\n12\n")
    folder = line.folder / "line.files"

    def reached() -> bool:
        asked = [seen for seen in line.server.record.requests if seen.operation == "connect"]
        return bool(asked) if moment.startswith("made") else len(files(folder)) > 1

    if moment.startswith("made"):
        # Nobody hears that it was made, and looking whether it was takes long.
        line.server.faults.add(Fault("lose", "provision", times=2))
        line.server.faults.add(Fault("hang", "connect", times=None))
    await killed(await line.start("batch", str(manifest), "--json"), reached)
    line.server.faults.clear()
    assert len(files(folder)) < 12
    ended = await line.batch(manifest)
    assert ended.status == 0, ended
    assert counted(ended) == (12, 0)
    names = [f"unit-{n:02}" for n in range(1, 13)]
    assert line.devices == names
    assert [name for name in files(folder) if not name.startswith(".")] == [
        f"{n:05}-{name}.h" for n, name in enumerate(names, 1)
    ]
    for n, name in enumerate(names, 1):
        assert token(line, name) in folder.joinpath(f"{n:05}-{name}.h").read_text(encoding="utf-8")
    rows = {row["row"] for row in csv.DictReader(io.StringIO(line.results()))}
    assert rows == {str(n) for n in range(1, 13)}
