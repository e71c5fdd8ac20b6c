"""Refusals of a modem, in words and without what the command carried."""

from __future__ import annotations

import pytest

from agent.errors import NrfModemOff, NrfRefused, NrfUnanswered
from agent.protocols.nrf.at import Answer, End
from agent.sessions.nrf_errors import refused

SECRET = "marker-content-4711"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(End.ERROR, (), 514), NrfRefused),
        (Answer(End.ERROR), NrfRefused),
        (Answer(End.NO_MODEM, (), -1), NrfModemOff),
        (Answer(End.SILENT, (SECRET,)), NrfUnanswered),
        (Answer(End.UNKNOWN), NrfUnanswered),
    ],
)
def test_each_end_has_its_error(answer, kind):
    error = refused(f'AT%CMNG=0,7,2,"{SECRET}"', answer)
    assert isinstance(error, kind)
    assert SECRET not in repr(error.report())
    if kind is not NrfModemOff:
        assert error.facts["command"] == "%CMNG"


def test_an_error_without_number_says_so():
    assert "without a number" in refused("AT+CFUN=4", Answer(End.ERROR)).report().meaning
    assert refused("hello", Answer(End.SILENT)).facts["command"] == "a command"
