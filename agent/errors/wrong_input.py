"""Wrong input: what the person gave cannot be used, and nothing was sent."""

from __future__ import annotations

import msgspec

from agent.errors.base import ErrorReport, ExitStatus, Fact, MooringError


class InputError(MooringError):
    """What the person gave cannot be used; ``field`` names it and ``problem`` says why."""

    code = "input"
    exit_status = ExitStatus.USAGE
    title = "{field}: {problem}"
    meaning = "Nothing was sent to the board or the cloud."
    remedy = "Correct this field and try again."

    def __init__(self, *, effect: str | None = None, **facts: Fact) -> None:
        """``effect``: what it means, where no board or cloud would have been sent anything."""
        self._effect = effect
        super().__init__(**facts)

    def report(self) -> ErrorReport:
        """The three sentences with their facts filled in."""
        report = super().report()
        if self._effect is None:
            return report
        return msgspec.structs.replace(report, meaning=self._effect)


class UnknownBoard(MooringError):
    """No board matches what the person named."""

    code = "board-unknown"
    exit_status = ExitStatus.NO_BOARD
    title = "No board matches “{wanted}”."
    meaning = "The board is not connected, or it has another name."
    remedy = (
        "Plug the board in and look at the list of boards (mooring boards; with --ble also those in "
        "the air)."
    )


class BoardNotHeard(MooringError):
    """No board in the air matches what the person named, and it was listened for."""

    code = "board-not-heard"
    exit_status = ExitStatus.NO_BOARD
    retryable = True
    title = "No board that matches “{wanted}” is heard in the air."
    meaning = (
        "It was listened for during {seconds} seconds. A board that has its network, or that is "
        "in use over its cable, keeps silent."
    )
    remedy = (
        "Move it nearer. If its LED does not pulse, hold its reconfigure pin or button for 3 seconds "
        "(“A board is missing?” on the page shows which). Or use a cable."
    )


class AmbiguousBoard(MooringError):
    """Several boards match what the person named."""

    code = "board-ambiguous"
    exit_status = ExitStatus.NO_BOARD
    title = "“{wanted}” matches {count} boards: {matches}."
    meaning = "Nothing was done, because it is not clear which board is meant."
    remedy = "Give more of the board's id, its serial number or its port."
