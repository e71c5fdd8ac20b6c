"""What a port of a simulated nRF91 board speaks."""

from __future__ import annotations

import pytest

from agent.protocols.nrf.lines import LineReader
from agent.simulator.nrf_config import NrfConfig
from agent.simulator.nrf_console import RawConsole, ShellConsole, log_line, words


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("att_cloud provision", ["att_cloud", "provision"]),
        ("at 'AT%CMNG=0,1,0,\"a b\"'", ["at", 'AT%CMNG=0,1,0,"a b"']),
        ('at AT%ATTESTTOKEN="00"', ["at", "AT%ATTESTTOKEN=00"]),
        ("a ''  b", ["a", "", "b"]),
        ("  ", []),
    ],
)
def test_a_line_is_cut_as_the_shell_cuts_it(line, found):
    assert words(line) == found


def test_a_log_line_has_time_level_and_module():
    assert log_line("inf", "cloud", "text", 3723.5, colours=False) == (
        "[01:02:03.500,000] <inf> cloud: text"
    )
    assert "\x1b[1;31m<err>" in log_line("err", "cloud", "text", 0, colours=True)


def test_a_line_end_inside_quotes_belongs_to_the_command():
    said: list[bytes] = []
    heard: list[str] = []

    def execute(line: str) -> list[str]:
        heard.append(line)
        return ["OK"]

    console = RawConsole(NrfConfig(), said.append, execute)
    console.hear(b'\r\nAT%CMNG=0,1,0,"a\r\nb"\r\nAT\r\n')
    assert heard == ['AT%CMNG=0,1,0,"a\r\nb"', "AT"]
    assert said == [b"OK\r\n", b"OK\r\n"]


def shell(**config: object) -> tuple[ShellConsole, bytearray]:
    said = bytearray()
    made = ShellConsole(NrfConfig(**config), said.extend, lambda line: [" ".join(line)])  # type: ignore[arg-type]  # of the test
    made.start()
    return made, said


def test_a_shell_echoes_and_asks_again():
    made, said = shell()
    made.hear(b"one two\r\nthree\n\r\n")
    assert said.decode().count("uart:~$ ") == 4
    texts = [line.text for line in LineReader().feed(bytes(said)) if line.text]
    assert texts == ["one two", "one two", "three", "three"]


def test_a_log_line_does_not_spoil_what_is_being_typed():
    made, said = shell(colours=False)
    made.hear(b"on")
    made.log("inf", "main", "hello", 1.0)
    made.hear(b"e\n")
    texts = [line.text for line in LineReader().feed(bytes(said))]
    assert texts[-2:] == ["one", "one"]
    assert any(text.endswith("<inf> main: hello") for text in texts)


def test_an_echo_is_broken_at_the_width_of_the_terminal_and_a_long_line_loses_its_end():
    made, said = shell(line_bytes=100)
    made.hear(b"x" * 200 + b"\n")
    lines = [line.text for line in LineReader().feed(bytes(said)) if line.text]
    assert [len(line) for line in lines] == [72, 28, 100]
