"""What the simulated nRF Cloud knows: teams, claims, rules, commands, devices. No HTTP."""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from agent.protocols.nrf.commands import COMMANDS_MAX
from agent.protocols.nrf.cose import Damaged
from agent.protocols.nrf.token import parse_token
from agent.settings import Secret
from agent.simulator.nrf_cloud_commands import (
    DeviceCommand,
    DeviceFailure,
    WrongCommand,
    device_commands,
    response_to,
)
from agent.simulator.nrf_identity import genuine, imei_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.simulator.nrf_cloud_commands import Execute

Role = Literal["viewer", "editor", "admin", "owner"]
Json = dict[str, Any]
DEVICES_MAX: Final = 10_000
"""Of all teams."""
CHIPS: Final = {1: "nrf9160_SIAA", 2: "nrf9160_SIBA", 3: "nrf9160_SIAA", 4: "nrf9161_LACA"} | {
    5: "nrf9131_LACA",
    6: "nrf9151_LACA",
}


class Refused(Exception):
    """What the service answers with an error."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class NotClaimed(Exception):
    """The device has no owner, so it gets nothing."""


@dataclass(frozen=True, slots=True)
class Key:
    """Somebody of a team."""

    team: str
    role: Role
    secret: Secret


@dataclass(slots=True)
class Command:
    """A command in the list of a device."""

    request: Json = field(repr=False)
    description: str = ""
    status: str = "PENDING"
    response: Json | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def as_json(self) -> Json:
        """As the service shows it."""
        shown = {"id": self.id, "status": self.status, "request": self.request}
        shown |= {"description": self.description} if self.description else {}
        return shown | ({"response": self.response} if self.response is not None else {})


@dataclass(slots=True)
class Claimed:
    """A device that a team has claimed."""

    id: str
    team: str
    chip: int
    firmware_id: str
    tags: tuple[str, ...]
    claimed_at: float
    commands: list[Command] = field(default_factory=list)
    applied: set[str] = field(default_factory=set)
    """Rules whose commands it has."""

    def command(self, command_id: str) -> Command:
        """One of its commands; :class:`Refused` if it is none."""
        found = next((each for each in self.commands if each.id == command_id), None)
        if found is None:
            raise Refused(404, "Provisioning command not found")
        return found

    def as_json(self) -> Json:
        """As the service shows it."""
        moment = dt.datetime.fromtimestamp(self.claimed_at, dt.UTC)
        return {
            "id": self.id,
            "deviceType": CHIPS.get(self.chip, "unknown"),
            "firmwareId": self.firmware_id,
            "imei": imei_of(self.id),
            "ownerId": self.team,
            "ownershipStatus": "IDENTIFIED",
            "tags": list(self.tags),
            "status": "READY",
            "claimedAt": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z",
        }


@dataclass(slots=True)
class Device:
    """A device in device management."""

    id: str
    team: str
    name: str = ""
    sub_type: str = ""
    tags: tuple[str, ...] = ()
    firmware_types: tuple[str, ...] = ()
    certificate: str = ""
    state: Json = field(default_factory=lambda: {"reported": {}, "desired": {}})
    changed: asyncio.Event = field(default_factory=asyncio.Event, repr=False, compare=False)
    """Somebody changed its shadow."""

    @property
    def command(self) -> int:
        """The number of the command that the device has not confirmed; 0: there is none."""
        match self.state["desired"].get("command"):
            case [1, int(number)] if number != self.confirmed:
                return number
        return 0

    @property
    def confirmed(self) -> int:
        """The number of the last command that it took; 0: none."""
        match self.state["reported"].get("command"):
            case [1, int(number)]:
                return number
        return 0

    async def wait_command(self) -> int:
        """The number of a command as soon as there is one."""
        while not self.command:
            self.changed.clear()
            await self.changed.wait()
        return self.command

    def as_json(self) -> Json:
        """As device management shows it."""
        return {
            "id": self.id,
            "name": self.name or self.id,
            "type": "Generic",
            "subType": self.sub_type,
            "tags": list(self.tags),
            "tenantId": self.team,
            "firmware": {"supports": list(self.firmware_types)},
            "state": self.state,
        }


class NrfCloudState:
    """The service behind both hosts."""

    def __init__(self, now: Callable[[], float]) -> None:
        """``now`` gives Unix seconds."""
        self._now = now
        self.keys: list[Key] = []
        self.claims: dict[str, Claimed] = {}
        self.devices: dict[str, Device] = {}
        self.rules: dict[str, list[Json]] = {}
        """By team."""
        self.tags: dict[str, list[Json]] = {}
        self.strangers: set[str] = set()
        """Device ids that the identity service does not know."""
        self.owned_status = 409
        """With what it refuses a device that has an owner; 400 and 422 have been seen too."""
        self.shadow_listeners: dict[str, Callable[[Json], None]] = {}
        """What a device does when its shadow changes, by its id."""

    def add_key(self, team: str = "team-1", role: Role = "owner") -> Key:
        """A new API key."""
        self.keys.append(Key(team, role, Secret(secrets.token_hex(20))))
        return self.keys[-1]

    def key(self, bearer: str) -> Key | None:
        """Whose key this is."""
        return next((key for key in self.keys if key.secret.reveal() == bearer), None)

    # --- claims ---

    def claim(self, team: str, text: str, tags: tuple[str, ...], *, dry: bool) -> Claimed | None:
        """Check a token and claim its device; None where it was only asked whether it could be."""
        try:
            token = parse_token(text)
        except Damaged as damaged:
            raise Refused(400, f"Invalid claim token: {damaged}") from None
        if not genuine(text):
            raise Refused(400, "Invalid claim token: the signature does not match")
        if token.device_id in self.strangers:
            raise Refused(404, "Device identity not found")
        if token.device_id in self.claims:
            raise Refused(self.owned_status, "Device is already claimed")
        if len(self.claims) >= DEVICES_MAX:
            raise Refused(403, "Too many devices")
        if dry:
            return None
        claimed = Claimed(token.device_id, team, token.chip, token.firmware_id, tags, self._now())
        self.claims[claimed.id] = claimed
        return claimed

    def claimed(self, team: str, device_id: str) -> Claimed:
        """A device of this team; :class:`Refused` if it is none."""
        found = self.claims.get(device_id)
        if found is None or found.team != team:
            raise Refused(404, "Claimed device not found")
        return found

    def unclaim(self, team: str, device_id: str) -> None:
        """Give a device up, with all that is known of it."""
        del self.claims[self.claimed(team, device_id).id]
        self.devices.pop(device_id, None)

    # --- commands ---

    def queue(self, claimed: Claimed, request: object, description: str) -> Command:
        """Add a command; raises :class:`WrongCommand` or :class:`Refused`."""
        device_commands(request)
        if len(claimed.commands) >= COMMANDS_MAX:
            raise Refused(422, f"A device can have at most {COMMANDS_MAX} commands")
        if not isinstance(request, dict):  # device_commands would have refused it
            raise TypeError(request)
        claimed.commands.append(Command(request, description))
        return claimed.commands[-1]

    def come_online(self, device_id: str, execute: Execute) -> list[Command]:
        """A device asks, carries out what there is, and reports; the commands that it did.

        Rules with one of its tags add their commands first. After one that failed it stops.
        Raises :class:`NotClaimed`.
        """
        claimed = self.apply_rules(device_id)
        done: list[Command] = []
        while (command := self.next_command(claimed)) is not None:
            self.start(command)
            said = ""
            try:
                for part in device_commands(command.request):
                    said = self._executed(execute, part)
                self.finish(claimed, command, said)
            except (DeviceFailure, WrongCommand) as failure:
                self.fail(command, str(failure))
            done.append(command)
        return done

    def apply_rules(self, device_id: str) -> Claimed:
        """A device comes online: rules with one of its tags add their commands, once."""
        claimed = self.claims.get(device_id)
        if claimed is None:
            raise NotClaimed(device_id)
        for rule in self.rules.get(claimed.team, []):
            wanted = rule["active"] and set(rule["tags"]) & set(claimed.tags)
            if not wanted or rule["id"] in claimed.applied:
                continue
            claimed.applied.add(rule["id"])
            for command in rule["commands"][: COMMANDS_MAX - len(claimed.commands)]:
                claimed.commands.append(Command(command["request"], str(rule["name"])))
        return claimed

    def next_command(self, claimed: Claimed) -> Command | None:
        """The command that the device does next; None: nothing, or one before it failed."""
        for command in claimed.commands:
            if command.status == "FAILED":
                return None
            if command.status in {"PENDING", "IN_PROGRESS"}:
                return command
        return None

    def start(self, command: Command) -> None:
        """The device has it."""
        command.status = "IN_PROGRESS"

    def finish(self, claimed: Claimed, command: Command, said: str) -> None:
        """The device did it; a new key for the cloud makes it a device there."""
        command.response = response_to(command.request, claimed.id, said)
        command.status = "SUCCEEDED"
        if "cloudAccessKeyGeneration" in command.request and claimed.id not in self.devices:
            self.devices[claimed.id] = Device(claimed.id, claimed.team)

    def fail(self, command: Command, why: str) -> None:
        """The device could not do it."""
        command.status = "FAILED"
        command.response = {"error": {"message": why}}

    def _executed(self, execute: Execute, part: DeviceCommand) -> str:
        try:
            return execute(part)
        except DeviceFailure as failure:
            if failure.cme not in part.ignored:
                raise
            return ""

    # --- device management ---

    def device(self, team: str, device_id: str) -> Device:
        """A device of this team; :class:`Refused` if it is none."""
        found = self.devices.get(device_id)
        if found is None or found.team != team:
            raise Refused(404, "Device not found")
        return found

    def patch_shadow(self, device: Device, patch: Json) -> None:
        """Merge into the shadow; what is wanted reaches the device if it listens."""
        for part in ("desired", "reported"):
            said = patch.get(part)
            if isinstance(said, dict):
                device.state[part] |= said
        device.changed.set()
        listener = self.shadow_listeners.get(device.id)
        if listener is not None and isinstance(patch.get("desired"), dict):
            listener(dict(device.state["desired"]))
