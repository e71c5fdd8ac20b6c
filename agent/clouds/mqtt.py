"""One connection to an MQTT server, 3.1.1 or 5, over TCP or TLS.

It knows nothing of topics and their meaning. Errors of the way there (``OSError``, ``ssl.SSLError``,
``TimeoutError``) come up as they are; what the server says no to is :class:`MqttRefused`, and an
end of the connection :class:`MqttClosed`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Self

from agent.protocols.mqtt import (
    V5,
    V311,
    Acknowledge,
    ConnAck,
    Connect,
    Disconnect,
    Malformed,
    Packet,
    PacketDecoder,
    PingReq,
    PingResp,
    Property,
    Publish,
    SubAck,
    Subscribe,
    UnsubAck,
    Will,
    encode,
)
from agent.protocols.mqtt.packets import FAILURE, Kind
from agent.settings import clean_text

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from types import TracebackType

    from agent.protocols.mqtt.properties import Value

CONNECT_LIMIT_S: Final = 10.0
"""Name look-up, TCP, TLS and the server's CONNACK, each; as for HTTP."""
ANSWER_LIMIT_S: Final = 10.0
"""SUBACK and PUBACK: a server that takes longer has lost the packet or itself."""
NEXT_ADDRESS_S: Final = 0.25
"""After that the next address of a name is tried beside the first (RFC 8305)."""
CLOSE_LIMIT_S: Final = 1.0
"""For the last packet to leave; the operating system does the rest."""
KEEP_ALIVE_S: Final = 30
"""Half of what ThingsBoard and others allow, so that one lost packet does no harm."""
WAITING_MAX: Final = 200
"""Messages nobody has taken yet; of more the oldest are dropped and counted."""
CHUNK: Final = 65_536
VERSION_REFUSED: Final = frozenset({1, 0x84})
"""CONNACK: the server does not speak this version (3.1.1: 1; 5: 0x84)."""
LOGIN_REFUSED: Final = frozenset({4, 5, 0x86, 0x87})
"""CONNACK: wrong user name or password, or not authorised (3.1.1: 4, 5; 5: 0x86, 0x87)."""
BUSY: Final = frozenset({3, 0x88, 0x89, 0x97, 0x9F})
"""Not now: server unavailable or busy, quota or connection rate exceeded."""


class MqttRefused(Exception):
    """The server said no to ``what``: CONNECT, SUBSCRIBE or PUBLISH."""

    def __init__(self, what: str, code: int, reason: str = "") -> None:
        self.what = what
        self.code = code
        self.reason = reason
        """The server's own sentence, fit to be shown; mostly empty."""
        super().__init__(f"{what} was refused with code 0x{code:02X}. {reason}".rstrip())


