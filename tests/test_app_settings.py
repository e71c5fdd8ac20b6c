"""Settings that change while the agent runs, or that cannot be used when it starts."""

from __future__ import annotations

import json
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from agent.app import build
from agent.errors import InputError, OriginsUnsaved
from agent.settings.load import load_or_defaults
from agent.settings.paths import find_paths

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.app import App

NEITHER = "[ports]\nsystem = false\n[bluetooth]\nscan = 'never'\n"
"""Nothing of this computer is touched."""


@asynccontextmanager
async def agent(home: Path, text: str = NEITHER) -> AsyncIterator[App]:
    """An agent that was started with this file."""
    paths = find_paths({"MOORING_HOME": str(home)})
    paths.make()
    paths.config_file.write_text(text)
    loaded = load_or_defaults(paths.config_file, {})
    app = build(loaded.config, paths, problem=loaded.problem)
    try:
        await app.start()
        yield app
    finally:
        await app.close()


@pytest.fixture(autouse=True)
def level():
    """The log of the agent has its level back afterwards."""
    logger = logging.getLogger("agent")
    before = logger.level
    yield
    logger.setLevel(before)


async def test_what_can_change_counts_at_once(tmp_path):
    async with agent(tmp_path) as app:
        services = app.services
        values = {
            "log.level": "debug",
            "flash.urls": ["https://files.example.com/"],
            "network.proxy": "http://127.0.0.1:9",
            "desktop.notifications": False,
            "arduino.requests_per_s": 100,
        }
        seen = await services.settings.set(values)
        assert not any(each.pending for each in seen.settings)
        assert logging.getLogger("agent").level == logging.DEBUG
        assert services.flash_urls() == ["https://files.example.com/"]
        assert app.live.current.desktop.notifications is False
        proxy = app.routes.to("https://api2.arduino.cc").proxy
        assert proxy is not None
        assert proxy.address.reveal() == "http://127.0.0.1:9"


async def test_a_broken_file_is_a_notice_until_it_is_mended(tmp_path):
    file = tmp_path / "config.toml"
    async with agent(tmp_path, NEITHER) as app:
        file.write_text(NEITHER + "[log]\nlevle = 'debug'\n")
        await app.services.settings.get()
        (notice,) = app.services.notices.list()
        assert notice.code == "settings-broken"
        assert "line 6" in notice.title
        assert "log.level?" in notice.remedy
        file.write_text(NEITHER + "[log]\nlevel = 'debug'\n")
        await app.services.settings.get()
        assert app.services.notices.list() == []
        assert app.live.current.log.level == "debug"


async def test_an_agent_that_starts_with_a_broken_file_says_so_and_has_the_defaults(tmp_path):
    paths = find_paths({"MOORING_HOME": str(tmp_path)})
    paths.config_file.write_text("[log\n")
    loaded = load_or_defaults(paths.config_file, {})
    app = build(loaded.config, paths, problem=loaded.problem)
    assert [notice.code for notice in app.notices.list()] == ["settings-broken"]
    assert app.live.current.log.level == "info"
    await app.close()


@pytest.mark.parametrize(
    "url",
    [
        "https://api2.arduino.cc/",
        "http://127.0.0.2:9/a",
        "http://[::1]:9",
        "http://localhost",
        "HTTPS://A.example",
        "http://cloud.example",
        "https://me@a.example",
        "https://a.example/?b",
        "https://a.example/#",
        "https://a.example:99999",
        "ftp://a.example",
        " https://a.example",
        "https://",
        "",
    ],
)
async def test_the_agent_starts_with_every_address_of_the_cloud_that_the_settings_take(
    tmp_path, url
):
    paths = find_paths({"MOORING_HOME": str(tmp_path)})
    paths.make()
    paths.config_file.write_text(f'[arduino]\nbase_url = "{url}"\n{NEITHER}')
    loaded = load_or_defaults(paths.config_file, {})
    try:
        app = build(loaded.config, paths, problem=loaded.problem)
    except InputError:
        pytest.fail("the settings take an address that the agent refuses")
    await app.close()


async def test_a_list_of_pages_that_cannot_be_saved_is_a_notice_until_it_is(tmp_path):
    async with agent(tmp_path, NEITHER) as app:
        consent, notices = app.services.consent, app.services.notices
        consent.allow("https://app.example.com")
        file = find_paths({"MOORING_HOME": str(tmp_path)}).origins_file
        kept = file.rename(file.with_name("kept"))
        file.mkdir()
        with pytest.raises(OriginsUnsaved):
            consent.revoke("https://app.example.com")
        assert [notice.code for notice in notices.list()] == ["origins-unsaved"]
        file.rmdir()
        kept.rename(file)
        consent.revoke("https://app.example.com")
        assert notices.list() == []
        assert json.loads(file.read_text())["origins"] == []


async def test_a_broken_list_of_pages_is_a_notice_until_there_is_a_new_one(tmp_path):
    file = find_paths({"MOORING_HOME": str(tmp_path)}).origins_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("garbage")
    async with agent(tmp_path, NEITHER) as app:
        assert [notice.code for notice in app.services.notices.list()] == ["origins-broken"]
        app.services.consent.allow("https://app.example.com")
        assert app.services.notices.list() == []
