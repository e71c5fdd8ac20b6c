"""What jobs ask, in words, and which answer is safest when nobody is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agent.errors import JoinFailed
from agent.jobs.check import explain_unseen
from agent.jobs.job import Action, Question, without_secrets
from agent.jobs.machine import Inquiry
from agent.settings.network import NetworkSetting, WiFi

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.errors import MooringError
    from agent.jobs.check import NetworkWarning
    from agent.jobs.forget import Guide
    from agent.sessions.session import NetworkOption
    from agent.settings import Secret

CHOICE = "choice"
CONTINUE = "continue"
NETWORK = "network"
RETRY = "retry"
STOP = "stop"
UNDO = "undo"
WAIT = "wait"
DONE = "done"


def shown_options(options: Sequence[NetworkOption]) -> list[dict[str, Any]]:
    """Networks as JSON data for a question."""
    return [msgspec.to_builtins(option) for option in options]


def doubtful_network(
    network: NetworkSetting, options: Sequence[NetworkOption], warnings: Sequence[NetworkWarning]
) -> Inquiry:
    """The chosen network does not look right; nothing was sent yet."""
    question = Question(
        id=0,
        step="",
        title=f"Is {network.label} the right network?",
        meaning=" ".join(warning.text for warning in warnings),
        safe="Nothing was sent to the board yet.",
        network=without_secrets(network),
        networks=shown_options(options),
        actions=[
            Action(id=NETWORK, label="Choose another network", needs="network"),
            Action(id=CONTINUE, label="Use it anyway"),
            Action(id=STOP, label="Stop"),
        ],
    )
    return Inquiry(question, STOP if serious(warnings) else CONTINUE)


def serious(warnings: Sequence[NetworkWarning]) -> bool:
    """Whether joining would most likely fail."""
    return any(warning.code not in {"weak", "blank"} for warning in warnings)


def join_error(
    error: MooringError, network: NetworkSetting, options: Sequence[NetworkOption]
) -> MooringError:
    """``error``; for a network that the board does not see, with the name that was meant."""
    if not isinstance(error, JoinFailed):
        return error
    why = explain_unseen(network, options)
    return JoinFailed(**(error.facts | {"why": why})) if why else error


def join_failed(
    error: MooringError,
    network: NetworkSetting,
    options: Sequence[NetworkOption],
    *,
    safe: str,
    give_up: Action,
) -> Inquiry:
    """The board could not join: another password, another network, or give up."""
    report = error.report()
    password = isinstance(error, JoinFailed) and isinstance(network, WiFi)
    question = Question(
        id=0,
        step="",
        title=report.title,
        meaning=report.meaning,
        safe=safe,
        error=report,
        network=without_secrets(network),
        networks=shown_options(options),
        actions=[
            Action(id=RETRY, label="Try again", needs="password" if password else None),
            Action(id=NETWORK, label="Choose another network", needs="network"),
            give_up,
        ],
    )
    return Inquiry(question, give_up.id)


def board_trouble(error: MooringError, *, safe: str, give_up: Action) -> Inquiry:
    """The board failed in a way that a restart or another try may mend."""
    report = error.report()
    question = Question(
        id=0,
        step="",
        title=report.title,
        meaning=f"{report.meaning} {report.remedy}".strip(),
        safe=safe,
        error=report,
        actions=[Action(id=RETRY, label="Try again"), give_up],
    )
    return Inquiry(question, give_up.id)


def plug_in_again(error: MooringError, *, safe: str, give_up: Action) -> Inquiry:
    """The board is gone; the job goes on by itself when it is back."""
    report = error.report()
    question = Question(
        id=0,
        step="",
        title="The board is gone. Plug it in again.",
        meaning="The job goes on by itself as soon as the board is back.",
        safe=safe,
        error=report,
        actions=[give_up],
    )
    return Inquiry(question, give_up.id)


def not_online(error: MooringError, *, safe: str, give_up: Action) -> Inquiry:
    """The board joined, but its cloud has not seen it."""
    report = error.report()
    question = Question(
        id=0,
        step="",
        title=report.title,
        meaning=report.meaning,
        safe=safe,
        error=report,
        actions=[Action(id=WAIT, label="Wait longer"), give_up],
    )
    return Inquiry(question, give_up.id)


def retry_network(network: NetworkSetting, password: Secret | None) -> NetworkSetting:
    """``network`` with the new password, if one was given."""
    if password is None or not isinstance(network, WiFi):
        return network
    return msgspec.structs.replace(network, password=password)


def wipe_identity() -> Inquiry:
    """Erasing over the wire wipes more than the network."""
    question = Question(
        id=0,
        step="",
        title="Erase network settings and cloud identity?",
        meaning=(
            "Over the cable both go together: the board leaves its cloud and must be set up "
            "again. What the cloud has stored about it stays there."
        ),
        safe="Nothing was erased yet.",
        actions=[
            Action(id=CONTINUE, label="Erase both"),
            Action(id=STOP, label="Keep both"),
        ],
    )
    return Inquiry(question, STOP)


def hold_pin(guide: Guide, *, again: bool) -> Inquiry:
    """The person uses the pin or the button of the board."""
    seconds = f"{guide.hold_seconds:g}"
    title = (
        f"Hold the user button for {seconds} seconds."
        if guide.pin.upper().startswith("BTN")
        else f"Connect pin {guide.pin} to GND for {seconds} seconds."
    )
    question = Question(
        id=0,
        step="",
        title=f"It did not work yet. {title}" if again else title,
        meaning=guide.procedure,
        safe="Sketch and cloud identity stay; only the network settings are erased.",
        guide={
            "pin": guide.pin,
            "hold_seconds": guide.hold_seconds,
            "drawing": guide.drawing,
            "led": guide.led,
        },
        actions=[Action(id=DONE, label="I have done it"), Action(id=STOP, label="Stop")],
    )
    return Inquiry(question, STOP)
