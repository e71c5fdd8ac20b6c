"""``mooring config`` as people and scripts run it, and a broken file as every command meets it."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import pytest

from agent.cli.config_commands import shorten
from agent.cli.entry import main
from tests.cli.conftest import Ended, Mooring, running_agent
from tests.cli.person import Person

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROXY = "http://me:hunter22@proxy.example:3128"
SHOWN = "http://***@proxy.example:3128"


@pytest.fixture
def mooring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """A command in an empty home, with no agent; inside this process, for there are many."""
    monkeypatch.setenv("MOORING_HOME", str(tmp_path))

    def run(*words: str, stdin: str = "", **environ: str) -> Ended:
        monkeypatch.delenv("IOT_API_URL", raising=False)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as ended:
            main(words)
        captured = capsys.readouterr()
        return Ended(int(ended.value.code or 0), captured.out, captured.err)

    return run


def settings(ended: Ended) -> dict[str, Any]:
    return {each["key"]: each for each in ended.document["settings"]}


# --- without an agent ------------------------------------------------------------------------------


def test_all_settings_are_shown_with_where_each_comes_from(mooring, tmp_path):
    (tmp_path / "config.toml").write_text("[log]\nlevel = 'debug'\n")
    ended = mooring("config", IOT_API_URL="http://127.0.0.1:9")
    rows = {row.split()[0]: row.split()[1:] for row in ended.out.splitlines()}
    assert rows["log.level"] == ['"debug"', "file"]
    assert rows["arduino.base_url"] == ['"http://127.0.0.1:9"', "environment"]
    assert rows["ports.ignore"] == ["[]", "default"]
    assert str(tmp_path / "config.toml") in ended.err
    assert ended.status == 0


@pytest.mark.parametrize(
    ("room", "value", "shown"),
    [
        (None, ["COM7"] * 3, '["COM7", "COM7", "COM7"]'),
        (24, ["COM7"] * 3, '["COM7", "COM7", "COM7"]'),
        (24, ["COM7"] * 100, '["COM7", … 99 more]'),
        (24, ["https://host.example.com/"] * 100, "[… 100 in all]"),
        (24, "https://host.example.com/", '"https://host.example.c…'),
    ],
)
def test_a_long_value_keeps_to_its_room(room, value, shown):
    assert shorten(value, room) == shown


def test_one_is_got_as_a_script_needs_it(mooring):
    assert mooring("config", "get", "log.level").out == "info\n"
    assert mooring("config", "get", "bridge.first_port").out == "8991\n"
    assert mooring("config", "get", "ports.ignore").out == "[]\n"
    assert mooring("config", "get", "log.level", "--json").document["default"] == "info"


@pytest.mark.parametrize(
    ("key", "words", "value"),
    [
        ("log.level", ["debug"], "debug"),
        ("bridge.first_port", ["8995"], 8995),
        ("arduino.requests_per_s", ["2.5"], 2.5),
        ("arduino.requests_per_s", ["8"], 8.0),
        ("updates.check", ["false"], False),
        ("ports.ignore", ["COM7", "/dev/tty é"], ["COM7", "/dev/tty é"]),
        ("ports.ignore", ["COM7", "COM9"], ["COM7", "COM9"]),
        ("ports.ignore", ['["COM7","COM9"]'], ["COM7", "COM9"]),
        ("flash.urls", ["[]"], []),
        ("flash.tools", [r"esptool=C:\a=b.exe"], {"esptool": r"C:\a=b.exe"}),
        ("flash.tools", ['{ dfu-util = "/x" }'], {"dfu-util": "/x"}),
        ("nvs.keys", ["tb_token=a=b", "wifi_ssid=ssid"], {"tb_token": "a=b", "wifi_ssid": "ssid"}),
        ("nvs.keys", ['{ tb_token = "token" }'], {"tb_token": "token"}),
        ("arduino.title", ["true"], "true"),
        ("network.proxy", ["none"], "none"),
    ],
)
def test_what_is_set_is_what_is_got(mooring, key, words, value):
    ended = mooring("config", "set", key, *words, "--json")
    assert ended.status == 0
    setting = settings(ended)[key]
    assert (setting["value"], setting["source"], setting["pending"]) == (value, "file", False)
    assert settings(mooring("config", "--json"))[key] == setting
    assert settings(mooring("config", "unset", key, "--json"))[key]["source"] == "default"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["set", "log.levle", "debug"], "did you mean log.level?"),
        (["get", "log.levle"], "did you mean log.level?"),
        (["unset", "log.levle"], "did you mean log.level?"),
        (["set", "log.level", "loud"], 'must be "debug", "info", "warning" or "error"'),
        (["set", "log.level", "debug", "info"], "takes one value"),
        (["set", "bridge.first_port", "1e4"], "must be a whole number from 1024 to 65535"),
        (["set", "bridge.first_port", "9000"], "above bridge.last_port (8999)"),
        (["set", "bridge.first_port", "9" * 5000], "must be a whole number"),
        (["set", "updates.check", "yes"], "must be true or false"),
        (["set", "arduino.requests_per_s", "nan"], "must be a number from 0.01 to 10000"),
        (["set", "ports.ignore", "[COM7"], "must be a list of texts"),
        (["set", "ports.ignore", "COM7,COM9"], "mooring config set ports.ignore COM7 COM9"),
        (["set", "ports.ignore", "COM7,", "COM9"], "mooring config set ports.ignore COM7 COM9"),
        (["set", "ports.ignore", '["COM7,COM9"]'], '["COM7", "COM9"]'),
        (["set", "nope", "3"], "nope: is not a setting\n"),
        (["set", "flash.tools", "esptool"], "NAME=VALUE, such as dfu-util=/opt"),
        (["set", "nvs.keys", "tb_token"], "NAME=VALUE, such as tb_token=token"),
        (["set", "nvs.keys", "tb_token=a", "tb_token=b"], "tb_token twice"),
        (["set", "nvs.keys", "token=tb_token"], "the other way round"),
        (["set", "flash.tools", "esptool=x"], "a whole path"),
        (["set", "network.proxy", PROXY], "write - in its place"),
        (["set", "network.proxy", "-"], "standard input is empty"),
    ],
)
def test_what_cannot_be_done_is_told_and_nothing_is_written(mooring, tmp_path, words, said):
    ended = mooring("config", *words)
    assert ended.status == 2
    assert said in ended.err
    assert "hunter22" not in ended.err + ended.out
    assert not (tmp_path / "config.toml").exists()


def test_a_proxy_with_a_password_comes_from_standard_input_and_is_shown_nowhere(mooring, tmp_path):
    ended = mooring("config", "set", "network.proxy", "-", stdin=f"{PROXY}\n")
    assert (ended.status, ended.out) == (0, f'network.proxy = "{SHOWN}"\n')
    assert PROXY in (tmp_path / "config.toml").read_text()
    shown = [mooring(*words) for words in (["config"], ["config", "--json"], ["config", "check"])]
    assert mooring("config", "get", "network.proxy").out == f"{SHOWN}\n"
    assert "hunter22" not in str(shown)


def test_where_the_file_is_and_that_it_can_be_used(mooring, tmp_path):
    assert mooring("config", "path").out == f"{tmp_path / 'config.toml'}\n"
    assert mooring("config", "path", "--json").document["exists"] is False
    ended = mooring("config", "check")
    assert (ended.status, ended.out) == (0, "")
    assert "all settings are the usual ones" in ended.err


def test_a_variable_that_cannot_be_used_is_told(mooring):
    ended = mooring("config", "check", IOT_API_URL="cloud")
    assert ended.status == 2
    assert "IOT_API_URL: must be an address" in ended.err
    ended = mooring(
        "config", "set", "arduino.base_url", "https://a.example", IOT_API_URL="http://[::1]"
    )
    assert "IOT_API_URL takes its place" in ended.err


# --- a broken file ---------------------------------------------------------------------------------

BROKEN = "# mine\n[bridge]\nfrist_port = 9000\n[log]\nlevel = 'loud'\n"
WORDS = "line 3: bridge.frist_port is not a setting (1 more is wrong)."
MEND = "Did you mean bridge.first_port?"


@pytest.mark.parametrize(
    "words",
    [
        ["boards"],
        ["clouds"],
        ["jobs"],
        ["config"],
        ["config", "get", "log.level"],
        ["config", "set", "log.level", "debug"],
        ["config", "unset", "log.level"],
    ],
    ids=" ".join,
)
def test_commands_that_stand_alone_refuse_with_the_same_words(mooring, tmp_path, words):
    (tmp_path / "config.toml").write_text(BROKEN)
    ended = mooring(*words)
    assert (ended.status, ended.out) == (2, "")
    assert WORDS in ended.err
    assert MEND in ended.err
    assert (tmp_path / "config.toml").read_text() == BROKEN


def test_what_helps_to_mend_it_works(mooring, tmp_path):
    (tmp_path / "config.toml").write_text(BROKEN)
    assert mooring("config", "path").status == 0
    ended = mooring("config", "check")
    assert ended.status == 2
    assert "line 3: bridge.frist_port is not a setting" in ended.out
    assert "line 5: log.level must be" in ended.out
    assert MEND in ended.out
    problems = mooring("config", "check", "--json").document["problems"]
    assert [(each["line"], each["key"]) for each in problems] == [
        (3, "bridge.frist_port"),
        (5, "log.level"),
    ]


def test_a_folder_in_the_place_of_the_file_is_told_by_the_check(mooring, tmp_path):
    (tmp_path / "config.toml").mkdir()
    ended = mooring("config", "check")
    assert ended.status == 2
    assert "it is a folder" in ended.err


# --- through the agent that runs -------------------------------------------------------------------


@pytest.mark.slow
async def test_the_agent_that_runs_takes_a_change_at_once_or_says_that_it_waits(alone: Mooring):
    async with running_agent(alone):
        ended = await alone.run("config", "set", "log.level", "debug")
        assert (ended.out, ended.err) == ('log.level = "debug"\n', "")
        ended = await alone.run("config", "set", "ports.ignore", "COM7")
        assert "ports.ignore counts after a restart of the agent" in ended.err
        rows = (await alone.run("config")).out.splitlines()
        (row,) = [row for row in rows if row.startswith("ports.ignore ")]
        assert row.split() == ["ports.ignore", '["COM7"]', "file", "after", "a", "restart"]
        assert (await alone.run("config", "unset", "ports.ignore")).err == ""


@pytest.mark.slow
async def test_what_the_agent_refuses_is_wrong_usage_and_a_password_is_in_no_log(alone: Mooring):
    async with running_agent(alone):
        assert (await alone.run("config", "set", "log.level", "loud")).status == 2
        await alone.run("config", "set", "log.level", "debug")
        ended = await alone.run("config", "set", "network.proxy", "-", stdin=f"{PROXY}\n")
        assert SHOWN in ended.out
    assert "hunter22" not in alone.demo.paths.log_file.read_text()
    assert PROXY in (alone.home / "config.toml").read_text()


@pytest.mark.slow
async def test_an_agent_with_a_broken_file_works_and_says_so(alone: Mooring):
    file = alone.home / "config.toml"
    good = file.read_text()
    async with running_agent(alone):
        file.write_text(good + "[log]\nlevle = 'debug'\n")
        ended = await alone.run("config", "--json")
        assert ended.status == 2
        line = good.count("\n") + 2
        assert ended.document["problem"]["facts"]["line"] == line
        assert settings(ended)["ports.system"]["value"] is False
        ended = await alone.run("config", "set", "log.level", "debug")
        assert (ended.status, "Did you mean log.level?" in ended.err) == (2, True)
        told = await alone.run("boards")
        assert (told.status, f"line {line}" in told.err) == (0, True)
        file.write_text(good)
        assert (await alone.run("config")).status == 0


@pytest.mark.slow
async def test_an_agent_that_starts_with_a_problem_works_and_tells_every_command(alone: Mooring):
    # Of the environment: with a broken file it would take the ports that other agents use.
    alone.environ["IOT_API_URL"] = "cloud"
    async with running_agent(alone):
        del alone.environ["IOT_API_URL"]
        for words in (["config"], ["boards"]):
            told = await alone.run(*words)
            assert told.status == (2 if "config" in words else 0)
            assert "IOT_API_URL: must be an address" in told.err


async def test_a_password_is_typed_without_being_seen(alone: Mooring):
    person = Person(alone)
    try:
        await person.start("config", "set", "network.proxy", "-")
        await person.sees("network.proxy: ")
        assert not person.sees_what_is_typed
        person.types(f"{PROXY}\n")
        await person.sees(f'network.proxy = "{SHOWN}"')
        assert await person.status() == 0
        assert "hunter22" not in person.shown
    finally:
        await person.close()
    assert PROXY in (alone.home / "config.toml").read_text()
