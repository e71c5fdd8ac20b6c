"""``origins.*``: which web pages may use the agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agent.bridge.origins import AllowedOrigin
from agent.bridge.rpc import Call, Method, Nothing, Params

if TYPE_CHECKING:
    from agent.bridge.services import Services


class OriginList(msgspec.Struct, frozen=True, kw_only=True):
    """The pages that are allowed."""

    origins: list[AllowedOrigin]


class OneOrigin(Params, frozen=True, kw_only=True):
    """A page."""

    url: str
    """Scheme and host: ``https://app.example.com``."""


def methods(services: Services) -> list[Method[Any, Any]]:
    """List, allow, revoke."""
    origins = services.origins

    async def list_origins(_call: Call, _params: Nothing) -> OriginList:
        return OriginList(origins=origins.list())

    async def allow(_call: Call, params: OneOrigin) -> OriginList:
        origins.allow(params.url)
        return OriginList(origins=origins.list())

    async def revoke(_call: Call, params: OneOrigin) -> OriginList:
        origins.revoke(params.url)
        return OriginList(origins=origins.list())

    return [
        Method(
            "origins.list",
            "The pages that are allowed.",
            Nothing,
            OriginList,
            list_origins,
            own=True,
        ),
        Method("origins.allow", "Allow a page.", OneOrigin, OriginList, allow, own=True),
        Method(
            "origins.revoke",
            "Forbid a page again and end its connections.",
            OneOrigin,
            OriginList,
            revoke,
            own=True,
        ),
    ]
