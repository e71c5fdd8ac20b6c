"""What people are told when a command of Improv Wi-Fi failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import (
    AuthorisationNeeded,
    ImprovSilent,
    InputError,
    JoinFailed,
    NotSupported,
    StatusReported,
)
from agent.protocols.improv.host import Reason
from agent.protocols.improv.messages import Error
from agent.sessions.diagnosis import why_wifi
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.errors import MooringError
    from agent.protocols.improv.host import Failed
    from agent.protocols.v2.messages import Network
    from agent.settings.network import NetworkSetting, WiFi

_DAMAGED: Final = "What was sent to it arrived damaged, three times."
_UNKNOWN: Final = (
    "The device does not say why, and which networks it sees it does not say either: the password "
    "or the name may be wrong, or the network is out of reach or on 5 GHz only."
)
_OTHER: Final = "It does not say what went wrong."


def join_failed(
    failed: Failed, settings: WiFi, seen: Sequence[Network] | None
) -> JoinFailed | None:
    """The error for an attempt that the device made in vain; None if it made none.

    ``seen`` is what its scan showed; None from a device that does not scan.
    """
    if failed.error != Error.UNABLE_TO_CONNECT:
        return None
    return JoinFailed(
        network=clean_text(settings.label),
        why=_UNKNOWN if seen is None else why_wifi(settings, seen),
        action="Check the password and try again, or choose another network.",
    )


def improv_error(failed: Failed, what: str) -> MooringError:
    """The error for any command; ``what`` was asked of the device."""
    if failed.reason is Reason.SILENT:
        return ImprovSilent(
            seconds=round(failed.seconds),
            why="Its firmware does not speak Improv Wi-Fi, has it switched off, or is stuck.",
        )
    match failed.error:
        case Error.NOT_AUTHORISED:
            return AuthorisationNeeded()
        case Error.BAD_HOSTNAME:
            problem = "is not accepted by the device: letters, digits and hyphens only"
            return InputError(field="hostname", problem=problem)
        case Error.UNKNOWN_RPC:
            return NotSupported(
                model="This device",
                what=what,
                why="Its firmware does not know this command of Improv Wi-Fi.",
                action="Update its firmware, or use the device's own page.",
            )
    known = failed.error in set(Error)
    return StatusReported(
        status=failed.error,
        name=Error(failed.error).name if known else "an error",
        text=_DAMAGED if failed.error == Error.INVALID_RPC else _OTHER,
        action="Press the reset button of the device and try again.",
    )


def only_wifi(settings: NetworkSetting) -> NotSupported:
    """The error for another kind of network."""
    return NotSupported(
        model="This device",
        what=f"join {clean_text(settings.label)}",
        why="Improv Wi-Fi has settings for Wi-Fi only.",
        action="Choose a Wi-Fi network.",
    )
