"""``agent.*``: the agent itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from agent.bridge.agent_feed import AgentInfo, follow, info_for
from agent.bridge.rpc import Call, Method, Nothing, Params

if TYPE_CHECKING:
    from agent.bridge.services import Services

SUBSCRIPTION = "agent"
"""Name of a subscription among what a peer holds."""
PLACE_CHARS = 400
"""Of a place on the page: an id of a board is at most a quarter of that, escapes included."""


class Place(Params, frozen=True, kw_only=True):
    """A place on the agent's page, as its address has it behind ``#/``."""

    page: Annotated[str, Meta(max_length=PLACE_CHARS)] = ""
    """Such as ``job/3``; empty: the first view."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a browser was opened."""

    shown: bool
    """False: the agent has no desktop; who asks may open the page itself."""


def methods(services: Services) -> list[Method[Any, Any]]:
    """Say what the agent is, show its page, pause it, end it."""

    async def info(call: Call, _params: Nothing) -> AgentInfo:
        return info_for(call.peer, services)

    async def subscribe(call: Call, _params: Nothing) -> AgentInfo:
        if not call.peer.holds(SUBSCRIPTION):
            call.peer.hold(SUBSCRIPTION, follow(call.peer, services))
        return info_for(call.peer, services)

    async def pause(call: Call, _params: Nothing) -> AgentInfo:
        await services.boards.pause.begin()
        return info_for(call.peer, services)

    async def resume(call: Call, _params: Nothing) -> AgentInfo:
        services.boards.pause.end()
        return info_for(call.peer, services)

    async def show(_call: Call, params: Place) -> Shown:
        return Shown(shown=services.show(params.page))

    async def quit_agent(call: Call, _params: Nothing) -> Nothing:
        call.when_answered(services.quit)
        return Nothing()

    return [
        Method("agent.info", "What this agent is.", Nothing, AgentInfo, info),
        Method(
            "agent.subscribe",
            "What this agent is, and from now on agent.changed.",
            Nothing,
            AgentInfo,
            subscribe,
        ),
        Method(
            "agent.show",
            "Open the agent's page in the person's browser.",
            Place,
            Shown,
            show,
            own=True,
        ),
        Method(
            "agent.pause",
            "Let go of every board: of monitors at once, of jobs when they end.",
            Nothing,
            AgentInfo,
            pause,
            own=True,
        ),
        Method("agent.resume", "End the pause.", Nothing, AgentInfo, resume, own=True),
        Method("agent.quit", "End the agent.", Nothing, Nothing, quit_agent, own=True),
    ]
