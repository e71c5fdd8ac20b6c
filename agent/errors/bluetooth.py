"""Bluetooth LE: this computer's radio, and the links to boards."""

from __future__ import annotations

from agent.errors.base import ExitStatus
from agent.errors.ports import PortBusy, PortError, PortGone


class BluetoothError(PortError):
    """The Bluetooth of this computer."""

    code = "ble"


class BluetoothAbsent(BluetoothError):
    """There is no radio, or one that cannot do Bluetooth LE."""

    code = "ble-absent"
    title = "This computer has no Bluetooth that boards can be reached with."
    meaning = "{detail} Boards can still be used over USB."
    remedy = "Plug in a USB adapter for Bluetooth 4.0 or newer, or connect the board with a cable."


class BluetoothStopped(BluetoothError):
    """The radio is there, but the system's Bluetooth service does not run."""

    code = "ble-stopped"
    retryable = True
    title = "The Bluetooth service of this computer is not running."
    meaning = "The system answers no question about Bluetooth: {detail}"
    remedy = "{action}"


class BluetoothOff(BluetoothError):
    """The radio is switched off: in the settings, by flight mode, or with a switch or key."""

    code = "ble-off"
    retryable = True
    title = "Bluetooth is switched off on this computer."
    meaning = (
        "The radio is there but has no power, so no board can be seen or reached over the air."
    )
    remedy = "{action}"


class BluetoothForbidden(BluetoothError):
    """Not for this program, or not for this account."""

    code = "ble-forbidden"
    exit_status = ExitStatus.NO_ACCESS
    retryable = True
    title = "This program may not use Bluetooth."
    meaning = "The system refuses it: {detail}"
    remedy = "{action}"


class BluetoothNever(BluetoothError):
    """The settings of the agent say that it is not to use Bluetooth."""

    code = "ble-never"
    title = "This agent is set to use no Bluetooth."
    meaning = "Boards can be seen and reached on cables only."
    remedy = 'Set scan = "asked" in the section [bluetooth] of its settings and start it again.'


class BluetoothFailed(BluetoothError):
    """Any other failure of the system's Bluetooth; ``detail`` is its own text."""

    code = "ble-failed"
    retryable = True
    title = "The Bluetooth of this computer failed: {detail}."
    meaning = "The system reported an error that has no more exact meaning."
    remedy = "Switch Bluetooth off and on again and retry; if it stays, restart the computer."


class BleLost(PortGone):
    """The link to a board ended without our doing."""

    code = "ble-lost"
    title = "The Bluetooth connection to {port} has ended."
    meaning = (
        "The board went out of range, restarted, or switched its Bluetooth off, "
        "which it does when it is provisioned."
    )
    remedy = "Move the board nearer and try again; if its LED no longer pulses, restart the board."


class BleUnreachable(PortGone):
    """No link came about, whatever was tried; ``detail`` is the last failure."""

    code = "ble-unreachable"
    title = "The board at {port} does not answer over Bluetooth."
    meaning = "Attempts to connect: {attempts}; the last failure was: {detail}."
    remedy = (
        "Move the board nearer, close other programs that are connected to it, and try again; "
        "if it stays, restart the board, or use a cable."
    )


class BleServiceMissing(PortError):
    """There is a link, but the board does not offer what this protocol needs."""

    code = "ble-no-service"
    title = "The device at {port} cannot be provisioned over Bluetooth."
    meaning = "It answers, but does not offer what boards are provisioned with: {detail}."
    remedy = "Check that this is the right device; if it is, restart it, or use a cable."


class BleRefused(PortError):
    """The board refused a request with an ATT error; ``att`` is its number."""

    code = "ble-refused"
    retryable = True
    title = "The board at {port} refused a Bluetooth request: {detail} (ATT error {att})."
    meaning = "The connection was closed, because the board may have only a part of the message."
    remedy = "Try again; if it stays, restart the board, or use a cable."


class BleNotHeard(PortGone):
    """A board that is to be talked to over Bluetooth does not advertise here and now."""

    code = "ble-not-heard"
    title = "{board} is not heard over Bluetooth."
    meaning = (
        "Its Bluetooth is off, it is out of range, or another program is connected to it; "
        "boards switch it off once they are provisioned."
    )
    remedy = "{action}"


class NeedsCable(PortError):
    """A board that is only in the air, and work that Bluetooth LE cannot do."""

    code = "needs-cable"
    exit_status = ExitStatus.USAGE
    title = "{board} needs a cable to {what}."
    meaning = "{why}"
    remedy = "{action}"


class OtherLinkBusy(PortBusy):
    """A board that is to be used over one link is in use over the other."""

    code = "port-busy-other-link"
    meaning = (
        "A board serves one connection at a time: while it is used over {used}, its firmware does "
        "not answer over {wanted}."
    )
