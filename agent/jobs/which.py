"""Which procedure a board needs, why, and what of it stays: pure, from what is known.

Sources: protocol-v1, sections 1 and 9; protocol-v2, section 7. The cloud's list decides between
1.0 and 2.0; the catalogue stands in where the cloud was not asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from agent.clouds.versions import is_older, is_version
from agent.errors import InputError
from agent.jobs.fates import Fate, fates_of

if TYPE_CHECKING:
    from agent.catalog import Model
    from agent.sessions.session import BoardFacts

Procedure: TypeAlias = Literal[
    "provision-2.0",
    "flash-then-2.0",
    "migrate",
    "provision-1.0",
    "lora-1.0",
    "secret-key",
    "improv",
    "unsupported",
]

FLASHING: Final[frozenset[Procedure]] = frozenset(
    {"flash-then-2.0", "migrate", "provision-1.0", "lora-1.0"}
)
"""Procedures that overwrite the sketch."""

FATAL_BELOW: Final = -101
"""Statuses under it, and -6, say that the sketch on the board cannot go on (protocol-v1, 9)."""
BUSY: Final = -6
UNKNOWN_COMMAND: Final = -7

Answer: TypeAlias = Literal[
    "not-asked",
    "2.0",
    "application",
    "1.0",
    "console",
    "lora",
    "improv",
    "text",
    "silence",
    "bootloader",
]
"""What a board did when it was spoken to: ``2.0`` and ``application`` (a sketch with the
configurator) answered in the protocol 2.0, ``1.0`` acknowledged its sketch info, ``console`` is the
1.0 sketch that prompts in text, ``lora`` prints its EUI, ``improv`` answered in Improv Wi-Fi,
``text`` prints something else."""

IMPROV: Final = (
    "Its firmware speaks Improv Wi-Fi, as ESPHome, WLED and Tasmota do: it stays, and only its "
    "network is set."
)
PERHAPS_IMPROV: Final = (
    "Whether its firmware speaks Improv Wi-Fi, as ESPHome, WLED and Tasmota do, is found out when "
    "it is asked; if so, it stays, and only its network is set."
)


class CloudSays(msgspec.Struct, frozen=True, kw_only=True):
    """The cloud's answer for this kind of board."""

    v2: bool | None = None
    """Whether it takes provisioning 2.0; None: it was not or could not be asked."""
    only_network: bool | None = None
    """True: no cloud is wanted; None: none was named yet."""
    title: str = "Arduino Cloud"
    min_sketch: str | None = None
    min_wifi_firmware: str | None = None


class BoardSays(msgspec.Struct, frozen=True, kw_only=True):
    """What the board answered."""

    answer: Answer = "not-asked"
    sketch_version: str | None = None
    wifi_firmware: str | None = None
    status: int | None = None
    """The first status of a 2.0 sketch, or what it answered to the question for its version."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The procedure, and all that a person should know before it starts."""

    procedure: Procedure
    reason: str
    """One sentence."""
    flashes: bool
    """The sketch on the board is overwritten."""
    fates: tuple[Fate, ...] = ()
    """What is kept, lost or new."""
    warning: str | None = None
    """What will stop it later, if nothing is done about it."""
    possible: tuple[Procedure, ...] = ()
    """What may be asked for in its place."""
    overridden: bool = False
    """A person chose it against what was found."""


def heard(facts: BoardFacts) -> BoardSays:
    """What a session learned, for :func:`decide`."""
    if facts.protocol == "improv":
        return BoardSays(answer="improv")
    return BoardSays(
        answer="application" if facts.application_sketch else "2.0",
        sketch_version=facts.sketch_version,
        wifi_firmware=facts.wifi_firmware,
        status=facts.initial_status,
    )


def decide(
    model: Model | None,
    cloud: CloudSays | None = None,
    board: BoardSays | None = None,
    *,
    wanted: Procedure | None = None,
) -> Decision:
    """The procedure for a board; ``wanted`` overrides it within what is possible.

    :class:`InputError` if ``wanted`` is not possible for this kind of board.
    """
    cloud = cloud or CloudSays()
    board = board or BoardSays()
    procedure, reason = _improv(model, cloud, board) or _choose(model, cloud, board)
    possible = _possible(model, cloud, board)
    overridden = wanted is not None and wanted != procedure
    if wanted is not None and overridden:
        if wanted not in possible:
            known = ", ".join(possible) or "nothing"
            raise InputError(
                field="procedure", problem=f"{wanted} is not possible for this board, only {known}"
            )
        procedure, reason = wanted, f"You chose it in place of {procedure}. {reason}"
    return Decision(
        procedure=procedure,
        reason=reason,
        flashes=procedure in FLASHING,
        fates=fates_of(procedure),
        warning=_warning(procedure, cloud, board),
        possible=tuple(each for each in possible if each != procedure),
        overridden=overridden,
    )


def _improv(
    model: Model | None, cloud: CloudSays, board: BoardSays
) -> tuple[Procedure, str] | None:
    """Whether the network alone is set, in Improv Wi-Fi; None: another procedure is meant.

    Devices that speak it have no identity for a cloud. Where it is not known, it is for boards
    that nothing else is known of, or that have no other way to take a network.
    """
    if cloud.only_network is False:
        return None
    if board.answer == "improv":
        return "improv", IMPROV
    if cloud.only_network and _may_speak_improv(model, board):
        return "improv", PERHAPS_IMPROV
    return None


