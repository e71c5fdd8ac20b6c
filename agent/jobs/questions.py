"""What jobs ask, in words, and which answer is safest when nobody is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agent.errors import BluetoothError, JoinFailed
from agent.jobs.check import explain_unseen
from agent.jobs.fates import fates_of
from agent.jobs.job import Action, Question, without_secrets
from agent.jobs.machine import Inquiry
from agent.settings import clean_text
from agent.settings.network import NetworkSetting, WiFi

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.clouds.devices import Device
    from agent.errors import MooringError
    from agent.jobs.check import NetworkWarning
    from agent.jobs.guide import Guide
    from agent.jobs.which import Decision
    from agent.sessions.session import NetworkOption
    from agent.settings import Secret

CHOICE = "choice"
CONTINUE = "continue"
NETWORK = "network"
OVERWRITE = "overwrite"
RETRY = "retry"
STOP = "stop"
UNDO = "undo"
WAIT = "wait"
DONE = "done"
KEEP = "keep"
DELETE = "delete"


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


def come_back(error: MooringError, guide: Guide | None, *, safe: str, give_up: Action) -> Inquiry:
    """A board in the air is gone; the job goes on by itself when it is heard again."""
    report = error.report()
    unusable = isinstance(error, BluetoothError)
    ways = [] if guide is None else [f"If its LED no longer pulses, {guide.gesture}."]
    meaning = " ".join(
        [
            *([report.meaning, report.remedy] if unusable else ["Bring it nearer.", *ways]),
            "The job goes on by itself as soon as the board is heard again.",
        ]
    )
    question = Question(
        id=0,
        step="",
        title=report.title if unusable else "The board is no longer heard over Bluetooth.",
        meaning=meaning,
        safe=safe,
        error=report,
        guide={} if guide is None or unusable else guide.shown,
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


def stays_online(
    name: str, cloud: str, stored: str, wanted: NetworkSetting, guide: Guide
) -> Inquiry:
    """The board is online in another network than the one that was asked for, or perhaps is."""
    question = Question(
        id=0,
        step="",
        title=f"{name} is online in {cloud}, in the network that it had stored before.",
        meaning=(
            f"It joined {stored or 'that network'} by itself, so {wanted.label} was not needed, and "
            f"nothing was sent. To move it to {wanted.label}, its Bluetooth must come back: "
            f"{guide.gesture}. This erases the network that it has now."
        ),
        safe="The board is set up and stays online while you decide.",
        network=without_secrets(wanted),
        actions=[
            Action(id=KEEP, label="Leave it there"),
            Action(id=CONTINUE, label=f"Change it to {wanted.label}"),
        ],
    )
    return Inquiry(question, KEEP)


def wake_it(guide: Guide, wanted: NetworkSetting) -> Inquiry:
    """The person brings the Bluetooth of a board back; the job goes on when it is heard."""
    question = Question(
        id=0,
        step="",
        title=f"{guide.gesture[:1].upper()}{guide.gesture[1:]}.",
        meaning=(
            f"{guide.procedure} The job goes on by itself as soon as the board is heard, and gives "
            f"it {wanted.label}."
        ),
        safe="The board keeps its place in its cloud; only its network is erased.",
        guide=guide.shown,
        actions=[Action(id=KEEP, label="Leave it as it is")],
    )
    return Inquiry(question, KEEP)


def flash_failed(error: MooringError, *, away: bool) -> Inquiry:
    """Writing a sketch failed, and the further attempts too."""
    report = error.report()
    again = "The job goes on by itself as soon as the board is plugged in again."
    question = Question(
        id=0,
        step="",
        title="The board is gone. Plug it in again." if away else report.title,
        meaning=again if away else f"{report.meaning} {report.remedy}",
        safe=(
            "The board has no working sketch at the moment. Its bootloader cannot be erased, "
            "so it can be written again at any time."
        ),
        error=report,
        actions=[Action(id=RETRY, label="Try again"), Action(id=STOP, label="Stop")],
    )
    return Inquiry(question, STOP)


def overwrite(decision: Decision, old: Sequence[Device] = ()) -> Inquiry:
    """The sketch on the board would be replaced; nothing was changed yet.

    ``old`` are the devices that the cloud has of the board.
    """
    label = "Write the sketch"
    title = "Replace the sketch on the board?"
    if decision.procedure in {"migrate", "flash-then-2.0"}:
        label, title = "Update to provisioning 2.0", "Update this board to provisioning 2.0?"
    question = Question(
        id=0,
        step="",
        title=title,
        meaning=" ".join(filter(None, (decision.reason, decision.warning))),
        safe="Nothing was changed yet.",
        reason=decision.reason,
        fates=list(decision.fates),
        old_devices=_named(old),
        actions=[Action(id=CONTINUE, label=label), Action(id=STOP, label="Leave it as it is")],
    )
    return Inquiry(question, STOP)


def old_devices(old: Sequence[Device], cloud: str) -> Inquiry:
    """The board is online as a new device: keep or delete the older ones."""
    one = len(old) == 1
    names = " and ".join(f"“{device['name']}”" for device in _named(old))
    question = Question(
        id=0,
        step="",
        title=f"Delete {names} from {cloud}?" if one else f"Delete older devices from {cloud}?",
        meaning=(
            f"The board no longer uses {names}. Things and dashboards that belong to "
            f"{'it' if one else 'them'} are not moved: attach them to the new device first."
        ),
        safe="The board is online; this is only about what the cloud keeps.",
        old_devices=_named(old),
        actions=[
            Action(id=KEEP, label="Keep it" if one else "Keep them"),
            Action(id=DELETE, label="Delete it" if one else "Delete them"),
        ],
    )
    return Inquiry(question, KEEP)


def _named(old: Sequence[Device]) -> list[dict[str, str]]:
    return [{"id": device.id, "name": clean_text(device.name or device.id, 64)} for device in old]


def choose_network(options: Sequence[NetworkOption]) -> Inquiry:
    """The board is ready, and no network was named yet."""
    question = Question(
        id=0,
        step="",
        title="Which network shall the board join?",
        meaning="These are the networks that the board itself sees.",
        safe="No settings were sent to the board yet; its new sketch stays in any case.",
        networks=shown_options(options),
        actions=[
            Action(id=NETWORK, label="Use this network", needs="network"),
            Action(id=STOP, label="Stop"),
        ],
    )
    return Inquiry(question, STOP)


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
            "From here both go together: the board leaves its cloud and must be set up "
            "again. What the cloud has stored about it stays there."
        ),
        safe="Nothing was erased yet.",
        actions=[
            Action(id=CONTINUE, label="Erase both"),
            Action(id=STOP, label="Keep both"),
        ],
    )
    return Inquiry(question, STOP)


def overwrite_to_erase(reason: str) -> Inquiry:
    """The sketch has no command for erasing, so the provisioning sketch would take its place."""
    question = Question(
        id=0,
        step="",
        title="Overwrite the sketch to erase the network settings?",
        meaning=(
            f"{reason} The provisioning sketch can erase them, and the cloud identity with them. "
            "Upload your own sketch again afterwards."
        ),
        safe="Nothing was changed yet.",
        reason=reason,
        fates=list(fates_of("erase")),
        actions=[
            Action(id=CONTINUE, label="Overwrite and erase"),
            Action(id=STOP, label="Leave it as it is"),
        ],
    )
    return Inquiry(question, STOP)


def hold_pin(guide: Guide, *, again: bool, overwrite: bool = False) -> Inquiry:
    """The person uses the pin or the button of the board.

    ``overwrite``: or chooses to have the sketch overwritten.
    """
    title = f"{guide.gesture[:1].upper()}{guide.gesture[1:]}."
    question = Question(
        id=0,
        step="",
        title=f"It did not work yet. {title}" if again else title,
        meaning=guide.procedure,
        safe="Sketch and cloud identity stay; only the network settings are erased.",
        guide=guide.shown,
        actions=[
            Action(id=DONE, label="I have done it"),
            *([Action(id=OVERWRITE, label="Overwrite the sketch instead")] if overwrite else []),
            Action(id=STOP, label="Stop"),
        ],
    )
    return Inquiry(question, STOP)
