"""An NVS partition for factories."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import given

from agent.errors import InputError, SettingsTooLong
from agent.jobs.nvs_image import settings_image
from agent.protocols import board_keys
from agent.protocols.nvs.entries import Type
from agent.protocols.nvs.store import read_store
from agent.settings import Secret
from agent.settings.credentials import AccessToken, BoardSettings, CloudSettings
from agent.settings.network import WiFi
from agent.settings.nvs_names import NvsNames
from tests.protocols.nvs.judge import generated
from tests.settings.nvs_mappings import OWN as NAMES
from tests.settings.nvs_mappings import mappings

ROOT = Path(__file__).parents[2]
CLOUD = CloudSettings(
    cloud="thingsboard",
    name="bench",
    host="tb.example.org",
    port=1883,
    scheme="mqtt",
    credentials=AccessToken(token=Secret("t0ken")),
)
SETTINGS = BoardSettings(network=WiFi(ssid="Net", password=Secret("secret 1")), cloud=CLOUD)


def test_the_image_is_what_espressifs_generator_makes_of_the_same_table():
    rows = [
        ("wifi_ssid", "string", "Net"),
        ("tb_port", "string", "1883"),
        ("tb_name", "string", "bench"),
        ("tb_token", "string", "t0ken"),
        ("wifi_pass", "string", "secret 1"),
        ("tb_host", "string", "tb.example.org"),
    ]
    assert settings_image(SETTINGS) == generated([("mooring", "namespace", None), *rows])


def test_namespace_and_size_can_be_chosen():
    image = settings_image(SETTINGS, names=NvsNames("mine"), size=0x6000)
    assert len(image) == 0x6000
    assert read_store(image).get("mine", "tb_token") == b"t0ken"


@given(NAMES, mappings())
def test_under_every_name_it_is_what_espressifs_generator_makes(namespace, keys):
    names = NvsNames(namespace, keys)
    values = board_keys.flatten(SETTINGS)
    placed = {keys.get(name, name): value for name, value in values.items()}
    rows = sorted(placed.items(), key=lambda row: (len(row[1]), row[0]))
    expected = [(key, "string", value.decode()) for key, value in rows]
    image = settings_image(SETTINGS, names=names)
    assert image == generated([(namespace, "namespace", None), *expected])
    store = read_store(image)
    found = {key: store.get(namespace, key) for key in store.keys(namespace)}
    assert found == placed
    assert names.ours(found) == values


@pytest.mark.parametrize("changed", [{"size": 0x2000}, {"size": 0x5001}])
def test_what_makes_no_partition_is_refused(changed):
    with pytest.raises(InputError):
        settings_image(SETTINGS, **changed)
    with pytest.raises(InputError):
        settings_image(BoardSettings())


def test_what_does_not_fit_is_refused_with_the_room():
    pem = "-----BEGIN CERTIFICATE-----\n" + "A" * 16_000 + "\n-----END CERTIFICATE-----\n"
    cloud = CloudSettings(
        cloud="thingsboard",
        name="bench",
        host="h",
        port=8883,
        scheme="mqtts",
        ca=pem,
        credentials=AccessToken(token=Secret("t")),
    )
    with pytest.raises(SettingsTooLong):
        settings_image(BoardSettings(cloud=cloud), size=0x3000)
    assert settings_image(BoardSettings(cloud=cloud), size=0x8000)


@pytest.mark.needs("g++")
@pytest.mark.system("linux", "darwin")
def test_the_documented_lines_read_what_was_delivered(tmp_path):
    document = (ROOT / "docs" / "nvs.md").read_text("utf-8")
    (lines,) = re.findall(r"```cpp\n(.*?)```", document, re.DOTALL)
    long = "-----BEGIN CERTIFICATE-----\n" + "A" * 9000 + "\n-----END CERTIFICATE-----\n"
    cloud = msgspec.structs.replace(CLOUD, scheme="mqtts", ca=long)
    store = read_store(settings_image(msgspec.structs.replace(SETTINGS, cloud=cloud), size=0x8000))
    kinds = {Type.STRING: "string", Type.BLOB_INDEX: "blob"}
    area = [
        f"{kinds[Type(item.type)]} {item.key.decode()} {value.hex()}"
        for _, _, item in store.items()
        if isinstance(value := store.get("mooring", item.key.decode()), bytes)
        and item.type in kinds
    ]
    (tmp_path / "mooring.txt").write_text("\n".join(area))
    ask = 'int main() { setup(); printf("%s", setting("tb_ca").c_str()); setting("nope"); }'
    (tmp_path / "sketch.cpp").write_text(lines + ask)
    include = f"-I{Path(__file__).parent / 'arduino'}"
    command = ["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", include, "sketch.cpp"]
    subprocess.run(command, check=True, cwd=tmp_path)
    told = subprocess.run(["./a.out"], check=True, cwd=tmp_path, capture_output=True, text=True)
    assert told.stdout == f"115200\nNet\nsecret 1\n{long}"
