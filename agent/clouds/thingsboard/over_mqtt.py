"""One attempt to provision over MQTT, with or without TLS."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final

from agent.clouds import mqtt
from agent.clouds.mqtt import MqttClosed, MqttLogin, MqttRefused, MqttServer, connect_either
from agent.clouds.thingsboard.carrier import Asked
from agent.clouds.thingsboard.way import explain, tls_context
from agent.protocols.thingsboard.provisioning import (
    ANSWER_LIMIT_S,
    Ask,
    Attempt,
    Outcome,
    State,
    Subscribe,
    Wait,
)
from agent.protocols.thingsboard.requests import PROVISION_USER, REQUEST_TOPIC

if TYPE_CHECKING:
    from agent.clouds.mqtt import MqttClient
    from agent.clouds.route import Routes
    from agent.clouds.thingsboard.addresses import Server
    from agent.protocols.thingsboard.requests import ProvisionRequest

NOTHING_DONE: Final = frozenset({0x81, 0x82, 0x87, 0x90, 0x95, 0x99})
"""MQTT 5: malformed, protocol error, not authorised, topic, too large, payload format.

Not 0x83: the server says that for what it cannot read, and as well where its core was silent for
10 s, which may have made the device (DeviceProvisionCallback.onError).
"""


class MqttCarrier:
    """Connects anew for each attempt: the session may do nothing but provision."""

    def __init__(
        self,
        server: Server,
        routes: Routes,
        *,
        title: str,
        answer_limit_s: float = ANSWER_LIMIT_S,
    ) -> None:
        self._server = server
        self._routes = routes
        self._title = title
        self._answer_limit_s = answer_limit_s

    async def ask(self, request: ProvisionRequest) -> Asked:
        """CONNECT as ``provision``, SUBSCRIBE, SUBACK, PUBLISH, and wait for the message."""
        attempt = Attempt(subscribes=True)
        tls = tls_context(self._server, self._routes)
        server = MqttServer(host=self._server.host, port=self._server.port, tls=tls)
        # An id of our own: with an empty one some servers want a session that is kept.
        login = MqttLogin(client_id=f"mooring-{secrets.token_hex(6)}", username=PROVISION_USER)
        try:
            client = await connect_either(server, login)
        except MqttRefused as refused:
            return Asked(_refusal(attempt, refused.code, str(refused)))
        except MqttClosed as closed:
            return Asked(attempt.closed(f"At {self._server.url}: {closed}"))
        except OSError as error:
            explained = await explain(error, self._title, self._server, mqtt.CONNECT_LIMIT_S)
            explained.__cause__ = error
            detail = str(explained.facts.get("detail", ""))
            return Asked(attempt.closed(detail, reached=False), explained)
        async with client:
            return Asked(await self._converse(client, attempt, request.encode()))

    async def _converse(self, client: MqttClient, attempt: Attempt, body: bytes) -> Outcome:
        action: Subscribe | Ask | Outcome = attempt.connected()
        try:
            if isinstance(action, Subscribe):
                await client.subscribe(action.topic)
                action = attempt.subscribed()
            if isinstance(action, Ask):
                return await self._ask(client, attempt, body)
        except MqttRefused as refused:
            return _refusal(attempt, refused.code, str(refused))
        except MqttClosed as closed:
            return _end(attempt, closed)
        except TimeoutError:
            return attempt.silent(self._answer_limit_s)
        return action

    async def _ask(self, client: MqttClient, attempt: Attempt, body: bytes) -> Outcome:
        publishing = asyncio.create_task(_publish(client, attempt, body))
        try:
            async with asyncio.timeout(self._answer_limit_s):
                action: Wait | Outcome = Wait()
                while isinstance(action, Wait):
                    message = await client.receive()
                    action = attempt.message(message.topic, message.payload)
                return action
        finally:
            publishing.cancel()
            await asyncio.wait([publishing])


async def _publish(client: MqttClient, attempt: Attempt, body: bytes) -> None:
    """Send the request; MQTT 5 may refuse it with a code of its own, 3.1.1 closes only."""
    try:
        await client.publish(REQUEST_TOPIC, body)
    except MqttRefused as refused:
        _refusal(attempt, refused.code, str(refused))
        await client.close()  # wakes whoever waits for the message that will not come
    except (MqttClosed, TimeoutError):
        pass  # whoever waits for the message learns it too


def _end(attempt: Attempt, closed: MqttClosed) -> Outcome:
    if closed.code in NOTHING_DONE | mqtt.BUSY:
        return _refusal(attempt, closed.code, str(closed))
    return attempt.closed(str(closed))


def _refusal(attempt: Attempt, code: int, said: str) -> Outcome:
    if code in mqtt.BUSY:
        return attempt.overloaded(said)
    if attempt.state is State.ASKED and code not in NOTHING_DONE:
        return attempt.closed(said)
    return attempt.refused(said)
