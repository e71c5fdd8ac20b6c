"""What jobs with devices of Improv Wi-Fi ask, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.jobs.job import Action, Question, without_secrets
from agent.jobs.machine import Inquiry
from agent.jobs.questions import CONTINUE, DONE, STOP

if TYPE_CHECKING:
    from agent.sessions.session import BoardFacts
    from agent.settings.network import NetworkSetting


def leave_network(network: NetworkSetting, found: BoardFacts) -> Inquiry:
    """The device is in a network already; nothing was sent to it yet."""
    page = f" Its page there is {found.redirect}." if found.redirect else ""
    question = Question(
        id=0,
        step="",
        title=f"The device is in a network already. Move it to {network.label}?",
        meaning=(
            f"It works where it is.{page} If it is moved, it leaves that network, and what "
            "reaches it there no longer finds it."
        ),
        safe="Nothing was sent to the device yet.",
        network=without_secrets(network),
        actions=[
            Action(id=CONTINUE, label=f"Move it to {network.label}"),
            Action(id=STOP, label="Leave it as it is"),
        ],
    )
    return Inquiry(question, STOP)


def press_button(*, again: bool, safe: str) -> Inquiry:
    """The device takes settings only from people who can touch it; goes on by itself."""
    question = Question(
        id=0,
        step="",
        title=(
            "It takes no settings yet. Press the button on the device."
            if again
            else "Press the button on the device."
        ),
        meaning=(
            "It takes settings only for about a minute after somebody pressed something on it; "
            "its manual says which button. The job goes on by itself as soon as the device is "
            "ready."
        ),
        safe=safe,
        actions=[
            Action(id=DONE, label="I have pressed it"),
            Action(id=STOP, label="Stop"),
        ],
    )
    return Inquiry(question, STOP)
