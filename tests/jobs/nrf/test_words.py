"""What the procedures of nRF Cloud say: nothing of a secret, nothing that a terminal would obey."""

from __future__ import annotations

from agent.jobs.nrf import words
from agent.protocols.nrf.answers import CommandState
from agent.protocols.nrf.logs import Seen
from tests.jobs.nrf import samples


def test_commands_are_told_without_what_they_carry():
    secret = CommandState(
        id="1",
        status="PENDING",
        description="d",
        request={"psk": {"secret": "c0ffee"}},
        response="r",
    )
    told = words.shown_commands([secret])
    assert told == [{"id": "1", "name": "psk", "status": "PENDING"}]
    assert words.count_words([secret, samples.command()]) == "1 of 2 commands done"
    assert words.count_words([samples.command()]) == "its command is done"
    assert words.count_words([]) == ""


def test_what_a_board_says_of_itself_is_cleaned():
    said = words.modem_words(samples.modem(model="nRF9151\x1b[2J", modem_firmware="mfw"))
    assert "\x1b" not in said
    assert "mfw" in said


def test_lines_of_the_log_that_matter_have_a_sentence():
    assert words.seen_words(Seen.LTE_OFF)
    assert words.seen_words(Seen.FINISHED) == ""
