"""Asks until there is an outcome that counts: again only where the server surely did nothing."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.clouds.failures import HOPELESS
from agent.clouds.http import detail_of
from agent.errors import (
    EnrolNotUnderstood,
    EnrolRefused,
    EnrolUnusable,
    ProfileKeyUnknown,
    QuotaReached,
    Unreachable,
)
from agent.protocols.thingsboard.provisioning import (
    TRIES,
    NotAsked,
    NotUnderstood,
    Outcome,
    Overloaded,
    retry_wait_s,
)
from agent.protocols.thingsboard.replies import Issued, Refused, Unusable

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.clouds.clock import Clock
    from agent.clouds.thingsboard.carrier import Asked, Carrier
    from agent.errors import MooringError
    from agent.protocols.thingsboard.requests import ProvisionRequest

DONE_MAYBE = "The device may exist now; Mooring looks for it when you try again."
NOTHING_DONE = "Nothing was made."


async def ask(
    carrier: Carrier,
    request: ProvisionRequest,
    clock: Clock,
    *,
    say: Callable[[str], None] | None = None,
    chance: Callable[[], float] = random.random,
    tries: int = TRIES,
) -> Asked:
    """The outcome that counts; ``say`` gets a sentence for each wait before another attempt."""
    attempts = 0
    while True:
        asked = _cleaned(await carrier.ask(request), request)
        attempts += 1
        wait_s = retry_wait_s(asked.outcome, attempts, chance())
        if wait_s is None or attempts >= tries or isinstance(asked.error, HOPELESS):
            return asked
        if say is not None:
            detail = getattr(asked.outcome, "detail", "")
            say(f"{detail} The next try is in {wait_s:.0f} s.".lstrip())
        await clock.sleep(wait_s)


def _cleaned(asked: Asked, request: ProvisionRequest) -> Asked:
    """Without what the server may quote of the request."""
    match asked.outcome:
        case Refused(message=said):
            outcome: Outcome = replace(asked.outcome, message=detail_of(said, request.secrets))
        case Issued():
            return asked
        case _:
            said = asked.outcome.detail
            outcome = replace(asked.outcome, detail=detail_of(said, request.secrets))
    return replace(asked, outcome=outcome)


def error_of(asked: Asked, *, cloud: str, name: str) -> MooringError:
    """The error for an outcome that gives no credentials; FAILURE without its reason."""
    outcome: Outcome = asked.outcome
    match outcome:
        case Refused(status="NOT_FOUND"):
            return ProfileKeyUnknown(cloud=cloud, maybe_done=False)
        case Refused():
            return EnrolRefused(cloud=cloud, name=name, maybe_done=False)
        case Unusable():
            return EnrolUnusable(cloud=cloud, name=name, detail=outcome.detail, maybe_done=True)
        case Overloaded():
            return QuotaReached(cloud=cloud, detail=outcome.detail, maybe_done=False)
        case NotAsked():
            if asked.error is not None:
                return asked.error
            return Unreachable(cloud=cloud, detail=outcome.detail, sent=False, maybe_done=False)
        case NotUnderstood():
            consequence = DONE_MAYBE if outcome.maybe_done else NOTHING_DONE
            return EnrolNotUnderstood(
                cloud=cloud,
                name=name,
                detail=outcome.detail,
                consequence=consequence,
                maybe_done=outcome.maybe_done,
            )
        case Issued():
            msg = "credentials were issued, so there is no error"
            raise ValueError(msg)
