"""The simulated server's decisions behind a real broker: somebody subscribes there and answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

from agent.clouds.mqtt import MqttLogin, MqttServer, connect
from agent.simulator.thingsboard_devices import InternalError
from agent.simulator.thingsboard_requests import NotJsonError, UnreadableError, read_request

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from agent.clouds.mqtt import MqttClient
    from agent.simulator.thingsboard_state import ThingsBoardState


@contextlib.asynccontextmanager
async def answering(
    state: ThingsBoardState,
    port: int,
    *,
    host: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[None]:
    """Answer on the broker at ``port``, where topics are everybody's: one client at a time.

    A broker closes nobody's session for a request; what the server fails on has no answer.
    """
    server = MqttServer(host=host, port=port, tls=tls)
    async with await connect(server, MqttLogin(client_id="responder")) as client:
        await client.subscribe("/provision/request")
        task = asyncio.create_task(_answer(state, client))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])


async def _answer(state: ThingsBoardState, client: MqttClient) -> None:
    while True:
        message = await client.receive()
        with contextlib.suppress(NotJsonError, UnreadableError, InternalError):
            reply = state.provision(read_request(message.payload))
            await client.publish("/provision/response", json.dumps(reply).encode())
