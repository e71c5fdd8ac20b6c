"""Connects a simulated board to the ThingsBoard server that its settings name, and stays there.

MQTT and HTTP, with and without TLS, with each kind of credentials, over plain sockets: no proxy.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.protocols.mqtt import (
    V311,
    ConnAck,
    Connect,
    Disconnect,
    PacketDecoder,
    PingReq,
    Publish,
    encode,
)
from agent.settings.credentials import AccessToken, Certificate, MqttBasic
from agent.simulator.hardware import CloudVisit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from agent.settings.credentials import CloudSettings

CONNECT_LIMIT_S: Final = 10.0
"""To reach the server, and then for its answer; boards wait 5-15 s."""
KEEP_ALIVE_S: Final = 60
PING_EVERY_S: Final = 30.0
READ_BYTES: Final = 4096
TELEMETRY: Final = b'{"simulated":true}'
"""Something has to be sent, so that the server shows when it saw the device last."""
_REFUSALS: Final = {1, 2, 4, 5}
"""Of MQTT 3.1.1, 3.2.2.3: this server will never let these credentials in."""
_TURNED_AWAY: Final = {400, 401, 403, 404}
"""ThingsBoard says 401 to a token that it does not know."""


async def visit(cloud: CloudSettings, tell: Callable[[int | None, str], None]) -> None:
    """Connect, tell how that went, and stay until cancelled or sent away.

    ``tell`` gets what :class:`CloudVisit` says, and a sentence.
    """
    try:
        if cloud.scheme in {"http", "https"}:
            status = await asyncio.to_thread(_post, cloud)
            refused = status in _TURNED_AWAY
            if status != 200 and not refused:
                tell(None, f"The server answered with status {status}.")
                return
            tell(CloudVisit.REFUSED if refused else CloudVisit.CONNECTED, "")
        else:
            await _visit_mqtt(cloud, tell)
    except (OSError, TimeoutError, ValueError, http.client.HTTPException) as error:
        tell(None, f"The server was not reached ({type(error).__name__}).")


async def _visit_mqtt(cloud: CloudSettings, tell: Callable[[int | None, str], None]) -> None:
    async with asyncio.timeout(CONNECT_LIMIT_S):
        context = await asyncio.to_thread(_context, cloud) if cloud.encrypted else None
        reader, writer = await asyncio.open_connection(cloud.host, cloud.port, ssl=context)
    try:
        writer.write(encode(_hello(cloud), V311))
        async with asyncio.timeout(CONNECT_LIMIT_S):
            answer = await _answer(reader)
        if answer is None or answer.code:
            refused = answer is not None and answer.code in _REFUSALS
            tell(CloudVisit.REFUSED if refused else None, "The server did not let the board in.")
            return
        writer.write(encode(Publish(topic="v1/devices/me/telemetry", payload=TELEMETRY), V311))
        tell(CloudVisit.CONNECTED, "")
        await _stay(reader, writer)
        tell(None, "The server ended the connection.")
    finally:
        with contextlib.suppress(OSError, RuntimeError):
            writer.write(encode(Disconnect(), V311))
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> ConnAck | None:
    """The server's; None if it closed instead, or said something else."""
    decoder = PacketDecoder(V311)
    while data := await reader.read(READ_BYTES):
        for packet in decoder.feed(data):
            return packet if isinstance(packet, ConnAck) else None
    return None


async def _stay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until the server closes."""
    while True:
        try:
            async with asyncio.timeout(PING_EVERY_S):
                if not await reader.read(READ_BYTES):
                    return
        except TimeoutError:
            writer.write(encode(PingReq(), V311))


def _hello(cloud: CloudSettings) -> Connect:
    match cloud.credentials:
        case AccessToken() as token:
            return Connect(
                client_id=cloud.name, username=token.token.reveal(), keep_alive_s=KEEP_ALIVE_S
            )
        case MqttBasic() as basic:
            return Connect(
                client_id=basic.client_id,
                username=basic.username or None,
                password=basic.password.reveal().encode() or None,
                keep_alive_s=KEEP_ALIVE_S,
            )
        case Certificate():
            return Connect(client_id=cloud.name, keep_alive_s=KEEP_ALIVE_S)


def _context(cloud: CloudSettings) -> ssl.SSLContext:
    """Trusts what the board was told to trust; has its certificate if it has one."""
    import ssl

    context = ssl.create_default_context(cadata=cloud.ca or None)
    if isinstance(cloud.credentials, Certificate):
        # The library takes a key from a file only.
        with tempfile.TemporaryDirectory(prefix="mooring-board-") as folder:
            file = Path(folder) / "board.pem"
            file.touch(mode=0o600)
            file.write_text(cloud.credentials.certificate + cloud.credentials.key.reveal())
            context.load_cert_chain(file)
    return context


def _post(cloud: CloudSettings) -> int:
    """Status of the answer to some telemetry."""
    assert isinstance(cloud.credentials, AccessToken)  # noqa: S101  (the settings' check)
    connection: http.client.HTTPConnection
    if cloud.encrypted:
        connection = http.client.HTTPSConnection(
            cloud.host, cloud.port, timeout=CONNECT_LIMIT_S, context=_context(cloud)
        )
    else:
        connection = http.client.HTTPConnection(cloud.host, cloud.port, timeout=CONNECT_LIMIT_S)
    path = f"/api/v1/{cloud.credentials.token.reveal()}/telemetry"
    try:
        connection.request("POST", path, TELEMETRY, {"Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()
