"""The certificate step: asks the cloud for a certificate and tells it that it is there.

Source: protocol-v2, 7.3; ArduinoIoTCloud 2ff76b9, Provisioning_2.0/CSRHandler.
"""

from __future__ import annotations

import json
import re
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from agent.simulator.connection import Connection, ConnectionHandler
from agent.simulator.hardware import CloudCall, Timer

if TYPE_CHECKING:
    import random

    from agent.simulator.hardware import Hardware, Steps

REQUEST_PATH: Final = "/provisioning/v1/onboarding/provision/csr"
COMPLETE_PATH: Final = "/provisioning/v1/onboarding/provision/complete"
BACK_OFF_MS: Final = 12_000
"""Added with each attempt: the cloud limits the rate."""
BACK_OFF_ATTEMPTS: Final = 15
LONGEST_BACK_OFF_MS: Final = 180_000
JITTER_MS: Final = 1_000
NO_NETWORK_MS: Final = 2_000
_FIELD_CHARS: Final = (36, 40, None, 32, 64, 64)
"""Device id, authority key id, not before, serial, signature x and y."""
_NOT_BEFORE: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:.*")


class Step(Enum):
    """Where the certificate step is."""

    END = auto()
    BUILD = auto()
    REQUEST = auto()
    WAIT_CERTIFICATE = auto()
    COMPLETE = auto()
    WAIT_COMPLETE = auto()
    DONE = auto()


class CertificateHandler:
    """Certificate step of the provisioning sketch; polled with :meth:`poll`.

    ``asks_cloud`` False: the cloud's part is simulated here as well.
    """

    def __init__(
        self,
        hardware: Hardware,
        connection: ConnectionHandler,
        chance: random.Random,
        *,
        asks_cloud: bool,
    ) -> None:
        self._hardware = hardware
        self._connection = connection
        self._chance = chance
        self._asks_cloud = asks_cloud
        self._pause = Timer(hardware)
        self._attempts = 0
        self._request = ""
        self._reply: tuple[int | None, bytes] | None = None
        self.step = Step.END

    def begin(self) -> None:
        """Start with a new key and request."""
        if self.step is Step.END:
            self._attempts = 0
            self._pause.start(-1)
            self.step = Step.BUILD

    def end(self) -> None:
        """Give up, or be ready for the next time."""
        self._reply = None
        self.step = Step.END

    def answer(self, status: int | None, body: bytes) -> None:
        """The cloud's answer to the last call; ``status`` None: there was none."""
        if self.step in {Step.WAIT_CERTIFICATE, Step.WAIT_COMPLETE}:
            self._reply = (status, body)

    def poll(self) -> Steps[bool]:
        """One turn; True once the certificate is stored and the cloud knows."""
        before = self.step
        if self.step is Step.BUILD:
            yield from self._build()
        elif self.step in {Step.REQUEST, Step.COMPLETE} and self._pause.expired:
            yield from self._call()
        elif self._reply is not None:
            (status, body), self._reply = self._reply, None
            self._hardware.active = True
            if self.step is Step.WAIT_CERTIFICATE:
                self._take_certificate(status, body)
            else:
                self._take_completion(status)
        self._hardware.active = self._hardware.active or self.step is not before
        return self.step is Step.DONE

    def _build(self) -> Steps[None]:
        if self._asks_cloud:
            uhwid = self._hardware.config.uhwid_bytes.hex()
            self._request = self._hardware.memory.element.csr_pem(uhwid)
            yield self._hardware.timing.sign
        self.step = Step.REQUEST

    def _call(self) -> Steps[None]:
        state = yield from self._connection.check()
        if state is not Connection.CONNECTED:
            self._pause.start(NO_NETWORK_MS)
            return
        first = self.step is Step.REQUEST
        if first:
            self._hardware.log("CSRH Downloading certificate...")
        if not self._asks_cloud and not self._hardware.world.certificates:
            self._attempts += 1
            self._back_off(self.step)
            return
        if not self._asks_cloud:
            yield self._hardware.timing.certificate if first else 0.0
            if first:
                self._store(f"simulated-{self._hardware.config.serial_number}", ())
            else:
                self._finish()
            return
        firmware = self._hardware.config.wifi_firmware
        body = {"csr": self._request} if first else {"wifi_fw_version": firmware}
        self._attempts += 1
        path = REQUEST_PATH if first else COMPLETE_PATH
        self._hardware.calls.append(CloudCall(path, json.dumps(body).encode()))
        self.step = Step.WAIT_CERTIFICATE if first else Step.WAIT_COMPLETE

    def _take_certificate(self, status: int | None, body: bytes) -> None:
        fields = body.decode(errors="replace").split("|")
        if status != 200 or not _good(fields):
            self._hardware.log(f"CSRH::handleWaitingResponse CSR request error code {status}")
            self._back_off(Step.REQUEST)
            return
        self._store(fields[0], tuple(fields[1:]))

    def _store(self, device_id: str, certificate: tuple[str, ...]) -> None:
        element = self._hardware.memory.element
        element.device_id = device_id
        element.certificate = certificate
        self._hardware.log("CSRH Certificate created!")
        self._attempts = 0
        self.step = Step.COMPLETE

    def _take_completion(self, status: int | None) -> None:
        if status == 200:
            self._finish()
        elif status in {429, 503, None}:
            self._back_off(Step.COMPLETE)
        else:
            self._hardware.log(
                f"CSRH::handleWaitingCompleteRes Complete request error code {status}"
            )
            self._attempts = 0
            self.step = Step.REQUEST

    def _finish(self) -> None:
        self._hardware.log("CSRH Provisioning completed!")
        self._hardware.reach("certificate")
        self.step = Step.DONE

    def _back_off(self, step: Step) -> None:
        steps = BACK_OFF_MS * self._attempts
        delay = steps if self._attempts <= BACK_OFF_ATTEMPTS else LONGEST_BACK_OFF_MS
        self._pause.start(delay + self._chance.uniform(0, JITTER_MS))
        self.step = step


def _good(fields: list[str]) -> bool:
    """Whether the answer has the form that the firmware insists on."""
    if len(fields) < len(_FIELD_CHARS):
        return False
    lengths = zip(fields, _FIELD_CHARS, strict=False)
    return all(n is None or len(f) == n for f, n in lengths) and bool(
        _NOT_BEFORE.fullmatch(fields[2])
    )
