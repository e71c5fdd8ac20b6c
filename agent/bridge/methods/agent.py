"""``agent.*``: the agent itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from agent.bridge.rpc import Call, Method, Nothing, Params
from agent.errors import ErrorReport

if TYPE_CHECKING:
    from agent.bridge.services import Services

PROTOCOL = 1
"""Version of this interface; grows when something that existed changes its meaning."""


class AgentInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What this agent is."""

    name: str
    version: str
    protocol: int
    platform: str
    """``linux``, ``windows``, ``macos``."""
    simulated: bool
    """The boards and clouds are simulated ones."""
    own: bool
    """Whether this peer may call everything."""
    capabilities: list[str]
    """Kinds of job this agent can do, ``serial``, and ``ble`` where it may use Bluetooth."""
    boards: int
    """Boards connected now."""
    jobs: int
    """Jobs that run or ask now."""
    notices: list[ErrorReport]
    """What is wrong with the agent itself; empty for other pages, for it may name files."""


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
    """``agent.info``, ``agent.show`` and ``agent.quit``."""

    async def info(call: Call, _params: Nothing) -> AgentInfo:
        about = services.about
        return AgentInfo(
            name="mooring",
            version=about.version,
            protocol=PROTOCOL,
            platform=about.platform,
            simulated=about.simulated,
            own=call.peer.own,
            capabilities=[*about.capabilities, *(["ble"] if services.bluetooth else [])],
            boards=len(services.boards.list()),
            jobs=services.jobs.active,
            notices=list(about.notices) if call.peer.own else [],
        )

    async def show(_call: Call, params: Place) -> Shown:
        return Shown(shown=services.show(params.page))

    async def quit_agent(call: Call, _params: Nothing) -> Nothing:
        call.when_answered(services.quit)
        return Nothing()

    return [
        Method("agent.info", "What this agent is.", Nothing, AgentInfo, info),
        Method(
            "agent.show",
            "Open the agent's page in the person's browser.",
            Place,
            Shown,
            show,
            own=True,
        ),
        Method("agent.quit", "End the agent.", Nothing, Nothing, quit_agent, own=True),
    ]
