"""What a command of the provisioning service is on the device, and what its answers are worth.

A command becomes AT commands of the modem, settings, or the word that all is done; the device
answers with what the modem said. Source: cloud-nrf, sections 5 and 6; the grammar of the
firmware (nrf_provisioning_cbor.cddl).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from agent.protocols.nrf.commands import DELETION, PAIRS_MAX, PEM_BYTES, PSK
from agent.protocols.nrf.cose import Damaged
from agent.protocols.nrf.keygen import parse_keygen
from agent.simulator.nrf_identity import genuine

NOT_FOUND: Final = 513
"""What a modem says about a credential that is not there; to delete it is then done."""
CREDENTIAL_TYPES: Final = range(5)


@dataclass(frozen=True, slots=True)
class DeviceCommand:
    """One thing that a device does: an AT command, or settings, or nothing more."""

    name: str = ""
    """``%CMNG`` or ``%KEYGEN``."""
    parameters: str = field(default="", repr=False)
    settings: Mapping[str, str] | None = None
    ignored: tuple[int, ...] = ()
    """Errors of the modem (CME) that do not count."""

    @property
    def finished(self) -> bool:
        """The device asks no more."""
        return not self.name and self.settings is None


class DeviceFailure(Exception):
    """The modem's error (CME) instead of an answer."""

    def __init__(self, cme: int, text: str = "") -> None:
        self.cme = cme
        super().__init__(text or f"+CME ERROR: {cme}")


Execute: TypeAlias = Callable[[DeviceCommand], str]
"""Carries one out and returns what the modem said; raises :class:`DeviceFailure`."""


class WrongCommand(Exception):
    """A request that the service does not take; the text says why."""


class TooLarge(WrongCommand):
    """One that no device could receive."""


def device_commands(request: object) -> tuple[DeviceCommand, ...]:
    """What a device has to do for this request; raises :class:`WrongCommand`."""
    if not isinstance(request, dict) or len(request) != 1:
        raise WrongCommand("request must name exactly one command")
    ((name, fields),) = request.items()
    if not isinstance(fields, dict):
        raise WrongCommand(f"{name} must be an object")
    if name == "finished":
        return (DeviceCommand(),)
    if name == "config":
        return (DeviceCommand(settings=_settings(fields)),)
    return _credentials(str(name), fields, _sec_tag(fields))


def response_to(request: Mapping[str, Any], device_id: str, said: str) -> dict[str, Any]:
    """What the service keeps of what the modem said; raises :class:`WrongCommand` if it is forged."""
    ((name, fields),) = request.items()
    if name not in {
        "certificateSigningRequest",
        "clientPrivateKeyGeneration",
        "cloudAccessKeyGeneration",
    }:
        return {name: {}}
    try:
        made = parse_keygen(said)
        if not genuine(made.text) or made.device_id != device_id:
            raise WrongCommand("the key is not signed by this device")
    except Damaged as damaged:
        raise WrongCommand(f"the key cannot be read: {damaged}") from None
    if made.sec_tag != fields["secTag"]:
        raise WrongCommand("the key is for another security tag")
    if name == "certificateSigningRequest":
        return {name: {"csr": made.text}}
    if name == "clientPrivateKeyGeneration":
        return {name: {"publicKey": made.text}}
    return {name: {}}


def _credentials(name: str, fields: dict[str, Any], tag: int) -> tuple[DeviceCommand, ...]:
    match name:
        case "cloudAccessKeyGeneration" | "certificateSigningRequest":
            named = f',"{_text(fields, "attributes")}"' if fields.get("attributes") else ""
            used = f',"{_text(fields, "keyUsage")}"' if named and fields.get("keyUsage") else ""
            return _delete(tag, 2), DeviceCommand("%KEYGEN", f"{tag},2,0{named}{used}")
        case "clientPrivateKeyGeneration":
            return _delete(tag, 2), DeviceCommand("%KEYGEN", f"{tag},2,1")
        case "serverCertificate" | "clientCertificate" | "clientPrivateKey":
            kind = ("serverCertificate", "clientCertificate", "clientPrivateKey").index(name)
            return (_write(tag, kind, _pem(fields)),)
        case _ if name == PSK:
            return (
                _write(tag, 4, _text(fields, "identity")),
                _write(tag, 3, _text(fields, "secret")),
            )
        case _ if name == DELETION:
            kind = fields.get("type", -1)
            if kind not in CREDENTIAL_TYPES:
                raise WrongCommand("type must be a number from 0 to 4")
            return (_delete(tag, kind),)
    raise WrongCommand(f"{name} is no command")


def _delete(tag: int, kind: int) -> DeviceCommand:
    """Nothing there is as good; a modem makes no key where one is."""
    return DeviceCommand("%CMNG", f"3,{tag},{kind}", ignored=(NOT_FOUND,))


def _write(tag: int, kind: int, content: str) -> DeviceCommand:
    return DeviceCommand("%CMNG", f'0,{tag},{kind},"{content}"')


def _sec_tag(fields: dict[str, Any]) -> int:
    tag = fields.get("secTag")
    if not isinstance(tag, int) or isinstance(tag, bool) or not 0 <= tag <= 0x7FFF_FFFF:
        raise WrongCommand("secTag must be a number from 0 to 2147483647")
    return tag


def _text(fields: dict[str, Any], name: str) -> str:
    text = fields.get(name)
    if not isinstance(text, str) or not text or '"' in text:
        raise WrongCommand(f"{name} must be text")
    return text


def _pem(fields: dict[str, Any]) -> str:
    text = _text(fields, "content")
    if len(text) > PEM_BYTES:
        raise TooLarge(f"content is larger than {PEM_BYTES} bytes")
    if not text.lstrip().startswith("-----BEGIN "):
        raise WrongCommand("content must be PEM")
    return text


def _settings(fields: dict[str, Any]) -> dict[str, str]:
    if not 0 < len(fields) <= PAIRS_MAX:
        raise WrongCommand(f"config must have 1 to {PAIRS_MAX} pairs")
    if not all(isinstance(value, str) for value in fields.values()):
        raise WrongCommand("config must map text to text")
    return dict(fields)
