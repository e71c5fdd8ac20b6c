"""A job and its steps as values; the JSON of contract 2 is these structs encoded."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

import msgspec

from agent.errors import ErrorReport
from agent.jobs.fates import Fate
from agent.settings import Secret


class JobKind(Enum):
    """What a person can ask for."""

    IDENTIFY = "identify"
    NETWORKS = "networks"
    PROVISION = "provision"
    CONFIGURE = "configure"
    FORGET = "forget"
    MIGRATE = "migrate"
    FLASH = "flash"
    START = "start"
    BLINK = "blink"
    RESTORE = "restore"
    REMOVE = "remove"
    RENEW = "renew"


TITLES: Final = {
    JobKind.IDENTIFY: "Reading {board}",
    JobKind.NETWORKS: "Looking for networks with {board}",
    JobKind.PROVISION: "Setting up {name}",
    JobKind.CONFIGURE: "Changing the network of {board}",
    JobKind.FORGET: "Erasing the network of {board}",
    JobKind.MIGRATE: "Updating {board} to provisioning 2.0",
    JobKind.FLASH: "Writing a sketch to {board}",
    JobKind.START: "Starting the sketch of {board}",
    JobKind.BLINK: "Making {board} blink",
    JobKind.RESTORE: "Putting {name} on a board again",
    JobKind.REMOVE: "Removing {name}",
    JobKind.RENEW: "Renewing {name}",
}
"""What a job is called; ``{board}`` and ``{name}`` are put in."""


class JobState(Enum):
    """Where a job is; the last four are final."""

    RUNNING = "running"
    ASKING = "asking"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def final(self) -> bool:
        """No event follows."""
        return self not in {JobState.RUNNING, JobState.ASKING}


class StepState(Enum):
    """Where a step is."""

    PENDING = "pending"
    RUNNING = "running"
    ASKING = "asking"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A named part of a job."""

    id: str
    """Stable: ``read``, ``write``, ``claim``, ``settings``, ``join``, ``online``, ``undo`` …"""
    name: str
    """What people read: “Join HomeNet”."""
    state: StepState = StepState.PENDING
    started_at: float | None = None
    """Unix seconds."""
    seconds: float | None = None
    """How long it took; None until it ended."""
    progress: float | None = None
    """0 to 1; None when it cannot be known."""
    message: str = ""
    """One line: what is happening, or what came of it."""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One way to answer a question."""

    id: str
    """``retry``, ``network``, ``choice``, ``wait``, ``undo``, ``continue``, ``keep``, ``delete``,
    ``stop`` …"""
    label: str
    """What the button says."""
    needs: str | None = None
    """``password``, ``network``, ``choice``, ``name`` or ``token``: what the answer must carry; None:
    nothing."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One of several things to choose from."""

    id: str
    label: str
    detail: str = ""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a job asks; answered with ``jobs.answer``."""

    id: int
    """Grows with each question of the job; an answer may name it."""
    step: str
    title: str
    meaning: str = ""
    safe: str = ""
    """What stays and is not lost while the person thinks."""
    error: ErrorReport | None = None
    network: dict[str, Any] = {}
    """The network setting in question, without its secrets."""
    networks: list[dict[str, Any]] = []
    """What the board sees, when another network may be chosen."""
    guide: dict[str, Any] = {}
    """What to do at the board itself: ``{pin, hold_seconds, drawing, led}``."""
    reason: str = ""
    """Why the job wants to go this way; one sentence."""
    access_point: dict[str, Any] = {}
    """A network that the person is to join with this computer: ``{name, qr, address}``; ``qr`` is the
    text of a code, or null."""
    fates: list[Fate] = []
    """What is kept, lost and new, before something is overwritten."""
    choices: list[Choice] = []
    """For an action that needs a ``choice``."""
    old_devices: list[dict[str, str]] = []
    """Devices that the cloud keeps of this board from earlier: ``{id, name}``."""
    actions: list[Action]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of work that a person asked for, on one board."""

    id: str
    kind: JobKind
    board: str
    title: str
    """“Setting up kitchen-sensor”."""
    state: JobState = JobState.RUNNING
    created_at: float
    ended_at: float | None = None
    steps: list[Step] = []
    question: Question | None = None
    result: dict[str, Any] | None = None
    error: ErrorReport | None = None
    request: dict[str, Any] = {}
    """What was asked for, without its secrets."""
    board_name: str = ""
    """Name of the board when the job began."""


class JobChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Payload of ``job.changed``: what changed, and the whole job as it is now."""

    job: str
    state: JobState
    step: str | None = None
    progress: float | None = None
    message: str = ""
    error: ErrorReport | None = None
    snapshot: Job


def without_secrets(network: Any) -> dict[str, Any]:  # noqa: ANN401 - any of the seven structs
    """A network setting as JSON data; secret fields are left out."""
    data: dict[str, Any] = {"kind": network.__struct_config__.tag}
    for name in network.__struct_fields__:
        value = getattr(network, name)
        if not isinstance(value, Secret) and value not in ("", -1, []):
            data[name] = value
    return data
