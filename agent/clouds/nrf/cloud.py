"""nRF Cloud as jobs know it: the account, claims, commands, device records, files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from agent.clouds.account_holder import AccountHolder
from agent.clouds.address import check_base_url
from agent.clouds.clock import Clock, SystemClock
from agent.clouds.cloud import CloudInfo
from agent.clouds.http import CloudHttp, Request
from agent.clouds.nrf import bulk, claiming, commands, listing, records, redoing, watching
from agent.clouds.nrf.account import account_schema, device_schema, parse_account
from agent.clouds.nrf.api import RATE, NrfApi
from agent.clouds.pacing import TokenBucket
from agent.clouds.route import Routes
from agent.errors import NotSignedIn
from agent.protocols.nrf import bodies
from agent.protocols.nrf.answers import Team
from agent.protocols.nrf.answers import parse_account as parse_team
from agent.settings import Secret, clean_text

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Collection, Sequence

    from agent.clouds.accounts import AccountStore
    from agent.clouds.http import Limits
    from agent.clouds.nrf.bulk import RowResult
    from agent.clouds.nrf.claiming import ClaimOutcome, RuleLook
    from agent.clouds.nrf.listing import TeamDevice
    from agent.clouds.nrf.records import Removal
    from agent.protocols.nrf.answers import ClaimedDevice, CommandState, DeviceRecord
    from agent.protocols.nrf.commands import Command
    from agent.protocols.nrf.csv import OnboardRow
    from agent.protocols.nrf.token import AttestationToken

ID: Final = "nrf"
PROVISIONING_URL: Final = "https://api.provisioning.nrfcloud.com"
DEVICES_URL: Final = "https://api.nrfcloud.com"


@dataclass(frozen=True, slots=True)
class _SignedIn:
    api: NrfApi
    team: str


class NrfCloud:
    """One team of nRF Cloud. Errors are :class:`agent.errors.CloudError`.

    ``maybe_done`` among their facts says that the service may have done what was asked.
    """

    id = ID

    def __init__(
        self,
        *,
        accounts: AccountStore,
        provisioning_url: str = PROVISIONING_URL,
        devices_url: str = DEVICES_URL,
        clock: Clock | None = None,
        limits: Limits | None = None,
        routes: Routes | None = None,
    ) -> None:
        """The addresses come from the configuration only; :class:`InputError` if not safe."""
        self.title: Final = "nRF Cloud"
        self._accounts = accounts
        self._routes = routes or Routes()
        self._clock = clock or SystemClock()
        bucket = TokenBucket(RATE)
        self._provisioning, self._devices = (
            CloudHttp(
                title=self.title,
                base_url=check_base_url(field, url),
                clock=self._clock,
                limits=limits,
                routes=self._routes,
                bucket=bucket,
            )
            for field, url in (
                ("nrf.provisioning_url", provisioning_url),
                ("nrf.devices_url", devices_url),
            )
        )
        self.portal: Final = bodies.PORTAL if devices_url.rstrip("/") == DEVICES_URL else ""
        """What a link to a device begins with; empty: this one has no portal."""
        self._account: AccountHolder[_SignedIn] = AccountHolder(self._stored)
        self._last_commands: dict[str, int] = {}

    # --- the account ---

    async def info(self) -> CloudInfo:
        """What to show; no network."""
        used = await self._account.get()
        return CloudInfo(
            id=self.id,
            title=self.title,
            signed_in=used is not None,
            needs_account=True,
            account_schema=account_schema(),
            device_schema=device_schema(),
            account={"team": used.team} if used is not None and used.team else {},
        )

    async def login(self, account: dict[str, Any]) -> None:
        """Ask whose key it is, then store it; nothing is stored if it is refused."""
        key = parse_account(account)
        api = self._made(key)
        team = await self._whose(api)
        shown = clean_text(team.name or team.id)

        async def store() -> None:
            await self._accounts.set(self.id, {"api_key": key, "team": Secret(shown)})

        await self._account.replace(_SignedIn(api, shown), store)

    async def logout(self) -> None:
        """Forget the stored account."""
        await self._account.forget(lambda: self._accounts.delete(self.id))

    async def close(self) -> None:
        """Release connections."""
        await self._account.close()
        await self._provisioning.close()
        await self._devices.close()

    # --- boards ---

    async def try_claim(
        self, token: AttestationToken, tags: Sequence[str] = (bodies.ONBOARDING_TAG,)
    ) -> ClaimOutcome | None:
        """Ask whether a board can be claimed, which changes nothing; what is, if the team has it."""
        return await claiming.try_claim(await self._signed_in(), token, tags)

    async def claim(
        self,
        token: AttestationToken,
        tags: Sequence[str] = (bodies.ONBOARDING_TAG,),
        *,
        tried: bool = False,
    ) -> ClaimOutcome:
        """Claim a board; one that the team has already is done. Rules: :meth:`ensure_rule` first."""
        return await claiming.claim(await self._signed_in(), token, tags, tried=tried)

    async def claimed(self, device_id: str) -> ClaimedDevice | None:
        """The board, if the team has claimed it."""
        return await claiming.claimed(await self._signed_in(), device_id)

    async def all_claimed(self) -> list[ClaimedDevice]:
        """All boards of the team."""
        return await claiming.all_claimed(await self._signed_in())

    async def team_devices(self) -> list[TeamDevice]:
        """All boards that the team has claimed, and devices without a claim."""
        return await listing.team_devices(await self._signed_in())

    async def find_device(self, wanted: str) -> TeamDevice:
        """A device of the team by its id, the beginning of it, its IMEI or its name."""
        return await listing.find_device(await self._signed_in(), wanted)

    async def ensure_rule(self, tag: str = bodies.ONBOARDING_TAG, *, coap: bool = True) -> RuleLook:
        """See that boards with this tag are brought into nRF Cloud."""
        return await claiming.ensure_rule(await self._signed_in(), tag, coap=coap)

    async def has_rule(self, tags: Sequence[str]) -> bool:
        """Whether boards with these tags get commands."""
        return await claiming.has_rule(await self._signed_in(), tags)

    async def look_at_removal(self, device_id: str) -> Removal:
        """What is lost if the board is unclaimed."""
        return await records.look_at_removal(await self._signed_in(), device_id)

    async def unclaim(self, removal: Removal) -> None:
        """Give up a board; ``removal`` is what a person was shown."""
        await records.unclaim(await self._signed_in(), removal)

    # --- commands ---

    async def queue(
        self, device_id: str, wanted: Sequence[Command], left: Sequence[CommandState] = ()
    ) -> list[CommandState]:
        """Queue commands in their order; those that are ``left`` from before not again."""
        return await commands.queue(await self._signed_in(), device_id, wanted, left)

    async def left_before(self, device_id: str) -> list[CommandState]:
        """Commands of an earlier time that the board has not done: those of Mooring, and what failed."""
        return await commands.left_before(await self._signed_in(), device_id)

    async def all_commands(self, device_id: str) -> list[CommandState]:
        """All commands of a board, oldest first."""
        return await commands.all_commands(await self._signed_in(), device_id)

    async def listed(self, device_id: str) -> list[CommandState] | None:
        """The same; None: there is no such list."""
        return await watching.listed(await self._signed_in(), device_id)

    async def delete_commands(self, device_id: str, wanted: Sequence[CommandState]) -> None:
        """Take commands out of a board's list."""
        await redoing.delete(await self._signed_in(), device_id, wanted)

    async def queue_again(self, device_id: str) -> dict[str, CommandState]:
        """Queue once more what failed, in its place: the new commands by the ids of the old."""
        return await redoing.again(await self._signed_in(), device_id)

    async def follow(
        self,
        device_id: str,
        queued: Sequence[CommandState],
        say: Callable[[str], None] | None = None,
        heard: asyncio.Event | None = None,
    ) -> list[CommandState]:
        """Wait until all of these are done; what ``heard`` says is looked at at once."""
        return await commands.follow(await self._signed_in(), device_id, queued, say, heard)

    async def watch(
        self,
        device_id: str,
        known: Collection[str] = (),
        say: Callable[[str], None] | None = None,
        heard: asyncio.Event | None = None,
        imei: str = "",
    ) -> list[CommandState]:
        """Wait until there are commands that are not known yet, and all are done."""
        return await watching.watch(await self._signed_in(), device_id, known, say, heard, imei)

    async def trigger(self, device_id: str, imei: str = "") -> int:
        """Tell a device over the air to ask for its commands."""
        last = self._last_commands.get(device_id, 0)
        number = await records.trigger(await self._signed_in(), device_id, last, imei)
        self._last_commands[device_id] = number
        return number

    # --- devices ---

    async def record(self, device_id: str, imei: str = "") -> DeviceRecord | None:
        """The device; None: the id is free. With ``imei`` also as older firmware calls it."""
        return await records.record(await self._signed_in(), device_id, imei)

    async def wait_for_record(
        self, device_id: str, say: Callable[[str], None] | None = None, imei: str = ""
    ) -> DeviceRecord:
        """The device as soon as it is there, by either id."""
        return await records.wait_for_record(await self._signed_in(), device_id, say, imei)

    async def rename(self, device_id: str, name: str) -> None:
        """Give the device a name for people."""
        await records.rename(await self._signed_in(), device_id, name)

    # --- files ---

    async def claim_many(
        self, tokens: Sequence[AttestationToken], tags: Sequence[str] = (bodies.ONBOARDING_TAG,)
    ) -> list[RowResult]:
        """Claim boards by files."""
        return await bulk.claim_many(await self._signed_in(), self._routes, tokens, tags)

    async def onboard_many(self, rows: Sequence[OnboardRow]) -> list[RowResult]:
        """Make devices of certificates that were made elsewhere."""
        return await bulk.onboard_many(await self._signed_in(), self._routes, rows)

    async def _whose(self, api: NrfApi) -> Team:
        request = Request("GET", bodies.ACCOUNT, repeatable=True)
        answer = await api.send(self._devices, request, "see the account")
        return api.read(answer, parse_team, "see the account")

    def _made(self, key: Secret) -> NrfApi:
        return NrfApi(self._provisioning, self._devices, key, self.id)

    async def _stored(self) -> _SignedIn | None:
        fields = await self._accounts.get(self.id)
        if not fields or not fields.get("api_key"):
            return None
        return _SignedIn(self._made(fields["api_key"]), fields.get("team", Secret()).reveal())

    async def _signed_in(self) -> NrfApi:
        used = await self._account.get()
        if used is None:
            raise NotSignedIn(cloud=self.title, id=self.id)
        return used.api
