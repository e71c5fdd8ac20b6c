"""One MQTT session of the gateway: its own calls are answered here, all else is passed on."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.clouds.mqtt import MqttClosed, MqttRefused
from agent.errors import CloudAnswer, Unreachable
from agent.gateway.reset import reset_call
from agent.protocols.thingsboard.gateway import OWN_ANSWER, OWN_CALL, answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from agent.clouds.mqtt import MqttClient
    from agent.protocols.thingsboard.gateway import Call

WAITING_MAX: Final = 200
"""Messages that nobody has taken yet; of more the oldest are dropped and counted."""
LIMITS_S: Final = 10.0
"""For the server's answer to ``getSessionLimits``; as long as it waits for a device's answer."""
LIMITS_METHOD: Final = "getSessionLimits"
LIMITS_NUMBER: Final = 1
"""Of that call, the first one of a session; others of it take numbers above."""


class Link:
    """See :class:`agent.gateway.connection.GatewayLink`."""

    def __init__(
        self,
        client: MqttClient,
        *,
        name: str,
        title: str,
        on_reset: Callable[[Call], Awaitable[Mapping[str, Any]]],
        after_reset: Callable[[], None],
        limits_s: float = LIMITS_S,
    ) -> None:
        """``on_reset`` gives the answer to that call, ``after_reset`` follows once it is out."""
        self._client = client
        self._name = name
        self._title = title
        self._on_reset = on_reset
        self._after_reset = after_reset
        self._limits_s = limits_s
        self._waiting: asyncio.Queue[tuple[str, bytes] | None] = asyncio.Queue()
        self._limits: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._over = False
        self._dropped = 0

    @property
    def name(self) -> str:
        """The gateway's device."""
        return self._name

    @property
    def dropped(self) -> int:
        """Messages that came while too many were waiting, here or before."""
        return self._dropped + self._client.dropped

    @property
    def messages(self) -> AsyncIterator[tuple[str, bytes]]:
        """What the server sends; ends with the session."""
        return self._messages()

    async def subscribe(self, *filters: str) -> None:
        """Subscribe with QoS 1."""
        await self._do(self._client.subscribe(*filters))

    async def publish(self, topic: str, payload: bytes) -> None:
        """Send with QoS 1; :class:`CloudAnswer`: refused, :class:`Unreachable`: over."""
        await self._do(self._client.publish(topic, payload))

    async def close(self) -> None:
        """End the session."""
        await self._client.close()

    # --- the connection's own ---

    async def run(self) -> MqttClosed:
        """Take what comes until the session is over; says how it ended."""
        try:
            while True:
                message = await self._client.receive()
                await self._take(message.topic, message.payload)
        except MqttClosed as closed:
            return closed
        finally:
            self._over = True
            self._waiting.put_nowait(None)
            if not self._limits.done():
                self._limits.set_result(None)

    async def begin(self) -> Mapping[str, Any] | None:
        """Subscribe what calls need, and ask for the limits; None: the server does not say."""
        await self.subscribe(f"{OWN_CALL}+", f"{OWN_ANSWER}+")
        call = msgspec.json.encode({"method": LIMITS_METHOD, "params": {}})
        await self.publish(f"{OWN_CALL}{LIMITS_NUMBER}", call)
        try:
            async with asyncio.timeout(self._limits_s):
                said = await self._limits
        except TimeoutError:
            return None
        if self._over:
            raise Unreachable(cloud=self._title, detail=str(self._client.closed), sent=True)
        return said if isinstance(said, dict) else None

    async def _take(self, topic: str, payload: bytes) -> None:
        if topic == f"{OWN_ANSWER}{LIMITS_NUMBER}":
            if not self._limits.done():
                self._limits.set_result(_decoded(payload))
            return
        call = reset_call(topic, payload)
        if call is not None:
            await self._reset(call)
            return
        if self._waiting.qsize() >= WAITING_MAX:
            self._waiting.get_nowait()
            self._dropped += 1
        self._waiting.put_nowait((topic, payload))

    async def _reset(self, call: Call) -> None:
        said = await self._on_reset(call)
        with contextlib.suppress(Unreachable, CloudAnswer):
            await self.publish(*answer(call, said))
        if said["code"] == 200:
            self._after_reset()

    async def _messages(self) -> AsyncIterator[tuple[str, bytes]]:
        while (message := await self._waiting.get()) is not None:
            yield message
        self._waiting.put_nowait(None)

    async def _do(self, doing: Awaitable[object]) -> None:
        try:
            await doing
        except MqttRefused as refused:
            raise CloudAnswer(cloud=self._title, detail=str(refused)) from refused
        except MqttClosed as closed:
            raise Unreachable(cloud=self._title, detail=str(closed), sent=True) from closed
        except TimeoutError as error:
            await self._client.close()
            detail = "It takes messages and does not acknowledge them."
            raise Unreachable(cloud=self._title, detail=detail, sent=True) from error


def _decoded(payload: bytes) -> object:
    try:
        return msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
