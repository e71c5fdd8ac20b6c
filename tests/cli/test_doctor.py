"""``mooring doctor`` as people and scripts run it."""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any

import pytest

from agent.catalog import Catalog
from agent.desktop.doctor.udev_rules import udev_rules
from tests.cli.conftest import Mooring, running_agent

pytestmark = pytest.mark.system("linux", "darwin")


@pytest.fixture(autouse=True)
def _other_desktop(alone: Mooring) -> None:
    """What is mended is not the computer of whoever runs the tests."""
    folder = alone.home / "desktop"
    folder.mkdir(mode=0o700)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_RUNTIME_DIR"):
        alone.environ[name] = str(folder)
    for name in ("DBUS_SYSTEM_BUS_ADDRESS", "DBUS_SESSION_BUS_ADDRESS"):
        alone.environ[name] = f"unix:path={folder}/none"
    for name in ("SUDO_UID", "DISPLAY", "WAYLAND_DISPLAY"):
        alone.environ.pop(name, None)


def by_code(document: Any) -> dict[str, Any]:
    assert "findings" in document, document
    return {finding["code"]: finding for finding in document["findings"]}


async def test_a_computer_on_which_nothing_is_in_the_way(mooring: Mooring):
    ended = await mooring.run("doctor", "--json")
    document = ended.document
    codes = by_code(document)
    problems = [each for each in document["findings"] if each["level"] == "problem"]
    assert (ended.status, problems) == (0, [])
    assert {"serial-fine", "page-fine", "internet-fine", "clock-fine", "disk-fine"} <= codes.keys()
    assert document["fixed"] == []
    assert "may open" in codes["serial-fine"]["title"]


async def test_people_read_what_it_means_and_what_to_do(mooring: Mooring):
    mooring.demo.paths.data_dir.chmod(0o755)
    ended = await mooring.run("doctor")
    assert ended.status == 0
    assert (
        f"! Other users of this computer can get at the folder {mooring.demo.paths.data_dir}. *"
        in (ended.out)
    )
    assert f"    Run: chmod go-rwx {mooring.demo.paths.data_dir}\n    [private-file]\n" in ended.out
    assert "--fix" in ended.err
    ended = await mooring.run("doctor", "--fix")
    assert "✓ Mended: Other users" in ended.out
    assert mooring.demo.paths.data_dir.stat().st_mode & 0o777 == 0o700


async def test_the_exit_status_tells_that_something_is_in_the_way(alone: Mooring):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{listener.getsockname()[1]}"
    file = alone.home / "config.toml"
    file.write_text(file.read_text().replace(alone.demo.cloud.base_url, nobody))
    ended = await alone.run("doctor", "--json")
    assert ended.status == 1
    assert by_code(ended.document)["cloud-unreachable"]["level"] == "problem"


async def test_broken_settings_are_a_finding_and_stop_no_other(alone: Mooring):
    file = alone.home / "config.toml"
    file.write_text(file.read_text() + "[log]\nlevle = 'debug'\n")
    ended = await alone.run("doctor", "--json")
    codes = by_code(ended.document)
    assert ended.status == 1
    assert "Did you mean log.level?" in codes["settings-broken"]["mend"]
    assert "clock-fine" in codes


async def test_nothing_is_written_when_no_agent_runs(alone: Mooring):
    before = sorted(path for path in alone.home.rglob("*"))
    await alone.run("doctor")
    assert sorted(path for path in alone.home.rglob("*")) == before


async def test_a_journal_that_the_agent_could_not_open_is_told(alone: Mooring):
    alone.demo.paths.journal_file.mkdir(parents=True)
    async with running_agent(alone):
        ended = await alone.run("doctor", "--json")
    assert ended.status == 1
    assert by_code(ended.document)["journal"]["level"] == "problem"


async def test_an_agent_from_before_the_last_update_is_told(alone: Mooring):
    async with running_agent(alone):
        file = alone.demo.paths.instance_file
        instance = json.loads(file.read_text())
        file.write_text(json.dumps(instance | {"version": "0.0.1"}))
        ended = await alone.run("doctor", "--json")
    codes = by_code(ended.document)
    assert ended.status == 0
    assert codes["agent-old"]["facts"]["running"] == "0.0.1"
    assert "disk-fine" in codes


async def test_a_range_of_ports_that_others_hold_is_told(alone: Mooring):
    file = alone.home / "config.toml"
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        lines = file.read_text().splitlines()
        lines[1:3] = [f"first_port = {port}", f"last_port = {port}"]
        file.write_text("\n".join(lines))
        ended = await alone.run("doctor", "--json")
    finding = by_code(ended.document)["no-free-port"]
    assert ended.status == 1
    if sys.platform == "linux":
        assert f"(process {os.getpid()})" in finding["meaning"]


async def test_the_udev_rule_is_printed_as_the_packages_have_it(alone: Mooring):
    rules = udev_rules(Catalog.load().models)
    assert (await alone.run("doctor", "--udev-rules")).out == rules
    ended = await alone.run("doctor", "--udev-rules", "--json")
    assert ended.document == {"name": "60-mooring.rules", "text": rules}
