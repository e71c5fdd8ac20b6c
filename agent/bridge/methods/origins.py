"""``origins.*``: which web pages may use the agent, ask, were refused, or were not let in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agent.bridge.consent import Decision
from agent.bridge.consent_service import GoingOn, OriginsDocument, Revoked
from agent.bridge.origin_url import normalise
from agent.bridge.outbox import Notification
from agent.bridge.rpc import Call, Method, Nothing, Params
from agent.bridge.scopes import ALL, Scope

if TYPE_CHECKING:
    from agent.bridge.peer import Peer
    from agent.bridge.services import Services

SUBSCRIPTION = "origins"
CHANGED = "origins.changed"
JOBS_LOOKED_AT = 500
"""The newest ones; of these some may still run."""


class OneOrigin(Params, frozen=True, kw_only=True):
    """A page."""

    url: str
    """Scheme and host: ``https://app.example.com``."""


class Allow(Params, frozen=True, kw_only=True):
    """A page, and what it may do."""

    url: str
    """Scheme and host: ``https://app.example.com``."""
    may: list[Scope] | None = None
    """Exactly this, and ``boards``; without it everything that a page can be allowed."""


class OriginAnswer(Params, frozen=True, kw_only=True):
    """What the person says."""

    ask: str
    """Id of the question."""
    decision: Decision


def methods(services: Services) -> list[Method[Any, Any]]:
    """List, subscribe, answer, allow, revoke."""
    consent = services.consent

    def document() -> OriginsDocument:
        found = consent.document()
        decided = {each.url for each in found.origins} | {each.url for each in found.asking}
        decided |= {each.url for each in found.refused}
        away = [page for page in services.refused_pages.list.value if page.url not in decided]
        return msgspec.structs.replace(found, turned_away=away)

    async def list_origins(_call: Call, _params: Nothing) -> OriginsDocument:
        return document()

    async def subscribe(call: Call, _params: Nothing) -> OriginsDocument:
        peer = call.peer
        if not peer.holds(SUBSCRIPTION):
            follow(peer)
        return document()

    def follow(peer: Peer) -> None:
        ends = [
            each(lambda: tell(peer))
            for each in (consent.subscribe, services.refused_pages.list.subscribe)
        ]

        def leave() -> None:
            for end in ends:
                end()

        peer.hold(SUBSCRIPTION, leave)

    def tell(peer: Peer) -> None:
        peer.outbox.notify(Notification(CHANGED, document()), key=CHANGED)

    async def answer(_call: Call, params: OriginAnswer) -> OriginsDocument:
        consent.answer(params.ask, params.decision)
        return document()

    async def allow(_call: Call, params: Allow) -> OriginsDocument:
        consent.allow(params.url, ALL if params.may is None else frozenset(params.may))
        return document()

    async def revoke(_call: Call, params: OneOrigin) -> Revoked:
        origin = normalise(params.url)
        consent.revoke(origin)
        found = await services.jobs.list(JOBS_LOOKED_AT)
        jobs = [
            GoingOn(job=job.id, title=job.title)
            for job in found
            if services.jobs.owner_of(job.id) == origin
        ]
        return Revoked(**msgspec.structs.asdict(document()), jobs=jobs)

    return [
        Method(
            "origins.list",
            "The pages that may use the agent, ask, were refused, or were not let in.",
            Nothing,
            OriginsDocument,
            list_origins,
            own=True,
        ),
        Method(
            "origins.subscribe",
            "The same, and from now on origins.changed.",
            Nothing,
            OriginsDocument,
            subscribe,
            own=True,
        ),
        Method(
            "origins.answer",
            "Answer a page that asks; the first answer counts.",
            OriginAnswer,
            OriginsDocument,
            answer,
            own=True,
        ),
        Method(
            "origins.allow",
            "Allow a page to do exactly this; it may ask again as well.",
            Allow,
            OriginsDocument,
            allow,
            own=True,
        ),
        Method(
            "origins.revoke",
            "Forget a page, allowed or refused, and end its connections; its jobs go on.",
            OneOrigin,
            Revoked,
            revoke,
            own=True,
        ),
    ]