class MqttClosed(Exception):
    """The connection is over; ``code`` is the server's reason, 0 where it gave none."""

    def __init__(self, detail: str, code: int = 0) -> None:
        self.code = code
        super().__init__(detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttServer:
    """Where to, and how far it is trusted; ``tls`` None: without encryption."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttLogin:
    """Who connects."""

    client_id: str = ""
    """Empty: the server gives one."""
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    version: int = V311
    keep_alive_s: int = KEEP_ALIVE_S
    will: Will | None = None


class MqttClient:
    """A connection that is open; made by :func:`connect`, ended by leaving its ``async with``."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, login: MqttLogin
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._version = login.version
        self._decoder = PacketDecoder(login.version)
        self._keep_alive_s = login.keep_alive_s
        self._answers: dict[int, asyncio.Future[Acknowledge | SubAck | UnsubAck]] = {}
        self._waiting: deque[Publish] = deque()
        self._news = asyncio.Event()
        self._end: MqttClosed | None = None
        self._connack: asyncio.Future[ConnAck] = asyncio.get_running_loop().create_future()
        self._tasks: list[asyncio.Task[None]] = []
        self._silent_periods = 0
        self._last_id = 0
        self.dropped = 0
        """Messages that came while too many were waiting."""

    @property
    def closed(self) -> MqttClosed | None:
        """Why the connection is over; None: it is open."""
        return self._end

    async def subscribe(self, *filters: str, qos: int = 1) -> tuple[int, ...]:
        """Subscribe and return the QoS that each filter was granted.

        Raises :class:`MqttRefused` for the first that was not, :class:`MqttClosed`, and
        ``TimeoutError`` after :data:`ANSWER_LIMIT_S`.
        """
        number = self._next_id()
        wanted = tuple((name, qos) for name in filters)
        answer = await self._ask(Subscribe(packet_id=number, filters=wanted), number)
        if not isinstance(answer, SubAck) or len(answer.codes) != len(filters):
            raise self._broken("it answered SUBSCRIBE with something else")
        for code in answer.codes:
            if code >= FAILURE:
                raise MqttRefused("SUBSCRIBE", code, _reason(answer.properties))
        return answer.codes

    async def publish(self, topic: str, payload: bytes, *, qos: int = 1) -> None:
        """Send a message; with QoS 1 return when the server has it. Raises as :meth:`subscribe`."""
        if not qos:
            await self._send(Publish(topic=topic, payload=payload))
            return
        number = self._next_id()
        message = Publish(topic=topic, payload=payload, qos=1, packet_id=number)
        answer = await self._ask(message, number)
        if not isinstance(answer, Acknowledge):
            raise self._broken("it answered PUBLISH with something else")
        if answer.code >= FAILURE:
            raise MqttRefused("PUBLISH", answer.code, _reason(answer.properties))

    async def receive(self) -> Publish:
        """The next message; raises :class:`MqttClosed` when there will be none."""
        while not self._waiting:
            if self._end is not None:
                raise self._end
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()

    async def close(self) -> None:
        """Say goodbye and release the connection; again does nothing."""
        try:
            if self._end is None:
                with contextlib.suppress(OSError, TimeoutError):
                    async with asyncio.timeout(CLOSE_LIMIT_S):
                        await self._send(Disconnect())
            await self._end_tasks()
            self._writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CLOSE_LIMIT_S):
                    await self._writer.wait_closed()
        finally:
            # Also where whoever closes it is cancelled.
            self._finish(MqttClosed("The connection was closed here."))
            for task in self._tasks:
                task.cancel()
            self._writer.transport.abort()

    async def _end_tasks(self) -> None:
        self._finish(MqttClosed("The connection was closed here."))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def greet(self, login: MqttLogin) -> ConnAck:
        """CONNECT, and the server's answer to it; :func:`connect` does this."""
        self._tasks.append(asyncio.create_task(self._read(), name="mqtt reader"))
        packet = Connect(
            client_id=login.client_id,
            username=login.username,
            password=login.password.encode() if login.password is not None else None,
            keep_alive_s=login.keep_alive_s,
            will=login.will,
            version=login.version,
        )
        await self._send(packet)
        answer = await self._connack
        if answer.code:
            raise MqttRefused("CONNECT", answer.code, _reason(answer.properties))
        told = answer.properties.get(Property.SERVER_KEEP_ALIVE_S)
        if isinstance(told, int):
            self._keep_alive_s = told
        if self._keep_alive_s:
            self._tasks.append(asyncio.create_task(self._ping(), name="mqtt keep-alive"))
        return answer

    async def _ask(self, packet: Packet, number: int) -> Acknowledge | SubAck | UnsubAck:
        answer: asyncio.Future[Acknowledge | SubAck | UnsubAck]
        answer = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                await self._send(packet)
                return await answer
        finally:
            del self._answers[number]

    async def _send(self, packet: Packet) -> None:
        if self._end is not None:
            raise self._end
        self._writer.write(encode(packet, self._version))
        try:
            await self._writer.drain()
        except OSError as error:
            detail = f"The connection was lost: {clean_text(str(error))}."
            raise self._finish(MqttClosed(detail)) from error

    async def _read(self) -> None:
        end = MqttClosed("The server closed the connection.")
        try:
            while self._end is None and (data := await self._reader.read(CHUNK)):
                self._silent_periods = 0
                for packet in self._decoder.feed(data):
                    await self._take(packet)
        except OSError as error:
            end = MqttClosed(f"The connection was lost: {clean_text(str(error))}.")
            end.__cause__ = error
        except MqttClosed:
            return
        self._finish(end)

    async def _take(self, packet: Packet | Malformed) -> None:
        match packet:
            case Publish():
                await self._keep(packet)
            case ConnAck() if not self._connack.done():
                self._connack.set_result(packet)
            case Acknowledge(kind=Kind.PUBREL):
                number = packet.packet_id
                await self._send(Acknowledge(kind=Kind.PUBCOMP, packet_id=number))
            case Acknowledge(kind=Kind.PUBACK) | SubAck() | UnsubAck():
                answer = self._answers.get(packet.packet_id)
                if answer is not None and not answer.done():
                    answer.set_result(packet)
            case Disconnect():
                said = _reason(packet.properties)
                detail = f"The server ended the connection with code 0x{packet.code:02X}. {said}"
                self._finish(MqttClosed(detail.rstrip(), packet.code))
            case Malformed():
                self._broken(packet.reason)
            case PingResp():
                pass
            case _:
                self._broken(f"{type(packet).__name__} is nothing that a server sends here")

    async def _keep(self, message: Publish) -> None:
        if len(self._waiting) >= WAITING_MAX:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(message)
        self._news.set()
        if message.qos:
            kind = Kind.PUBACK if message.qos == 1 else Kind.PUBREC
            await self._send(Acknowledge(kind=kind, packet_id=message.packet_id))

    async def _ping(self) -> None:
        with contextlib.suppress(MqttClosed, OSError):
            while True:
                await asyncio.sleep(self._keep_alive_s / 2)
                self._silent_periods += 1
                if self._silent_periods > 3:
                    self._finish(MqttClosed("The server has become silent."))
                await self._send(PingReq())

    def _broken(self, reason: str) -> MqttClosed:
        return self._finish(MqttClosed(f"The server does not speak MQTT: {clean_text(reason)}."))

    def _finish(self, end: MqttClosed) -> MqttClosed:
        """Note the end, whoever saw it first, and wake everybody who waits."""
        if self._end is None:
            self._end = end
            waiting: list[asyncio.Future[Any]] = [self._connack, *self._answers.values()]
            for answer in waiting:
                if not answer.done():
                    answer.set_exception(end)
                    answer.exception()  # seen, even if nobody waits any more
            self._news.set()
        return self._end

    def _next_id(self) -> int:
        self._last_id = self._last_id % 0xFFFF + 1
        while self._last_id in self._answers:
            self._last_id = self._last_id % 0xFFFF + 1
        return self._last_id


