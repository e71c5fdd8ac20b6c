"""Values for machine tests: a board, its token, what the cloud has of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.boards.board import Board, Port
from agent.clouds.cloud import CloudInfo
from agent.clouds.nrf.claiming import ClaimOutcome
from agent.clouds.nrf.listing import TeamDevice
from agent.clouds.nrf.records import Removal
from agent.jobs.effects import CloseSession, Done
from agent.jobs.nrf.effects import DeviceLook, Modem
from agent.jobs.nrf.reading import NrfOrder
from agent.protocols.nrf.answers import ClaimedDevice, CommandState, DeviceRecord
from agent.protocols.nrf.bodies import ONBOARDING_TAG
from agent.protocols.nrf.token import parse_token
from agent.sessions.nrf import NrfBoard
from agent.simulator.nrf_identity import ModemIdentity
from tests.jobs.drive import Drive

if TYPE_CHECKING:
    from agent.jobs.effects import Event
    from agent.jobs.machine import Machine
    from agent.protocols.nrf.token import AttestationToken

IDENTITY = ModemIdentity("A")
ID = str(IDENTITY.device_id)
OTHER = ModemIdentity("B")
TAGS = (ONBOARDING_TAG,)
RECORD = DeviceRecord(id=ID, name="")
CLAIMED = ClaimedDevice(id=ID, tags=TAGS, claimed_at="2026-05-04T10:00:00Z")
NOW = ClaimOutcome(CLAIMED, before=False)
BEFORE = ClaimOutcome(CLAIMED, before=True)
EMPTY = DeviceLook((), None)
REMOVAL = Removal(CLAIMED, RECORD, 2)


def token(identity: ModemIdentity = IDENTITY) -> AttestationToken:
    return parse_token(identity.attest())


def modem(**changes: Any) -> Modem:
    board = {"dialect": "a shell with AT commands", "imei": "351358811124234", "sim": "READY"}
    return Modem(NrfBoard(**(board | changes)), "/dev/ttyACM0")


def order(**changes: Any) -> NrfOrder:
    given: dict[str, Any] = {
        "board": "Thingy",
        "cloud": "nrf",
        "title": "nRF Cloud",
        "tags": TAGS,
    }
    return NrfOrder(**(given | changes))


def command(id_: str = "c1", status: str = "SUCCEEDED") -> CommandState:
    return CommandState(
        id=id_, status=status, request={"cloudAccessKeyGeneration": {"secTag": 16842753}}
    )


def device(name: str = "greenhouse") -> TeamDevice:
    """One of the team that was looked for."""
    record = DeviceRecord(id=ID, name=name)
    return TeamDevice(ClaimedDevice(id=ID, imei="350000000000000"), record, onboarded=True)


def look(*commands: CommandState, record: DeviceRecord | None = None) -> DeviceLook:
    return DeviceLook(commands, record)


class NrfDrive(Drive):
    """A machine whose session closes at once."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self._close()

    def give(self, event: Event) -> Drive:
        super().give(event)
        self._close()
        return self

    def _close(self) -> None:
        if self.waits_for(CloseSession):
            super().give(Done(self._pop(CloseSession)))


class Account:
    """What a plan asks of the cloud."""

    id = "nrf"
    portal = "https://portal.example/"

    def __init__(self, *, signed_in: bool = True) -> None:
        self.signed_in = signed_in

    async def info(self) -> CloudInfo:
        return CloudInfo(
            id="nrf",
            title="nRF Cloud",
            signed_in=self.signed_in,
            needs_account=True,
            account_schema={},
            device_schema={},
        )


def thingy(**changes: Any) -> Board:
    given: dict[str, Any] = {
        "id": "thingy91x-1",
        "name": "Thingy",
        "model": "thingy91x",
        "fqbn": None,
        "ports": [Port(kind="serial", address="/dev/ttyACM0")],
        "first_seen": 0.0,
    }
    return Board(**(given | changes))
