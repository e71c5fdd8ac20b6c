"""The agent as a gateway of ThingsBoard: its variables, its device, its session."""

from __future__ import annotations

from agent.errors.base import ExitStatus
from agent.errors.clouds import CloudError

__all__ = [
    "GatewayAccountMissing",
    "GatewayCertificateEnds",
    "GatewayError",
    "GatewayFileDamaged",
    "GatewayFileFailed",
    "GatewayRefused",
    "GatewayTakenOver",
    "GatewayUnknown",
    "GatewayUnset",
]


class GatewayError(CloudError):
    """The gateway's side; Mooring goes on without it, and tries again where that can help."""

    code = "gateway"


class GatewayUnset(GatewayError):
    """Variables or a file that say something impossible; ``detail`` names them, never a value."""

    code = "gateway-settings"
    exit_status = ExitStatus.USAGE
    title = "Mooring cannot be a gateway with these settings."
    meaning = "{detail}"
    remedy = "Correct this where Mooring is started, and start it again. All else works without it."


class GatewayAccountMissing(GatewayError):
    """The settings want a gateway, and the account that says where to is not there (yet)."""

    code = "gateway-account"
    retryable = True
    exit_status = ExitStatus.USAGE
    title = "Mooring cannot be a gateway without an account of ThingsBoard."
    meaning = "{detail}"
    remedy = "{mend} Mooring looks again by itself, and all else works without it."


class GatewayRefused(GatewayError):
    """The server makes no device for the gateway, and does not say why."""

    code = "gateway-refused"
    retryable = True
    title = "{cloud} does not register the gateway {name}."
    meaning = (
        "It does not say why. Mostly a device of this name exists, as after its credentials were "
        "taken away; or the profile takes prepared devices only, and this one is not prepared or "
        "is used up; or the tenant may have no more devices."
    )
    remedy = (
        "In {cloud} rename or delete the device {name}, or, if the profile checks prepared "
        "devices, delete its server attribute provisionState; or give this gateway another name "
        "(gateway.device_name in the settings; TB_GW_PROVISIONING_DEVICE_NAME where that is set). "
        "Mooring asks again by itself."
    )


class GatewayUnknown(GatewayError):
    """The server does not take the credentials that it once gave, or that came from outside."""

    code = "gateway-unknown"
    retryable = True
    title = "{cloud} does not know the gateway {name} by its credentials."
    meaning = "The device was deleted or given other credentials, or is kept on another server."
    remedy = (
        "Give the device its credentials back, or correct those that Mooring was started with. "
        "To register it anew, remove the file {path}, and the file .credentials of ThingsBoard's own "
        "gateway if TB_GW_CONFIG_DIR leads to one, and start Mooring again."
    )


class GatewayTakenOver(GatewayError):
    """The server ended the session because another one of the same device began."""

    code = "gateway-taken-over"
    retryable = True
    title = "Somebody else has connected to {cloud} as the gateway {name}."
    meaning = (
        "The server keeps one connection for each device, so the two take it from each other. "
        "Mooring waits before it connects again, longer each time."
    )
    remedy = (
        "Stop the other one: another computer with the same TB_GW_ variables or a copy of this "
        "one's files, or ThingsBoard's own gateway on this computer."
    )


class GatewayFileFailed(GatewayError):
    """What the server gives cannot be kept, so the server is not asked."""

    code = "gateway-file"
    exit_status = ExitStatus.NO_ACCESS
    retryable = True
    title = "The gateway's credentials cannot be kept: {detail}."
    meaning = "They are kept in {path} before they are used, so the server was not asked for any."
    remedy = "See that the file's folder belongs to you and its disk has room."


class GatewayFileDamaged(GatewayError):
    """A notice: the file was put aside as ``path``."""

    code = "gateway-damaged"
    title = "The file with the gateway's credentials cannot be read: {detail}."
    meaning = (
        "It was put aside as {path}; Mooring registers the gateway anew if it was started with a "
        "provision key."
    )
    remedy = (
        "If the server refuses that because the name is taken, put a sound copy of the file in its "
        "place, or free the name in ThingsBoard. Then remove the file that was put aside."
    )


class GatewayCertificateEnds(GatewayError):
    """A notice: the server takes the certificate until ``day`` only."""

    code = "gateway-certificate"
    title = "The certificate of the gateway {name} runs out on {day}."
    meaning = (
        "From then on {cloud} takes no connection with it. Where the server gave it, Mooring has made "
        "a new one, which only an administrator can put in its place."
    )
    remedy = (
        "In {cloud} copy the attribute newCertificate of the device {name} and set it as its "
        "certificate (“Manage credentials”): Mooring connects with it from then on, and the device "
        "keeps its history. One that you made yourself: give Mooring a newer one."
    )
