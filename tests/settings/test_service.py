"""The settings as people see and change them."""

from __future__ import annotations

import asyncio

import pytest
from filelock import FileLock

from agent.errors import ErrorReport, SettingRefused, SettingsBroken
from agent.settings.config import Config
from agent.settings.file import SettingsFile
from agent.settings.keys import all_keys, build_config
from agent.settings.live import LiveConfig
from agent.settings.service import SettingsService


class Desk:
    """A service with its file."""

    def __init__(self, folder, started=None, environ=None):
        self.path = folder / "config.toml"
        self.live = LiveConfig(started or Config())
        self.problems: list[ErrorReport | None] = []
        self.service = SettingsService(
            SettingsFile(self.path, folder / "settings.lock"),
            self.live,
            on_problem=self.problems.append,
            environ=environ or {},
        )

    async def get(self):
        return self.by_key(await self.service.get())

    async def set(self, **values):
        named = {key.replace("__", "."): value for key, value in values.items()}
        return self.by_key(await self.service.set(named))

    @staticmethod
    def by_key(document):
        assert document.problem is None
        return {each.key: each for each in document.settings}


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


async def test_without_a_file_every_setting_is_its_default(desk):
    document = await desk.service.get()
    assert (document.path, document.problem) == (str(desk.path), None)
    assert [each.key for each in document.settings] == [key.name for key in all_keys()]
    for each in document.settings:
        assert (each.value, each.source, each.pending) == (each.default, "default", False)
        assert each.schema["type"] if "type" in each.schema else each.schema["enum"]
    assert not desk.path.exists()
    assert desk.problems == [None]


async def test_what_is_set_is_written_and_counts_where_it_can(desk):
    seen = await desk.set(log__level="debug", bridge__last_port=9001, desktop__notifications=False)
    assert (seen["log.level"].value, seen["log.level"].source) == ("debug", "file")
    assert not seen["log.level"].pending
    assert (seen["bridge.last_port"].value, seen["bridge.last_port"].pending) == (9001, True)
    assert seen["bridge.last_port"].applies == "restart"
    assert desk.live.current.log.level == "debug"
    assert desk.live.current.desktop.notifications is False
    assert desk.live.current.bridge.last_port == 8999
    seen = await desk.set(log__level=None, bridge__last_port=None)
    assert {seen[key].source for key in ("log.level", "bridge.last_port")} == {"default"}
    assert not seen["bridge.last_port"].pending
    assert desk.live.current.log.level == "info"


async def test_bluetooth_that_shall_be_never_is_pending_although_it_applies_now(desk):
    assert not (await desk.set(bluetooth__scan="always"))["bluetooth.scan"].pending
    seen = (await desk.set(bluetooth__scan="never"))["bluetooth.scan"]
    assert (seen.value, seen.applies, seen.pending) == ("never", "now", True)
    assert desk.live.current.bluetooth.scan == "asked"


async def test_what_an_editor_wrote_is_seen_and_counts(desk):
    desk.path.write_text("[log]\nlevel = 'debug' # mine\n")
    assert (await desk.get())["log.level"].value == "debug"
    assert desk.live.current.log.level == "debug"


async def test_a_variable_of_the_environment_wins_and_is_named(tmp_path):
    desk = Desk(tmp_path, environ={"IOT_API_URL": "http://127.0.0.1:9"})
    seen = (await desk.set(arduino__base_url="https://other.example"))["arduino.base_url"]
    assert (seen.value, seen.source) == ("http://127.0.0.1:9", "environment")
    assert "other.example" in desk.path.read_text()


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("log.levle", "debug", "is not a setting; did you mean log.level?"),
        ("level", "debug", "did you mean log.level?"),
        ("\x1b[2J", 1, "is not a setting"),
        ("log.level", "loud", 'must be "debug", "info"'),
        ("bridge.first_port", True, "must be a whole number from 1024 to 65535"),
        ("bridge.first_port", "8991", "must be a whole number"),
        ("arduino.requests_per_s", float("inf"), "must be a number"),
        ("flash.tools", {"esptool": "x"}, "a whole path"),
        ("ports.ignore", [["COM7"]], "must be a list of texts"),
        ("ports.simulated", "a\ud800", "cannot be typed"),
        ("network.proxy", "socks5://me:hunter22@h", "must be"),
    ],
)
async def test_a_wrong_value_is_named_and_nothing_of_the_change_is_written(
    desk, key, value, problem
):
    with pytest.raises(SettingRefused) as caught:
        await desk.service.set({"log.level": "debug", key: value})
    report = caught.value.report()
    assert problem in report.title
    assert "hunter22" not in str(report)
    assert "\x1b" not in report.title
    assert not desk.path.exists()
    assert desk.live.current == Config()


