"""The keys of a board's settings: there and back, what is refused, what is in the digest's table."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import InputError
from agent.protocols import board_keys
from agent.settings import Secret
from agent.settings.credentials import (
    CERTIFICATE_BYTES,
    AccessToken,
    BoardSettings,
    Certificate,
    CloudSettings,
    MqttBasic,
)
from agent.settings.network import GSM, NB, CatM1, Cellular, Ethernet, LoRa, NetworkSetting, WiFi

CLOUD = CloudSettings(
    cloud="thingsboard",
    name="bench-7",
    host="tb.test",
    port=1883,
    scheme="mqtt",
    credentials=AccessToken(token=Secret("T0ken")),
)
WHERE = {"tb_host": b"tb.test", "tb_port": b"1883", "tb_name": b"bench-7"}
PEM = "-----BEGIN CERTIFICATE-----\r\nMIIB\n??/-----END CERTIFICATE-----\n"


def shown(limit: int, *, least: int = 0) -> st.SearchStrategy[str]:
    """Printable text of at most so many bytes."""
    texts = st.text(
        st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=least, max_size=limit
    )
    return texts.filter(lambda text: len(text.encode()) <= limit)


def secrets(limit: int, *, least: int = 0) -> st.SearchStrategy[Secret]:
    return shown(limit, least=least).map(Secret)


def pem(what: str, limit: int) -> st.SearchStrategy[str]:
    frame = f"-----BEGIN {what}-----\n{{}}\n-----END {what}-----\n"
    body = st.text("ABCab01+/=\n\r \"\\?'", max_size=200)
    return body.map(frame.format).filter(lambda text: len(text) <= limit)


addresses = st.ip_addresses().map(str)
waits = st.integers(-1, 600_000)
simple = {
    "pin": st.text("0123456789", max_size=8).map(Secret),
    "apn": shown(100),
    "login": shown(64),
    "password": secrets(64),
}
networks: st.SearchStrategy[NetworkSetting] = st.one_of(
    st.builds(WiFi, ssid=shown(32, least=1), password=secrets(63, least=5) | st.just(Secret())),
    st.binary(min_size=1, max_size=32)
    .filter(lambda name: b"\0" not in name)
    .map(lambda name: WiFi(ssid_hex=name.hex())),
    st.builds(Ethernet, timeout_ms=waits, response_timeout_ms=waits),
    st.builds(Ethernet, ip=addresses, gateway=addresses, netmask=addresses, dns=addresses),
    st.builds(GSM, **simple),
    st.builds(NB, **simple),
    st.builds(Cellular, **simple),
    st.builds(CatM1, bands=st.lists(st.integers(0, 0xFFFFFFFF), max_size=4), **simple),
    st.builds(
        LoRa,
        app_eui=st.text("0123456789abcdefABCDEF", min_size=16, max_size=16),
        app_key=st.text("0123456789abcdefABCDEF", min_size=32, max_size=32).map(Secret),
        band=st.integers(-1, 255),
        channel_mask=st.text("0123456789ABCDEF", max_size=12),
        device_class=st.sampled_from("ABC"),
    ),
)
plain_schemes = st.sampled_from(["mqtt", "http", "coap"])
credentials: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries(
        {
            "credentials": st.builds(AccessToken, token=secrets(255, least=1)),
            "scheme": st.sampled_from(["mqtt", "mqtts", "http", "https", "coap", "coaps"]),
        }
    ),
    st.fixed_dictionaries(
        {
            "credentials": st.builds(
                MqttBasic, client_id=shown(99), username=shown(99, least=1), password=secrets(99)
            ),
            "scheme": st.sampled_from(["mqtt", "mqtts"]),
        }
    ),
    st.fixed_dictionaries(
        {
            "credentials": st.builds(
                Certificate,
                certificate=pem("CERTIFICATE", 8192),
                key=pem("EC PRIVATE KEY", 4096).map(Secret),
            ),
            "scheme": st.sampled_from(["mqtts", "coaps"]),
            "ca": pem("CERTIFICATE", 16384),
        }
    ),
)
clouds = credentials.flatmap(
    lambda chosen: st.builds(
        CloudSettings,
        cloud=st.just("thingsboard"),
        name=shown(255, least=1),
        host=st.from_regex("[a-z0-9.:-]{1,253}", fullmatch=True),
        port=st.integers(1, 65535),
        **{field: st.just(value) for field, value in chosen.items()},
    )
)
settings = st.builds(BoardSettings, network=st.none() | networks, cloud=st.none() | clouds).filter(
    lambda chosen: chosen.network is not None or chosen.cloud is not None
)


def as_text(setting: NetworkSetting | None) -> NetworkSetting | None:
    """A name that was given as bytes but is text comes back as text."""
    if isinstance(setting, WiFi) and setting.ssid_hex:
        try:
            return WiFi(ssid=setting.ssid_bytes.decode(), password=setting.password)
        except UnicodeDecodeError:
            return setting
    return setting


@given(settings)
def test_all_settings_go_to_keys_and_back(chosen: BoardSettings) -> None:
    values = board_keys.flatten(chosen)
    assert list(values) == sorted(values)
    assert all(values.values())
    assert {board_keys.BY_NAME[name].group for name in values} == set(board_keys.groups(chosen))
    expected = msgspec.structs.replace(chosen, network=as_text(chosen.network))
    assert board_keys.unflatten(values) == expected


@given(settings)
def test_each_secret_is_under_a_key_that_is_marked_as_one(chosen: BoardSettings) -> None:
    secret: list[str] = []
    for part in (chosen.network, chosen.cloud and chosen.cloud.credentials):
        fields = part.__struct_fields__ if part is not None else ()
        secret += [
            value.reveal() for name in fields if isinstance(value := getattr(part, name), Secret)
        ]
    marked = {name for name, key in board_keys.BY_NAME.items() if key.secret}
    values = board_keys.flatten(chosen)
    assert sorted(value.decode() for name, value in values.items() if name in marked) == sorted(
        filter(None, secret)
    )


@given(
    st.dictionaries(
        st.sampled_from(list(board_keys.BY_NAME)),
        st.binary(max_size=12) | st.just(b"1"),
        max_size=6,
    )
)
def test_whatever_a_board_holds_it_is_settings_or_a_refusal_with_a_field(
    values: dict[str, bytes],
) -> None:
    try:
        chosen = board_keys.unflatten(values)
    except InputError as error:
        assert error.facts["field"]  # noqa: PT017  (either way is right)
    else:
        kept = {name: value for name, value in values.items() if value}
        if kept:
            assert board_keys.unflatten(board_keys.flatten(chosen)) == chosen


def test_the_table_of_digests_is_each_key_and_value_with_a_zero_behind() -> None:
    values = {"wifi_ssid": b"Lab", "tb_token": b"x", "wifi_pass": b""}
    assert board_keys.table(values) == b"tb_token\0x\0wifi_ssid\0Lab\0"
    assert board_keys.table({}) == b""


def test_names_fit_into_nvs_and_are_told_apart() -> None:
    assert len(board_keys.BY_NAME) == len(board_keys.KEYS)
    assert all(len(name) <= board_keys.KEY_CHARS for name in board_keys.BY_NAME)


@pytest.mark.parametrize(
    ("chosen", "field"),
    [
        (BoardSettings(), "cloud"),
        (BoardSettings(network=WiFi(ssid="x" * 33)), "ssid"),
        (BoardSettings(network=WiFi(ssid_hex="4100")), "ssid"),
        (
            BoardSettings(network=Ethernet(ip="fe80::1%" + "e" * 60, gateway="::", netmask="::")),
            "ip",
        ),
        (BoardSettings(cloud=msgspec.structs.replace(CLOUD, cloud="other")), "cloud"),
        (
            BoardSettings(
                cloud=msgspec.structs.replace(
                    CLOUD, scheme="mqtts", ca=PEM.replace("MIIB", "MARKER\0")
                )
            ),
            "ca",
        ),
        (
            BoardSettings(
                cloud=msgspec.structs.replace(
                    CLOUD, scheme="mqtts", ca=PEM.replace("MIIB", "x" * 2 * CERTIFICATE_BYTES)
                )
            ),
            "ca",
        ),
    ],
)
def test_what_no_board_can_keep_is_refused_with_its_field(
    chosen: BoardSettings, field: str
) -> None:
    with pytest.raises(InputError) as caught:
        board_keys.flatten(chosen)
    assert caught.value.facts["field"] == field
    assert "MARKER" not in repr(caught.value.report())


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"tb_colour": b"red"}, "tb_colour"),
        ({"net_kind": b"smoke"}, "net_kind"),
        ({"net_kind": b"gsm", "wifi_ssid": b"Lab"}, "wifi_ssid"),
        ({"net_kind": b"catm1", "sim_bands": b"1,x"}, "sim_bands"),
        ({"wifi_pass": b"correct horse"}, "ssid"),
        ({"tb_token": b""} | WHERE, "credentials"),
        ({"tb_token": b"MARKER", "tb_cert": b"c"} | WHERE, "credentials"),
        ({"tb_token": b"MARKER", "tb_tls": b"yes"} | WHERE, "tb_tls"),
        ({"tb_token": b"MARKER", "tb_tls": b"2"} | WHERE, "tb_tls"),
        ({"tb_token": b"MARKER\xff"} | WHERE, "tb_token"),
        ({"tb_token": b"MARKER", "tb_host": b"h", "tb_name": b"n"}, "tb_port"),
        ({"tb_token": b"MARKER", "tb_proto": b"ftp"} | WHERE, "scheme"),
    ],
)
def test_keys_that_are_no_settings_are_refused(values: dict[str, bytes], field: str) -> None:
    with pytest.raises(InputError) as caught:
        board_keys.unflatten(values)
    assert caught.value.facts["field"] == field
    assert "MARKER" not in repr(caught.value.report())
