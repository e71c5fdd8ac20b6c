"""What one peer is told of the agent itself, at once and when it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent.bridge.outbox import Notification
from agent.bridge.scopes import Scope, ordered
from agent.errors import ErrorReport
from agent.settings.notices import GatewayInfo, Update

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.bridge.peer import Peer
    from agent.bridge.services import Services

PROTOCOL = 1
"""Version of this interface; grows when something that existed changes its meaning."""


class AgentInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What this agent is; also the payload of ``agent.changed``."""

    name: str
    version: str
    protocol: int
    platform: str
    """``linux``, ``windows``, ``macos``."""
    simulated: bool
    """The boards and clouds are simulated ones."""
    own: bool
    """Whether this peer may call everything."""
    may: tuple[Scope, ...]
    """What this peer may do: ``boards``, ``serial``, ``flash``, ``provision``."""
    capabilities: list[str]
    """Kinds of job this agent can do, ``serial``, and ``ble`` where it may use Bluetooth."""
    boards: int
    """Boards connected now."""
    jobs: int
    """Jobs that run or ask now."""
    paused: bool
    """Somebody paused the agent: until a person resumes, nobody gets a board."""
    pausing: int
    """While ``paused``: boards that jobs still use; with none of them it has let go of all."""
    notices: list[ErrorReport]
    """What is wrong with the agent itself; empty for other pages, for it may name files."""
    gateway: GatewayInfo | None
    """How the agent is doing as a gateway of ThingsBoard; None for other pages, and if it is none."""
    update: Update | None
    """A newer version, if one is known; None for other pages."""


def info_for(peer: Peer, services: Services) -> AgentInfo:
    """What ``peer`` is told of the agent as it is now."""
    about, pause = services.about, services.boards.pause.state
    return AgentInfo(
        name="mooring",
        version=about.version,
        protocol=PROTOCOL,
        platform=about.platform,
        simulated=about.simulated,
        own=peer.own,
        may=ordered(peer.may),
        capabilities=[*about.capabilities, *(["ble"] if services.bluetooth else [])],
        boards=len(services.boards.list()),
        jobs=services.jobs.active,
        paused=pause.on,
        pausing=pause.waiting,
        notices=services.notices.list() if peer.own else [],
        gateway=services.gateway.value if peer.own else None,
        update=services.update.value if peer.own else None,
    )


def follow(peer: Peer, services: Services) -> Callable[[], None]:
    """Post ``agent.changed`` to ``peer`` when something changes that it sees; ends with the result.

    How many boards and jobs there are is no reason: both have notifications of their own.
    """
    told = _without_numbers(info_for(peer, services))

    def tell() -> None:
        nonlocal told
        info = info_for(peer, services)
        if _without_numbers(info) != told:
            told = _without_numbers(info)
            peer.outbox.notify(Notification("agent.changed", info), key="agent.changed")

    sources = (services.notices, services.update, services.gateway, services.boards.pause)
    ends = [source.subscribe(tell) for source in sources]

    def end() -> None:
        for each in ends:
            each()

    return end


def _without_numbers(info: AgentInfo) -> AgentInfo:
    return msgspec.structs.replace(info, boards=0, jobs=0)
