"""What a job asks that makes a device in a cloud and delivers its credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import EnrolNameTaken, EnrolUsedUp, NetworkError
from agent.jobs import questions
from agent.jobs.job import Action, Choice, Question, without_secrets
from agent.jobs.machine import Inquiry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.errors import MooringError
    from agent.jobs.enrol_effects import Way
    from agent.settings.network import NetworkSetting

NAME: Final = "name"
ADMINISTRATOR: Final = "administrator"

WAYS: Final = {
    "console": "Serial console of the sketch",
    "repl": "File on the board (Python)",
    "nvs": "Settings area of the chip (NVS)",
    "header": "Header file for the sketch",
    "image": "File to be flashed as settings area (NVS)",
}
_STOP: Final = Action(id=questions.STOP, label="Stop")
_NOTHING: Final = "Nothing was made in the cloud, and nothing was changed on the board."
_RENAME: Final = Action(id=NAME, label="Use another name", needs="name")


def which_way(ways: Sequence[Way]) -> Inquiry:
    """The board answers to several deliveries."""
    return Inquiry(
        Question(
            id=0,
            step="",
            title="How shall the board get its settings?",
            meaning="It answers in more than one way. The first one changes the least.",
            safe=_NOTHING,
            choices=[
                Choice(
                    id=way.kind,
                    label=WAYS[way.kind],
                    detail=" ".join(filter(None, [way.hardware.firmware, way.hardware.version])),
                )
                for way in ways
            ],
            actions=[
                Action(id=questions.CHOICE, label="Use this way", needs="choice"),
                _STOP,
            ],
        ),
        questions.STOP,
    )


def which_name(error: MooringError) -> Inquiry:
    """There is no name, or the cloud cannot take it."""
    report = error.report()
    return Inquiry(
        Question(
            id=0,
            step="",
            title="What shall the device be called?",
            meaning=report.title,
            safe=_NOTHING,
            error=report,
            actions=[_RENAME, _STOP],
        ),
        questions.STOP,
    )


def replace_device(holds: str, name: str) -> Inquiry:
    """The board has the credentials of another device."""
    return Inquiry(
        Question(
            id=0,
            step="",
            title=f"Replace the settings of {holds} on this board?",
            meaning=(
                f"The board is the device {holds} now. With the settings of {name} it no longer "
                f"sends anything as {holds}; that device and its history stay in the cloud."
            ),
            safe=_NOTHING,
            actions=[
                Action(id=questions.OVERWRITE, label=f"Replace them with {name}"),
                _STOP,
            ],
        ),
        questions.STOP,
    )


def refused(error: MooringError, *, administrator: bool, unsure: bool, safe: str) -> Inquiry:
    """The cloud made no device, or nobody knows whether it did (``unsure``)."""
    report = error.report()
    again, actions = "Ask again", []
    if isinstance(error, EnrolNameTaken) and administrator:
        label = "It is this board: give it new credentials as administrator"
        actions.append(Action(id=ADMINISTRATOR, label=label))
    if isinstance(error, EnrolUsedUp):
        again = "It was freed: ask again"
        if administrator:
            label = "Free it as administrator and ask again"
            actions.append(Action(id=ADMINISTRATOR, label=label))
    actions.append(Action(id=questions.RETRY, label=again))
    if not unsure:
        # Else it is this name whose device may exist, and the end has to say so.
        actions.append(_RENAME)
    return Inquiry(
        Question(
            id=0,
            step="",
            title=report.title,
            meaning=f"{report.meaning} {report.remedy}".strip(),
            safe=safe,
            error=report,
            actions=[*actions, _STOP],
        ),
        questions.STOP,
    )


def not_kept(error: MooringError, *, name: str) -> Inquiry:
    """The cloud said yes, but the vault cannot take its reply."""
    report = error.report()
    return Inquiry(
        Question(
            id=0,
            step="",
            title=report.title,
            meaning=f"{report.meaning} {report.remedy}",
            safe=f"{name} was made; its credentials are in memory only, as long as you decide.",
            error=report,
            actions=[
                Action(id=questions.RETRY, label="Try again"),
                Action(id=questions.CONTINUE, label="Put them on the board all the same"),
                Action(id=questions.STOP, label="Stop and lose them"),
            ],
        ),
        questions.CONTINUE,
    )


def not_joined(
    error: MooringError, network: NetworkSetting | None, *, safe: str, give_up: Action
) -> Inquiry:
    """The board holds its settings, but does not connect."""
    report = error.report()
    actions = [Action(id=questions.WAIT, label="Wait longer")]
    if isinstance(error, NetworkError):
        actions.insert(0, Action(id=questions.NETWORK, label="Give it a network", needs="network"))
    keep = Action(id=questions.KEEP, label="Leave it so: the board has its settings")
    return Inquiry(
        Question(
            id=0,
            step="",
            title=report.title,
            meaning=f"{report.meaning} {report.remedy}".strip(),
            safe=safe,
            error=report,
            network=without_secrets(network) if network is not None else {},
            actions=[*actions, keep, give_up],
        ),
        questions.STOP,
    )


def way_summary(way: Way) -> str:
    """``serial console of the sketch · weather 1.2 · id 24…9a``."""
    hardware = way.hardware
    parts = [WAYS[way.kind].lower()]
    parts += filter(None, [" ".join(filter(None, [hardware.firmware, hardware.version]))])
    if hardware.hardware_id:
        parts.append(f"id {hardware.hardware_id}")
    if hardware.holds:
        parts.append(f"is {hardware.holds} now")
    return " · ".join(parts)