async def connect(server: MqttServer, login: MqttLogin) -> MqttClient:
    """An open connection.

    Raises :class:`MqttRefused`, :class:`MqttClosed`, ``OSError`` and ``TimeoutError``; nothing is
    left open then. What cannot be said in MQTT is a ``ValueError``.
    """
    async with asyncio.timeout(CONNECT_LIMIT_S):
        reader, writer = await asyncio.open_connection(
            server.host,
            server.port,
            ssl=server.tls,
            ssl_handshake_timeout=CONNECT_LIMIT_S if server.tls else None,
            ssl_shutdown_timeout=CLOSE_LIMIT_S if server.tls else None,
            happy_eyeballs_delay=NEXT_ADDRESS_S,
        )
    client = MqttClient(reader, writer, login)
    try:
        async with asyncio.timeout(CONNECT_LIMIT_S):
            await client.greet(login)
    except BaseException:
        await client.close()
        raise
    return client


async def connect_either(server: MqttServer, login: MqttLogin) -> MqttClient:
    """As :func:`connect` with MQTT 5, and with 3.1.1 if the server does not speak that."""
    try:
        return await connect(server, replace(login, version=V5))
    except MqttRefused as refused:
        if refused.code not in VERSION_REFUSED:
            raise
    except MqttClosed:
        pass  # old servers hang up
    return await connect(server, replace(login, version=V311))


def _reason(properties: Mapping[int, Value]) -> str:
    said = properties.get(Property.REASON, "")
    return clean_text(said) if isinstance(said, str) else ""
