"""The conversation with a board: what is said when, and what counts as an answer."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.nrf import at
from agent.protocols.nrf.at import Answer, AtMachine, Detected, Dialect, End

IMEI = "350000012345678"


def run(talk, *said: bytes | None, size: int = 0) -> tuple[AtMachine, list[bytes]]:
    """Answers to what is asked, one for each; None: silence."""
    machine = AtMachine()
    machine.start(talk, 0.0)
    written: list[bytes] = []
    now = 0.0
    for answer in said:
        written += machine.take_writes()
        if answer is None:
            now = machine.next_deadline or now
            machine.tick(now)
            continue
        for begin in range(0, len(answer), size or len(answer) or 1):
            machine.receive(answer[begin : begin + (size or len(answer))], now)
    written += machine.take_writes()
    return machine, written


RAW = f"{IMEI}\r\nOK\r\n".encode()
SHELL = f"at AT+CGSN\r\n{IMEI}\r\n\r\nOK\r\n\r\n\x1b[1;32muart:~$ \x1b[m".encode()


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ([SHELL], Detected(Dialect.SHELL, IMEI, heard=True)),
        ([b"ERROR\r\n", RAW], Detected(Dialect.AT, IMEI, heard=True)),
        ([None, RAW], Detected(Dialect.AT, IMEI, heard=True)),
        ([None, None, None, RAW], Detected(Dialect.AT, IMEI, heard=True)),
        ([b"at: command not found\r\n"], Detected(Dialect.BARE_SHELL, modem=False, heard=True)),
        (
            [b"Sending AT command failed with error code -1\r\n"],
            Detected(Dialect.SHELL, modem=False, heard=True),
        ),
        ([b"ERROR\r\n", b"ERROR\r\n"], Detected(Dialect.AT, modem=False, heard=True)),
        ([None] * 6, Detected(None)),
        ([b"hello\r\n", None, *[None] * 6], Detected(None, heard=True)),
    ],
)
def test_what_a_port_speaks_is_found_out(said, found):
    machine, _ = run(at.detect(), *said)
    assert machine.result == found
    assert machine.next_deadline is None


def test_both_forms_are_tried_in_turn():
    _, written = run(at.detect(2), None, None, None, None)
    assert written == [b"at AT+CGSN\r\n", b"AT+CGSN\r\n"] * 2


def test_a_command_is_quoted_for_a_shell_and_its_lines_joined():
    text = 'AT%CMNG=0,1,0,"a\r\nb"'
    _, written = run(at.command(Dialect.SHELL, text))
    assert written == [b"at 'AT%CMNG=0,1,0,\"a\\nb\"'\r\n"]
    _, written = run(at.command(Dialect.AT, text))
    assert written == [text.encode() + b"\r\n"]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"OK\r\n", Answer(End.OK)),
        (b"ERROR\r\n", Answer(End.ERROR)),
        (b"+CME ERROR: 514\r\n", Answer(End.ERROR, (), 514)),
        (b"+CME ERROR: SIM not inserted\r\n", Answer(End.ERROR)),
        (b"+CMS ERROR: 300\r\n", Answer(End.ERROR, (), 300)),
        (b"AT+CPIN?\r\r\n+CPIN: READY\r\nOK\r\n", Answer(End.OK, ("+CPIN: READY",))),
    ],
)
def test_an_answer_ends_with_its_last_line(said, answer):
    machine, _ = run(at.command(Dialect.AT, "AT+CPIN?"), said)
    assert machine.result == answer


@given(st.integers(1, 9), st.integers(0, 3))
def test_logs_and_any_split_make_no_difference(size, noise):
    log = b"uart:~$ \x1b[8D\x1b[J[00:00:01.000,000] \x1b[0m<inf> main: OK ERROR\x1b[0m\r\nuart:~$ "
    said = log * noise + b"at 'AT+CGSN'\r\n" + log + IMEI.encode() + b"\r\n" + log * noise
    machine, _ = run(at.command(Dialect.SHELL, "AT+CGSN"), said + b"\r\nOK\r\n", size=size)
    assert machine.result == Answer(End.OK, (IMEI,))
    assert len([line for line in machine.take_others() if line.log]) == 2 * noise + 1


def test_an_echo_that_the_terminal_broke_is_no_answer():
    said = b"uart:~$ at 'AT%CMNG=1,\r\n16842753'\r\n%CMNG: 16842753,0,\"AB\"\r\nOK\r\n"
    machine, _ = run(at.command(Dialect.SHELL, "AT%CMNG=1,16842753"), said)
    assert machine.result.lines == ('%CMNG: 16842753,0,"AB"',)


def test_what_may_be_asked_again_is_and_the_late_answer_is_not_taken_for_another():
    wants = re.compile("[0-9]{15}")
    talk = at.command(Dialect.AT, "AT+CGSN", wants=wants)
    machine, written = run(talk, None, b"lost\r\nOK\r\n", f"{IMEI}\r\nOK\r\n".encode())
    assert written == [b"AT+CGSN\r\n"] * 2
    assert machine.result.find(wants) == IMEI


def test_silence_ends_after_the_last_try():
    machine, written = run(at.command(Dialect.AT, "AT+CGSN", tries=2), None, None)
    assert machine.result.end is End.SILENT
    assert len(written) == 2


def test_time_that_has_not_come_changes_nothing():
    machine = AtMachine()
    machine.start(at.command(Dialect.AT, "AT"), 5.0)
    machine.tick(6.0)
    assert machine.running
    machine.abandon()
    machine.tick(100.0)
    assert not machine.running
    assert machine.take_writes() == []


def test_a_command_of_the_shell_ends_with_the_prompt():
    prompt = b"\x1b[1;32muart:~$ \x1b[m"
    said = b"nrf_provisioning token\r\n" + b"abc.def\r\n\r\n" + prompt
    machine, _ = run(at.shell_command("nrf_provisioning token"), said)
    assert machine.result == Answer(End.PROMPT, ("abc.def",))


def test_a_prompt_that_a_log_line_brought_ends_nothing_where_commands_are_echoed():
    machine, _ = run(at.shell_command("help"), b"help\r\nuart:~$ ")
    log = b"\x1b[8D\x1b[J[00:00:01.000,000] <inf> a: b\r\nuart:~$ "
    machine.start(at.shell_command("att_cloud provision"), 0.0)
    machine.receive(log, 0.0)
    assert machine.running
    machine.receive(b"att_cloud provision\r\natt_cloud: command not found\r\nuart:~$ ", 0.0)
    assert machine.result.end is End.UNKNOWN


@pytest.mark.parametrize(
    "said",
    ["att_cloud: command not found", "Please specify a subcommand.", "x: wrong parameter count"],
)
def test_a_command_that_the_shell_does_not_know_is_told(said):
    machine, _ = run(at.shell_command("att_cloud provision"), said.encode() + b"\r\n")
    assert machine.result.end is End.UNKNOWN


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_any_noise_is_survived(chunks):
    machine = AtMachine()
    machine.start(at.detect(1), 0.0)
    for number, chunk in enumerate(chunks):
        machine.receive(chunk, number / 10)
        machine.tick(number / 10)
    for _ in range(8):
        machine.tick(machine.next_deadline or 0.0)
    assert isinstance(machine.result, Detected)
    assert not machine.running


def test_lines_of_a_flood_are_bounded():
    machine = AtMachine()
    machine.start(at.command(Dialect.AT, "AT%CMNG=1"), 0.0)
    machine.receive(b"x\r\n" * 5000 + b"OK\r\n", 0.0)
    assert len(machine.result.lines) == at.ANSWER_LINES
    assert len(machine.take_others()) == at.OTHERS
