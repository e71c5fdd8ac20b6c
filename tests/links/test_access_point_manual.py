"""A person joins the board's access point by hand."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ApSilent
from agent.links.access_point_manual import (
    Answered,
    Cancel,
    Finish,
    ManualJoin,
    Probe,
    Show,
    Unanswered,
    qr_text,
    wait_for_board,
)
from tests.links.access_point_world import SSID


def test_the_text_of_the_code_names_an_open_network():
    assert qr_text(SSID) == "WIFI:T:nopass;S:Blynk Thermo-4Y1H;;"


def test_characters_of_the_format_are_escaped():
    assert qr_text(b'a;b,c:d\\e"f') == r"WIFI:T:nopass;S:a\;b\,c\:d\\e\"f;;"


def test_emoji_are_kept_and_bytes_that_are_no_text_have_no_code():
    assert qr_text("🛥 boat".encode()) == "WIFI:T:nopass;S:🛥 boat;;"
    assert qr_text(b"\xff\xfe") is None


def read_code(text: str) -> dict[str, str]:
    """As a reader does: fields end at a semicolon that is not escaped."""
    assert text.startswith("WIFI:")
    fields, part, escaped = {}, "", False
    for char in text[5:]:
        if escaped:
            part, escaped = part + char, False
        elif char == "\\":
            escaped = True
        elif char == ";":
            if part:
                name, _, value = part.partition(":")
                fields[name] = value
            part = ""
        else:
            part += char
    return fields


@given(st.text(min_size=1, max_size=32))
def test_every_name_can_be_read_from_its_code(name):
    try:
        data = name.encode()
    except UnicodeEncodeError:
        return
    text = qr_text(data)
    assert text is not None
    assert read_code(text) == {"T": "nopass", "S": name}


def test_the_person_sees_the_name_and_the_board_is_asked_at_once():
    show, probe = ManualJoin(SSID).start(0.0)
    assert isinstance(show, Show)
    assert (show.name, show.address) == ("Blynk Thermo-4Y1H", "192.168.4.1")
    assert probe == Probe(0.0)


def test_it_asks_until_the_board_answers():
    machine = ManualJoin(SSID, pause_s=1.0)
    machine.start(0.0)
    assert machine.handle(Unanswered(1.0)) == [Probe(1.0)]
    assert machine.handle(Answered()) == [Finish()]
    assert machine.handle(Unanswered(2.0)) == []


def test_after_the_limit_the_person_reads_what_to_do():
    machine = ManualJoin(SSID, limit_s=10.0)
    machine.start(5.0)
    assert machine.handle(Unanswered(14.5)) == [Probe(0.5)]
    (finish,) = machine.handle(Unanswered(15.0))
    assert isinstance(finish, Finish)
    assert isinstance(finish.error, ApSilent)
    assert "Choose Blynk Thermo-4Y1H" in finish.error.report().remedy


def test_giving_up_ends_it_and_the_person_still_has_to_go_back():
    machine = ManualJoin(SSID)
    machine.start(0.0)
    assert machine.handle(Cancel()) == [Finish(cancelled=True, go_back=True)]


@given(st.lists(st.one_of(st.just(Answered()), st.just(Cancel()), st.floats(0, 20))))
def test_it_ends_once_and_never_asks_after_its_limit(events):
    machine, now, ends = ManualJoin(SSID, limit_s=30.0), 0.0, 0
    machine.start(now)
    for event in events:
        if isinstance(event, float):
            now += event
            event = Unanswered(now)
        effects = machine.handle(event)
        ends += sum(isinstance(effect, Finish) for effect in effects)
        assert all(now + e.after_s <= 30.0 for e in effects if isinstance(e, Probe))
        if now >= 30.0:
            assert machine.finish is not None
    assert ends <= 1


async def test_the_wait_ends_when_a_real_server_answers():
    shown: list[Show] = []
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    asked = 0

    async def probe() -> bool:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise ConnectionRefusedError
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await writer.wait_closed()
        return asked == 3  # the second time it is somebody else's device

    await wait_for_board(ManualJoin(SSID, pause_s=0.0), probe, shown.append)
    server.close()
    await server.wait_closed()
    assert [show.name for show in shown] == ["Blynk Thermo-4Y1H"]
    assert asked == 3


async def test_the_wait_ends_with_its_limit():
    async def probe() -> bool:
        return False

    with pytest.raises(ApSilent):
        await wait_for_board(ManualJoin(SSID, limit_s=0.0), probe, lambda _: None)
