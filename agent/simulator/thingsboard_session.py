"""One MQTT connection of the simulated ThingsBoard, without I/O: packets in, packets out.

What the real server refuses is refused here in the same way, what it leaves unanswered too. Topics
of a device that is signed in are in ``thingsboard_topics``, those of gateways in
``thingsboard_gateway``. Source: cloud-thingsboard, sections 2, 5 and 6; MqttTransportHandler.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from agent.protocols.mqtt import (
    V5,
    V311,
    Acknowledge,
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
    UnsubAck,
    Unsubscribe,
    encode,
)
from agent.simulator.thingsboard_devices import InternalError
from agent.simulator.thingsboard_faults import Faults, Record
from agent.simulator.thingsboard_limits import SessionLimits
from agent.simulator.thingsboard_protobuf import read_either
from agent.simulator.thingsboard_requests import NotJsonError, UnreadableError
from agent.simulator.thingsboard_tls import valid_at
from agent.simulator.thingsboard_topics import SUBSCRIPTIONS, DeviceTopics

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.protocols.mqtt import Packet
    from agent.simulator.thingsboard_devices import Device, EndReason, Json
    from agent.simulator.thingsboard_faults import Fault, Operation
    from agent.simulator.thingsboard_state import ThingsBoardState

PROVISION: Final = "provision"
REQUEST_TOPIC: Final = "/provision/request"
RESPONSE_TOPIC: Final = "/provision/response"
AFTER_REPLY_S: Final = 60.0
"""A provisioning session is closed so long after the reply (MqttTransportHandler)."""

IMPLEMENTATION_ERROR: Final = 0x83
TOPIC_FILTER_INVALID: Final = 0x8F
TOPIC_NAME_INVALID: Final = 0x90
PAYLOAD_FORMAT_INVALID: Final = 0x99
MALFORMED: Final = 0x81
NOT_AUTHORISED: Final = 0x87
BAD_LOGIN: Final = 0x86
BAD_CLIENT_ID: Final = 0x85
SERVER_UNAVAILABLE: Final = 0x88
NO_SUBSCRIPTION: Final = 0x11
_END_CODES: Final[dict[EndReason, int]] = {
    "credentials": 0x98,
    "deleted": 0x98,
    "taken over": 0x8E,
}
_CONNACK_311: Final = {BAD_LOGIN: 5, NOT_AUTHORISED: 5, BAD_CLIENT_ID: 2, SERVER_UNAVAILABLE: 3}
"""What a client that speaks 3.1.1 is told instead."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all sessions of a server share."""

    state: ThingsBoardState
    now: Callable[[], float]
    """Unix seconds."""
    faults: Faults = field(default_factory=Faults)
    record: Record = field(default_factory=Record)
    limits: SessionLimits = field(default_factory=SessionLimits)


