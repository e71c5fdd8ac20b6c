"""The methods of the bridge, one module per subject. What they do is asked of services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.bridge.methods import agent, boards, clouds, jobs, networks, origins, serial
from agent.bridge.methods.visible import JobOwners
from agent.bridge.rpc import Dispatcher

if TYPE_CHECKING:
    from agent.bridge.relay import Relay
    from agent.bridge.services import Services


def build_dispatcher(services: Services, relay: Relay) -> Dispatcher:
    """All methods of the agent over ``services``."""
    owners = JobOwners(services.jobs.owner_of)
    dispatcher = Dispatcher()
    for methods in (
        agent.methods(services),
        boards.methods(services, owners),
        clouds.methods(services),
        jobs.methods(services, owners),
        networks.methods(services),
        origins.methods(services),
        serial.methods(relay),
    ):
        for method in methods:
            dispatcher.add(method)
    return dispatcher