def _may_speak_improv(model: Model | None, board: BoardSays) -> bool:
    """It was not asked, and nothing better is known of it."""
    return board.answer == "not-asked" and (model is None or model.crypto.kind == "secret_key")


def _choose(model: Model | None, cloud: CloudSays, board: BoardSays) -> tuple[Procedure, str]:
    if model is None:
        if board.answer == "2.0" and _flaw(cloud, board) is None:
            return "provision-2.0", "Its sketch speaks provisioning 2.0."
        if board.answer == "improv":
            return "unsupported", "Its firmware speaks Improv Wi-Fi, which knows no clouds."
        return "unsupported", "This kind of board is not in the catalogue."
    family = _family(model)
    if family is not None:
        return family
    if not _takes_v2(model, cloud):
        return _without_v2(model, cloud)
    if board.answer in {"1.0", "console"}:
        return "migrate", "It runs the sketch of provisioning 1.0, and 2.0 is there for it."
    flaw = _flaw(cloud, board)
    if flaw is None:
        return "provision-2.0", "Its sketch speaks provisioning 2.0."
    return "flash-then-2.0", flaw


def _family(model: Model) -> tuple[Procedure, str] | None:
    """The answer for families that have one way only."""
    if "lora" in model.connectivity:
        return "lora-1.0", "It is a LoRa board: the cloud needs the EUI of its modem."
    if model.crypto.kind == "secret_key":
        return "secret-key", "It has no secure element: its sketch is built with a secret key."
    if model.crypto.kind == "modem" or model.upload.method in {"adb", "jlink", "mcuboot-serial"}:
        return "unsupported", f"Mooring finds {model.name}, but cannot write its sketch."
    return None


def _takes_v2(model: Model, cloud: CloudSays) -> bool:
    return "2.0" in model.provisioning if cloud.v2 is None else cloud.v2


def _without_v2(model: Model, cloud: CloudSays) -> tuple[Procedure, str]:
    who = "The catalogue" if cloud.v2 is None else cloud.title
    if "1.0" in model.provisioning:
        return "provision-1.0", f"{who} has no provisioning 2.0 for {model.name}, but 1.0."
    return "unsupported", f"{who} has no provisioning 2.0 for {model.name}, and there is no 1.0."


def _flaw(cloud: CloudSays, board: BoardSays) -> str | None:
    """Why the sketch on the board will not do for 2.0; None if it will."""
    reasons: dict[Answer, str] = {
        "not-asked": "What it runs is not known, so the provisioning sketch is written first.",
        "application": "It runs a sketch of its own that takes settings, but cannot be claimed.",
        "1.0": "It runs the sketch of provisioning 1.0.",
        "console": "It runs the sketch of provisioning 1.0 that prompts in text.",
        "lora": "It runs a sketch that prints the EUI of a LoRa modem.",
        "improv": "It runs firmware that speaks Improv Wi-Fi, which knows no clouds.",
        "text": "It runs a sketch of its own.",
        "silence": "It does not answer: its sketch does not speak provisioning.",
        "bootloader": "It is in its bootloader; no sketch runs.",
    }
    if board.answer != "2.0":
        return reasons[board.answer]
    status = board.status
    if status is not None and status == UNKNOWN_COMMAND:
        return "Its sketch does not know the question for its version, so it is too old."
    if status is not None and (status < FATAL_BELOW or status == BUSY):
        return f"Its provisioning sketch cannot go on (status {status})."
    version = board.sketch_version
    if not version or not is_version(version):
        return "Its provisioning sketch does not tell its version."
    if cloud.min_sketch and is_older(version, cloud.min_sketch):
        return f"Its provisioning sketch is {version}; {cloud.title} needs {cloud.min_sketch}."
    return None


def _possible(model: Model | None, cloud: CloudSays, board: BoardSays) -> tuple[Procedure, ...]:
    found: list[Procedure] = []
    speaks = board.answer == "improv" or _may_speak_improv(model, board)
    if speaks and cloud.only_network is not False:
        found.append("improv")
    if model is None:
        return (*found, "provision-2.0") if board.answer == "2.0" else tuple(found)
    family = _family(model)
    if family is not None:
        return tuple(found) if family[0] == "unsupported" else (*found, family[0])
    if _takes_v2(model, cloud) or "2.0" in model.provisioning:
        if board.answer == "2.0":
            found.append("provision-2.0")
        found += ["flash-then-2.0", "migrate"]
    if "1.0" in model.provisioning:
        found.append("provision-1.0")
    return tuple(found)


def _warning(procedure: Procedure, cloud: CloudSays, board: BoardSays) -> str | None:
    found, needed = board.wifi_firmware, cloud.min_wifi_firmware
    later_2 = procedure in {"provision-2.0", "flash-then-2.0", "migrate"}
    if later_2 and found and needed and is_version(found) and is_older(found, needed):
        return (
            f"The Wi-Fi firmware of the board is {found}, but {cloud.title} needs {needed}: "
            "update it first, with the updater of the Arduino IDE."
        )
    return None