class MqttSession:
    """A connection. After each call send :meth:`take`, then close if ``closing``.

    ``wake`` is called when there is something to send without a call having come. ``chain`` is what
    TLS proved of the client (DER, its own certificate first).
    """

    def __init__(
        self, around: Surroundings, *, chain: tuple[bytes, ...] = (), wake: Callable[[], None]
    ) -> None:
        self.around = around
        self._chain = chain
        self._wake = wake
        self._decoder = PacketDecoder(limit=around.limits.max_payload + 4)
        self._version = V311
        self._out = bytearray()
        self._later: list[tuple[float, Packet]] = []
        self._close_at: float | None = None
        self._provisioning = False
        self._next_id = 0
        self._subscribed: dict[str, int] = {}
        self.topics: DeviceTopics | None = None
        """None until the client has proved to be a device."""
        self.closing = False
        """The server ends the connection once everything is sent."""
        if chain:
            # As on the server: a chain takes effect in the handshake, before anything was said.
            around.state.by_chain(chain)

    # --- the connection's side ---

    def feed(self, data: bytes) -> None:
        """Bytes from the client."""
        for packet in self._decoder.feed(data):
            if self.closing:
                return
            self._take_packet(packet)

    def take(self) -> bytes:
        """What is to be sent now."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def deadline(self) -> float | None:
        """When :meth:`tick` is due, in seconds of the clock; None: never."""
        times = [at for at, _ in self._later]
        if self._close_at is not None:
            times.append(self._close_at)
        return min(times, default=None)

    def tick(self) -> None:
        """Time has passed."""
        now = self.around.now()
        due = [packet for at, packet in self._later if at <= now]
        self._later = [(at, packet) for at, packet in self._later if at > now]
        for packet in due:
            self.send(packet)
        if self._close_at is not None and self._close_at <= now:
            self.closing = True

    def lost(self) -> None:
        """The connection is gone."""
        if self.topics is not None:
            self.topics.lost()
            self.topics = None

    # --- packets ---

    def _take_packet(self, packet: Packet | Malformed) -> None:
        if isinstance(packet, Malformed):
            self.close(MALFORMED)
        elif isinstance(packet, Connect):
            self._connect(packet)
        elif not self._provisioning and self.topics is None:
            return  # The server keeps these until the client has said who it is, and answers none.
        elif isinstance(packet, Publish):
            self._publish(packet)
        elif isinstance(packet, Subscribe):
            codes = tuple(self._subscribe(*asked) for asked in packet.filters)
            self.send(SubAck(packet_id=packet.packet_id, codes=codes))
        elif isinstance(packet, Unsubscribe):
            codes = tuple(self._unsubscribe(name) for name in packet.filters)
            self.send(UnsubAck(packet_id=packet.packet_id, codes=codes))
        elif isinstance(packet, PingReq):
            self.send(PingResp())
        elif isinstance(packet, Disconnect):
            self.closing = True

    def _connect(self, packet: Connect) -> None:
        self._version = packet.version
        if PROVISION in {packet.username, packet.client_id}:
            self._provisioning = True
            self._connack(packet, 0)
            return
        fault = self._fault("connect")
        if fault is not None and fault.act != "slow":
            if fault.act == "status":
                self._connack(packet, SERVER_UNAVAILABLE)
            self.closing = fault.act != "hang"
            return
        device, refusal = self._who(packet)
        self._note("connect", "SUCCESS" if device is not None else "FAILURE")
        delay_s = fault.seconds if fault is not None else 0.0
        if device is None:
            self._connack(packet, refusal, delay_s)
            self.close(refusal)
            return
        self.lost()  # a second CONNECT takes the place of the first, as on the server
        self.topics = DeviceTopics(self, device)
        self._connack(packet, 0, delay_s)

    def _who(self, packet: Connect) -> tuple[Device | None, int]:
        """The device that the client is, or the code of the refusal."""
        state = self.around.state
        if self._chain:
            if not valid_at(self._chain[0], self.around.now()):
                return None, NOT_AUTHORISED
            return state.by_certificate(self._chain[0]), NOT_AUTHORISED
        password = (packet.password or b"").decode(errors="replace")
        device = state.by_login(packet.client_id, packet.username or "", password)
        said = packet.username is not None, packet.password is not None
        if any(said):
            return device, BAD_LOGIN
        return device, BAD_CLIENT_ID if packet.client_id.strip() else NOT_AUTHORISED

    def _connack(self, packet: Connect, code: int, delay_s: float = 0.0) -> None:
        said = code if self._version == V5 else _CONNACK_311.get(code, code)
        # The server says that there is a session whenever one was asked for, and keeps none.
        self.send(ConnAck(code=said, session_present=not packet.clean_start), delay_s)

    def _subscribe(self, name: str, options: int) -> int:
        allowed = {RESPONSE_TOPIC} if self._provisioning else SUBSCRIPTIONS
        if name not in allowed:
            return TOPIC_FILTER_INVALID if self._version == V5 else 0x80
        self._subscribed[name] = min(options & 3, 1)
        return self._subscribed[name]

    def _unsubscribe(self, name: str) -> int:
        return 0 if self._subscribed.pop(name, None) is not None else NO_SUBSCRIPTION

    # --- messages ---

    def _publish(self, message: Publish) -> None:
        try:
            if self._provisioning:
                self._provision(message)
            elif self.topics is not None:
                self.topics.publish(message)
        except NotJsonError:
            if self._version == V5 and message.packet_id:
                self.acknowledge(message, PAYLOAD_FORMAT_INVALID)
            else:
                self.close(PAYLOAD_FORMAT_INVALID)
        except (UnreadableError, InternalError):
            self.acknowledge(message, IMPLEMENTATION_ERROR)
            self.close(IMPLEMENTATION_ERROR)

    def _provision(self, message: Publish) -> None:
        if message.topic != REQUEST_TOPIC:
            self.acknowledge(message, TOPIC_NAME_INVALID)
            self.close(TOPIC_NAME_INVALID)
            return
        fault = self._fault("provision")
        if fault is not None and fault.act in {"hang", "close", "status"}:
            if fault.act == "status" and not fault.text:
                raise InternalError("the core is silent")
            self.closing = fault.act != "hang"
            return
        try:
            request, write = read_either(message.payload)
            reply = self.around.state.provision(request)
        except (NotJsonError, UnreadableError, InternalError):
            self._note("provision", "closed")
            raise
        self._note("provision", reply["status"])
        self.acknowledge(message)
        if fault is not None and fault.act == "lose":
            self.closing = True
            return
        self._reply(write(reply), fault)

    def _reply(self, payload: bytes, fault: Fault | None) -> None:
        topic, count, delay_s = RESPONSE_TOPIC, 1, 0.0
        if fault is not None:
            delay_s = fault.seconds
            if fault.act == "text":
                payload = fault.text.encode()
            elif fault.act == "elsewhere":
                topic = fault.text
            elif fault.act == "twice":
                count = 2
        for _ in range(count):
            self.publish(topic, payload, delay_s)
        self._close_at = self.around.now() + delay_s + AFTER_REPLY_S

    def publish(self, topic: str, payload: bytes, delay_s: float = 0.0) -> None:
        """A message to the client, whether or not it subscribed: the server does not look."""
        qos = next((q for name, q in self._subscribed.items() if _fits(name, topic)), 1)
        packet_id = 0
        if qos:
            self._next_id = self._next_id % 0xFFFF + 1
            packet_id = self._next_id
        self.send(Publish(topic=topic, payload=payload, qos=qos, packet_id=packet_id), delay_s)

    def publish_json(self, topic: str, value: Json) -> None:
        """The same with a JSON value."""
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        self.publish(topic, text.encode())

    def acknowledge(self, message: Publish, code: int = 0) -> None:
        """PUBACK, if there is a number to acknowledge; 3.1.1 has no place for the code."""
        if message.packet_id:
            self.send(Acknowledge(packet_id=message.packet_id, code=code))

    def subscribed(self, name: str) -> bool:
        """Whether the client subscribed this filter."""
        return name in self._subscribed

    @property
    def version(self) -> int:
        """Of MQTT: 4 or 5."""
        return self._version

    # --- sending and closing ---

    def send(self, packet: Packet, delay_s: float = 0.0) -> None:
        """To the client, now or later; what comes late may be overtaken."""
        if delay_s > 0:
            self._later.append((self.around.now() + delay_s, packet))
            return
        self._out += encode(packet, self._version)
        self._wake()

    def close(self, code: int) -> None:
        """End the connection; with MQTT 5 the client is told why."""
        if self._version == V5:
            self.send(Disconnect(code=code))
        self.closing = True
        self._wake()

    def end(self, reason: EndReason) -> None:
        """The server ends the device's session."""
        self.close(_END_CODES[reason])

    def _fault(self, operation: Operation) -> Fault | None:
        fault = self.around.faults.take(operation, "mqtt")
        if fault is not None and fault.act in {"hang", "close", "status"}:
            self._note(operation, "hang" if fault.act == "hang" else "closed")
        return fault

    def _note(self, operation: Operation, outcome: str) -> None:
        self.around.record.add("mqtt", operation, self.around.now(), outcome)


def _fits(name: str, topic: str) -> bool:
    """Whether a filter takes a topic; the only wildcard that the server knows is ``+``."""
    parts, levels = name.split("/"), topic.split("/")
    return len(parts) == len(levels) and all(
        part in {"+", level} for part, level in zip(parts, levels, strict=True)
    )
