"""The words of the command line, its help and its usage errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from agent import __version__
from agent.cli.entry import COMMANDS, load, mooring

ROOT = Path(__file__).parents[2]
CONTRACT = {
    "run",
    "demo",
    "boards",
    "identify",
    "networks",
    "nrf",
    "provision",
    "config",
    "configure",
    "forget",
    "gateway",
    "remove",
    "renew",
    "monitor",
    "jobs",
    "job",
    "clouds",
    "cloud",
    "origins",
    "service",
    "simulate",
    "sketches",
    "flash",
    "migrate",
    "batch",
    "blink",
    "blynk",
    "doctor",
    "pause",
    "quit",
    "report",
    "resume",
    "tools",
    "vault",
}


def run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent", *words],
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_commands_are_those_of_the_contract():
    assert set(COMMANDS) == CONTRACT


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_command_loads_and_has_help(name):
    command = load(name)
    assert isinstance(command, click.Command)
    result = CliRunner().invoke(mooring, [name, "--help"])
    assert result.exit_code == 0
    assert "Usage: mooring" in result.output


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_no_command_takes_a_secret_as_an_argument(name):
    for parameter in walk(load(name)):
        if "password" in str(parameter.name) or "secret" in str(parameter.name):
            assert isinstance(parameter, click.Option)
            assert parameter.is_flag


def walk(command: click.Command) -> list[click.Parameter]:
    found = list(command.params)
    if isinstance(command, click.Group):
        for each in command.commands.values():
            found += walk(each)
    return found


def test_the_list_of_commands_says_what_each_one_does():
    result = CliRunner().invoke(mooring, ["--help"])
    for name, (_, text) in COMMANDS.items():
        assert name in result.output
        assert text.split()[0] in result.output


def test_the_help_says_where_the_files_are(tmp_path, monkeypatch):
    monkeypatch.setenv("MOORING_HOME", str(tmp_path))
    shown = "".join(CliRunner().invoke(mooring, ["--help"]).output.split())
    assert str(tmp_path / "config.toml") in shown
    assert str(tmp_path / "log" / "mooring.log") in shown


def test_the_version_is_the_packages():
    assert run("--version").stdout.strip() == f"mooring, version {__version__}"


@pytest.mark.parametrize(
    "words",
    [
        ["no-such-command"],
        ["provision"],
        ["provision", "board"],
        ["monitor", "board", "--baud", "fast"],
        ["jobs", "--limit", "0"],
        ["boards", "--no-such-option"],
    ],
)
def test_wrong_usage_is_status_2_with_nothing_on_stdout(words):
    done = run(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "--help" in done.stderr


def test_wrong_usage_is_an_object_for_programs():
    done = run("provision", "board", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["code"] == "usage"
    assert "--cloud" in done.stderr


@pytest.mark.parametrize(
    ("words", "stdin", "field"),
    [
        (["configure", "b"], "", "--ssid or --network"),
        (["configure", "b", "--ssid", "x", "--network", "-"], "", "--ssid or --network"),
        (["configure", "b", "--ssid", "x"], "", "password"),
        (["configure", "b", "--ssid", ""], "\n", "ssid"),
        (["configure", "b", "--ssid", "x" * 33, "--password-stdin"], "hunter2hunter2\n", "ssid"),
        (["configure", "b", "--ssid", "x", "--password-stdin"], "x" * 64 + "\n", "password"),
        (["configure", "b", "--network", "-"], '{"kind": "wifi"}', "ssid"),
        (["configure", "b", "--network", "-"], '{"kind": "smoke"}', "kind"),
        (["configure", "b", "--network", "/no/such/file"], "", "/no/such/file"),
        (["configure", "b", "--network", "-", "--password-stdin"], "", "--password-stdin"),
    ],
)
def test_wrong_input_is_refused_with_its_field_before_anything_is_sent(words, stdin, field):
    if words[-2:] == ["--ssid", ""]:
        words = [*words, "--password-stdin"]
    done = run(*words, "--json", stdin=stdin)
    assert done.returncode == 2, done.stderr
    error = json.loads(done.stdout)["error"]
    assert error["facts"]["field"] == field
    assert "hunter2" not in done.stdout + done.stderr
