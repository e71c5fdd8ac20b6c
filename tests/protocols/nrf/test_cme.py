"""Numbers with which a modem refuses."""

from __future__ import annotations

import pytest

from agent.protocols.nrf.cme import failure_words, refusal


@pytest.mark.parametrize("code", [0, 3, 10, 13, 15, 513, 514, 515, 518, 519, 523, 529, None, 9999])
def test_each_number_has_a_meaning_and_a_remedy(code):
    said = refusal(code)
    assert said.meaning
    assert said.meaning[0].islower()
    assert said.remedy.endswith(".")


def test_a_number_that_nobody_knows_is_not_explained_as_another():
    assert refusal(9999) != refusal(513)
    assert refusal(None).meaning != refusal(9999).meaning


def test_what_was_said_of_a_failure_is_a_sentence_with_the_number_in_words():
    assert failure_words("+CME ERROR: 523") == (
        "It was said: +CME ERROR: 523 (it could not make a key)."
    )
    assert failure_words("no room.") == "It was said: no room."
    assert failure_words("") == ""
