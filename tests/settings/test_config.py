"""``config.toml``: defaults, overrides, and errors that name the key."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from agent.errors import InputError
from agent.settings.config import Config, load_config

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "config.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def problem(folder: Path, text: str | bytes) -> str:
    with pytest.raises(InputError) as caught:
        load_config(written(folder, text), {})
    assert "config.toml" in caught.value.report().title
    return caught.value.report().title


def test_without_a_file_everything_has_its_default(tmp_path):
    assert load_config(tmp_path / "config.toml", {}) == Config()


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    folder = tmp_path / "config.toml"
    folder.mkdir()
    with pytest.raises(InputError, match="cannot be read") as caught:
        load_config(folder, {})
    assert "config.toml" in caught.value.report().title


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path):
    config = load_config(written(tmp_path, '[ports]\nignore = ["COM7"]\n'), {})
    assert config.ports.ignore == ["COM7"]
    assert config.ports.system is True
    assert config.bridge == Config().bridge


@pytest.mark.parametrize("text", ["", "[arduino]\ntitle = 'Mine'\n"])
def test_the_environment_overrides_the_address_of_the_cloud(tmp_path, text):
    environ = {"IOT_API_URL": "http://127.0.0.1:9"}
    config = load_config(written(tmp_path, text), environ)
    assert config.arduino.base_url == "http://127.0.0.1:9"


def test_an_unknown_key_names_the_nearest_known_one(tmp_path):
    found = problem(tmp_path, "[bridge]\nfirst_prot = 9000\n")
    assert "unknown key bridge.first_prot" in found
    assert "did you mean first_port?" in found


@pytest.mark.parametrize("scan", ["asked", "always", "never"])
def test_bluetooth_is_used_when_the_file_says(tmp_path, scan):
    config = load_config(written(tmp_path, f"[bluetooth]\nscan = '{scan}'\n"), {})
    assert config.bluetooth.scan == scan


def test_any_other_word_about_bluetooth_is_refused_with_its_place(tmp_path):
    assert "bluetooth.scan" in problem(tmp_path, "[bluetooth]\nscan = 'sometimes'\n")


def test_tools_and_addresses_for_flashing_are_taken_as_they_are(tmp_path):
    tool = tmp_path / "dfu-util"
    text = f"[flash]\nurls = ['http://127.0.0.1:9/a/']\ntools.dfu-util = {json.dumps(str(tool))}\n"
    flash = load_config(written(tmp_path, text), {}).flash
    assert flash.tools == {"dfu-util": str(tool)}
    assert flash.urls == ["http://127.0.0.1:9/a/"]


def test_an_unknown_section_names_the_nearest_known_one(tmp_path):
    assert "did you mean ports?" in problem(tmp_path, "[port]\nsystem = true\n")


def test_a_key_near_to_nothing_gets_the_list_of_known_ones(tmp_path):
    found = problem(tmp_path, "[log]\nzzzzzz = 1\n")
    assert "known are level" in found


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[bridge]\nfirst_port = '8991'\n", ["int", "str", "bridge.first_port"]),
        ("[bridge]\nfirst_port = 80\n", ["1024", "bridge.first_port"]),
        ("[bridge]\nlast_port = 70000\n", ["65535", "bridge.last_port"]),
        ("[ports]\nignore = 'COM7'\n", ["array", "ports.ignore"]),
        ("[ports]\nignore = [7]\n", ["str", "ports.ignore"]),
        ("[log]\nlevel = 'loud'\n", ["log.level"]),
        ("bridge = 1\n", ["object", "bridge"]),
        ("[flash.tools]\nesptol = '/x'\n", ["flash.tools.esptol", "did you mean esptool?"]),
        ("[flash.tools]\nbossac = '/x'\n", ["flash.tools.bossac", "known are dfu-util, esptool"]),
        ("[flash.tools]\nesptool = 'esptool.py'\n", ["flash.tools.esptool", "a whole path"]),
        ("[flash]\nurls = ['http://a.example/']\n", ["flash.urls: http://a.example/ must begin"]),
        ("[flash]\nurls = ['https://a.example']\n", ["https://a.example must end with /"]),
        ("[flash]\nurls = ['files']\n", ["files is not an address"]),
        ("[desktop]\nnotifications = 'no'\n", ["bool", "desktop.notifications"]),
        ("[network]\nproxy = 8080\n", ["str", "network.proxy"]),
        ("[network]\nproxy = 'proxy:8080'\n", ["network.proxy must be", "http://"]),
        ("[network]\nproxy = 'socks5://h:1'\n", ["network.proxy must be"]),
        ("[network]\nproxy = 'http://h:1/path'\n", ["network.proxy must end after its port"]),
        ("[network]\nproxy = 'http://[h'\n", ["network.proxy is not an address"]),
        ("[network]\ncertificates = 'ca.pem'\n", ["network.certificates must be a whole path"]),
        ("[updates]\ncheck = 1\n", ["bool", "updates.check"]),
        ("[updates]\nurl = 'http://a.example/'\n", ["updates.url must begin with https://"]),
        ("[updates]\nurl = 'a.example'\n", ["updates.url is not an address"]),
    ],
)
def test_a_value_that_cannot_be_used_names_its_key(tmp_path, text, parts):
    found = problem(tmp_path, text)
    for part in parts:
        assert part in found


@pytest.mark.parametrize("text", ["[bridge", "a = \n", b"\xff\xfe", "[log]\n[log]\n"])
def test_a_file_that_is_not_toml_is_refused(tmp_path, text):
    assert "not valid TOML" in problem(tmp_path, text)


def test_every_key_is_documented_with_its_default():
    rows = re.findall(r"^\| `([a-z_.]+)` \| `(.*?)` \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    documented = {key: json.loads(default) for key, default in rows}
    known = {
        f"{section}.{key}": value
        for section, keys in msgspec.to_builtins(Config(), enc_hook=repr).items()
        for key, value in keys.items()
    }
    assert documented == known


def test_a_last_port_below_the_first_is_refused(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text("[bridge]\nfirst_port = 9000\n")
    with pytest.raises(InputError, match="first_port is above"):
        load_config(file, {})


@pytest.mark.parametrize("proxy", ["socks5://me:hunter22@h", "http://me:hunter22@h:99999999"])
def test_a_proxy_that_cannot_be_used_is_not_quoted(tmp_path, proxy):
    assert "hunter22" not in problem(tmp_path, f"[network]\nproxy = '{proxy}'\n")
