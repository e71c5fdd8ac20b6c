"""What a device says over MQTT once it is signed in: telemetry, attributes, RPC both ways.

Source: cloud-thingsboard, section 10.4; MqttTransportHandler, JsonMqttAdaptor of the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.simulator.thingsboard_gateway import GatewayTopics
from agent.simulator.thingsboard_limits import RateLimit
from agent.simulator.thingsboard_requests import NotJsonError, UnreadableError, as_text, read_json
from agent.simulator.thingsboard_values import add_telemetry, answer_attributes, set_client

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.protocols.mqtt import Publish
    from agent.simulator.thingsboard_devices import Device, EndReason, Json
    from agent.simulator.thingsboard_session import MqttSession

ME: Final = "v1/devices/me/"
TELEMETRY: Final = f"{ME}telemetry"
ATTRIBUTES: Final = f"{ME}attributes"
ATTRIBUTES_REQUEST: Final = f"{ME}attributes/request/"
ATTRIBUTES_RESPONSE: Final = f"{ME}attributes/response/"
RPC_REQUEST: Final = f"{ME}rpc/request/"
RPC_RESPONSE: Final = f"{ME}rpc/response/"
CLAIM: Final = f"{ME}claim"
GATEWAY: Final = "v1/gateway"
SUBSCRIPTIONS: Final = frozenset(
    {
        ATTRIBUTES,
        f"{ATTRIBUTES_RESPONSE}+",
        f"{RPC_REQUEST}+",
        f"{RPC_RESPONSE}+",
        f"{GATEWAY}/attributes",
        f"{GATEWAY}/attributes/response",
        f"{GATEWAY}/rpc",
        "v2/fw/response/+/chunk/+",
        "v2/fw/error",
        "v2/sw/response/+/chunk/+",
        "v2/sw/error",
    }
)
"""Filters that the server grants, to devices that are no gateways too; it knows them by their text."""
TOPIC_NAME_INVALID: Final = 0x90
IMPLEMENTATION_ERROR: Final = 0x83


class DeviceTopics:
    """The session of one device: a :class:`~agent.simulator.thingsboard_devices.Session`."""

    def __init__(self, session: MqttSession, device: Device) -> None:
        self._session = session
        self._device = device
        self._state = session.around.state
        limits = session.around.limits
        rates = limits.gateway if device.gateway else limits.device
        self._limit = RateLimit(rates.messages)
        self._gateway = GatewayTopics(session, device) if device.gateway else None
        self._state.connect(device, self)

    def publish(self, message: Publish) -> None:
        """A message; raises :class:`NotJsonError` or :class:`UnreadableError`."""
        around = self._session.around
        fault = around.faults.take("device", "mqtt")
        if fault is not None and fault.act in {"hang", "close", "status", "lose"}:
            self._session.closing = fault.act != "hang"
            return
        if not self._limit.take(around.now()):
            self._session.close(IMPLEMENTATION_ERROR)
            return
        self._state.seen(self._device)
        if not message.topic.startswith(GATEWAY):
            self._publish(message)
        elif self._gateway is not None:
            self._gateway.publish(message)
        # A device without gateway rights gets no answer of any kind on these topics.

    def _publish(self, message: Publish) -> None:
        topic = message.topic
        if topic == TELEMETRY:
            add_telemetry(self._device, read_json(message.payload), self._session.around.now())
        elif topic == ATTRIBUTES:
            set_client(self._device, read_json(message.payload))
        elif topic.startswith(ATTRIBUTES_REQUEST):
            number = _number(topic, ATTRIBUTES_REQUEST)
            asked = read_json(message.payload)
            self._session.acknowledge(message)
            answer = answer_attributes(self._device, asked)
            self._session.publish_json(f"{ATTRIBUTES_RESPONSE}{number}", answer)
            return
        elif topic.startswith(RPC_RESPONSE):
            self._state.answered(_number(topic, RPC_RESPONSE), read_json(message.payload))
        elif topic.startswith(RPC_REQUEST):
            self._ask_server(message, _number(topic, RPC_REQUEST))
            return
        elif topic != CLAIM:
            self._session.acknowledge(message, TOPIC_NAME_INVALID)
            return
        self._session.acknowledge(message)

    def _ask_server(self, message: Publish, number: int) -> None:
        """A method of the server: it has one; others are for its rules, and nothing here answers."""
        asked = read_json(message.payload)
        if not isinstance(asked, dict):
            raise NotJsonError("not an object")
        if "method" not in asked:
            raise UnreadableError("no method")
        self._session.acknowledge(message)
        if as_text(asked["method"]) == "getSessionLimits":
            limits = self._session.around.limits.as_json(gateway=self._device.gateway)
            self._session.publish_json(f"{RPC_RESPONSE}{number}", limits)

    def lost(self) -> None:
        """The connection is gone, and with it all that stood behind it."""
        if self._gateway is not None:
            self._gateway.lost()
        self._state.disconnect(self._device, self)

    # --- what the device is told ---

    def attributes_changed(self, _device: Device, changed: dict[str, Any]) -> None:
        """See :class:`Session`; only who subscribed is told."""
        if self._session.subscribed(ATTRIBUTES):
            self._session.publish_json(ATTRIBUTES, changed)

    def attributes_deleted(self, _device: Device, names: Sequence[str]) -> None:
        """See :class:`Session`."""
        if self._session.subscribed(ATTRIBUTES):
            self._session.publish_json(ATTRIBUTES, {"deleted": list(names)})

    def call(self, _device: Device, request: int, method: str, params: Json) -> bool:
        """See :class:`Session`; only who subscribed can be asked."""
        if not self._session.subscribed(f"{RPC_REQUEST}+"):
            return False
        asked = {"method": method, "params": params}
        self._session.publish_json(f"{RPC_REQUEST}{request}", asked)
        return True

    def end(self, _device: Device, reason: EndReason) -> None:
        """See :class:`Session`."""
        self._session.end(reason)


def _number(topic: str, prefix: str) -> int:
    text = topic.removeprefix(prefix)
    if not (text.isascii() and text.isdigit()):
        raise UnreadableError(f"no number in {topic!r}")
    return int(text)
