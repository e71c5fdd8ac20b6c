"""What must hold before a job begins; each function raises what a person should read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agent.errors import (
    CloudError,
    InputError,
    NoSketch,
    NotSignedIn,
    NotSupported,
    WrongSketch,
)
from agent.flash.unsupported import ADVICE, refuse_method
from agent.jobs import forget, provision
from agent.jobs.check import check_text
from agent.jobs.flash_effects import Source
from agent.jobs.guide import guide_of
from agent.jobs.job import JobKind
from agent.jobs.reach import in_bootloader
from agent.jobs.which import CloudSays
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.boards.board import Board, Via
    from agent.catalog import Catalog, Model
    from agent.clouds.cloud import Cloud
    from agent.jobs.request import Request

NAME_CHARS: Final = 64
"""Longest name of a board; clouds have limits of their own (Arduino Cloud: 64)."""
VERSION: Final = "2.0"
"""The version of provisioning that changes networks of a board as it is."""

_WRITING: Final = frozenset(
    {JobKind.PROVISION, JobKind.MIGRATE, JobKind.FLASH, JobKind.FORGET, JobKind.START}
)
"""Kinds of job that can begin with a board in its bootloader."""


async def cloud_says(cloud: Cloud, model: Model | None, title: str) -> CloudSays:
    """What the cloud says of this kind of board; where it cannot be asked, the catalogue stands."""
    if model is None or model.fqbn is None or cloud.id == provision.NO_CLOUD:
        return CloudSays(title=title)
    try:
        needs = await cloud.requirements(model.fqbn)
    except NotSupported:
        return CloudSays(title=title, v2=False)
    except CloudError:
        return CloudSays(title=title)
    return CloudSays(
        title=title, v2=True, min_sketch=needs.min_sketch, min_wifi_firmware=needs.min_wifi_firmware
    )


def serial_of(board: Board) -> str | None:
    """The board's USB serial number, if a port tells it."""
    return next((port.serial_number for port in board.ports if port.serial_number), None)


def forget_order(board: Board, model: Model | None, via: Via, *, confirmed: bool) -> forget.Order:
    """What erasing needs from the catalogue.

    Raises :class:`WrongSketch` for a board in its bootloader that no sketch can be written to.
    """
    loader = in_bootloader(board, via)
    by_cable = via == "usb"
    overwrites = (
        by_cable and model is not None and VERSION in model.provisioning and _can_be_written(model)
    )
    if loader and not overwrites:
        raise _in_bootloader()
    name, without = board.name, "Upload its sketch again with other settings, or flash the "
    without += "provisioning sketch." if by_cable else "provisioning sketch, over a cable."
    if model is not None:
        name, without = model.name, model.reconfiguration.procedure
    return forget.Order(name, guide_of(model), without, confirmed, overwrites, in_bootloader=loader)


def model_for(request: Request, board: Board, catalog: Catalog) -> Model | None:
    """The board's model: known, or named by the person out of its candidates."""
    known = catalog.get(board.model) if board.model else None
    if request.model is None:
        return known
    named = catalog.get(request.model)
    if named is None:
        raise InputError(field="model", problem="is not in the catalogue")
    if known is not None and known.id != named.id:
        raise InputError(field="model", problem=f"is wrong: this board is {known.name}")
    if board.candidates and named.id not in board.candidates:
        problem = f"is not one of {', '.join(board.candidates)}"
        raise InputError(field="model", problem=problem)
    return named


def flashable(model: Model | None, board: Board) -> Model:
    """The model, if Mooring can write a sketch to it."""
    if model is None:
        which = f"; it may be {', '.join(board.candidates)}" if board.candidates else ""
        raise InputError(
            field="model", problem=f"is missing: the kind of board is not known{which}"
        )
    if not _can_be_written(model):
        refuse_method(model)
    return model


def _can_be_written(model: Model) -> bool:
    return model.fqbn is not None and model.upload.method not in ADVICE


