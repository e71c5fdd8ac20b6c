"""docs/console.md says what is so: its conversation, its keys, its words."""

from __future__ import annotations

import re
from pathlib import Path

from agent.protocols import board_keys
from agent.protocols.console import talk
from agent.protocols.console.board import BoardConsole
from agent.protocols.console.lines import LINE_BYTES, Line, LineReader
from tests.protocols.console.wire import OurBoard

TEXT = (Path(__file__).parents[3] / "docs" / "console.md").read_text(encoding="utf-8")
FACTS = {
    "family": "esp32",
    "id": "3cc661051a2b",
    "firmware": "weather station",
    "version": "1.4",
}


def conversation() -> list[str]:
    return re.findall(r"^moor(?:ing|ed) [0-9a-f]{8}\.\d.*$", TEXT, re.MULTILINE)


def test_the_board_of_the_document_answers_as_ours_does() -> None:
    memory = OurBoard()
    memory.hold({"wifi_ssid": b"Lab", "wifi_pass": b"old secret"})
    console = BoardConsole(memory, FACTS)
    lines = conversation()
    assert len(lines) > 20
    for asked, answer in zip(lines[::2], lines[1::2], strict=True):
        assert console.hear(asked.encode() + b"\n") == [answer.encode() + b"\r\n"]
        if asked.split()[2] == "status":
            console.state = "connected"
    assert memory.values["wifi_ssid"] == b"Lab"
    assert board_keys.unflatten(memory.values).cloud is not None


def test_the_lines_of_the_document_are_lines() -> None:
    for text in conversation():
        assert len(text) <= LINE_BYTES
        sender: str = text.split()[0]
        found = LineReader("mooring" if sender == "mooring" else "moored").feed(
            text.encode() + b"\n"
        )
        assert [line.sender for line in found] == [sender]
    assert Line("mooring", "5f3a91c2.1", ("hello",)) in LineReader("mooring").feed(
        re.findall(r"printf '(.*)\\n'", TEXT)[0].encode() + b"\n"
    )


def test_the_table_of_keys_is_the_one_that_is_used() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .* \| (\d+) \| (secret|) ?\|$", TEXT, re.MULTILINE)
    said = {name: (int(limit), secret == "secret") for name, limit, secret in rows}
    assert said == {key.name: (key.limit, key.secret) for key in board_keys.KEYS}
    assert all((key.group == "cloud") is key.name.startswith("tb_") for key in board_keys.KEYS)


def test_times_and_tries_are_those_of_the_host() -> None:
    plain = " ".join(TEXT.split())
    limits = (talk.ANSWER_LIMIT_S, talk.TRIES, talk.HELLO_EVERY_S)
    said = f"after {limits[0]} s, at most {limits[1]} times (`hello`: each {limits[2]} s;"
    assert said in plain
    assert f"`commit`: {talk.COMMIT_LIMIT_S:.0f} s, {talk.COMMIT_TRIES} times)" in plain
    assert f"**{LINE_BYTES} characters**" in plain
