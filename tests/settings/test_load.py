"""Reading the file: what is in it, or what is wrong, on which line, and the mend."""

from __future__ import annotations

import json
import os
import stat
import sys
import time

import pytest

from agent.errors import InputError, MooringError, SettingsBroken
from agent.settings.config import Config
from agent.settings.keys import all_keys, build_config
from agent.settings.load import (
    CONFIG_BYTES,
    load_config,
    load_or_defaults,
    parse_settings,
    read_settings,
)
from agent.settings.toml_text import toml_literal
from tests.desktop.doctor.patient import as_nobody


def written(folder, text):
    path = folder / "config.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refused(folder, text):
    with pytest.raises(SettingsBroken) as caught:
        load_config(written(folder, text), {})
    report = caught.value.report()
    assert str(folder / "config.toml") in report.title
    return report


# --- what can be used ------------------------------------------------------------------------------


def test_without_a_file_everything_has_its_default(tmp_path):
    assert load_config(tmp_path / "config.toml", {}) == Config()
    assert load_config(tmp_path / "no folder" / "config.toml", {}) == Config()


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path):
    config = load_config(written(tmp_path, '[ports]\nignore = ["COM7"]\n'), {})
    assert config == build_config({"ports.ignore": ["COM7"]})


def test_tools_and_addresses_for_flashing_are_taken_as_they_are(tmp_path):
    tool = tmp_path / "dfu-util"
    text = f"[flash]\nurls = ['http://127.0.0.1:9/a/']\ntools.dfu-util = {json.dumps(str(tool))}\n"
    flash = load_config(written(tmp_path, text), {}).flash
    assert flash.tools == {"dfu-util": str(tool)}
    assert flash.urls == ["http://127.0.0.1:9/a/"]


@pytest.mark.parametrize(
    "text",
    [
        "log.level = 'debug'\n",
        "log = { level = 'debug' }",
        '["log"]\r\n"level" = """debug"""\r\n',
        b"\xef\xbb\xbf[log]\r\nlevel = 'debug'\r\n",
    ],
)
def test_the_spelling_of_the_file_does_not_matter(tmp_path, text):
    assert load_config(written(tmp_path, text), {}) == build_config({"log.level": "debug"})


def test_every_setting_that_is_written_is_read_back(tmp_path):
    text = "".join(
        f"{key.name} = {toml_literal(key.default if not key.masked else 'http://me:pw@h:1')}\n"
        for key in all_keys()
    )
    config = load_config(written(tmp_path, text), {})
    assert config.network.proxy.reveal() == "http://me:pw@h:1"
    assert config == build_config({"network.proxy": config.network.proxy})


# --- the environment -------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "[arduino]\ntitle = 'Mine'\n"])
def test_the_environment_overrides_the_address_of_the_cloud(tmp_path, text):
    environ = {"IOT_API_URL": "http://127.0.0.1:9"}
    config = load_config(written(tmp_path, text), environ)
    assert config.arduino.base_url == "http://127.0.0.1:9"


def test_an_empty_variable_is_none(tmp_path):
    assert load_config(tmp_path / "config.toml", {"IOT_API_URL": ""}) == Config()


def test_a_variable_that_cannot_be_used_is_named(tmp_path):
    with pytest.raises(InputError, match="IOT_API_URL: must be an address"):
        load_config(tmp_path / "config.toml", {"IOT_API_URL": "cloud"})


def test_who_works_on_in_any_case_gets_what_can_be_used(tmp_path):
    path = written(tmp_path, "[log]\nlevel = 'debug'\n")
    loaded = load_or_defaults(path, {"IOT_API_URL": "cloud"})
    assert loaded.config == build_config({"log.level": "debug"})
    assert loaded.problem is not None
    assert "IOT_API_URL" in loaded.problem.title
    written(tmp_path, "[log]\nlevel = 'loud'\n")
    loaded = load_or_defaults(path, {"IOT_API_URL": "http://127.0.0.1:9"})
    assert loaded.config == build_config({"arduino.base_url": "http://127.0.0.1:9"})
    assert loaded.problem is not None
    assert loaded.problem.code == "settings-broken"
    assert load_or_defaults(tmp_path / "none", {}).problem is None


