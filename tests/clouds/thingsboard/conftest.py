"""A small server of each kind, and carriers that ask it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from agent.clouds.route import Routes
from agent.clouds.system_proxy import SystemProxy
from tests.clouds.thingsboard.small_server import (
    Devices,
    HttpSide,
    over_http,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
def devices() -> Devices:
    return Devices()


@pytest.fixture
def routes() -> Routes:
    """Without a proxy, whatever this computer has."""
    return Routes(system=SystemProxy, environ={})


@pytest.fixture
async def http_side(devices: Devices) -> AsyncIterator[HttpSide]:
    async with over_http(devices) as side:
        yield side


@pytest.fixture
def unused_port() -> int:
    """A port on which nobody listens, neither TCP nor UDP."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
