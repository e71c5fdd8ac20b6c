"""Asking again, and the errors of outcomes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from agent.clouds.thingsboard.asking import ask, error_of
from agent.clouds.thingsboard.carrier import Asked
from agent.errors import (
    CertificateUnknown,
    EnrolNotUnderstood,
    EnrolRefused,
    EnrolUnusable,
    MooringError,
    ProfileKeyUnknown,
    QuotaReached,
    Unreachable,
)
from agent.protocols.thingsboard.provisioning import NotAsked, NotUnderstood, Outcome, Overloaded
from agent.protocols.thingsboard.replies import Issued, Refused, Unusable
from agent.protocols.thingsboard.requests import ProvisionRequest
from agent.settings import Secret
from agent.settings.credentials import AccessToken

if TYPE_CHECKING:
    from tests.clouds.manual_clock import ManualClock

TOKEN = AccessToken(token=Secret("MARKER-token"))
WISH = ProvisionRequest(
    name="n", key=Secret("MARKER-key"), secret=Secret("MARKER-secret"), own=TOKEN
)
YES = Issued(TOKEN)
ECHO = "you said MARKER-secret, MARKER-key and MARKER-token"


class Scripted:
    """A carrier whose outcomes are given; the last one stays."""

    def __init__(self, *outcomes: Outcome, error: Unreachable | None = None) -> None:
        self.asked = 0
        self._outcomes = itertools.chain(outcomes, itertools.repeat(outcomes[-1]))
        self._error = error

    async def ask(self, request: ProvisionRequest) -> Asked:
        self.asked += 1
        return Asked(next(self._outcomes), self._error)


async def test_patience_is_kept_with_growing_waits_until_there_is_a_decision(
    clock: ManualClock,
) -> None:
    said: list[str] = []
    carrier = Scripted(Overloaded("Much to do."), NotAsked("It closed."), Overloaded("x", 7), YES)
    asked = await ask(carrier, WISH, clock, say=said.append, chance=lambda: 0.0)
    assert asked.outcome == YES
    assert clock.slept == [1.0, 2.0, 7.0]
    assert said[0] == "Much to do. The next try is in 1 s."


async def test_ten_tries_are_the_end(clock: ManualClock) -> None:
    carrier = Scripted(Overloaded("Much to do."))
    asked = await ask(carrier, WISH, clock, chance=lambda: 0.0)
    assert isinstance(error_of(asked, cloud="TB", name="n"), QuotaReached)
    assert carrier.asked == 10
    assert clock.slept == [1, 2, 4, 8, 16, 32, 60, 60, 60]


async def test_waits_are_spread_so_that_boards_do_not_ask_in_step(clock: ManualClock) -> None:
    await ask(Scripted(Overloaded("x"), YES), WISH, clock, chance=lambda: 1.0)
    assert clock.slept == [1.25]


@pytest.mark.parametrize(
    "outcome",
    [
        YES,
        Refused("FAILURE", ""),
        Unusable("x"),
        NotUnderstood("x", maybe_done=True),
        NotUnderstood("x", maybe_done=False),
    ],
)
async def test_nothing_else_is_asked_twice(clock: ManualClock, outcome: Outcome) -> None:
    carrier = Scripted(outcome)
    await ask(carrier, WISH, clock)
    assert (carrier.asked, clock.slept) == (1, [])


async def test_a_certificate_that_is_not_trusted_is_not_asked_again(clock: ManualClock) -> None:
    error = CertificateUnknown(sent=False)
    carrier = Scripted(NotAsked("x", reached=False), error=error)
    asked = await ask(carrier, WISH, clock)
    assert carrier.asked == 1
    assert error_of(asked, cloud="TB", name="n") is error


@pytest.mark.parametrize(
    ("outcome", "error", "maybe_done"),
    [
        (Refused("NOT_FOUND", ECHO), ProfileKeyUnknown, False),
        (Refused("FAILURE", ECHO), EnrolRefused, False),
        (Unusable(ECHO), EnrolUnusable, True),
        (NotUnderstood(ECHO, maybe_done=True), EnrolNotUnderstood, True),
        (NotUnderstood(ECHO, maybe_done=False), EnrolNotUnderstood, False),
        (Overloaded(ECHO, 600.0), QuotaReached, False),
        (NotAsked(ECHO), Unreachable, False),
    ],
)
async def test_each_outcome_has_its_error_and_none_repeats_a_secret(
    clock: ManualClock, outcome: Outcome, error: type[MooringError], maybe_done: bool
) -> None:
    said: list[str] = []
    asked = await ask(Scripted(outcome), WISH, clock, say=said.append)
    raised = error_of(asked, cloud="TB", name="n")
    assert type(raised) is error
    assert raised.facts["maybe_done"] is maybe_done
    report = raised.report()
    assert "?" not in report.title + report.meaning
    assert "MARKER" not in repr(report) + repr(asked) + repr(said)


def test_credentials_are_no_error() -> None:
    with pytest.raises(ValueError, match="no error"):
        error_of(Asked(YES), cloud="TB", name="n")


async def test_somebody_who_waits_is_answered_after_two_tries(clock: ManualClock) -> None:
    carrier = Scripted(*(NotAsked("It closed.", reached=True) for _ in range(10)))
    asked = await ask(carrier, WISH, clock, chance=lambda: 0.0, tries=2)
    assert isinstance(asked.outcome, NotAsked)
    assert clock.slept == [1.0]