def provisioning_sketch(model: Model, wanted: str) -> Source:
    """The provisioning sketch of a model: the newest procedure that it has, unless 1.0 is meant."""
    lora = "lora" in model.connectivity
    if wanted == "provisioning" and VERSION in model.provisioning:
        return Source(kind="provisioning-2.0")
    if "1.0" in model.provisioning:
        return Source(kind="lora-1.0" if lora else "provisioning-1.0")
    raise NoSketch(
        kind="provisioning",
        model=model.name,
        detail="Its sketch is built with a secret key by the person who uses it.",
        action="Give the file of a sketch.",
    )


def usual_name(model: Model, board: Board) -> str:
    """A name for a board that nobody has named."""
    tail = re.sub(r"[^A-Za-z0-9]", "", serial_of(board) or "")[-4:].lower()
    return "-".join(filter(None, (model.id.replace("_", "-"), tail)))


def check_reachable(board: Board, kind: JobKind, via: Via) -> None:
    """Raise unless a job of this kind can begin with what the board runs."""
    if in_bootloader(board, via) and kind not in _WRITING:
        raise _in_bootloader()


def _in_bootloader() -> WrongSketch:
    return WrongSketch(
        what="talk about networks",
        why="Its bootloader runs, not a sketch. Pressing reset once usually ends that.",
    )


def check_model(model: Model | None) -> None:
    """Raise :class:`NotSupported` for a model that takes no settings over the wire."""
    if model and VERSION not in model.provisioning:
        raise NotSupported(
            model=model.name,
            what="take network settings over provisioning 2.0",
            why="There is no provisioning firmware of this version for it.",
            action=(
                "Set it up with a cloud that knows provisioning 1.0 or secret keys (Arduino Cloud)."
                if model.crypto.kind != "modem"
                else model.reconfiguration.procedure
            ),
        )


def choose_cloud(cloud: str | None, clouds: Mapping[str, Cloud]) -> Cloud:
    """The cloud of this id; :class:`InputError` if there is none."""
    if cloud is None:
        raise InputError(field="cloud", problem="is missing")
    if cloud not in clouds:
        raise InputError(field="cloud", problem="is not one of " + ", ".join(sorted(clouds)))
    return clouds[cloud]


async def check_account(cloud: Cloud) -> str:
    """The title of the cloud; :class:`NotSignedIn` if it needs an account and has none."""
    info = await cloud.info()
    if info.needs_account and not info.signed_in:
        raise NotSignedIn(cloud=info.title, id=info.id)
    return info.title


def check_device_name(name: str | None, cloud: Cloud) -> str:
    """The name of a device, if the cloud takes it."""
    text = name or ""
    if not text and cloud.id != provision.NO_CLOUD:
        raise InputError(field="name", problem="is missing")
    check_text("name", text)
    if len(text) > NAME_CHARS:
        raise InputError(field="name", problem=f"is longer than {NAME_CHARS} characters")
    if clean_text(text) != text:
        raise InputError(field="name", problem="contains characters that cannot be shown")
    cloud.check_name(text)
    return text


def fqbn_for(board: Board, model: Model | None, cloud: Cloud) -> str:
    """The board's FQBN; :class:`NotSupported` if the cloud needs one and it is not known."""
    fqbn = board.fqbn or (model.fqbn if model else None) or ""
    if not fqbn and cloud.id != provision.NO_CLOUD:
        raise NotSupported(
            model=clean_text(board.name),
            what="join a cloud",
            why="It is not in the catalogue, so its kind is not known.",
            action="Only put the board on the network, without a cloud.",
        )
    return fqbn


def way_out_of_run(model: Model | None) -> str:
    """What to do with a board of this model that is connected to its cloud."""
    again = "Set the board up again"
    if model and model.reconfiguration.available:
        return f"{again}, or erase its network settings by hand: {model.reconfiguration.procedure}"
    return f"{again}; that gives it the new network."
