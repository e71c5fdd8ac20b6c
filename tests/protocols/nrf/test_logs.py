"""What a log tells of provisioning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.nrf.cose import Problem
from agent.protocols.nrf.lines import LineReader, clean
from agent.protocols.nrf.logs import LogReader, Progress, Seen, TokenPrinted, TokenSpoiled
from agent.simulator.nrf_identity import ModemIdentity

TOKEN = ModemIdentity("LOGS").attest()
BEGIN, END = "----- BEGIN ATTESTATION TOKEN -----", "----- END ATTESTATION TOKEN -----"


def read(*lines: str) -> list[object]:
    reader = LogReader()
    return [event for line in lines for event in reader.feed(clean(line.encode()))]


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("<inf> cloud: Provisioning request received", Seen.ACCEPTED),
        ("<inf> nrf_provisioning: Externally initiated provisioning", Seen.ACCEPTED),
        ("<inf> nrf_provisioning_coap: Requesting commands", Seen.ACCEPTED),
        ("<wrn> cloud: nRF Provisioning requires device to deactivate LTE", Seen.LTE_OFF),
        ("<wrn> cloud: nRF Provisioning requires device to activate LTE", Seen.LTE_ON),
        ("<inf> nrf_provisioning: Modem connection restored", Seen.LTE_ON),
        ("<inf> nrf_provisioning_coap: Processing commands", Seen.WORKING),
        (
            "<wrn> cloud: No commands from the nRF Provisioning Service to process",
            Seen.NOTHING_QUEUED,
        ),
        (
            "<inf> nrf_provisioning_coap: No more commands to process on server side",
            Seen.NOTHING_QUEUED,
        ),
        ("<inf> nrf_provisioning_coap: Finished", Seen.FINISHED),
        ("<dbg> cloud: Provisioning finished", Seen.FINISHED),
        ("<inf> nrf_provisioning: Provisioning done, rebooting...", Seen.FINISHED),
        (
            "<err> cloud: Provisioning failed, too many commands for the device to handle",
            Seen.TOO_MANY,
        ),
        ("<err> cloud: Provisioning failed, no valid datetime reference", Seen.NO_TIME),
        ("<wrn> cloud: Provisioning failed, device not claimed", Seen.NOT_CLAIMED),
        (
            "<wrn> nrf_provisioning: Unauthorized access: device is not yet claimed.",
            Seen.NOT_CLAIMED,
        ),
        ("<err> cloud: Provisioning failed, wrong CA certificate", Seen.WRONG_CA),
        (
            "<wrn> nrf_provisioning: Please check the CA certificate stored in sectag 42",
            Seen.WRONG_CA,
        ),
        ("<wrn> nrf_provisioning: Busy, retrying in 2 seconds", Seen.BUSY),
        ("<err> cloud: Provisioning failed", Seen.FAILED),
        ("<err> cloud: Provisioning error", Seen.FAILED),
        ("<inf> cloud: Connected to Cloud", Seen.ONLINE),
        ("*** Booting MCUboot v2.1.0-dev ***", Seen.BOOTLOADER),
        ("*** Booting nRF Connect SDK v3.0.2 ***", Seen.BOOTED),
    ],
)
def test_each_line_of_the_log_has_its_meaning(line, seen):
    line = line if line.startswith("*") else f"[00:00:01.234,567] {line}"
    assert read(line) == [Progress(seen)]


def test_what_only_repeats_the_line_before_means_nothing():
    assert read("<wrn> cloud: Treating as provisioning finished", "", "<inf> main: hello") == []


@pytest.mark.parametrize(
    "lines",
    [
        [BEGIN, "", TOKEN, "", END],
        [BEGIN, TOKEN, END],
        ["[00:00:01.000,000] <wrn> cloud: Attestation token (copy all):", BEGIN, "", TOKEN],
        ["Attestation token:", TOKEN],
        ["Attestation token for claiming device on nRFCloud:", TOKEN, ""],
        [BEGIN, "", TOKEN[:80], TOKEN[80:160], TOKEN[160:], "", END],
        [BEGIN, TOKEN[:80], "[00:00:01.000,000] <inf> main: between", TOKEN[80:], END],
    ],
)
def test_a_printed_token_is_found_even_if_the_terminal_broke_it(lines):
    (event,) = read(*lines)
    assert isinstance(event, TokenPrinted)
    assert event.token.text.reveal() == TOKEN


@pytest.mark.parametrize("end", ["\r\n", "\n\r", "\n"])
def test_a_token_that_the_terminal_broke_is_found_with_any_line_end(end):
    text = end.join((BEGIN, "", TOKEN[:80], TOKEN[80:160], TOKEN[160:], "", END, ""))
    reader = LogReader()
    events = [event for line in LineReader().feed(text.encode()) for event in reader.feed(line)]
    assert [type(event) for event in events] == [TokenPrinted]


def test_a_printed_token_that_lost_its_end_is_told():
    assert read(BEGIN, "", TOKEN[:100], "", END) == [TokenSpoiled(Problem.CUT)]
    assert read("Attestation token:", TOKEN[:100], "") == [TokenSpoiled(Problem.CUT)]


def test_a_block_that_never_ends_is_given_up():
    events = read(BEGIN, *["abcdefgh"] * 50, TOKEN)
    assert len(events) == 1
    assert isinstance(events[0], TokenSpoiled)


def test_a_token_outside_a_block_is_not_taken():
    assert read(TOKEN) == []


@given(st.lists(st.text(max_size=60), max_size=12))
def test_any_lines_are_survived(lines):
    read(BEGIN, *lines)
