"""A thin HTTP client for clouds: paced, bounded, and silent about secrets.

One object per cloud. It knows nothing of a cloud's paths, bodies or error codes; it raises
:class:`Unreachable` and :class:`QuotaReached` and hands every other answer up.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from agent.clouds.client import Clients
from agent.clouds.clock import Clock, SystemClock
from agent.clouds.failures import HOPELESS, Failure, Trail
from agent.clouds.pacing import (
    SERVER_ERROR,
    TOO_MANY_REQUESTS,
    Outcome,
    Rate,
    TokenBucket,
    parse_retry_after,
    retry_delay,
)
from agent.clouds.quoted import without_secrets
from agent.clouds.route import Routes
from agent.clouds.trust import leads_elsewhere
from agent.errors import CaptivePortal, CloudAnswer, QuotaReached, ServiceFault, Unreachable
from agent.settings import Secret, clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import httpx

CONNECT_LIMIT_S: Final = 10.0
"""Name look-up, TCP and TLS; a far proxy needs some seconds, a dead one never answers."""
ANSWER_LIMIT_S: Final = 30.0
"""One whole attempt; the gateway in front of a cloud gives up after about as long."""
QUEUE_LIMIT_S: Final = 120.0
"""Longest wait for a turn: 600 requests at 5/s. What would wait longer is refused."""
BODY_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of an answer: a provisioning sketch in base64, or 20 000 onboardings."""
SIGN_IN_TO_NETWORK: Final = 511
"""The status with which a network itself answers (RFC 6585, section 6)."""
DETAIL_BYTES: Final = 4096
"""How much of an error's body is looked at for a sentence to show."""
# Redirects are not followed: these interfaces have none, and one would carry the token elsewhere.


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits in seconds, and the size limit of an answer in bytes."""

    connect_s: float = CONNECT_LIMIT_S
    answer_s: float = ANSWER_LIMIT_S
    body: int = BODY_LIMIT


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent; bodies and headers may hold secrets and are never shown."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    json: object | None = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    content: bytes | None = field(default=None, repr=False)
    """A body as it is; ``headers`` say what it is."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    repeatable: bool = False
    """Sent again by itself after 429, 5xx or a lost connection."""
    secrets: tuple[Secret, ...] = ()
    """What an answer might repeat and nobody may read."""
    page: bool = False
    """A web page is an answer too; else it is taken for the page of a network."""
    leads_on: bool = False
    """So is a redirect to another server."""
    faults: bool = False
    """So are 429 and 5xx: whoever asks reads them itself. Not for what is repeatable."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    body: bytes = field(repr=False)
    retry_after: str | None = None
    etag: str | None = None
    location: str | None = None
    """Where a redirect leads; nothing follows it by itself."""
    date: str | None = None
    """What time it is there (HTTP date)."""

    @property
    def ok(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300


def detail_of(text: str, secrets: Iterable[Secret] = ()) -> str:
    """A foreign sentence fit to be shown: secrets taken out, then cleaned and bounded."""
    return clean_text(" ".join(without_secrets(text, secrets).split()))


class CloudHttp:
    """The requests of one cloud."""

    def __init__(
        self,
        *,
        title: str,
        base_url: str,
        clock: Clock | None = None,
        rate: Rate | None = None,
        limits: Limits | None = None,
        routes: Routes | None = None,
        bucket: TokenBucket | None = None,
    ) -> None:
        """``routes`` say how it is reached; None: as this computer says, without settings.

        ``bucket``: where turns are taken, if several hosts of one cloud count them together.
        """
        self.title = title
        self.base_url = base_url
        self.clock = clock or SystemClock()
        self._bucket = bucket or TokenBucket(rate or Rate())
        self._limits = limits or Limits()
        self._clients = Clients(
            base_url,
            routes or Routes(),
            connect_s=self._limits.connect_s,
            answer_s=self._limits.answer_s,
        )

    async def send(self, request: Request) -> Answer:
        """Send, again where that is allowed, and return the first answer that counts.

        Raises :class:`QuotaReached` for a 429 that stayed, :class:`ServiceFault` for a 5xx that
        did, :class:`Unreachable` for no answer (``sent`` is False where the cloud surely saw nothing
        of it), and :class:`CloudAnswer` for an answer that is too long.
        """
        attempts = 0
        while True:
            await self._turn()
            attempts += 1
            result = await self._attempt(request)
            outcome = self._judge(result)
            delay_s = retry_delay(outcome, attempts, repeatable=request.repeatable)
            if outcome.status == TOO_MANY_REQUESTS:
                # The limit is the client's, so everybody waits, this request in its turn too.
                silence_s = outcome.retry_after_s if delay_s is None else delay_s
                self._bucket.pause(self.clock.monotonic(), silence_s or 0.0)
            elif delay_s is not None:
                await self.clock.sleep(delay_s)
            if delay_s is None:
                if isinstance(result, Unreachable):
                    raise result
                if not request.faults:
                    self._refuse_overload(result, request)
                return result

    def change_rate(self, rate: Rate) -> None:
        """From now on this rate; a request that waits for its turn already keeps it."""
        self._bucket.change(rate, self.clock.monotonic())

    async def close(self) -> None:
        """Release the connections; a later request opens new ones."""
        await self._clients.close()

    async def _turn(self) -> None:
        now = self.clock.monotonic()
        waiting_s = self._bucket.wait_s(now)
        if waiting_s > QUEUE_LIMIT_S:
            detail = f"Its limit of requests is used up for the next {waiting_s:.0f} s."
            raise QuotaReached(cloud=self.title, detail=detail)
        if self._bucket.reserve(now) > 0:
            await self.clock.sleep(waiting_s)

    def _judge(self, result: Answer | Unreachable) -> Outcome:
        if isinstance(result, Answer):
            after_s = parse_retry_after(result.retry_after, self.clock.wall())
            return Outcome(status=result.status, retry_after_s=after_s)
        hopeless = isinstance(result, HOPELESS)
        return Outcome(sent=result.facts["sent"] is not False, hopeless=hopeless)

    def _refuse_overload(self, answer: Answer, request: Request) -> None:
        text = answer.body[:DETAIL_BYTES].decode("utf-8", errors="replace")
        # A gateway's page or a structure is no sentence.
        sentence = "" if text.lstrip()[:1] in {"<", "{", "["} else detail_of(text, request.secrets)
        if answer.status == TOO_MANY_REQUESTS:
            detail = sentence or "Too many requests in a short time."
            raise QuotaReached(cloud=self.title, detail=detail, status=answer.status)
        if answer.status >= SERVER_ERROR:
            detail = f"It answered with HTTP status {answer.status}. {sentence}".strip()
            raise ServiceFault(cloud=self.title, detail=detail, status=answer.status, sent=True)

    def _portal(self, answer: Answer, request: Request) -> CaptivePortal | None:
        """The error where the network answered, and not the cloud."""
        page = answer.ok and not request.page and answer.body[:64].lstrip()[:1] == b"<"
        led = (
            300 <= answer.status < 400
            and not request.leads_on
            and leads_elsewhere(self.base_url, answer.location or "")
        )
        if not (page or led or answer.status == SIGN_IN_TO_NETWORK):
            return None
        detail = "A web page came where data was expected."
        if led:
            detail = "It sends to another address, which it never does."
        return CaptivePortal(cloud=self.title, detail=detail, status=answer.status, sent=True)

    async def _attempt(self, request: Request) -> Answer | Unreachable:
        import httpx

        trail = Trail()
        try:
            route = self._clients.route()
        except Unreachable as error:
            return error
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", **request.headers}
        content = request.content
        if request.json is not None:
            headers["Content-Type"] = "application/json"
            content = msgspec.json.encode(request.json)
        try:
            async with (
                asyncio.timeout(self._limits.answer_s),
                self._clients.get(route) as client,
                client.stream(
                    request.method,
                    self.base_url + request.path,
                    params=dict(request.query) or None,
                    content=content,
                    data=dict(request.form) if request.form is not None else None,
                    headers=headers,
                    extensions={"trace": trail},
                ) as response,
            ):
                body = await self._read(response)
                headers_in = response.headers
                answer = Answer(
                    response.status_code,
                    body,
                    retry_after=headers_in.get("Retry-After"),
                    etag=headers_in.get("ETag"),
                    location=headers_in.get("Location"),
                    date=headers_in.get("Date"),
                )
                return self._portal(answer, request) or answer
        except (httpx.TransportError, OSError) as error:
            failure = Failure(cloud=self.title, url=self.base_url, route=route, trail=trail)
            limits = self._limits
            explained = await failure.explain(
                error, connect_s=limits.connect_s, answer_s=limits.answer_s
            )
            explained.__cause__ = error
            return explained
        except Unreachable as error:
            return error
        except (httpx.InvalidURL, UnicodeError):
            # Of all addresses only those that redirects lead to come unchecked.
            detail = "Its address is none that can be asked."
            raise Unreachable(cloud=self.title, detail=detail, sent=False) from None

    async def _read(self, response: httpx.Response) -> bytes:
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise CloudAnswer(cloud=self.title, detail="It was compressed without being asked to.")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > self._limits.body:
                detail = f"It is longer than {self._limits.body} bytes."
                raise CloudAnswer(cloud=self.title, detail=detail)
        return bytes(body)
