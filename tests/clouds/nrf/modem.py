"""A modem that carries out what the provisioning service asks of it, without a board around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from agent.protocols.nrf.token import parse_token
from agent.simulator.nrf_cloud_commands import DeviceFailure
from agent.simulator.nrf_identity import ModemIdentity

if TYPE_CHECKING:
    from agent.protocols.nrf.token import AttestationToken
    from agent.simulator.nrf_cloud_commands import DeviceCommand


class Modem:
    """Keys and certificates by security tag and type."""

    def __init__(self, serial_number: str = "THINGY91X_1") -> None:
        self.identity = ModemIdentity(serial_number)
        self.stored: dict[tuple[int, int], str] = {}
        self.settings: dict[str, str] = {}
        self.finished = False
        self.fails_with = 0
        """Error of the modem for the next command."""

    @property
    def id(self) -> str:
        return str(self.identity.device_id)

    @property
    def token(self) -> AttestationToken:
        return parse_token(self.identity.attest())

    def __call__(self, command: DeviceCommand) -> str:
        if self.fails_with:
            cme, self.fails_with = self.fails_with, 0
            raise DeviceFailure(cme)
        if command.finished:
            self.finished = True
        elif command.settings is not None:
            self.settings |= command.settings
        elif command.name == "%KEYGEN":
            return self._make_key(command.parameters)
        else:
            self._manage(command.parameters)
        return ""

    def _make_key(self, parameters: str) -> str:
        tag, _, wanted = parameters.split(",")[:3]
        attributes = parameters.split('"')[1] if '"' in parameters else ""
        key = ec.generate_private_key(ec.SECP256R1())
        self.stored[int(tag), 2] = "key"
        if wanted == "0":
            body = self.identity.request(key, attributes)
            return self.identity.sign_key(body, sec_tag=int(tag), request=True)
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        body = key.public_key().public_bytes(serialization.Encoding.DER, form)
        return self.identity.sign_key(body, sec_tag=int(tag), request=False)

    def _manage(self, parameters: str) -> None:
        act, tag, kind, *content = parameters.split(",", 3)
        if act == "0":
            self.stored[int(tag), int(kind)] = content[0].strip('"')
        elif self.stored.pop((int(tag), int(kind)), None) is None:
            raise DeviceFailure(513)
