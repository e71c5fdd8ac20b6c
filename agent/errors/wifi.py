"""The Wi-Fi of this computer, which joins a board's access point and has to come back."""

from __future__ import annotations

from agent.errors.base import ExitStatus
from agent.errors.ports import PortBusy, PortError, PortGone

__all__ = [
    "ApLimit",
    "ApLost",
    "ApNotHeard",
    "ApSecured",
    "ApSilent",
    "ApUnjoined",
    "WifiAbsent",
    "WifiError",
    "WifiFailed",
    "WifiForbidden",
    "WifiJoining",
    "WifiNever",
    "WifiNotBack",
    "WifiOff",
    "WifiStopped",
    "WifiUnremembered",
]


class WifiError(PortError):
    """The Wi-Fi of this computer."""

    code = "wifi"


class WifiAbsent(WifiError):
    """There is no adapter, or none that the system manages."""

    code = "wifi-absent"
    title = "This computer has no Wi-Fi that could join a board's own network."
    meaning = "{detail} Boards can still be used over a cable."
    remedy = (
        "Plug in a Wi-Fi adapter, connect the board with a cable, or join its network on another "
        "computer."
    )


class WifiNever(WifiError):
    """The settings of the agent say that it is not to join networks."""

    code = "wifi-never"
    title = "This agent is set to join no networks of boards."
    meaning = (
        "It neither looks for networks that boards have opened nor changes that of this computer."
    )
    remedy = (
        'Set join = "ask" in the section [wifi] of its settings, or join the board\'s network yourself; '
        "Mooring waits until the board answers."
    )


class WifiOff(WifiError):
    """The radio is switched off: in the settings, by flight mode, or with a switch or key."""

    code = "wifi-off"
    retryable = True
    title = "Wi-Fi is switched off on this computer."
    meaning = "The adapter is there but its radio is not in use, so it cannot join any network."
    remedy = "{action}"


class WifiStopped(WifiError):
    """The system's service for networks does not run, or cannot be asked."""

    code = "wifi-stopped"
    retryable = True
    title = "The service that manages the networks of this computer cannot be asked."
    meaning = "Mooring cannot join a board's network by itself: {detail}"
    remedy = "{action} Or join the board's network yourself; Mooring waits until the board answers."


class WifiForbidden(WifiError):
    """Not for this program, or not for this account."""

    code = "wifi-forbidden"
    exit_status = ExitStatus.NO_ACCESS
    retryable = True
    title = "This program may not change to which Wi-Fi network this computer is connected."
    meaning = "The system refuses it: {detail}"
    remedy = "{action} Or join the board's network yourself; Mooring waits until the board answers."


class WifiFailed(WifiError):
    """Any other failure of the system's Wi-Fi; ``detail`` is its own text."""

    code = "wifi-failed"
    retryable = True
    title = "The Wi-Fi of this computer failed: {detail}."
    meaning = "The system reported an error that has no more exact meaning."
    remedy = "Switch Wi-Fi off and on again and retry, or join the board's network yourself."


class WifiUnremembered(WifiError):
    """The way back could not be written down, so nothing was changed."""

    code = "wifi-unremembered"
    title = "This computer stays in its network: the way back could not be written down."
    meaning = (
        "After a crash nothing could bring it back. The file {path} cannot be written: {detail}."
    )
    remedy = "See that the folder belongs to you and that its disk has room, and try again."


class WifiJoining(PortBusy):
    """A board's access point is in use already; there is one way back at a time."""

    code = "wifi-joining"
    title = "This computer is about to use another board's network."
    meaning = "It can be in one board's network at a time."
    remedy = "Wait until the other job has finished, or cancel it, and try again."


class WifiNotBack(WifiError):
    """The computer could not be brought back into the network that it was in."""

    code = "wifi-not-back"
    title = "This computer could not be brought back into {network}."
    meaning = "It had left that network for the one of a board. {detail}"
    remedy = "Choose {network} in the Wi-Fi menu of this computer. Mooring goes on trying until it is back."


class ApNotHeard(PortGone):
    """The access point is not among those that the computer hears."""

    code = "ap-not-heard"
    title = "The board's network {ssid} is not heard by this computer."
    meaning = (
        "The board is off or out of range, has joined a network already, or has just restarted."
    )
    remedy = (
        "Bring the board nearer, and put it into its setup mode again (its LED then blinks blue; "
        "often by holding its button for ten seconds)."
    )


class ApSecured(PortError):
    """A network of that name asks for a password, which access points of boards do not."""

    code = "ap-secured"
    title = "The network {ssid} asks for a password, so it is not joined."
    meaning = (
        "Networks of boards that wait to be set up are open. This may be somebody else's network "
        "of the same name."
    )
    remedy = "Check the name on the board; if its network has a password, join it yourself."


class ApUnjoined(PortError):
    """The computer tried and did not get in; ``detail`` says how far it got."""

    code = "ap-unjoined"
    retryable = True
    title = "This computer could not join the board's network {ssid}."
    meaning = "{detail}"
    remedy = "Move the board nearer and try again; if it stays, restart the board."


class ApLost(PortGone):
    """The access point was joined, and vanished."""

    code = "ap-lost"
    title = "The board's network {ssid} has gone."
    meaning = "The board restarted, was switched off, or has left its setup mode."
    remedy = "Wait until its LED shows the setup mode again, and try again."


class ApLimit(PortError):
    """The board's network was in use for as long as it may be."""

    code = "ap-limit"
    retryable = True
    title = "Setting up the board through its network {ssid} took longer than {limit_s} seconds."
    meaning = "This computer is brought back into its own network then, whatever is unfinished."
    remedy = "Try again, with the board near this computer."


class ApSilent(PortError):
    """The person was to join by hand; the board's address never answered."""

    code = "ap-silent"
    retryable = True
    title = "The board did not answer at {address} within {limit_s} seconds."
    meaning = "This computer is not in the network {ssid}, or sends what is for it elsewhere."
    remedy = (
        "Choose {ssid} in the Wi-Fi menu of this computer; stay in it when the system says that it "
        "has no Internet; then try again."
    )
