"""CoAP of the simulated ThingsBoard, in clear and behind DTLS: provisioning, the device's interface.

Source: cloud-thingsboard, sections 2, 5 and 6; CoapTransportResource, JsonCoapAdaptor and
TbCoapDtlsCertificateVerifier of the server.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from agent.protocols.coap.messages import GET, POST
from agent.simulator.coap_server import CoapAnswer, CoapRequest, CoapServer
from agent.simulator.coaps_server import CoapsServer
from agent.simulator.thingsboard_devices import InternalError
from agent.simulator.thingsboard_protobuf import read_either, write_json
from agent.simulator.thingsboard_requests import NotJsonError, UnreadableError, read_json
from agent.simulator.thingsboard_tls import valid_at
from agent.simulator.thingsboard_values import add_telemetry, attributes_of, set_client

if TYPE_CHECKING:
    from agent.simulator.thingsboard_devices import Device, Json
    from agent.simulator.thingsboard_faults import Fault, Operation
    from agent.simulator.thingsboard_session import Surroundings
    from agent.simulator.thingsboard_tls import Certificates

CREATED, CONTENT = 0x41, 0x45
BAD_REQUEST, UNAUTHORISED, NOT_FOUND, NOT_ALLOWED = 0x80, 0x81, 0x84, 0x85
INTERNAL_ERROR: Final = 0xA0
FEATURES: Final = frozenset({"attributes", "telemetry", "rpc", "claim", "provision"})
TEXT: Final = 0
"""text/plain, as a content format."""
_STATUS: Final = {
    400: 0x80,
    401: 0x81,
    403: 0x83,
    404: 0x84,
    413: 0x8D,
    429: 0x9D,
    500: 0xA0,
    503: 0xA3,
}


class CoapCalls:
    """Answers requests; give :meth:`answer` to a :class:`CoapServer`."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._state = around.state

    def server(self, port: int = 0) -> CoapServer:
        """A server that asks this."""
        return CoapServer(self.answer, port=port)

    def coaps_server(self, certificates: Certificates, port: int = 0) -> CoapsServer:
        """The same behind DTLS."""
        return CoapsServer(self.answer, certificate=certificates.file, knows=self._knows, port=port)

    def answer(self, request: CoapRequest) -> CoapAnswer | None:
        """The answer; None is silence."""
        provisioning = len(request.path) == 3 and "provision" in request.path
        operation: Operation = "provision" if provisioning else "device"
        fault = self._around.faults.take(operation, "coap")
        if fault is not None and fault.act in {"hang", "close"}:
            self._note(operation, "hang")
            return None
        if fault is not None and fault.act == "status":
            self._note(operation, str(fault.status))
            return CoapAnswer(_STATUS.get(fault.status, INTERNAL_ERROR))
        if request.path[:2] != ("api", "v1"):
            return CoapAnswer(NOT_FOUND)
        answer = self._provision(request) if provisioning else self._device_call(request)
        return self._bent(answer, fault)

    def _bent(self, answer: CoapAnswer, fault: Fault | None) -> CoapAnswer | None:
        """The answer as a fault leaves it."""
        if fault is None:
            return answer
        if fault.act == "lose":
            return None
        payload = fault.text.encode() if fault.act == "text" else answer.payload
        return CoapAnswer(answer.code, payload, fault.seconds, answer.content_format)

    def _provision(self, request: CoapRequest) -> CoapAnswer:
        if request.method != POST:
            return CoapAnswer(BAD_REQUEST if request.method == GET else NOT_ALLOWED)
        try:
            asked, write = read_either(request.payload)
            reply = self._state.provision(asked)
        except (NotJsonError, UnreadableError):
            self._note("provision", "400")
            return CoapAnswer(BAD_REQUEST)
        except InternalError:
            self._note("provision", "500")
            return CoapAnswer(INTERNAL_ERROR)
        self._note("provision", reply["status"])
        done = reply["status"] == "SUCCESS"
        # The server's library says of every text that it is one, of this JSON too.
        form = TEXT if write is write_json else None
        code = CREATED if done else BAD_REQUEST
        return CoapAnswer(code, write(reply), content_format=form)

    def _knows(self, chain: tuple[bytes, ...]) -> bool:
        """Whether a client's certificate is a device's, or makes one; else there is no connection."""
        known = valid_at(chain[0], self._around.now()) and self._state.by_chain(chain) is not None
        self._note("connect", "SUCCESS" if known else "FAILURE")
        return known

    def _device_call(self, request: CoapRequest) -> CoapAnswer:
        """With a certificate it is known who calls, and the path has no token."""
        feature = request.path[2:][-1:] if len(request.path) < 4 else request.path[3:4]
        if not feature or (len(request.path) < 4 and feature[0].lower() not in FEATURES):
            return CoapAnswer(BAD_REQUEST)
        if request.chain:
            device = self._state.by_certificate(request.chain[0])
        else:
            device = self._state.by_token(request.path[2])
        if device is None:
            self._note("device", "401")
            return CoapAnswer(UNAUTHORISED)
        self._state.seen(device)
        answer = self._feature(device, request.method, feature[0], request.payload)
        self._note("device", f"{answer.code >> 5}{answer.code & 31:02}")
        return answer

    def _feature(self, device: Device, method: int, feature: str, payload: bytes) -> CoapAnswer:
        try:
            match method, feature.lower():
                case (1, "attributes"):
                    found = attributes_of(device, None, None)
                    return CoapAnswer(CONTENT, _json(found)) if found else CoapAnswer(NOT_FOUND)
                case (2, "attributes"):
                    set_client(device, read_json(payload))
                case (2, "telemetry"):
                    add_telemetry(device, read_json(payload), self._around.now())
                case (2, "claim"):
                    pass
                case (1 | 2, _):
                    return CoapAnswer(BAD_REQUEST)
                case _:
                    return CoapAnswer(NOT_ALLOWED)
        except NotJsonError:
            return CoapAnswer(BAD_REQUEST)
        return CoapAnswer(CREATED)

    def _note(self, operation: Operation, outcome: str) -> None:
        self._around.record.add("coap", operation, self._around.now(), outcome)


def _json(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
