"""Logins of boards at the simulated Blynk.Cloud over MQTT 5, with its way to refuse them.

User ``device``, the token for a password. A token that is of no device is refused with a number of
MQTT 3.1.1 in two bytes, as the real server does with a device that was deleted (cloud-blynk, 5.4).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from agent.protocols.blynk.mqtt_login import USER, read_info, taken
from agent.protocols.mqtt import (
    V5,
    ConnAck,
    Connect,
    Disconnect,
    Malformed,
    PacketDecoder,
    PingReq,
    PingResp,
    Publish,
    SubAck,
    Subscribe,
    encode,
)
from agent.simulator.blynk_cloud_state import AUTH_FAILED
from agent.simulator.connection_server import ConnectionServer

if TYPE_CHECKING:
    import ssl

    from agent.protocols.mqtt import Packet
    from agent.simulator.blynk_cloud_faults import Fault
    from agent.simulator.blynk_cloud_http import Surroundings
    from agent.simulator.blynk_cloud_state import BlynkState

NOT_AUTHORISED_311: Final = bytes.fromhex("20020005")
UNREADABLE: Final = bytes.fromhex("200300057f")
CONNECT_LIMIT_S: Final = 10.0
"""Who says nothing for so long is no board."""
RECONFIGURE_TOPIC: Final = "downlink/reconfigure"
"""Of the simulator's own: how the real server tells a board is not published."""


class MqttServer(ConnectionServer):
    """One listening port."""

    def __init__(
        self,
        around: Surroundings,
        state: BlynkState,
        *,
        port: int = 0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(lambda: _Connection(self), port=port, context=context)
        self.around = around
        self.state = state


class _Connection(asyncio.Protocol):
    """One board, or somebody who says so."""

    def __init__(self, server: MqttServer) -> None:
        self._server = server
        self._decoder = PacketDecoder(V5)
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._token = ""
        self._in = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See the base class."""
        self._transport = cast("asyncio.Transport", transport)
        self._server.connections.add(self)
        if self._server.down:
            self.cut()
            return
        self._timer = asyncio.get_running_loop().call_later(CONNECT_LIMIT_S, self.cut)

    def data_received(self, data: bytes) -> None:
        """See the base class."""
        for packet in self._decoder.feed(data):
            self._take(packet)

    def connection_lost(self, _error: Exception | None) -> None:
        """See the base class."""
        self._server.connections.discard(self)
        self._server.state.log_out(self)
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()

    def cut(self) -> None:
        """See :class:`agent.simulator.blynk_cloud_state.Link`."""
        if self._transport is not None:
            self._transport.abort()

    def reconfigure(self) -> None:
        """See :class:`agent.simulator.blynk_cloud_state.Link`."""
        self._send(Publish(topic=RECONFIGURE_TOPIC))

    def _take(self, packet: Packet | Malformed) -> None:
        match packet:
            case Connect() if not self._in:
                self._connect(packet)
            case Publish() if self._in:
                told = read_info(packet)
                if told:
                    template = told.pop("tmpl", "")
                    self._server.state.log_in(self._token, template, None, told)
                if packet.qos:
                    self._send(taken(packet.packet_id))
            case Subscribe() if self._in:
                codes = tuple(0 for _ in packet.filters)
                self._send(SubAck(packet_id=packet.packet_id, codes=codes))
            case PingReq() if self._in:
                self._send(PingResp())
            case Disconnect():
                self._close()
            case _:
                self.cut()

    def _connect(self, packet: Connect) -> None:
        fault = self._server.around.faults.take("login")
        if fault is not None and self._broken(fault):
            return
        token = (packet.password or b"").decode("utf-8", errors="replace")
        why = AUTH_FAILED
        if packet.version == V5 and packet.username == USER:
            why = self._server.state.log_in(token, "", self, {})
        if why:
            self._refuse(NOT_AUTHORISED_311, "0x05")
            return
        self._token, self._in = token, True
        if self._timer is not None:
            self._timer.cancel()
        self._note("0x00")
        self._send(ConnAck())

    def _broken(self, fault: Fault) -> bool:
        match fault.act:
            case "hang":
                self._note("hang")
            case "quirk":
                self._refuse(NOT_AUTHORISED_311, "0x05")
            case "garbage":
                self._refuse(UNREADABLE, "unreadable")
            case "status":
                code = fault.status & 0xFF
                self._refuse(encode(ConnAck(code=code), V5), f"0x{code:02X}")
            case "text":
                self._refuse(fault.text.encode(), "text")
            case _:
                self._note("closed")
                self.cut()
        return True

    def _refuse(self, data: bytes, outcome: str) -> None:
        self._note(outcome)
        if self._transport is not None:
            self._transport.write(data)
        self._close()

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _send(self, packet: Packet) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode(packet, V5))

    def _note(self, outcome: str) -> None:
        self._server.around.record.add("login", "CONNECT", outcome)
