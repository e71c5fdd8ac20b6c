"""``nrf.*``: nRF Cloud beyond one board's job: tokens, files of many boards, commands.

For own pages and programs alone: an attestation token is proof of ownership.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from agent.bridge.modem import open_modem
from agent.bridge.rpc import Call, Method, Nothing, Params
from agent.clouds.nrf.bulk import RowResult
from agent.clouds.nrf.cloud import ID, NrfCloud
from agent.clouds.quoted import without_secrets
from agent.errors import InputError
from agent.protocols.nrf.answers import told_in
from agent.protocols.nrf.bodies import ONBOARDING_TAG, UUID, check_tags, portal_link
from agent.protocols.nrf.cose import Damaged
from agent.protocols.nrf.csv import ROWS_MAX, USUAL_TYPES, OnboardRow, check_onboarding
from agent.protocols.nrf.token import AttestationToken, parse_token
from agent.settings import Secret, clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.bridge.services import Services
    from agent.clouds.nrf.claiming import RuleLook
    from agent.clouds.nrf.listing import TeamDevice
    from agent.protocols.nrf.answers import CommandState

READING = "reading its attestation token"
DETAIL_CHARS = 300
"""Of what a device or the service says of a command."""


class ModemOf(Params, frozen=True, kw_only=True):
    """A board with an nRF91."""

    board: str
    """Its id, or an unambiguous part."""


class TokenRead(msgspec.Struct, frozen=True, kw_only=True):
    """A token, fresh from its board."""

    board: str
    """Id."""
    device_id: str
    chip: str
    imei: str
    """Empty: the firmware does not tell it."""
    token: str
    read_at: str
    """ISO 8601."""


class ClaimFile(Params, frozen=True, kw_only=True):
    """Boards to claim."""

    tokens: list[Secret]
    """At most 1000."""
    tags: tuple[str, ...] = (ONBOARDING_TAG,)


class ClaimedFile(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each."""

    rule: str | None
    """Of the onboarding tag: ``there``, ``made``, ``inactive``; None: it is not among the tags."""
    rows: list[RowResult]


class OnboardOne(Params, frozen=True, kw_only=True):
    """A device with a certificate that was made outside of the provisioning service."""

    device_id: str
    certificate: str
    """PEM."""
    sub_type: str = ""
    tags: tuple[str, ...] = ()
    firmware_types: tuple[str, ...] = USUAL_TYPES


class OnboardFile(Params, frozen=True, kw_only=True):
    """Devices to make."""

    rows: list[OnboardOne]
    """At most 1000."""


