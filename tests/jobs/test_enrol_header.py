"""``mooring_settings.h``: compilers of C and C++ read exactly the bytes of the settings."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent.errors import InputError
from agent.jobs.enrol_header import settings_header
from agent.protocols import board_keys
from agent.settings import Secret
from agent.settings.credentials import (
    AccessToken,
    BoardSettings,
    Certificate,
    CloudSettings,
    MqttBasic,
)
from agent.settings.network import GSM, Ethernet, WiFi

if TYPE_CHECKING:
    from pathlib import Path

PEM = "-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n"
KEY = "-----BEGIN EC PRIVATE KEY-----\r\nMHcC??/=0\n-----END EC PRIVATE KEY-----\n"
CERTIFICATE = CloudSettings(
    cloud="thingsboard",
    name='bench "7" \\ ??/ 🧀 %s */ // 0a',
    host="tb.example.com",
    port=8883,
    scheme="mqtts",
    credentials=Certificate(
        certificate=PEM.format('MIIB\\x41??=\n"+/=\t' * 90 + "\n"), key=Secret(KEY)
    ),
    ca=PEM.format("M" * 16_000 + "\n"),
)
BASIC = msgspec.structs.replace(
    CERTIFICATE,
    ca="",
    credentials=MqttBasic(client_id="c\\", username='u"', password=Secret("p??(1 ü7")),
)
TOKEN = msgspec.structs.replace(BASIC, scheme="coap", credentials=AccessToken(token=Secret("t9")))
ALL = [
    BoardSettings(network=WiFi(ssid="Lab 🧀??/", password=Secret('"\\0 a?')), cloud=CERTIFICATE),
    BoardSettings(network=WiFi(ssid_hex="ff3f3f2f01"), cloud=BASIC),
    BoardSettings(network=GSM(apn="web", pin=Secret("0123")), cloud=TOKEN),
    BoardSettings(network=Ethernet()),
    BoardSettings(cloud=TOKEN),
]


def printed(folder: Path, compiler: str, settings: BoardSettings) -> dict[str, bytes]:
    """What a program that includes the header finds under each name that is defined."""
    (folder / "mooring_settings.h").write_text(settings_header(settings).reveal(), encoding="ascii")
    rows = "".join(
        f"#ifdef MOORING_{name.upper()}\n"
        f'show("{name}", MOORING_{name.upper()}, sizeof MOORING_{name.upper()} - 1);\n#endif\n'
        for name in board_keys.BY_NAME
    )
    source = (
        '#include <stdio.h>\n#include "mooring_settings.h"\n#include "mooring_settings.h"\n'
        "static void show(const char *name, const char *value, unsigned long size) {\n"
        '  printf("%s=", name);\n'
        '  for (unsigned long i = 0; i < size; i++) printf("%02x", value[i] & 255);\n'
        '  printf("\\n");\n}\n'
        f"int main(void) {{\n{rows}return 0;\n}}\n"
    )
    suffix, standard = ("cpp", "c++11") if compiler == "g++" else ("c", "c99")
    (folder / f"all.{suffix}").write_text(source, encoding="ascii")
    flags = [f"-std={standard}", "-trigraphs", "-Wall", "-Wextra", "-Werror", "-o"]
    made = [compiler, *flags, str(folder / "all"), str(folder / f"all.{suffix}")]
    subprocess.run(made, check=True)
    done = subprocess.run([str(folder / "all")], check=True, capture_output=True, text=True)
    found = (line.split("=") for line in done.stdout.splitlines())
    return {name: bytes.fromhex(value) for name, value in found}


@pytest.mark.needs("g++")
@pytest.mark.parametrize("compiler", ["g++", "gcc"])
@pytest.mark.parametrize("settings", ALL, ids=range(len(ALL)))
def test_a_compiler_reads_every_value_byte_for_byte(
    tmp_path: Path, compiler: str, settings: BoardSettings
) -> None:
    found = printed(tmp_path, compiler, settings)
    assert found == board_keys.flatten(settings)
    assert board_keys.unflatten(found) == settings


def test_the_header_is_a_secret_and_holds_no_foreign_text_outside_its_literals() -> None:
    header = settings_header(ALL[0])
    assert "bench" not in repr(header)
    text = header.reveal()
    assert text.isascii()
    for line in text.splitlines():
        assert line == "" or line.startswith(("//", "#pragma", "#define MOORING_"))


def test_what_no_board_can_keep_makes_no_header() -> None:
    with pytest.raises(InputError):
        settings_header(BoardSettings(network=WiFi(ssid="x" * 33)))
