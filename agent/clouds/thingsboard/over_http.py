"""One attempt to provision over HTTP(S)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.clouds.failures import HOPELESS
from agent.clouds.http import QUEUE_LIMIT_S, Limits, Request, detail_of
from agent.clouds.pacing import SERVER_ERROR, TOO_MANY_REQUESTS, parse_retry_after
from agent.clouds.thingsboard.carrier import Asked
from agent.errors import CloudAnswer, QuotaReached, Unreachable
from agent.protocols.thingsboard.provisioning import Attempt, NotAsked
from agent.protocols.thingsboard.replies import REPLY_LIMIT
from agent.protocols.thingsboard.requests import HTTP_PATH
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.clouds.http import CloudHttp
    from agent.protocols.thingsboard.requests import ProvisionRequest

LIMITS: Final = Limits(answer_s=15.0, body=REPLY_LIMIT)
"""The server gives itself 10 s to reach its core, and then says so."""


class HttpCarrier:
    """Asks with ``http``, whose limits should be :data:`LIMITS`."""

    def __init__(self, http: CloudHttp) -> None:
        self._http = http

    async def ask(self, request: ProvisionRequest) -> Asked:
        """POST the request once."""
        attempt = Attempt(subscribes=False)
        attempt.connected()
        wire = Request(
            "POST",
            HTTP_PATH,
            json=request.body(),
            # A second answer to this request would else be taken for the one to the next board's.
            headers={"Connection": "close"},
            faults=True,
            secrets=request.secrets,
        )
        try:
            answer = await self._http.send(wire)
        except Unreachable as error:
            return _unanswered(attempt, error)
        except CloudAnswer as error:
            return Asked(attempt.closed(str(error.facts["detail"])))
        except QuotaReached as error:  # the server asked for a longer silence before
            return Asked(attempt.overloaded(str(error.facts["detail"]), QUEUE_LIMIT_S))
        said = "" if answer.ok else f"The status is {answer.status}."
        if said and answer.location:
            said += f" It sends to {clean_text(answer.location)}, which is not followed."
        if answer.status == TOO_MANY_REQUESTS:
            after_s = parse_retry_after(answer.retry_after, self._http.clock.wall())
            return Asked(attempt.overloaded(said, after_s))
        turned_away = not answer.ok and answer.status < SERVER_ERROR
        return Asked(attempt.answered(answer.body, turned_away=turned_away, said=said))


def _unanswered(attempt: Attempt, error: Unreachable) -> Asked:
    # Where somebody else answered in its place, the server has heard nothing.
    reached = error.facts.get("sent") is not False and not isinstance(error, HOPELESS)
    outcome = attempt.closed(detail_of(str(error.facts.get("detail", ""))), reached=reached)
    return Asked(outcome, error if isinstance(outcome, NotAsked) else None)
