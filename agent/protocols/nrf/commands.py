"""Commands that a claimed device gets from the provisioning service, and how they are followed.

A device has at most 20 of them and carries them out in their order; ``finished`` comes last, and
after one that failed the rest stays pending. Source: cloud-nrf, section 5. Where the vendor publishes
no name of a field, the constant here is the one place to change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.settings import Secret

COMMANDS_MAX: Final = 20
"""Of one device, those that are done among them."""
SEC_TAG: Final = 0x0101_0001
"""Where the vendor's firmware looks for the credentials of nRF Cloud."""
SEC_TAG_MAX: Final = 0x7FFF_FFFF
PAIRS_MAX: Final = 10
"""Of one configuration."""
KEY_USAGE: Final = "101010000"
"""Digital signature, key encipherment, key agreement: nine bits as %KEYGEN takes them."""
PEM_BYTES: Final = 4096
"""What a device can receive at once (``rxMaxSize``), and more than any certificate needs."""
DESCRIPTION_CHARS: Final = 128
POLL_S: Final = (2.0, 3.0, 5.0)
"""Waits between looks at a command; the last one repeats. The vendor's tool looks each 5 s."""
POLL_LIMIT_S: Final = 600.0
"""LTE goes down and up two or three times, up to a minute each; a device that needs ten minutes has
no network."""
PSK: Final = "psk"
DELETION: Final = "credentialDeletion"
"""Not published."""


class Credential(Enum):
    """What a security tag holds, by the numbers of ``AT%CMNG``."""

    ROOT_CA = 0
    CLIENT_CERTIFICATE = 1
    CLIENT_KEY = 2
    PSK = 3
    PSK_IDENTITY = 4


@dataclass(frozen=True, slots=True)
class Command:
    """One command. Its fields may hold a key, so they are never shown."""

    name: str
    fields: Mapping[str, object] = field(default_factory=dict, repr=False)
    description: str = ""
    secrets: tuple[Secret, ...] = ()
    """What of the fields nobody may read in an answer."""


def cloud_access_key(sec_tag: int = SEC_TAG) -> Command:
    """A new key pair for nRF Cloud: the service registers its public half, and with it the device."""
    return _tagged("cloudAccessKeyGeneration", sec_tag, "New cloud access key")


def client_private_key(sec_tag: int = SEC_TAG) -> Command:
    """A new key pair whose public half comes back."""
    return _tagged("clientPrivateKeyGeneration", sec_tag, "New client key")


def signing_request(attributes: str, sec_tag: int = SEC_TAG, key_usage: str = KEY_USAGE) -> Command:
    """A new key pair and a certificate signing request; ``attributes`` as ``CN=…,O=…``."""
    if len(key_usage) != len(KEY_USAGE) or set(key_usage) - {"0", "1"}:
        raise InputError(field="keyUsage", problem="must be nine digits 0 or 1")
    if not attributes or not attributes.isprintable() or '"' in attributes:
        raise InputError(field="attributes", problem="must be like CN=name,O=organisation")
    more = {"attributes": attributes, "keyUsage": key_usage}
    return _tagged("certificateSigningRequest", sec_tag, "Signing request", more)


def client_certificate(pem: str, sec_tag: int = SEC_TAG) -> Command:
    """The device's own certificate."""
    return _tagged("clientCertificate", sec_tag, "Client certificate", {"content": _pem(pem)})


def server_certificate(pem: str, sec_tag: int = SEC_TAG) -> Command:
    """Authorities that the device trusts, one or several."""
    return _tagged("serverCertificate", sec_tag, "Server certificate", {"content": _pem(pem)})


def client_key(pem: Secret, sec_tag: int = SEC_TAG, password: Secret | None = None) -> Command:
    """A private key that was made elsewhere."""
    more: dict[str, object] = {"content": _pem(pem.reveal())}
    if password:
        more["password"] = password.reveal()
    secrets = tuple(secret for secret in (pem, password) if secret)
    return _tagged("clientPrivateKey", sec_tag, "Client key", more, secrets)


