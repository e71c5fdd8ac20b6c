"""The computer’s side of the connection to a board."""

from __future__ import annotations

from agent.errors.base import ExitStatus, MooringError


class PortError(MooringError):
    """The computer's side of the connection to a board."""

    code = "port"


class PortBusy(PortError):
    """Something holds the port; ``holder`` names it when known."""

    code = "port-busy"
    exit_status = ExitStatus.NO_ACCESS
    retryable = True
    title = "{port} is in use by {holder}."
    meaning = "Only one program or job can talk to a board at a time."
    remedy = "Wait until it has finished, or close it, and try again."


class NoPermission(PortError):
    """The operating system refuses to open the port."""

    code = "port-permission"
    exit_status = ExitStatus.NO_ACCESS
    title = "This account may not open {port}."
    meaning = "The operating system gives the serial port to other users only."
    remedy = "Add your account to the group that owns the port ({group}), log in again and retry."


class PortGone(PortError):
    """The port vanished: unplugged, reset, or switched off."""

    code = "port-gone"
    retryable = True
    title = "The board on {port} is no longer there."
    meaning = "It was unplugged, or it restarted, or its cable or hub lost contact."
    remedy = "Plug the board in again, if possible directly into the computer, and retry."


class NoSerialPort(PortGone):
    """The board is there, but its bootloader runs, which has no serial port."""

    code = "port-none"
    title = "The board has no serial port now: its bootloader is at {port}."
    meaning = "The port comes back when a sketch runs."
    remedy = "Press the reset button of the board once, or write a sketch to it, and retry."


class PortFailed(PortError):
    """Any other error of the operating system at a port; ``detail`` is its own text."""

    code = "port-failed"
    retryable = True
    title = "{port} cannot be used: {detail}."
    meaning = "The operating system reported an error that has no more exact meaning."
    remedy = "Unplug the board, plug it in again and retry; if it stays, try another USB socket."


class Paused(PortError):
    """Somebody paused the agent, so it lends no board."""

    code = "paused"
    exit_status = ExitStatus.NO_ACCESS
    title = "Mooring is paused."
    meaning = "It uses no board until somebody resumes, so that other programs can."
    remedy = (
        "Choose Resume in the menu of the icon or on the agent's page, or run “mooring resume”."
    )
