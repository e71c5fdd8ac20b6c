"""``arduino_secrets.h``: a C compiler reads exactly what was meant."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.clouds.secrets_header import c_string, secrets_header
from agent.errors import InputError
from agent.settings import Secret
from agent.settings.network import GSM, CatM1, Ethernet, LoRa, WiFi

if TYPE_CHECKING:
    from pathlib import Path

    from agent.settings.network import NetworkSetting

no_zero = st.binary(max_size=70).map(lambda data: data.replace(b"\0", b"\1"))
NASTY = [
    b"",
    b'"',
    b"\\",
    b'\\"',
    b"??=??/",
    b"%s%n",
    b"\x01" + b"7",
    b"\xc3\xa9" + b"a1",
    b"\r\n\t",
    b"//*",
]


def read_literal(text: str) -> bytes:
    """What the C standard says that a literal of this form means."""
    assert text[0] == text[-1] == '"'
    parts = re.findall(r'\\([0-7]{3})|([^"\\?])', text[1:-1])
    assert sum(4 if octal else 1 for octal, _ in parts) == len(text) - 2
    return bytes(int(octal, 8) if octal else ord(char) for octal, char in parts)


def defined(header: Secret) -> dict[str, bytes]:
    found = re.findall(r"^#define (\w+) (.*)$", header.reveal(), re.MULTILINE)
    return {name: read_literal(text) for name, text in found}


@given(no_zero)
def test_a_literal_means_its_bytes(data: bytes) -> None:
    text = c_string(data)
    assert read_literal(text) == data
    assert text.isascii()
    assert text.isprintable()


@settings(max_examples=5)
@given(st.lists(no_zero, min_size=30, max_size=60))
def test_a_compiler_reads_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, values: list[bytes]
) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        return  # the test above holds without one
    values = NASTY + values
    folder: Path = tmp_path_factory.mktemp("c")
    rows = ",\n".join(f"{{{c_string(v)}, sizeof({c_string(v)}) - 1}}" for v in values)
    source = (
        "#include <stdio.h>\n"
        f"static struct {{ const char *text; unsigned size; }} all[] = {{\n{rows}\n}};\n"
        "int main(void) { for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {"
        " for (unsigned k = 0; k < all[i].size; k++)"
        ' printf("%02x", (unsigned char)all[i].text[k]); puts(""); } return 0; }\n'
    )
    (folder / "all.c").write_text(source, encoding="ascii")
    flags = ["-std=c99", "-trigraphs", "-Wall", "-Wextra", "-Werror", "-o"]
    subprocess.run([compiler, *flags, str(folder / "all"), str(folder / "all.c")], check=True)
    done = subprocess.run([str(folder / "all")], check=True, capture_output=True, text=True)
    assert [bytes.fromhex(line) for line in done.stdout.splitlines()] == values


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (
            WiFi(ssid='Café "1"', password=Secret("a\\b?")),
            {
                "SECRET_SSID": 'Café "1"'.encode(),
                "SECRET_OPTIONAL_PASS": b"a\\b?",
                "SECRET_PASS": b"a\\b?",
            },
        ),
        (
            GSM(pin=Secret("1234"), apn="web", login="me", password=Secret("pw")),
            {
                "SECRET_PIN": b"1234",
                "SECRET_APN": b"web",
                "SECRET_LOGIN": b"me",
                "SECRET_PASS": b"pw",
            },
        ),
        (
            CatM1(apn="iot"),
            {"SECRET_PIN": b"", "SECRET_APN": b"iot", "SECRET_LOGIN": b"", "SECRET_PASS": b""},
        ),
        (
            LoRa(app_eui="A" * 16, app_key=Secret("B" * 32)),
            {"SECRET_APP_EUI": b"A" * 16, "SECRET_APP_KEY": b"B" * 32},
        ),
        (Ethernet(), {}),
        (
            Ethernet(ip="10.0.0.2", dns="10.0.0.1", gateway="10.0.0.1", netmask="255.0.0.0"),
            {
                "SECRET_IP": b"10.0.0.2",
                "SECRET_DNS": b"10.0.0.1",
                "SECRET_GATEWAY": b"10.0.0.1",
                "SECRET_NETMASK": b"255.0.0.0",
            },
        ),
    ],
)
def test_each_kind_of_network_has_the_names_that_sketches_read(
    network: NetworkSetting, expected: dict[str, bytes]
) -> None:
    assert defined(secrets_header(network)) == expected


def test_a_secret_key_board_gets_its_id_and_key() -> None:
    header = secrets_header(
        WiFi(ssid="n", password=Secret("p")), device_id="id-1", secret_key=Secret("k#1")
    )
    assert defined(header)["SECRET_DEVICE_ID"] == b"id-1"
    assert defined(header)["SECRET_DEVICE_KEY"] == b"k#1"
    assert "k#1" not in repr(header)


def test_a_name_that_is_no_text_travels_as_it_is() -> None:
    assert (
        defined(secrets_header(WiFi(ssid_hex="ff00".replace("00", "01"))))["SECRET_SSID"]
        == b"\xff\x01"
    )


@pytest.mark.parametrize("password", ["a\0b", "\ud800"])
def test_what_c_cannot_hold_is_refused_by_name_and_not_shown(password: str) -> None:
    with pytest.raises(InputError, match="SECRET_OPTIONAL_PASS") as caught:
        secrets_header(WiFi(ssid="n", password=Secret(password)))
    assert password not in str(caught.value.report())
