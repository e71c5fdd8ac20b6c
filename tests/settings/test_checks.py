"""What settings may be beyond their types."""

from __future__ import annotations

import msgspec
import pytest

from agent.settings.checks import CONTROL_PROBLEM, check_together, check_value
from agent.settings.config import BridgeConfig, Config
from agent.settings.proxy import ProxyAddress


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("flash.tools", {"dfu-util": "/opt/dfu-util", "esptool": r"C:\Tools\esptool.exe"}),
        ("flash.urls", ["https://a.example/", "http://127.0.0.1:9/a/"]),
        ("network.certificates", ""),
        ("network.certificates", "/etc/ca.pem"),
        ("network.certificates", r"\\server\share\ca.pem"),
        ("network.proxy", ProxyAddress("http://me:hunter22@h:3128")),
        ("updates.url", "https://a.example/latest.json"),
        ("arduino.base_url", "http://127.0.0.2:8080/api"),
        ("sketches.index_url", "http://127.0.0.2:8080/index.json.gz"),
        ("compat.tool_index_url", "https://mirror.example/index.json"),
        ("arduino.title", "Cloud of the school, 3º grado"),
        ("nvs.keys", {"tb_token": "token", "tb_user": "tb_pass", "tb_pass": "tb_user"}),
    ],
)
def test_a_value_that_makes_sense_is_taken(name, value):
    assert check_value(name, value) is None


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("flash.tools", {"esptol": "/x"}, "did you mean esptool?"),
        ("flash.tools", {"bossac": "/x"}, "known: dfu-util, esptool"),
        ("flash.tools", {"esptool": "esptool.py"}, "a whole path for esptool"),
        ("flash.urls", ["https://a.example"], "https://a.example, which must end with /"),
        ("flash.urls", ["http://a.example/"], "must begin with https://"),
        (
            "flash.urls",
            ["https://a.example/", "https://me:hunter22@a.example/"],
            "(entry 2 has an @)",
        ),
        ("nvs.keys", {"tb_tokn": "token"}, "did you mean tb_token?"),
        ("nvs.keys", {"tb_token": "my token"}, "without blanks, for tb_token"),
        ("ports.ignore", ["COM7,COM9"], '["COM7", "COM9"]'),
        ("ports.extra", ["COM1", "/dev/ttyS0, /dev/ttyS1"], '["/dev/ttyS0", "/dev/ttyS1"]'),
        ("network.certificates", "ca.pem", "must be a whole path"),
        ("network.proxy", ProxyAddress("socks5://h"), "http://proxy.example:3128"),
        ("updates.url", "http://a.example/", "must begin with https://"),
        ("arduino.base_url", "cloud", "must be an address"),
        ("arduino.base_url", "http://cloud:8080", "must begin with https://"),
        ("arduino.base_url", "https://cloud/?a=1", "must have no ? or #"),
        ("sketches.index_url", "", "must be an address"),
        ("sketches.index_url", "http://mirror.example/index.json.gz", "must begin with https://"),
        ("compat.tool_index_url", "http://mirror.example/index.json", "must begin with https://"),
        ("compat.tool_index_url", "https://mirror.example/index.json#a", "must have no #"),
        ("gateway.server", "tb.example", "must be mqtts://"),
        ("gateway.server", "https://tb.example", "must be mqtts://"),
        ("gateway.server", "mqtts://me:hunter22@tb.example", "must be mqtts://"),
        ("gateway.server", "mqtts://", "must be mqtts://"),
        ("gateway.ca", "ca.pem", "must be a whole path"),
        ("gateway.device_name", " bench", "begins or ends with a blank"),
    ],
)
def test_a_value_that_makes_none_is_told_apart(name, value, said):
    assert said in (check_value(name, value) or "")


def test_what_is_wrong_with_an_address_quotes_no_password():
    assert "hunter22" not in (check_value("flash.urls", ["https://me:hunter22@a.example"]) or "")


@pytest.mark.parametrize("text", ["a\tb", "a\n", "\0", "\x7f", "\x9b0m", "\ud800"])
@pytest.mark.parametrize("shape", [str, lambda text: [text], lambda text: {"esptool": text}])
def test_no_setting_holds_what_cannot_be_typed(text, shape):
    assert check_value("ports.simulated", shape(text)) == CONTROL_PROBLEM


def test_a_last_port_below_the_first_is_said_of_both():
    assert check_together(Config()) == {}
    wrong = msgspec.structs.replace(Config(), bridge=BridgeConfig(first_port=9000))
    assert check_together(wrong) == {
        "bridge.first_port": "is 9000, which is above bridge.last_port (8999)",
        "bridge.last_port": "is 8999, which is below bridge.first_port (9000)",
    }
