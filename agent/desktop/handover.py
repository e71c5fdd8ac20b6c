"""What a second start does: it hands its wish to the agent that runs, and ends.

It waits for no event loop and loads next to nothing, for a person waits for it.
"""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from agent.desktop.instance import find_instance

if TYPE_CHECKING:
    from websockets.client import ClientProtocol

    from agent.desktop.instance import Instance
    from agent.settings.paths import Paths

ANSWER_S: Final = 2.0
"""An agent answers within milliseconds; one that is busy with a start or an end, within this."""
ANSWER_BYTES: Final = 1 << 20
"""Far above an answer; what is longer does not come from an agent."""


class HandedOver(NamedTuple):
    """The wish is with the agent."""

    instance: Instance
    shown: bool
    """The agent opened the page."""


def hand_over(paths: Paths, page: str | None) -> HandedOver | None:
    """Ask the agent of this user to open its page at the place ``page``; None: only whether it runs.

    None if there is no agent that answers: none runs, or it starts or ends just now.
    """
    try:
        instance = find_instance(paths)
    except OSError:
        return None  # The start that follows says what is wrong with the folder.
    if instance is None:
        return None
    method, params = ("agent.info", {}) if page is None else ("agent.show", {"page": page})
    answer = _call(instance, method, params)
    if answer is None:
        return None
    # An older agent may not know the method: it runs, and shows nothing.
    result = answer.get("result")
    return HandedOver(instance, shown=isinstance(result, dict) and result.get("shown") is True)


def _call(instance: Instance, method: str, params: dict[str, str]) -> dict[str, Any] | None:
    """The answer to one request; None if this is no agent or it does not answer."""
    from websockets.exceptions import WebSocketException

    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    until = time.monotonic() + ANSWER_S
    try:
        with socket.create_connection(("127.0.0.1", instance.port), ANSWER_S) as connection:
            found = _converse(connection, instance, msgspec.json.encode(request), until)
        answer = msgspec.json.decode(found)
    except (OSError, WebSocketException, msgspec.DecodeError):
        return None
    return answer if isinstance(answer, dict) else None


def _converse(connection: socket.socket, instance: Instance, request: bytes, until: float) -> bytes:
    """Open a WebSocket, send one message, return the first one that comes back."""
    from websockets.client import ClientProtocol
    from websockets.frames import Frame, Opcode
    from websockets.http11 import Response
    from websockets.uri import parse_uri

    protocol = ClientProtocol(parse_uri(instance.rpc_url), max_size=ANSWER_BYTES)
    opening = protocol.connect()
    opening.headers["Authorization"] = f"Bearer {instance.token.reveal()}"
    protocol.send_request(opening)
    while True:
        for data in protocol.data_to_send():
            connection.sendall(data)
        connection.settimeout(max(until - time.monotonic(), 0.001))
        data = connection.recv(65536)
        if not data:
            raise ConnectionResetError
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Response) and protocol.handshake_exc is None:
                protocol.send_text(request)
            elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                _say_goodbye(connection, protocol)
                return bytes(event.data)
        if protocol.handshake_exc is not None:
            raise protocol.handshake_exc


def _say_goodbye(connection: socket.socket, protocol: ClientProtocol) -> None:
    from websockets.exceptions import WebSocketException

    # The other side may have closed already.
    with contextlib.suppress(OSError, WebSocketException):
        protocol.send_close()
        for data in protocol.data_to_send():
            connection.sendall(data)
