"""Runs a simulated ThingsBoard as a program: addresses on standard output, commands on its input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.simulator.cloud_process import run_cloud
from agent.simulator.thingsboard import SimulatedThingsBoard
from agent.simulator.thingsboard_commands import Commands

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


async def run_thingsboard(
    *,
    as_json: bool,
    until_stdin_closes: bool,
    ports: Mapping[str, int] | None = None,
    account: Path | None = None,
) -> None:
    """See :func:`~agent.simulator.cloud_process.run_cloud`; ``ports`` by name of its addresses."""
    server = SimulatedThingsBoard(ports=ports)
    await run_cloud(
        server,
        Commands(server),
        lambda: account_of(server),
        name="thingsboard",
        file=account,
        as_json=as_json,
        until_stdin_closes=until_stdin_closes,
    )


def account_of(server: SimulatedThingsBoard) -> dict[str, Any]:
    """What a person needs to use it, in clear."""
    return {
        "profiles": [
            {
                "name": profile.name,
                "strategy": profile.strategy.value,
                "provision_key": profile.key,
                "provision_secret": profile.secret.reveal(),
            }
            for profile in (server.create, server.check)
        ],
        "administrator": {
            "username": server.administrator.name,
            "password": server.administrator.password.reveal(),
        },
    }