async def test_a_broken_file_is_told_each_time_and_never_written(desk):
    desk.path.write_text("[log]\nlevel = 'debug'\n")
    await desk.get()
    desk.path.write_text("[log]\nlevle = 'debug'\n")
    document = await desk.service.get()
    assert document.problem is not None
    assert "log.level?" in document.problem.remedy
    by_key = {each.key: each for each in document.settings}
    # What the agent works with, for what the person wants cannot be told.
    assert (by_key["log.level"].value, by_key["log.level"].source) == ("debug", "file")
    assert by_key["ports.ignore"].source == "default"
    with pytest.raises(SettingsBroken):
        await desk.service.set({"log.level": "info"})
    assert desk.path.read_text() == "[log]\nlevle = 'debug'\n"
    desk.path.write_text("[log]\nlevel = 'error'\n")
    await desk.get()
    assert desk.live.current.log.level == "error"
    assert [problem is None for problem in desk.problems] == [True, False, True]


async def test_a_variable_that_cannot_be_used_is_a_problem(tmp_path):
    document = await Desk(tmp_path, environ={"IOT_API_URL": "cloud"}).service.get()
    assert document.problem is not None
    assert "IOT_API_URL" in document.problem.title


async def test_a_proxy_with_a_password_is_kept_and_shown_nowhere(desk):
    whole, shown = "http://me:hunter22@h:3128", "http://***@h:3128"
    seen = await desk.set(network__proxy=whole)
    assert seen["network.proxy"].value == shown
    assert desk.live.current.network.proxy.reveal() == whole
    assert whole in desk.path.read_text()
    # A form that is sent back with what it was shown changes nothing.
    await desk.set(network__proxy=shown, log__level="debug")
    assert whole in desk.path.read_text()
    with pytest.raises(SettingRefused, match="masked"):
        await desk.set(network__proxy="http://***@other:3128")
    assert "hunter22" not in repr(desk.live.current)
    await desk.set(network__proxy="")
    assert "hunter22" not in desk.path.read_text()


async def test_changes_at_the_same_time_are_all_kept(desk):
    ports = [f"COM{number}" for number in range(8)]
    await asyncio.gather(
        desk.set(ports__ignore=ports),
        desk.set(log__level="debug"),
        desk.set(updates__check=False),
        desk.service.get(),
    )
    wanted = {"ports.ignore": ports, "log.level": "debug", "updates.check": False}
    assert {key: each.value for key, each in (await desk.get()).items() if key in wanted} == wanted


async def test_what_the_agent_was_started_with_decides_what_is_pending(tmp_path):
    desk = Desk(tmp_path, build_config({"bridge.last_port": 9005}))
    assert (await desk.get())["bridge.last_port"].pending
    assert not (await desk.set(bridge__last_port=9005))["bridge.last_port"].pending


async def test_a_page_that_closes_while_it_saves_leaves_no_setting_that_only_seems_to_count(desk):
    counts = asyncio.Event()
    desk.live.subscribe(counts.set)
    lock = FileLock(desk.path.with_name("settings.lock"))
    with lock:
        saving = asyncio.create_task(desk.service.set({"log.level": "debug"}))
        await asyncio.sleep(0)
        saving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await saving
    await counts.wait()
    assert desk.live.current.log.level == "debug"
    assert "debug" in desk.path.read_text()
