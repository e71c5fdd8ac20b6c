"""What a gateway says over MQTT: for sub-devices, which have no credentials of their own.

Source: cloud-thingsboard, section 10.4; AbstractGatewaySessionHandler of the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.simulator.thingsboard_devices import TooManyDevicesError
from agent.simulator.thingsboard_limits import RateLimit
from agent.simulator.thingsboard_requests import NotJsonError, UnreadableError, as_text, read_json
from agent.simulator.thingsboard_values import add_telemetry, field_of, set_client

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.protocols.mqtt import Publish
    from agent.simulator.thingsboard_devices import Device, EndReason, Json, Scope
    from agent.simulator.thingsboard_session import MqttSession

BASE: Final = "v1/gateway/"
ATTRIBUTES: Final = f"{BASE}attributes"
ATTRIBUTES_RESPONSE: Final = f"{BASE}attributes/response"
RPC: Final = f"{BASE}rpc"
DEFAULT_TYPE: Final = "default"
TOPIC_NAME_INVALID: Final = 0x90
QUOTA_EXCEEDED: Final = 0x97
UNSPECIFIED: Final = 0x80


class GatewayTopics:
    """Sub-devices of one gateway's connection; for each it is a ``Session`` of the state."""

    def __init__(self, session: MqttSession, gateway: Device) -> None:
        self._session = session
        self._gateway = gateway
        self._state = session.around.state
        self._limits: dict[str, RateLimit] = {}
        self._devices: dict[str, Device] = {}
        self._answers: dict[str, Callable[[dict[str, Any]], None]] = {
            "connect": self._connect,
            "disconnect": self._disconnect,
            "telemetry": self._telemetry,
            "attributes": self._attributes,
            "attributes/request": self._attributes_request,
            "rpc": self._rpc,
            "claim": self._claim,
        }

    def publish(self, message: Publish) -> None:
        """A message; raises :class:`NotJsonError` or :class:`UnreadableError`."""
        answer = self._answers.get(message.topic.removeprefix(BASE))
        if answer is None or not message.topic.startswith(BASE):
            self._session.acknowledge(message, TOPIC_NAME_INVALID)
            return
        said = read_json(message.payload)
        if not isinstance(said, dict):
            raise UnreadableError("not an object")
        try:
            answer(said)
        except TooManyDevicesError:
            self._session.acknowledge(message, QUOTA_EXCEEDED)
        except (NotJsonError, UnreadableError):
            raise
        except ValueError:  # a name that no device can have
            self._session.acknowledge(message, UNSPECIFIED)
        else:
            self._session.acknowledge(message)

    def lost(self) -> None:
        """The connection is gone: so are all sub-devices."""
        for device in list(self._devices.values()):
            self._drop(device)

    # --- topics ---

    def _connect(self, said: dict[str, Any]) -> None:
        given = said.get("type")
        self._device(_name(said), DEFAULT_TYPE if given is None else as_text(given))

    def _disconnect(self, said: dict[str, Any]) -> None:
        device = self._devices.get(_name(said))
        if device is not None:
            self._drop(device)

    def _telemetry(self, said: dict[str, Any]) -> None:
        for name, values in _entries(said, list):
            device = self._device(name)
            add_telemetry(device, values, self._session.around.now())

    def _attributes(self, said: dict[str, Any]) -> None:
        for name, values in _entries(said, dict):
            set_client(self._device(name), values)

    def _claim(self, said: dict[str, Any]) -> None:
        for name, _ in _entries(said, dict):
            self._device(name)

    def _attributes_request(self, said: dict[str, Any]) -> None:
        number, client = field_of(said, "id", int), field_of(said, "client", bool)
        device = self._device(_name(said))
        several = "key" not in said
        names = field_of(said, "keys", list) if several else [field_of(said, "key", str)]
        scope: Scope = "CLIENT_SCOPE" if client else "SHARED_SCOPE"
        there = device.attributes[scope]
        found = {name: there[name] for name in names if name in there}
        answer: dict[str, Any] = {"id": number, "device": device.name}
        if several and found:
            answer["values"] = found
        elif found:
            answer["value"] = next(iter(found.values()))
        self._session.publish_json(ATTRIBUTES_RESPONSE, answer)

    def _rpc(self, said: dict[str, Any]) -> None:
        number = field_of(said, "id", int)
        self._device(_name(said))
        if "data" not in said:
            raise UnreadableError("data is missing")
        self._state.answered(number, said["data"])

    def _device(self, name: str, kind: str = DEFAULT_TYPE) -> Device:
        """The device of that name, made if there is none: names are what a gateway is believed."""
        device = self._devices.get(name)
        if device is None:
            device = self._state.devices.get(name)
            if device is None:
                profile = self._state.profile_named(kind)
                device = self._state.add_device(name, profile, parent=self._gateway.name)
            self._devices[name] = device
            self._limits[name] = RateLimit(self._session.around.limits.device.messages)
            self._state.connect(device, self)
        if not self._limits[name].take(self._session.around.now()):
            self._session.closing = True
            raise TooManyDevicesError
        self._state.seen(device)
        return device

    def _drop(self, device: Device) -> None:
        self._devices = {name: d for name, d in self._devices.items() if d is not device}
        self._state.disconnect(device, self)

    # --- what sub-devices are told ---

    def attributes_changed(self, device: Device, changed: dict[str, Any]) -> None:
        """See :class:`Session`."""
        self._session.publish_json(ATTRIBUTES, {"device": device.name, "data": changed})

    def attributes_deleted(self, device: Device, names: Sequence[str]) -> None:
        """See :class:`Session`."""
        said = {"device": device.name, "data": {"deleted": list(names)}}
        self._session.publish_json(ATTRIBUTES, said)

    def call(self, device: Device, request: int, method: str, params: Json) -> bool:
        """See :class:`Session`."""
        data = {"id": request, "method": method, "params": params}
        self._session.publish_json(RPC, {"device": device.name, "data": data})
        return True

    def end(self, device: Device, _reason: EndReason) -> None:
        """See :class:`Session`; the gateway is not told."""
        self._drop(device)


def _name(said: dict[str, Any]) -> str:
    name = as_text(said["device"]) if "device" in said else ""
    if not name:
        raise UnreadableError("Device name is empty!")
    return name


def _entries(said: dict[str, Any], kind: type[Any]) -> list[tuple[str, Any]]:
    """What is said of devices; entries of another form are passed over."""
    found = [(name, value) for name, value in said.items() if isinstance(value, kind)]
    if not found:
        raise UnreadableError("nothing is said of any device")
    return found
