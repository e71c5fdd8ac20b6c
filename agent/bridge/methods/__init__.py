"""The methods of the bridge, one module per subject. What they do is asked of services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.bridge.methods import (
    agent,
    blynk,
    boards,
    clouds,
    credentials,
    doctor,
    flash,
    jobs,
    networks,
    nrf,
    origins,
    report,
    serial,
    settings,
    sketches,
    vault,
    wifi,
)
from agent.bridge.methods.start import Starter
from agent.bridge.methods.visible import JobOwners
from agent.bridge.rpc import Dispatcher

if TYPE_CHECKING:
    from agent.bridge.relay import Relay
    from agent.bridge.services import Services
    from agent.bridge.uploads import Uploads


def build_dispatcher(services: Services, relay: Relay, uploads: Uploads) -> Dispatcher:
    """All methods of the agent over ``services``."""
    owners = JobOwners(services.jobs.owner_of)
    starter = Starter(services, owners, uploads)
    dispatcher = Dispatcher()
    for methods in (
        agent.methods(services),
        blynk.methods(services),
        boards.methods(services, owners),
        clouds.methods(services),
        credentials.methods(services),
        doctor.methods(services),
        flash.methods(uploads, starter),
        jobs.methods(services, owners, starter),
        networks.methods(services),
        nrf.methods(services),
        origins.methods(services),
        report.methods(services),
        serial.methods(relay),
        settings.methods(services),
        sketches.methods(services),
        vault.methods(services),
        wifi.methods(services),
    ):
        for method in methods:
            dispatcher.add(method)
    return dispatcher
