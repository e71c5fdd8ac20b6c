"""``agent.*``: the agent itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agent.bridge.rpc import Call, Method, Nothing
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


def methods(services: Services) -> list[Method[Any, Any]]:
    """``agent.info`` and ``agent.quit``."""

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

    async def quit_agent(call: Call, _params: Nothing) -> Nothing:
        call.when_answered(services.quit)
        return Nothing()

    return [
        Method("agent.info", "What this agent is.", Nothing, AgentInfo, info),
        Method("agent.quit", "End the agent.", Nothing, Nothing, quit_agent, own=True),
    ]
