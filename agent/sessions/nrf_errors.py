"""What the refusals of a modem mean to people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agent.errors import MooringError, NrfModemOff, NrfRefused, NrfUnanswered
from agent.protocols.nrf import cme
from agent.protocols.nrf.at import End

if TYPE_CHECKING:
    from agent.protocols.nrf.at import Answer

_NAME: Final = re.compile(r"AT([+%][A-Z]+)")


def refused(command: str, answer: Answer) -> MooringError:
    """The error for an AT command that did not go well; names it without what it carried."""
    found = _NAME.match(command)
    name = found[1] if found else "a command"
    if answer.end is End.NO_MODEM:
        return NrfModemOff()
    if answer.end is End.ERROR:
        said = cme.refusal(answer.code)
        number = "without a number" if answer.code is None else str(answer.code)
        return NrfRefused(command=name, meaning=said.meaning, number=number, remedy=said.remedy)
    return NrfUnanswered(command=name)


def library_refused(number: str) -> MooringError:
    """The error of the provisioning library, which does not say whether the modem is off or refuses."""
    return NrfRefused(
        command="nrf_provisioning token",
        meaning="it is off, or does not know the command",
        number=number,
        remedy="Restart the board; if it stays, update the modem's firmware.",
    )
