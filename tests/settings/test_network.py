"""Network settings: every wrong input is refused with its field, before anything is sent."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import InputError
from agent.settings import Secret
from agent.settings.network import (
    KINDS,
    CatM1,
    Cellular,
    Ethernet,
    LoRa,
    WiFi,
    address_bytes,
    network_schema,
    parse_network,
)

KEY = "00112233445566778899AABBCCDDEEFF"
LORA = {"kind": "lora", "app_eui": "A861EE0100000000", "app_key": KEY}


def refused(data: object) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        parse_network(data)
    facts = caught.value.facts
    return str(facts["field"]), str(facts["problem"])


# --- what fits ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ({"kind": "wifi", "ssid": "Home"}, "wifi"),
        ({"kind": "wifi", "ssid": "Home", "password": "correct horse"}, "wifi"),
        ({"kind": "ethernet"}, "eth"),
        (
            {"kind": "ethernet", "ip": "10.0.0.2", "gateway": "10.0.0.1", "netmask": "255.0.0.0"},
            "eth",
        ),
        ({"kind": "gsm", "apn": "web", "pin": "1234"}, "gsm"),
        ({"kind": "nb"}, "nb"),
        ({"kind": "cellular", "login": "me", "password": "x"}, "cellular"),
        ({"kind": "catm1", "bands": [4, 0x80000]}, "catm1"),
        (LORA, "lora"),
    ],
)
def test_each_kind_is_taken_and_has_its_cloud_name(data, kind):
    setting = parse_network(data)
    assert setting.connection_type == kind
    assert setting.label


def test_there_are_seven_kinds():
    assert len({kind.__struct_config__.tag for kind in KINDS}) == 7


@given(st.text(min_size=1).filter(lambda s: "\0" not in s and s.isprintable()))
def test_a_name_is_limited_by_its_bytes_not_its_characters(name):
    size = len(name.encode())
    if size <= 32:
        setting = parse_network({"kind": "wifi", "ssid": name})
        assert isinstance(setting, WiFi)
        assert setting.ssid_bytes == name.encode()
    else:
        field, problem = refused({"kind": "wifi", "ssid": name})
        assert field == "ssid"
        assert str(size) in problem


@given(st.binary(min_size=1, max_size=32))
def test_a_scanned_name_travels_on_as_its_bytes(name):
    setting = parse_network({"kind": "wifi", "ssid": "shown", "ssid_hex": name.hex()})
    assert isinstance(setting, WiFi)
    assert setting.ssid_bytes == name


@given(st.text(min_size=5).filter(lambda s: "\0" not in s))
def test_a_password_is_limited_by_its_bytes(password):
    data = {"kind": "wifi", "ssid": "Home", "password": password}
    try:
        fits = len(password.encode()) <= 63
    except UnicodeEncodeError:
        fits = False
    if fits:
        setting = parse_network(data)
        assert isinstance(setting, WiFi)
        assert setting.password == Secret(password)
    else:
        assert refused(data)[0] == "password"


def test_a_password_that_is_a_secret_already_is_taken():
    data = {"kind": "wifi", "ssid": "Home", "password": Secret("correct horse")}
    setting = parse_network(data)
    assert isinstance(setting, WiFi)
    assert setting.password.reveal() == "correct horse"
    with pytest.raises(InputError, match="64 bytes"):
        parse_network(data | {"password": Secret("x" * 64)})


def test_a_blank_around_a_name_is_kept():
    setting = parse_network({"kind": "wifi", "ssid": " Home "})
    assert isinstance(setting, WiFi)
    assert setting.ssid_bytes == b" Home "


@given(st.ip_addresses())
def test_an_address_becomes_4_or_16_bytes(address):
    assert address_bytes("ip", str(address)) == address.packed


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"kind": "gsm", "apn": "iot", "pin": 1234}, "pin: must be text: put it in quotes"),
        ({"kind": "wifi", "ssid": "Home", "password": 8}, "password: must be text: put it in"),
        ({"kind": "wifi", "ssid": 4711}, "ssid: must be text: put it in quotes"),
        ({"kind": "ethernet", "timeout_ms": "15"}, "timeout_ms: must be a whole number"),
    ],
)
def test_a_value_of_another_type_is_refused_in_words(data, said):
    with pytest.raises(InputError, match=said):
        parse_network(data)


def test_no_address_becomes_no_bytes():
    assert address_bytes("ip", "") == b""


# --- what does not ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"kind": "wifi"}, "ssid"),
        ({"kind": "wifi", "ssid": ""}, "ssid"),
        ({"kind": "wifi", "ssid": "x" * 33}, "ssid"),
        ({"kind": "wifi", "ssid": "é" * 17}, "ssid"),
        ({"kind": "wifi", "ssid": "\ud800"}, "ssid"),
        ({"kind": "wifi", "ssid": "a\0b"}, "ssid"),
        ({"kind": "wifi", "ssid": 7}, "ssid"),
        ({"kind": "wifi", "ssid": None}, "ssid"),
        ({"kind": "wifi", "ssid_hex": "4"}, "ssid_hex"),
        ({"kind": "wifi", "ssid_hex": "zz"}, "ssid_hex"),
        ({"kind": "wifi", "ssid_hex": "00" * 33}, "ssid"),
        ({"kind": "wifi", "ssid": "Home", "password": "x" * 64}, "password"),
        ({"kind": "wifi", "ssid": "Home", "password": "1234"}, "password"),
        ({"kind": "wifi", "ssid": "Home", "password": "12345\x00"}, "password"),
        ({"kind": "wifi", "ssid": "Home", "password": ["secret"]}, "password"),
        ({"kind": "wifi", "ssid": "Home", "pin": "1234"}, "pin"),
        ({"kind": "ethernet", "ssid": "Home"}, "ssid"),
        ({"kind": "ethernet", "ip": "10.0.0.256"}, "ip"),
        ({"kind": "ethernet", "ip": "10.0.0.2", "netmask": "255.0.0.0"}, "gateway"),
        ({"kind": "ethernet", "ip": "10.0.0.2", "gateway": "10.0.0.1"}, "netmask"),
        ({"kind": "ethernet", "dns": "1.1.1.1"}, "ip"),
        ({"kind": "ethernet", "timeout_ms": -2}, "timeout_ms"),
        ({"kind": "ethernet", "timeout_ms": 600_001}, "timeout_ms"),
        ({"kind": "ethernet", "timeout_ms": "15"}, "timeout_ms"),
        ({"kind": "gsm", "pin": "123456789"}, "pin"),
        ({"kind": "gsm", "pin": "12a4"}, "pin"),
        ({"kind": "gsm", "pin": "١٢٣٤"}, "pin"),
        ({"kind": "gsm", "apn": "x" * 101}, "apn"),
        ({"kind": "nb", "login": "x" * 65}, "login"),
        ({"kind": "cellular", "password": "x" * 65}, "password"),
        ({"kind": "catm1", "bands": [1, 2, 3, 4, 5]}, "bands"),
        ({"kind": "catm1", "bands": None}, "bands"),
        ({"kind": "catm1", "bands": [-1]}, "bands[0]"),
        ({**LORA, "app_eui": "A861"}, "app_eui"),
        ({**LORA, "app_eui": "G861EE0100000000"}, "app_eui"),
        ({**LORA, "app_key": "00"}, "app_key"),
        ({**LORA, "band": 256}, "band"),
        ({**LORA, "band": -2}, "band"),
        ({**LORA, "channel_mask": "x" * 13}, "channel_mask"),
        ({**LORA, "device_class": "D"}, "device_class"),
        ({"kind": "smoke"}, "kind"),
        ({"kind": 7}, "kind"),
        ({"ssid": "Home"}, "kind"),
        ([], "network"),
        (None, "network"),
        ("wifi", "network"),
    ],
)
def test_wrong_input_is_refused_with_its_field(data, field):
    found, problem = refused(data)
    assert found == field
    assert problem


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    )
)
def test_no_json_at_all_gets_past_the_check_by_surprise(data):
    with pytest.raises(InputError):
        parse_network(data)


@given(st.sampled_from([k.__struct_config__.tag for k in KINDS]), st.data())
def test_any_fields_of_a_kind_are_taken_or_refused_with_a_field(tag, data):
    kind = next(each for each in KINDS if each.__struct_config__.tag == tag)
    values = st.none() | st.integers() | st.text() | st.lists(st.integers(), max_size=6)
    fields = data.draw(st.dictionaries(st.sampled_from(kind.__struct_fields__), values))
    field = None
    try:
        setting = parse_network({"kind": tag, **fields})
    except InputError as error:
        field = str(error.facts["field"]).partition("[")[0]
    assert field in kind.__struct_fields__ if field else type(setting) is kind


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "wifi", "ssid": "Home", "password": "MARKERMARKER" * 8},
        {"kind": "wifi", "ssid": "Home", "password": ["MARKERMARKER"]},
        {"kind": "wifi", "ssid": "", "password": "MARKERMARKER"},
        {"kind": "gsm", "pin": "MARKERMARKER"},
        {**LORA, "app_key": "MARKERMARKER"},
        {"kind": "wifi", "ssid": "Home", "password": "MARKERMARKER\0"},
    ],
)
def test_a_refusal_never_repeats_a_secret(data):
    with pytest.raises(InputError) as caught:
        parse_network(data)
    told = json.dumps([str(caught.value), repr(caught.value), caught.value.facts])
    assert "MARKER" not in told


# --- what people and pages see ------------------------------------------------------------------


def test_labels_name_the_network_and_no_secret():
    assert WiFi(ssid="Home", password=Secret("s3cret-s3cret")).label == "Home"
    assert WiFi(ssid_hex="ff41").label == "\ufffdA"
    assert Ethernet().label == "Ethernet (DHCP)"
    assert Cellular(apn="web", pin=Secret("1234")).label == "Cellular (web)"
    assert CatM1().label == "CatM1"
    assert KEY not in LoRa(app_eui="A861EE0100000000", app_key=Secret(KEY)).label


def test_the_schema_has_all_kinds_and_marks_secrets():
    schema = network_schema()
    definitions = schema["$defs"]
    assert {d["properties"]["kind"]["enum"][0] for d in definitions.values()} == {
        str(kind.__struct_config__.tag) for kind in KINDS
    }
    for name, secret in [("WiFi", "password"), ("GSM", "pin"), ("LoRa", "app_key")]:
        assert definitions[name]["properties"][secret]["format"] == "password"
    assert definitions["WiFi"]["properties"]["ssid"]["x-max-bytes"] == 32
    json.dumps(schema)
