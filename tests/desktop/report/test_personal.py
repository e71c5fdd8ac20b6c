"""What is known to be personal, by where it stands."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from agent.desktop.report.masks import Masks
from agent.desktop.report.personal import (
    learn_computer,
    learn_fields,
    learn_gateway,
    learn_jobs,
    learn_secrets,
    learn_url,
)
from agent.errors import EntryOfOther, MooringError, OtherBoard, OtherInTheAir
from agent.jobs.enrol_ways import shown_ways
from agent.jobs.job import Job, JobKind


def test_fields_of_known_names_are_learned_at_any_depth():
    masks = Masks()
    request = {
        "name": "Annas lamp",
        "network": {"kind": "wifi", "ssid": "HomeNet"},
        "networks": [{"ssid": "Upstairs", "rssi_dbm": -50}],
        "sketch": "provisioning",
    }
    learn_fields(masks, request, frozenset())
    text = masks.clean("Annas lamp on HomeNet, with provisioning over wifi")
    assert text == "<device-1> on <network-1>, with provisioning over wifi"
    assert masks.clean("not Upstairs") == "not <network-2>"


def test_of_a_board_with_credentials_its_ids_are_learned_and_not_the_ways_to_it():
    masks = Masks()
    result = {
        "device": "greenhouse",
        "hardware_id": "3cc661051a2b",
        "delivery": "console",
        "ways": shown_ways(None),
    }
    learn_fields(masks, result, frozenset())
    text = masks.clean("console of 3cc661051a2b, header for greenhouse")
    assert text == "console of <board-1>, header for <id-1>"


@pytest.mark.parametrize("kind", [OtherBoard, OtherInTheAir, EntryOfOther])
def test_the_ids_of_a_board_and_of_another_in_its_place_are_learned(kind: type[MooringError]):
    facts = {"expected_board": "351358811124234", "found_board": "351358811124999"}
    job = Job(
        id="7",
        kind=JobKind.PROVISION,
        board="thingy91x-1",
        title="",
        created_at=0.0,
        error=kind(**facts).report(),
    )
    masks = Masks()
    learn_jobs(masks, [job], frozenset())
    assert job.error
    told = masks.clean(f"{job.error.meaning} {job.error.facts}")
    assert not any(each in told for each in facts.values())
    assert "<board-" in told


def test_versions_and_sums_that_were_found_stay_readable():
    masks = Masks()
    learn_fields(masks, {"found": "0.6.0", "expected": "0.7.1"}, frozenset())
    assert masks.clean("0.6.0, not 0.7.1") == "0.6.0, not 0.7.1"


def test_a_network_whose_name_is_no_text_is_known_by_its_bytes():
    masks = Masks()
    learn_fields(masks, {"ssid": "", "ssid_hex": "42c3bc726f2d3132"}, frozenset())
    assert masks.clean("joined Büro-12") == "joined <network-1>"


def test_a_board_that_is_called_like_its_model_keeps_that_name():
    masks = Masks()
    models = frozenset({"Arduino UNO R4 WiFi", "uno_r4_wifi"})
    learn_fields(masks, {"board": "uno_r4_wifi-F412", "board_name": "Arduino UNO R4 WiFi"}, models)
    text = masks.clean("uno_r4_wifi-F412 is an Arduino UNO R4 WiFi (uno_r4_wifi)")
    assert text == "<board-1> is an Arduino UNO R4 WiFi (uno_r4_wifi)"


def test_the_account_the_computer_and_the_environment_are_known(monkeypatch):
    masks = Masks()
    environ = {
        "SUDO_USER": "annabelle",
        "COMPUTERNAME": "ANNAS-PC.example.org",
        "HTTPS_PROXY": "http://corp:s%20cret@proxy.corp.example:3128",
        "MOORING_CLOUD_CLIENT_SECRET": "hush-hush",
    }
    monkeypatch.setattr("platform.node", lambda: "workbench-7")
    learn_computer(masks, environ)
    text = masks.clean("annabelle annas-pc workbench-7 corp s cret proxy.corp.example hush-hush")
    assert not {"annabelle", "annas-pc", "workbench-7", "cret", "hush-hush"} & set(text.split())
    assert "<user-1>" in text
    assert "<secret>" in text
    if Path.home().parts[1:]:
        assert str(Path.home()) not in masks.clean(f"in {Path.home() / 'x'}")


def test_what_the_gateway_was_started_with_is_known():
    masks = Masks()
    given = {"TB_GW_PROVISIONING_DEVICE_SECRET": "shh-shh-shh", "TB_GW_HOST": "tb.example"}
    learn_computer(masks, given)
    assert masks.clean("shh-shh-shh at tb.example") == "<secret> at tb.example"


def test_what_the_gateway_was_given_is_known():
    masks = Masks()
    credentials = {"type": "mqtt_basic", "username": "its-name", "password": "its-pass"}
    learn_gateway(
        masks, {"reset": False, "current": {"name": "gw-hall", "credentials": credentials}}
    )
    learn_gateway(masks, None)
    text = masks.clean("gw-hall as its-name with its-pass, a mqtt_basic")
    assert text == "<device-1> as <secret> with <secret>, a mqtt_basic"


def test_names_that_every_computer_has_stay(monkeypatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "root")
    masks = Masks()
    learn_computer(masks, {"USER": "root"})
    assert masks.clean("it belongs to root") == "it belongs to root"


def test_secrets_and_logins_are_known():
    masks = Masks()
    learn_secrets(masks, {"arduino": {"client_id": "me-me-me", "client_secret": "shh-shh-shh"}})
    learn_url(masks, "socks5://u5er:p4ss@10.0.0.1:99")
    learn_url(masks, "http://[broken")
    text = masks.clean("me-me-me shh-shh-shh u5er p4ss")
    assert text == "<secret> <secret> <secret> <secret>"
