from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import (
    BoardBusy,
    BoardSilent,
    JoinFailed,
    MooringError,
    NetworkModuleFailed,
    NoInternet,
    NoNetworkList,
    NotProvisioned,
    NotSupported,
    ReceiverStuck,
    StatusReported,
    WrongSketch,
)
from agent.protocols.v2.messages import Network
from agent.protocols.v2.status import STATUSES
from agent.protocols.v2.talk import HostFailure, Reason
from agent.sessions.diagnosis import (
    LINE_BYTES,
    LOG_LINES,
    SECRET_BYTES,
    LogLines,
    join_error,
    options,
    session_error,
)
from agent.settings import Secret
from agent.settings.network import (
    GSM,
    NB,
    CatM1,
    Cellular,
    Ethernet,
    LoRa,
    NetworkSetting,
    WiFi,
)

PASSWORD = Secret("12345678")
STATIC = Ethernet(ip="10.0.0.2", gateway="10.0.0.1", netmask="255.0.0.0")
NETWORKS = (Network(b"Far", -84), Network(b"Caf\xe9\x1b", -40), Network(b"Near", -50))


@pytest.mark.parametrize(
    ("failure", "opened", "expected"),
    [
        (HostFailure(Reason.SILENT, seconds=30), False, BoardSilent),
        (HostFailure(Reason.SILENT, seconds=60), True, ReceiverStuck),
        (HostFailure(Reason.NO_LIST, seconds=130), False, NoNetworkList),
        (HostFailure(Reason.GARBLED), True, ReceiverStuck),
        (HostFailure(Reason.BUSY, -6), True, BoardBusy),
        (HostFailure(Reason.ENDED), True, BoardBusy),
        (HostFailure(Reason.ONLINE), True, NotProvisioned),
        (HostFailure(Reason.STATUS, -7), True, WrongSketch),
        (HostFailure(Reason.STATUS, -150), False, StatusReported),
        (HostFailure(Reason.STATUS, -77), True, StatusReported),
    ],
)
def test_each_failure_has_an_error_with_three_whole_sentences(
    failure: HostFailure, opened: bool, expected: type[MooringError]
):
    error = session_error(failure, opened=opened)
    assert type(error) is expected
    check_sentences(error)


def check_sentences(error: MooringError):
    report = error.report()
    for sentence in (report.title, report.meaning, report.remedy):
        assert sentence.endswith(".")
        assert "?" not in sentence  # a fact that is missing


@pytest.mark.parametrize("code", sorted(code for code in STATUSES if code < 0))
def test_each_negative_status_has_an_error_with_three_whole_sentences(code: int):
    settings = WiFi(ssid="Near", password=Secret("12345678"))
    error = join_error(code, settings, NETWORKS) or session_error(
        HostFailure(Reason.STATUS, code), opened=True
    )
    check_sentences(error)
    expected: dict[int, type[MooringError]] = {
        -1: JoinFailed,
        -2: JoinFailed,
        -3: JoinFailed,
        -5: NotSupported,
        -7: WrongSketch,
        -8: NoInternet,
        -101: NetworkModuleFailed,
        -102: NetworkModuleFailed,
    }
    assert type(error) is expected.get(code, StatusReported)


@pytest.mark.parametrize(
    ("settings", "words", "action"),
    [
        (WiFi(ssid="Near", password=PASSWORD), "password is most likely wrong", "password"),
        (WiFi(ssid="Near"), "no password was given", "password"),
        (WiFi(ssid="Far", password=PASSWORD), "weakly (-84 dBm)", "another network"),
        (WiFi(ssid="Gone", password=PASSWORD), "does not show this network", "another network"),
        (WiFi(ssid_hex="436166e91b", password=PASSWORD), "sees it well (-40 dBm)", "password"),
        (Ethernet(), "DHCP", "cable"),
        (STATIC, "does not fit", "netmask"),
        (Cellular(apn="iot"), "no coverage", "SIM"),
        (NB(pin=Secret("1234")), "no coverage", "SIM"),
        (GSM(apn="iot"), "no coverage", "SIM"),
        (CatM1(apn="iot"), "no coverage", "SIM"),
        (LoRa(), "No gateway", "gateway"),
    ],
)
def test_why_a_board_could_not_join_and_what_helps_fit_the_network(
    settings: NetworkSetting, words: str, action: str
):
    error = join_error(-1, settings, NETWORKS)
    assert isinstance(error, JoinFailed)
    report = error.report()
    check_sentences(error)
    assert words in report.meaning
    assert action in report.remedy
    assert isinstance(settings, WiFi) or "password" not in report.remedy
    assert "\x1b" not in report.title


def test_a_modem_that_was_turned_away_is_told_apart():
    error = join_error(-3, Cellular(apn="iot"), ())
    assert error is not None
    assert "turned the modem away" in error.report().meaning


def test_networks_are_shown_clean_and_keep_their_bytes():
    first, second, third = options(NETWORKS)
    assert (first.ssid, first.ssid_hex, first.rssi_dbm) == ("Caf\ufffd·", "436166e91b", -40)
    assert (second.ssid, third.ssid) == ("Near", "Far")


@given(st.lists(st.binary(max_size=3000), max_size=20))
def test_a_log_of_anything_is_bounded_and_clean(parts: list[bytes]):
    log = LogLines(None)
    for part in parts:
        log.add(part)
        assert len(log._rest) <= LINE_BYTES + SECRET_BYTES
    log.flush()
    assert len(log.lines) <= LOG_LINES
    assert all(line.isprintable() and len(line) <= 200 for line in log.lines)


def test_secrets_are_kept_out_of_the_log_however_it_is_cut():
    log = LogLines(None)
    log.hide(WiFi(ssid="Near", password=Secret("marker")))
    for byte in b"the password is marker\nand mar":
        log.add(bytes([byte]))
    log.add(b"ker")
    log.flush()
    assert list(log.lines) == ["the password is ***", "and ***"]


@given(st.integers(700, 1000), st.integers(1, 300))
def test_a_secret_in_an_endless_line_is_not_cut_in_two(before: int, chunk: int):
    log = LogLines(None)
    log.hide(WiFi(ssid="Near", password=Secret("mmmarker")))
    data = b"\xff" * before + b"mmmarker" + b"x" * 2000
    for at in range(0, len(data), chunk):
        log.add(data[at : at + chunk])
    log.flush()
    assert not any("mm" in line or "ker" in line for line in log.lines)