# --- what cannot -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "key", "title", "remedy"),
    [
        ("[bridge]\nfirst_prot = 1\n", 2, "bridge.first_prot", "is not a setting", "first_port?"),
        ("\n[brigde]\n", 2, "brigde", "[brigde] is not a section", "mean [bridge]?"),
        ("level = 'debug'\n", 1, "level", "is not a setting", "level, below [log]?"),
        ("[log]\nscan = 'never'\n", 2, "log.scan", "is not a setting", "bluetooth.scan?"),
        ("[log]\nzzzzzz = 1\n", 2, "log.zzzzzz", "is not a setting", "Known in [log]: level"),
        ("bridge = 1\n", 1, "bridge", "the name of a section", "Write [bridge]"),
        ("[[bridge]]\n", 1, "bridge", "the name of a section", "Write [bridge]"),
        (
            "[bridge]\nfirst_port = '8991'\n",
            2,
            "bridge.first_port",
            "a whole number from 1024 to 65535, without quotes",
            "then it is 8991",
        ),
        ("[bridge]\n\nlast_port = true\n", 3, "bridge.last_port", "a whole number", "8999"),
        ("[bridge]\nfirst_port = 9000\n", 2, "bridge.first_port", "above bridge.last_port", "8991"),
        ("[bridge]\nlast_port = 8000\n", 2, "bridge.last_port", "below bridge.first_port", "8999"),
        ("[log]\nlevel = 1\n", 2, "log.level", '"warning" or "error", in quotes', "info"),
        ("[arduino]\nrequests_per_s = nan\n", 2, "arduino.requests_per_s", "a number", "5.0"),
        ("[arduino]\nrequests_per_s = -inf\n", 2, "arduino.requests_per_s", "a number", "5.0"),
        ("[flash]\n[flash.tools]\n#\nesptol = '/x'\n", 4, "flash.tools", "esptool?", "{}"),
        ("[flash.tools]\nesptool = 'x.py'\n", 2, "flash.tools", "a whole path", "{}"),
        (
            "[nvs]\nkeys.tb_port = 'port'\nkeys.tb_tokn = 't'\n",
            3,
            "nvs.keys",
            "names tb_tokn (did you mean tb_token?)",
            "{}",
        ),
        (
            "[nvs.keys]\ntb_user = 'tb_pass'\ntb_pass = 'tb_user'\ntb_token = 'to ken'\n",
            4,
            "nvs.keys",
            "without blanks, for tb_token",
            "Correct it, or delete it",
        ),
        (
            "[nvs.keys]\ntb_user = 'u'\n# a\ntb_client = 'u'\n",
            4,
            "nvs.keys",
            "gives tb_client and tb_user the same key, u",
            "{}",
        ),
        ("[nvs.keys]\ntb_user = 1\n", 2, "nvs.keys", "names with texts", "{}"),
        ("[nvs]\nkeys = 'tb_user'\n", 2, "nvs.keys", '{ tb_token = "token" }', "{}"),
        ("[nvs.key]\ntb_user = 'u'\n", 1, "nvs.key", "is not a setting", "nvs.keys?"),
        ("[network]\nproxy = 'socks5://h'\n", 2, "network.proxy", "must be", '""'),
        (
            '[flash.tools]\nesptool = "C:\\temp\\new.exe"\n',
            2,
            "flash.tools",
            "cannot be typed",
            "single quotes",
        ),
    ],
)
def test_what_cannot_be_used_is_named_with_line_key_and_mend(
    tmp_path, text, line, key, title, remedy
):
    report = refused(tmp_path, text)
    assert title in report.title
    assert remedy in report.remedy
    assert (report.facts["line"], report.facts["key"]) == (line, key)
    assert f", line {line}:" in report.title


def test_the_first_of_several_is_named_and_the_others_are_counted(tmp_path):
    text = "[log]\nlevel = 1\n[bridge]\nfirst_prot = 1\n[ports]\nsystem = 1\n"
    report = refused(tmp_path, text)
    assert "line 2" in report.title
    assert "(2 more are wrong)" in report.title
    assert [each.line for each in parse_settings(text.encode()).problems] == [2, 4, 6]


@pytest.mark.parametrize(
    ("data", "title"),
    [
        (b"\xff\xfe[\0l\0o\0g\0]\0", "UTF-16"),
        (b"[\0l\0o\0g\0]\0", "UTF-16"),
        (b"[log]\nlevel = 'd\xe9bug'\n", "line 2: it holds a character that is not UTF-8"),
        (b"[log]\n\n\0", "line 3: it holds a zero byte"),
        (b"x = " + b"[" * 3000, "nests too deeply"),
        (b"x = " + b"[" * 3000 + b"]" * 3000, "nests too deeply"),
        (b"x = " + b"9" * 6000, "a number is too long"),
        (b"\n" + b"a." * 30_000 + b"a = 1\n", "line 2: it has too many dots"),
        (b"[nvs.keys]\n" + b"".join(b"k%d=''\n" % n for n in range(6000)), "line 2: nvs.keys"),
        (b"x" * (CONFIG_BYTES + 1), "larger than 64 KiB"),
    ],
)
def test_a_file_that_is_no_settings_at_all_is_refused_soon(tmp_path, data, title):
    started = time.process_time()
    assert title in refused(tmp_path, data).title
    assert time.process_time() - started < 5


def test_no_value_is_quoted_for_it_may_be_a_password(tmp_path):
    for value in ("http://me:hunter22@h", "'ftp://me:hunter22@h'", '"http://me:hunter22@h', "'''h"):
        report = refused(tmp_path, f"[network]\nproxy = {value}\n")
        assert "hunter22" not in str(report)


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path):
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(SettingsBroken, match="it is a folder"):
        load_config(tmp_path / "config.toml", {})


@pytest.mark.system("linux", "darwin")
def test_a_pipe_in_the_place_of_the_file_is_not_waited_for(tmp_path):
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "config.toml")
    with pytest.raises(SettingsBroken, match="it is no file"):
        read_settings(tmp_path / "config.toml")


@pytest.mark.system("linux", "darwin")
def test_a_file_that_may_not_be_read_is_told(tmp_path):
    path = written(tmp_path, "")
    path.chmod(0)
    with as_nobody(), pytest.raises(SettingsBroken, match="cannot be read"):
        load_config(path, {})


@pytest.mark.system("linux", "darwin")
def test_a_link_that_leads_in_a_circle_is_told(tmp_path):
    path = tmp_path / "config.toml"
    path.symlink_to(path)
    with pytest.raises(MooringError, match="cannot be read"):
        load_config(path, {})


@pytest.mark.system("linux")
def test_a_device_in_the_place_of_the_file_is_not_read(tmp_path):
    (tmp_path / "config.toml").symlink_to("/dev/zero")
    assert stat.S_ISCHR((tmp_path / "config.toml").stat().st_mode)
    with pytest.raises(SettingsBroken, match="it is no file"):
        read_settings(tmp_path / "config.toml")
