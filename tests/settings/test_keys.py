"""The table of settings: what each must be, and the nearest one to a slip."""

from __future__ import annotations

import pytest

from agent.settings.config import Config
from agent.settings.keys import all_keys, build_config, near_key, sections
from agent.settings.proxy import ProxyAddress

KEYS = {key.name: key for key in all_keys()}


def test_every_section_has_its_settings_in_their_order():
    assert [key.section for key in all_keys()] == sorted(
        (key.section for key in all_keys()), key=sections().index
    )
    assert list(KEYS)[:2] == ["bridge.first_port", "bridge.last_port"]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("bridge.first_port", "a whole number from 1024 to 65535"),
        ("arduino.requests_per_s", "a number from 0.01 to 10000"),
        ("log.level", '"debug", "info", "warning" or "error"'),
        ("updates.check", "true or false"),
        ("ports.ignore", 'a list of texts, such as ["COM7"]'),
        ("network.proxy", "a text"),
    ],
)
def test_what_a_setting_must_be_is_said_in_words(name, wanted):
    assert KEYS[name].wanted == wanted


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bridge.first_port", True),
        ("bridge.first_port", 80),
        ("bridge.first_port", "8991"),
        ("bridge.first_port", 8991.5),
        ("bridge.first_port", 10**40),
        ("arduino.requests_per_s", float("nan")),
        ("arduino.requests_per_s", float("inf")),
        ("arduino.requests_per_s", 0),
        ("arduino.requests_per_s", False),
        ("updates.check", 1),
        ("updates.check", "true"),
        ("log.level", "loud"),
        ("ports.ignore", "COM7"),
        ("ports.ignore", ["COM7"] * 501),
        ("ports.simulated", "x" * 2001),
        ("flash.tools", {"esptool": 1}),
        ("network.proxy", 3128),
        ("network.proxy", None),
    ],
)
def test_a_value_of_another_type_or_range_is_refused_with_what_it_must_be(name, value):
    with pytest.raises(ValueError, match="must be") as caught:
        KEYS[name].read(value)
    assert KEYS[name].wanted in str(caught.value)


def test_a_list_that_is_too_long_says_how_long_it_may_be():
    with pytest.raises(ValueError, match="at most 500 of them"):
        KEYS["ports.ignore"].read(["COM7"] * 501)
    with pytest.raises(ValueError, match="at most 2000 characters"):
        KEYS["ports.simulated"].read("x" * 2001)


def test_a_refused_value_is_not_quoted():
    with pytest.raises(ValueError, match="must be") as caught:
        KEYS["network.proxy"].read("ftp://me:hunter22@h")
    assert "hunter22" not in str(caught.value)


def test_a_masked_setting_is_shown_without_its_login():
    key = KEYS["network.proxy"]
    assert key.masked
    assert key.plain(key.read("http://me:hunter22@h:1")) == "http://***@h:1"
    assert key.schema == {"type": "string", "x-masked": True}


def test_settings_are_built_from_their_names():
    assert build_config({}) == Config()
    config = build_config({"log.level": "debug", "network.proxy": ProxyAddress("none")})
    assert (config.log.level, config.network.proxy.reveal()) == ("debug", "none")
    assert config.bridge == Config().bridge


@pytest.mark.parametrize(
    ("section", "field", "meant"),
    [
        ("bridge", "first_prot", "bridge.first_port"),
        ("bridge", "level", "log.level"),
        ("", "scan", "bluetooth.scan"),
        ("updates", "chek", "updates.check"),
        ("zzz", "qqq", None),
        ("", "nope", None),
    ],
)
def test_a_slip_leads_to_the_nearest_setting(section, field, meant):
    found = near_key(section, field, all_keys())
    assert (found.name if found else None) == meant
