"""Requests with one key to both hosts of nRF Cloud, and the refusals that all of them share.

One request at a time for each device; all of them share one allowance, because limits are not
published and surely belong to the key. Source: cloud-nrf, sections 4, 7 and 8.
"""

from __future__ import annotations

import asyncio
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from agent.clouds.http import Answer, CloudHttp, Request, detail_of
from agent.clouds.pacing import BACKOFF_S, TOO_MANY_REQUESTS, Rate
from agent.errors import CloudAnswer, NrfKeyRefused, NrfRoleTooLow, QuotaReached, Unreachable
from agent.protocols.nrf.answers import PAGES_MAX, NotAsDocumented, parse_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.clouds.clock import Clock
    from agent.errors import CloudError
    from agent.settings import Secret

T = TypeVar("T")

RATE: Final = Rate(per_s=4.0, burst=4)
"""Below five per second (cloud-nrf, section 8)."""
ATTEMPTS: Final = 4
"""Of what may not be repeated blindly, but surely was not done."""
UNAUTHORISED, FORBIDDEN, NOT_FOUND, CONFLICT = 401, 403, 404, 409


class NrfApi:
    """The calls with one key."""

    def __init__(self, provisioning: CloudHttp, devices: CloudHttp, key: Secret, id: str) -> None:  # noqa: A002 - of the cloud, as everywhere
        self.provisioning = provisioning
        self.devices = devices
        self.title = provisioning.title
        self._key = key
        self._id = id
        self.making_rules = asyncio.Lock()
        """Held while one is made."""
        self.rules_made = 0
        """How often that was tried: who looked before has to look again."""
        self._turns: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    @property
    def clock(self) -> Clock:
        """The clock of all waits."""
        return self.provisioning.clock

    async def send(
        self,
        http: CloudHttp,
        request: Request,
        action: str,
        *,
        device: str = "",
    ) -> Answer:
        """Send with the key; any status but 401, 403, 429 and 5xx is the caller's.

        ``action`` completes “may not …”; ``device``: whose turn it takes.
        """
        secrets = (*request.secrets, self._key)
        headers = {**request.headers, "Authorization": f"Bearer {self._key.reveal()}"}
        signed = replace(request, headers=headers, secrets=secrets)
        if not device:
            answer = await self._patiently(http, signed)
        else:
            lock = self._turns.setdefault(device, asyncio.Lock())
            async with lock:
                answer = await self._patiently(http, signed)
        if answer.status in {UNAUTHORISED, FORBIDDEN}:
            detail = self.said(answer, secrets)
            if answer.status == UNAUTHORISED:
                raise NrfKeyRefused(cloud=self.title, id=self._id, detail=detail)
            raise NrfRoleTooLow(cloud=self.title, action=action, detail=detail)
        return answer

    async def pages(
        self,
        http: CloudHttp,
        path: str,
        parse: Callable[[bytes], tuple[list[T], str]],
        action: str,
        *,
        device: str = "",
        asked: Mapping[str, str] | None = None,
    ) -> list[T] | None:
        """All of a list; None if there is no such list (404). ``asked``: of each page."""
        found: list[T] = []
        more = ""
        for _ in range(PAGES_MAX):
            query = {**(asked or {}), **({"pageNextToken": more} if more else {})}
            request = Request("GET", path, query=query, repeatable=True)
            answer = await self.send(http, request, action, device=device)
            if answer.status == NOT_FOUND:
                return None
            items, more = self.read(answer, parse, action)
            found += items
            if not more:
                break
        return found

    def read(self, answer: Answer, parse: Callable[[bytes], T], action: str) -> T:
        """What an answer says; :class:`CloudAnswer` if it is a refusal or not as documented."""
        if not answer.ok:
            raise self.unexpected(answer, action)
        try:
            return parse(answer.body)
        except NotAsDocumented as error:
            detail = f"To {action}: {detail_of(str(error), (self._key,))}."
            raise CloudAnswer(cloud=self.title, detail=detail, status=answer.status) from None

    def unexpected(self, answer: Answer, action: str) -> CloudAnswer:
        """The error for a status that is none of this call's."""
        said = self.said(answer)
        detail = f"To {action}: HTTP status {answer.status}. {said}".strip()
        return CloudAnswer(cloud=self.title, detail=detail, status=answer.status)

    def said(self, answer: Answer, secrets: tuple[Secret, ...] = ()) -> str:
        """The service's own words, without the secrets that it may quote."""
        return detail_of(parse_failure(answer.body).text, (*secrets, self._key))

    async def _patiently(self, http: CloudHttp, request: Request) -> Answer:
        """Again after 429, which is never a request that was carried out."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await http.send(request)
            except QuotaReached as error:
                if error.facts.get("status") != TOO_MANY_REQUESTS or request.repeatable:
                    raise
                if attempt == ATTEMPTS:
                    raise
                # How long it wants silence is kept where turns are taken.
                await self.clock.sleep(BACKOFF_S[attempt - 1])
        raise AssertionError


def maybe_done(error: CloudError) -> bool:
    """Whether the service may have carried out what it gave no good answer to."""
    if isinstance(error, Unreachable):
        return error.facts.get("sent") is not False
    status = error.facts.get("status")
    return isinstance(error, CloudAnswer) and (not isinstance(status, int) or status < 300)


def json_request(
    method: str, path: str, body: object, *secrets: Secret, again: bool = False
) -> Request:
    """A request with a JSON body."""
    return Request(method, path, json=body, secrets=secrets, repeatable=again)