class Onboarded(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each."""

    rows: list[RowResult]


class NrfDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A board that the team has claimed, or a device that came by its certificate."""

    id: str
    name: str
    """What people call it; empty: nothing."""
    chip: str
    imei: str
    status: str
    """Of the claim."""
    claimed: bool
    onboarded: bool | None
    """Whether it is a device in nRF Cloud; null: that is not known."""
    link: str
    """Where people see it; empty: it is not there, or nowhere."""
    tags: tuple[str, ...]
    claimed_at: str
    """ISO 8601, by the service's clock; empty without a claim."""


class NrfDevices(msgspec.Struct, frozen=True, kw_only=True):
    """All of them."""

    devices: list[NrfDevice]


class OneDevice(Params, frozen=True, kw_only=True):
    """A claimed board."""

    device: str
    """Its device id, the beginning of it, its IMEI, or its name in nRF Cloud."""


class SomeCommands(OneDevice, frozen=True, kw_only=True):
    """Commands of a claimed board."""

    commands: tuple[str, ...]
    """Their ids."""


class NrfCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command without its content, which may be a key."""

    id: str
    name: str
    status: str
    description: str
    blocks: bool
    """It failed, and the board does nothing that stands behind it."""
    detail: str
    """What was said when it failed."""


class NrfCommands(msgspec.Struct, frozen=True, kw_only=True):
    """All of a board, oldest first."""

    device: str
    """Its device id."""
    commands: list[NrfCommand]


def methods(services: Services) -> list[Method[Any, Any]]:
    """Tokens of boards, files, lists."""

    def team() -> NrfCloud:
        cloud = services.clouds.get(ID)
        if not isinstance(cloud, NrfCloud):
            known = ", ".join(services.clouds)
            raise InputError(field="cloud", problem=f"{ID} is not one of {known}")
        return cloud

    async def token(_call: Call, params: ModemOf) -> TokenRead:
        async with open_modem(services.boards, params.board, READING) as modem:
            about = await modem.session.identify()
            read = await modem.session.read_token()
            return TokenRead(
                board=modem.board.id,
                device_id=read.device_id,
                chip=read.chip_name,
                imei=about.imei,
                token=read.text.reveal(),
                read_at=datetime.now(UTC).isoformat(timespec="seconds"),
            )

    async def claim(_call: Call, params: ClaimFile) -> ClaimedFile:
        _check_rows("tokens", params.tokens)
        check_tags(params.tags)
        tokens = [_parse(number, each) for number, each in enumerate(params.tokens)]
        rule: RuleLook | None = None
        if ONBOARDING_TAG in params.tags:
            rule = await team().ensure_rule()
        return ClaimedFile(rule=rule, rows=await team().claim_many(tokens, params.tags))

    async def onboard(_call: Call, params: OnboardFile) -> Onboarded:
        _check_rows("rows", params.rows)
        rows = [OnboardRow(**msgspec.structs.asdict(each)) for each in params.rows]
        for row in rows:
            check_onboarding(row)
        return Onboarded(rows=await team().onboard_many(rows))

    async def devices(_call: Call, _params: Nothing) -> NrfDevices:
        portal = team().portal
        return NrfDevices(devices=[_device(each, portal) for each in await team().team_devices()])

    async def listed(device: str) -> NrfCommands:
        found = await team().all_commands(device)
        return NrfCommands(device=device, commands=[_command(each) for each in found])

    async def commands(_call: Call, params: OneDevice) -> NrfCommands:
        return await listed(await meant(params.device))

    async def meant(wanted: str) -> str:
        if UUID.fullmatch(wanted):
            return wanted
        return (await team().find_device(wanted)).id

    async def delete_commands(_call: Call, params: SomeCommands) -> NrfCommands:
        device = await meant(params.device)
        present = await team().all_commands(device)
        wanted = [each for each in present if each.id in params.commands]
        await team().delete_commands(device, wanted)
        return await listed(device)

    async def queue_again(_call: Call, params: OneDevice) -> NrfCommands:
        device = await meant(params.device)
        await team().queue_again(device)
        return await listed(device)

    return [
        Method(
            "nrf.token",
            "Read a new attestation token of a board; whoever has it can claim the board.",
            ModemOf,
            TokenRead,
            token,
            own=True,
        ),
        Method(
            "nrf.claim",
            "Claim many boards by their tokens; one that fails does not keep the others.",
            ClaimFile,
            ClaimedFile,
            claim,
            own=True,
        ),
        Method(
            "nrf.onboard",
            "Make devices of certificates that were made elsewhere.",
            OnboardFile,
            Onboarded,
            onboard,
            own=True,
        ),
        Method(
            "nrf.devices",
            "The boards that the team has claimed, and which of them are devices in nRF Cloud.",
            Nothing,
            NrfDevices,
            devices,
            own=True,
        ),
        Method(
            "nrf.commands",
            "The provisioning commands of a claimed board and what became of them.",
            OneDevice,
            NrfCommands,
            commands,
            own=True,
        ),
        Method(
            "nrf.delete_commands",
            "Take commands out of the list of a claimed board; those that are left.",
            SomeCommands,
            NrfCommands,
            delete_commands,
            own=True,
        ),
        Method(
            "nrf.queue_again",
            "Queue the commands of a claimed board that failed once more, and delete them there.",
            OneDevice,
            NrfCommands,
            queue_again,
            own=True,
        ),
    ]


def _check_rows(field: str, rows: Sequence[object]) -> None:
    if not 1 <= len(rows) <= ROWS_MAX:
        raise InputError(field=field, problem=f"are {len(rows)}; 1 to {ROWS_MAX} travel at once")


def _parse(number: int, text: Secret) -> AttestationToken:
    try:
        return parse_token(text.reveal())
    except Damaged as damaged:
        problem = f"cannot be used: {damaged}"
        raise InputError(field=f"tokens[{number}]", problem=problem) from None


def _device(device: TeamDevice, portal: str) -> NrfDevice:
    claim, record = device.claim, device.record
    tags = claim.tags if claim is not None else record.tags if record is not None else ()
    return NrfDevice(
        id=clean_text(device.id),
        name=clean_text(device.name),
        chip=clean_text(claim.device_type) if claim is not None else "",
        imei=clean_text(device.imei),
        status=clean_text(claim.status) if claim is not None else "",
        claimed=claim is not None,
        onboarded=device.onboarded,
        link=portal_link(portal, record.id) if record is not None else "",
        tags=tuple(map(clean_text, tags)),
        claimed_at=clean_text(claim.claimed_at) if claim is not None else "",
    )


def _command(state: CommandState) -> NrfCommand:
    return NrfCommand(
        id=clean_text(state.id),
        name=clean_text(state.name),
        status=clean_text(state.status),
        description=clean_text(state.description),
        blocks=state.blocks,
        detail=clean_text(without_secrets(told_in(state.response)), DETAIL_CHARS),
    )
