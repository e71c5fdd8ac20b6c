"""``mooring report``: where it goes, what works when little else does, and what is never in it."""

from __future__ import annotations

import json
import os
import platform
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.cli.demo import demo_surroundings
from agent.desktop.instance import find_instance
from agent.settings import Secret
from tests.desktop.report.search import found_in

from .conftest import ROOT, SPEED, Mooring, finish
from .person import Person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

PASSWORD = "MARKER-pass word#1"
WRONG = "MARKER-wrong&word"
PROXY_LOGIN, PROXY_WORD = "MARKERcorp", "MARKERproxyword"
PAGE = "https://marker-page.example"
FAR_NETWORK = "MARKER Nétz 5G"
NAME = "MARKER-lamp"
ENVIRONMENT = {"HTTPS_PROXY": f"http://{PROXY_LOGIN}:{PROXY_WORD}@marker-proxy.example:3128"}


@pytest.fixture
async def secretive() -> AsyncIterator[Mooring]:
    async with demo_surroundings(password=Secret(PASSWORD), speed=SPEED) as demo:
        mooring = Mooring(demo)
        mooring.environ |= ENVIRONMENT
        mooring.environ.pop("NO_PROXY", None)
        yield mooring


def require_absent(values: Iterable[str], places: dict[str, bytes]) -> None:
    for place, data in places.items():
        for value in values:
            assert not found_in(value, data), f"{value} in {place}"


# No signal makes a program crash on Windows.
CRASHES = pytest.param(True, id="that crashes", marks=pytest.mark.system("linux", "darwin"))


@pytest.mark.parametrize("crashes", [pytest.param(False, id="that ends"), CRASHES])
async def test_nothing_secret_or_personal_of_a_run_is_in_its_report(secretive, crashes, tmp_path):
    assert (await secretive.sign_in()).status == 0
    assert (await secretive.run("origins", "allow", PAGE)).status == 0
    agent = await secretive.start("run", "--headless", "--json")
    await agent.stdout.readline()
    instance = find_instance(secretive.demo.paths)
    assert instance is not None
    words = (
        *("provision", secretive.board, "--cloud", "arduino", "--name", NAME),
        *("--password-stdin", "--yes", "--ssid"),
    )
    outputs = [
        await secretive.run(*words, FAR_NETWORK, stdin=f"{WRONG}\n"),
        await secretive.run(*words, secretive.demo.network.ssid, stdin=f"{WRONG}\n"),
        await secretive.run(*words, secretive.demo.network.ssid, stdin=f"{PASSWORD}\n"),
    ]
    assert [each.status for each in outputs] == [1, 1, 0]
    reports = {"by the agent": (await secretive.run("report", "-")).out.encode()}
    agent.send_signal(signal.SIGSEGV if crashes else signal.SIGTERM)
    outputs.append(await finish(agent))
    if crashes:
        crash = secretive.demo.paths.log_file.with_suffix(".crash").read_text()
        assert "Segmentation fault" in crash
    file = tmp_path / "alone.txt"
    outputs.append(await secretive.run("report", str(file)))
    reports["alone"] = file.read_bytes()

    kept = {
        path.name: path.read_bytes()
        for path in secretive.home.rglob("*")
        if path.is_file() and path.name != "accounts.json" and "ports" not in path.parts
    }
    secrets = [PASSWORD, WRONG, PROXY_LOGIN, PROXY_WORD]
    secrets += [secretive.demo.cloud.client_secret.reveal()]
    token = instance.token.reveal()
    shown = {f"output {n}": (each.out + each.err).encode() for n, each in enumerate(outputs)}
    require_absent(secrets, {**kept, **shown, **reports})
    kept.pop("instance.json", None)
    require_absent([token], {**kept, **shown, **reports})

    text = reports["alone"].decode()
    assert "provision: done" in text
    assert "provision: failed" in text
    assert ("Segmentation fault" in text) == crashes
    personal = [FAR_NETWORK, NAME, "marker-page.example", "marker-proxy.example"]
    personal += [secretive.demo.network.ssid, secretive.board, str(secretive.home)]
    personal += [each.uhwid for each in secretive.demo.cloud.state.onboardings.values()]
    personal += [secretive.demo.cloud.client_id, platform.node()]
    require_absent(personal, reports)
    assert b"MARKER" not in reports["alone"]
    assert b"It runs and made this report" in reports["by the agent"]


async def test_a_file_is_for_this_user_alone_and_is_replaced_only_if_that_was_agreed_to(
    alone, tmp_path
):
    file = tmp_path / "r.txt"
    made = await alone.run("report", str(file), "--json")
    assert made.document == {"file": str(file)}
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("mine")
    again = await alone.run("report", str(file))
    assert again.status == 2
    assert "is there already" in again.err
    assert file.read_text() == "mine"
    assert (await alone.run("report", str(file), "--yes")).status == 0
    assert file.read_text().startswith("A report of Mooring")
    assert (await alone.run("report", str(tmp_path))).status == 2
    missing = await alone.run("report", str(tmp_path / "none" / "r.txt"))
    assert missing.status == 2
    assert "there is no such folder" in missing.err


@pytest.mark.system("linux", "darwin")
@pytest.mark.parametrize(("answer", "status"), [("no", 2), ("yes", 0)])
async def test_a_person_is_asked_before_a_file_is_replaced(alone, tmp_path, answer, status):
    file = tmp_path / "r.txt"
    file.write_text("mine")
    person = Person(alone)
    try:
        await person.start("report", str(file))
        await person.sees("is there already. Replace it? (yes or no): ")
        person.types(f"{answer}\n")
        assert await person.status() == status
        assert (file.read_text() == "mine") == (answer == "no")
    finally:
        await person.close()


async def test_without_a_name_it_is_a_file_in_this_folder(alone, tmp_path):
    process = await alone.start("report", cwd=tmp_path)
    ended = await finish(process)
    (file,) = tmp_path.iterdir()
    assert str(file) in ended.out
    assert file.name.startswith("mooring-report-")


async def test_it_is_made_with_broken_settings_a_broken_journal_and_a_silent_agent(alone):
    paths = alone.demo.paths
    paths.config_file.write_text("[bridge\nfirst_port = 9")
    paths.journal_file.write_bytes(b"not a database" * 100)
    paths.origins_file.write_bytes(b"\xff")
    made = await alone.run("report", "-", "--json")
    assert made.status == 0, made.err
    text = made.document["text"]
    assert "file is not a database" in text
    assert "config.toml" in text.partition("== The doctor ==")[2]


@pytest.mark.system("linux")
def test_with_a_read_only_home_and_folder_it_goes_to_standard_output(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    script = f'mount --bind {home} {home} && mount -o remount,bind,ro {home} && cd {home} && "$@"'
    done = subprocess.run(
        [
            *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"),
            *(sys.executable, "-m", "agent", "report"),
        ],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("XDG_")},
            "MOORING_HOME": str(home / "mooring"),
            "HOME": str(home),
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("A report of Mooring")
    assert "folder-closed" in done.stdout
    assert "No file can be made here" in done.stderr
    assert not list(Path(home).iterdir())
    assert json.dumps(done.stdout)
