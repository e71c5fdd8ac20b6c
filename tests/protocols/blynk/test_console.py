"""Lines to the console of a board, and what is found in its output."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import InputError
from agent.protocols.blynk import console
from agent.protocols.blynk.config import BlynkConfig
from agent.settings import Secret
from agent.settings.network import WiFi
from agent.simulator.blynk_console import BlynkConsoleFace
from agent.simulator.blynk_device import EdgentDevice

TOKEN = Secret("tok_ABCDEFGHIJKLMNOPQRSTUVWX-012")
WORDS = st.binary(min_size=1, max_size=20).filter(lambda word: 0 not in word)


@given(WORDS)
def test_a_word_arrives_whatever_is_in_it(word):
    device = EdgentDevice()
    device.run(20_000)
    face = BlynkConsoleFace(device)
    line = console.command(b"connect", TOKEN.reveal().encode(), word)
    assert line.count(b" ") == 2
    assert not set(line[:-1]) & set(b"\r\n\t")
    face.hear(line)
    face.take()
    assert device.settings.ssid == word


def test_words_of_the_documentation():
    assert console.command(b"wifi", b"add", b"a b", b"c\\d\t") == b"wifi add a\\x20b c\\\\d\\x09\n"
    for wrong in (b"", b"a\0b"):
        with pytest.raises(ValueError, match="zero byte"):
            console.quote(wrong)


def test_what_does_not_fit_into_a_line_is_refused_before_it_is_sent():
    wifi = WiFi(ssid="n" * 32, password=Secret(" " * 62 + "x"))
    with pytest.raises(InputError):
        console.delivery(BlynkConfig(TOKEN, wifi), 1)
    assert console.delivery(BlynkConfig(TOKEN, WiFi(ssid="n" * 32, password=Secret("p" * 63))), 1)


def test_generation_2_gets_its_network_before_its_token():
    wifi = WiFi(ssid="Lab", password=Secret("12345678"))
    steps = console.delivery(BlynkConfig(TOKEN, wifi, host="lab.example"), 2)
    assert [step.line.split()[:2] for step in steps[:2]] == [[b"wifi", b"clear"], [b"wifi", b"add"]]
    assert steps[2].line == b"connect " + TOKEN.reveal().encode() + b" lab.example\n"
    assert "12345678" not in repr(steps)


@given(st.binary(max_size=300), st.data())
def test_cut_anywhere_the_same_lines_come_out(data, draw):
    whole = console.ConsoleReader().feed(data)
    cut = draw.draw(st.integers(0, len(data)))
    reader = console.ConsoleReader()
    assert reader.feed(data[:cut]) + reader.feed(data[cut:]) == whole


def test_prompts_colours_and_empty_lines_are_passed_over_and_a_line_has_a_limit():
    reader = console.ConsoleReader()
    said = b"\r\n>devinfo\r\n\x1b[0;32mI (12) app: A\x1b[0m\r\n>[1] B\r\n" + b"x" * 2000 + b"\n"
    lines = [line.data for line in reader.feed(said)]
    assert lines[:3] == [b"devinfo", b"I (12) app: A", b"[1] B"]
    assert max(map(len, lines)) == console.LINE_BYTES
    assert "devinfo" not in repr(reader.feed(b">devinfo\n"))


@pytest.mark.parametrize(
    ("line", "taken"),
    [
        ('{"status":"OK","msg":"trying to connect..."}', console.Taken(ok=True)),
        (
            '{"status":"error","msg":"invalid token size"}',
            console.Taken(False, "invalid token size"),
        ),
        (
            '{"status":"error","msg":"invalid arguments. expected: <auth> <ssid> <pass>"}',
            console.Taken(False, "invalid arguments. expected: <auth> <ssid> <pass>"),
        ),
        ("Trying to connect...", console.Taken(ok=True)),
        ("Error: invalid token size", console.Taken(False, "Error: invalid token size")),
        ("Usage: connect <auth> [host]", console.Taken(False, "Usage: connect <auth> [host]")),
        ("Command not found.", console.Taken(False, "Command not found.")),
        ("connect tok Ready", None),
        ("[12] Connecting to blynk.cloud:443", None),
    ],
)
def test_answers_to_connect(line, taken):
    assert console.parse_taken(line) == taken


@pytest.mark.parametrize(
    ("line", "news"),
    [
        ("[2345] Using Dynamic IP: 192.168.1.57", console.Joined("192.168.1.57")),
        ("[2345] Using Static IP: 10.0.0.9", console.Joined("10.0.0.9")),
        ("[2345] Ready (ping: 42ms).", console.Online()),
        ("[2345] Ready", console.Online()),
        ("[2345] CONNECTING_NET => CONNECTING_CLOUD", console.State("CONNECTING CLOUD")),
        ("[ 2345][I][BlynkEdgent.h:9] setState(): WAIT CONFIG => IDLE", console.State("IDLE")),
        ("I (2345) app: CONNECTING NET => WAIT CONFIG", console.State("WAIT CONFIG")),
        ("mac:A0 ip:0.0.0.0 ( [] 0dBm)", None),
        ("mac:A0 ip:10.0.0.9 (Lab [00] -40dBm)", console.Joined("10.0.0.9")),
        ("mac:A0 ip:10.0.0.9 status:ready", console.Joined("10.0.0.9")),
        ("mac:A0 ip:10.0.0.9 status:down", None),
        ("connect TOKEN Lab Ready", None),
        ("[2345] Already", None),
        ("Ready", None),
    ],
)
def test_news_are_found_in_the_log_and_never_in_an_echo(line, news):
    assert console.parse_news(line) == news


@pytest.mark.parametrize(
    ("line", "code", "final"),
    [
        ("[2345] Invalid auth token", 703, True),
        ("[2345] Last error code: 702", 702, True),
        ("error: AUTH_FAILED", 722, False),
        ("error: NETWORK_NOT_FOUND", 720, False),
        ("error: IP_NOT_ASSIGNED", 723, False),
        ("error: SOMETHING_NEW", 704, False),
    ],
)
def test_trouble_has_its_code(line, code, final):
    news = console.parse_news(line)
    assert isinstance(news, console.Trouble)
    assert (news.failure.code, news.final) == (code, final)


def test_rows_of_a_scan():
    row = console.parse_row(b"* My net [x] [00:11:22:33:44:55] WPA2 ch:6 rssi:-48")
    assert row is not None
    assert (row.ssid, row.security, row.channel, row.rssi_dbm) == ("My net [x]", "WPA2", 6, -48)
    assert (
        console.parse_row(b"  Lab                  [00:11:22:33:44:55] OPEN ch:6 rssi:-48")
        is not None
    )
    assert console.parse_row(b"  \xff [00:11:22:33:44:55] OPEN ch:6 rssi:-48") is None
    assert console.parse_row(b"wifi scan") is None


def test_generations_are_told_apart_by_their_commands():
    first = console.parse_help("Available commands: help, ?, connect, wifi, firmware, status")
    second = console.parse_help(">Available commands: help, ?, connect, sys, wifi")
    assert first is not None
    assert second is not None
    assert (console.generation_of(first), console.generation_of(second)) == (1, 2)
    assert console.parse_help("help") is None


@given(st.text(max_size=80))
def test_no_line_breaks_anything(line):
    console.parse_news(line)
    console.parse_taken(line)
    console.parse_help(line)
    console.parse_row(line.encode(errors="replace"))
