"""A newer version is told from what the agent was told last, in words that fit its package."""

from __future__ import annotations

import msgspec
import pytest

from agent.desktop.doctor.updates import NewerVersion
from agent.desktop.installed import Installed
from agent.desktop.updates import Kept, Newest
from agent.settings.config import UpdatesConfig
from tests.desktop.doctor.patient import codes, facts, look

ASKED = "https://school.test/updates.json"
SETTINGS = UpdatesConfig(url=ASKED)


def family(tmp_path, *, settings=SETTINGS, way=Installed.PIPX, version="2.0"):
    newest = Newest(
        version=version, url="https://school.test/get", date="2026-11-22", notes="Better boards."
    )
    kept = Kept(asked_url=ASKED, asked_at=1.0, newest=newest)
    file = tmp_path / "updates.json"
    file.write_bytes(msgspec.json.encode(kept))
    return NewerVersion(file, lambda: settings, "1.0", installed=lambda: way)


@pytest.mark.parametrize("way", Installed)
async def test_a_newer_version_is_told_with_the_way_to_it(tmp_path, way):
    (one,) = await look(family(tmp_path, way=way))
    assert (one.finding.code, one.finding.level.value) == ("update", "fine")
    assert "Version 2.0 of 2026-11-22" in one.finding.title
    assert "this is 1.0" in one.finding.title
    assert one.finding.meaning == "Better boards."
    assert one.finding.mend.startswith("Download it from https://school.test/get and ")
    assert facts(one)["installed"] == way.value


async def test_the_command_can_be_copied(tmp_path):
    (one,) = await look(family(tmp_path))
    assert one.finding.commands == ["pipx install --force mooring-2.0-py3-none-any.whl"]


@pytest.mark.parametrize(
    ("settings", "version"),
    [(SETTINGS, "1.0"), (UpdatesConfig(url=ASKED, check=False), "2.0"), (UpdatesConfig(), "2.0")],
)
async def test_without_a_newer_one_that_counts_all_is_fine(tmp_path, settings, version):
    assert await codes(family(tmp_path, settings=settings, version=version)) == ["updates-fine"]


async def test_what_was_never_asked_is_not_asked_here(tmp_path):
    one = NewerVersion(tmp_path / "updates.json", lambda: SETTINGS, "1.0")
    assert await codes(one) == ["updates-fine"]
