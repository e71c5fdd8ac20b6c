"""Lines of a console, without what only a terminal needs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.nrf.lines import LINE_BYTES, LineReader


@pytest.mark.parametrize(
    ("said", "text", "prompted", "log"),
    [
        ("OK", "OK", False, False),
        ("\x1b[1;32muart:~$ \x1b[mat AT+CGSN", "at AT+CGSN", True, False),
        ("uart:~$ uart:~$ OK", "OK", True, False),
        (
            "uart:~$ \x1b[8D\x1b[J[00:00:12.345,678] \x1b[0m<inf> cloud: text\x1b[0m",
            "[00:00:12.345,678] <inf> cloud: text",
            True,
            True,
        ),
        ("<wrn> nrf_provisioning: x", "<wrn> nrf_provisioning: x", False, True),
        ("*** Booting MCUboot v2.1.0 ***", "*** Booting MCUboot v2.1.0 ***", False, True),
        ("--- 7 messages dropped ---", "--- 7 messages dropped ---", False, True),
        ("\x00\x07 bell", "bell", False, False),
        ('%CMNG: 1,0,"AB"', '%CMNG: 1,0,"AB"', False, False),
    ],
)
def test_a_line_is_what_a_person_would_read(said, text, prompted, log):
    (line,) = LineReader().feed(said.encode() + b"\n")
    assert (line.text, line.prompted, line.log) == (text, prompted, log)


def test_a_prompt_stands_in_a_line_without_end():
    reader = LineReader()
    reader.feed(b"OK\r\n\x1b[1;32muart:~$ \x1b[m")
    assert (reader.pending.text, reader.pending.prompted) == ("", True)


def test_a_line_that_does_not_end_keeps_its_begin():
    reader = LineReader()
    for _ in range(100):
        reader.feed(b"x" * 1000)
    (line,) = reader.feed(b"\n")
    assert line.text == "x" * LINE_BYTES


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\n\r"])
def test_any_line_end_ends_one_line(end):
    lines = LineReader().feed(f"a{end}{end}b{end}".encode())
    assert [line.text for line in lines] == ["a", "", "b"]


@given(st.binary(max_size=200) | st.text("ab\r\n").map(str.encode), st.integers(1, 7))
def test_any_split_gives_the_same_lines(data, size):
    whole = LineReader().feed(data)
    reader = LineReader()
    parts = [line for at in range(0, len(data), size) for line in reader.feed(data[at : at + size])]
    assert parts == whole
    assert all(line.text.isprintable() or "\t" in line.text for line in parts)