def pre_shared_key(identity: str, secret: Secret, sec_tag: int = SEC_TAG) -> Command:
    """A shared secret for DTLS; ``secret`` is hex digits."""
    text = secret.reveal()
    if not text or len(text) % 2 or set(text.lower()) - set("0123456789abcdef"):
        raise InputError(field="secret", problem="must be hex digits, two for each byte")
    if not identity or not identity.isprintable() or not identity.isascii():
        raise InputError(field="identity", problem="must be printable ASCII")
    more = {"identity": identity, "secret": text}
    return _tagged(PSK, sec_tag, "Pre-shared key", more, (secret,))


def configuration(pairs: Mapping[str, str]) -> Command:
    """Texts for the device's own settings, at most ten."""
    if not 0 < len(pairs) <= PAIRS_MAX:
        problem = f"has {len(pairs)} pairs; from 1 to {PAIRS_MAX} are taken"
        raise InputError(field="config", problem=problem)
    for name in pairs:
        if not name or not name.isprintable() or not name.isascii():
            raise InputError(field="config", problem="has a key that is not printable ASCII")
    return Command("config", dict(pairs), "Configuration")


def deletion(credential: Credential, sec_tag: int = SEC_TAG) -> Command:
    """Remove one credential from a security tag."""
    return _tagged(DELETION, sec_tag, "Deletion", {"type": credential.value})


def finished() -> Command:
    """The device stops asking; only if nothing failed before."""
    return Command("finished", {}, "Finished")


def check_order(commands: Sequence[Command], present: int = 0) -> None:
    """Refuse what a device cannot have: too many, or something behind ``finished``."""
    if not commands:
        raise InputError(field="commands", problem="name at least one")
    if len(commands) + present > COMMANDS_MAX:
        problem = f"a device has at most {COMMANDS_MAX}; these would be {len(commands) + present}"
        raise InputError(field="commands", problem=problem)
    if any(command.name == "finished" for command in commands[:-1]):
        raise InputError(field="commands", problem="“finished” must come last")


def encode_command(command: Command, mark: str = "") -> dict[str, Any]:
    """The body that queues it; ``mark`` is added to its description, to find it again."""
    said = f"{command.description} [{mark}]" if mark else command.description
    body: dict[str, Any] = {"request": {command.name: dict(command.fields)}}
    return {"description": said[-DESCRIPTION_CHARS:], **body} if said else body


class Progress(Enum):
    """What a status means."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    """Also everything that is not documented."""


def progress_of(status: str) -> Progress:
    """What to make of a command's ``status``."""
    if status in {"PENDING", "IN_PROGRESS"}:
        return Progress.WAITING
    return Progress.DONE if status == "SUCCEEDED" else Progress.FAILED


def poll_delay_s(looks: int, waited_s: float) -> float | None:
    """Seconds until the next look after ``looks`` of them; None: the time is over."""
    delay_s = POLL_S[min(looks, len(POLL_S)) - 1] if looks else 0.0
    return delay_s if waited_s + delay_s <= POLL_LIMIT_S else None


def signing_request_of(response: object) -> str | None:
    """The ``BODY.COSE`` of a signing request in a command's response; None: there is none."""
    try:
        found = msgspec.convert(response, _Response).request
    except msgspec.ValidationError:
        return None
    return found.csr or found.message if found is not None else None


class _Csr(msgspec.Struct):
    csr: str | None = None
    message: str | None = None
    """Seen in its place."""


class _Response(msgspec.Struct):
    request: _Csr | None = msgspec.field(default=None, name="certificateSigningRequest")


def _tagged(
    name: str,
    sec_tag: int,
    description: str,
    more: Mapping[str, object] | None = None,
    secrets: tuple[Secret, ...] = (),
) -> Command:
    if not 0 <= sec_tag <= SEC_TAG_MAX:
        raise InputError(field="secTag", problem=f"must be from 0 to {SEC_TAG_MAX}")
    return Command(name, {"secTag": sec_tag, **(more or {})}, description, secrets)


def _pem(text: str) -> str:
    text = text.strip().replace("\r\n", "\n") + "\n"
    if not text.startswith("-----BEGIN ") or not text.isascii():
        raise InputError(field="content", problem="must be PEM, from “-----BEGIN” on")
    if len(text) > PEM_BYTES:
        problem = f"has {len(text)} bytes; a device takes {PEM_BYTES}"
        raise InputError(field="content", problem=problem)
    return text
