"""Numbers with which a modem refuses."""

from __future__ import annotations

import pytest

from agent.protocols.nrf.cme import refusal


@pytest.mark.parametrize("code", [0, 3, 10, 13, 15, 513, 514, 515, 518, 519, 523, 529, None, 9999])
def test_each_number_has_a_meaning_and_a_remedy(code):
    said = refusal(code)
    assert said.meaning
    assert said.meaning[0].islower()
    assert said.remedy.endswith(".")


def test_a_number_that_nobody_knows_is_not_explained_as_another():
    assert refusal(9999) != refusal(513)
    assert refusal(None).meaning != refusal(9999).meaning
