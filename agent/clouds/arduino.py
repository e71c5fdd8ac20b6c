"""Arduino Cloud: what its answers mean for a board."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.clouds.account_holder import AccountHolder
from agent.clouds.address import check_base_url
from agent.clouds.arduino_api import Account, ArduinoApi, Onboarding, Refusal
from agent.clouds.arduino_devices import ArduinoDevices
from agent.clouds.arduino_forms import account_schema, device_schema, name_problem, parse_account
from agent.clouds.cloud import Claim, ClaimRequest, CloudInfo, Requirements
from agent.clouds.http import CloudHttp
from agent.errors import (
    ClaimRefused,
    CloudAnswer,
    InputError,
    KeyMismatch,
    MooringError,
    NotSignedIn,
    NotSupported,
    Unreachable,
)
from agent.settings import Secret, clean_text

if TYPE_CHECKING:
    from agent.catalog import Catalog
    from agent.clouds.accounts import AccountStore
    from agent.clouds.clock import Clock
    from agent.clouds.http import Limits
    from agent.clouds.pacing import Rate
    from agent.clouds.route import Routes

ID: Final = "arduino"
NOT_REGISTERED: Final = frozenset({1, 2, 15})
"""err_code of a claim: the cloud does not know the board or its key (cloud-arduino, section 4)."""
KEY_DIFFERS: Final = 3
"""err_code: the cloud knows another key for this board."""


class ProvisioningSketch(msgspec.Struct, frozen=True, kw_only=True):
    """A sketch that the cloud offers for provisioning, checked against its SHA-256."""

    filename: str
    data: bytes


class ArduinoCloud:
    """The cloud of :class:`agent.clouds.Cloud` for boards with provisioning 2.0."""

    id = ID

    def __init__(
        self,
        *,
        base_url: str,
        accounts: AccountStore,
        catalog: Catalog,
        title: str = "Arduino Cloud",
        clock: Clock | None = None,
        rate: Rate | None = None,
        limits: Limits | None = None,
        routes: Routes | None = None,
    ) -> None:
        """``base_url`` comes from the configuration only; :class:`InputError` if it is not safe."""
        self.title = title
        self._accounts = accounts
        self._catalog = catalog
        self._http = CloudHttp(
            title=title,
            base_url=check_base_url("arduino.base_url", base_url),
            clock=clock,
            rate=rate,
            limits=limits,
            routes=routes,
        )
        self._account: AccountHolder[ArduinoApi] = AccountHolder(self._stored)

    async def info(self) -> CloudInfo:
        """What to show; no network."""
        used = await self._account.get()
        shown: dict[str, str] = {}
        if used is not None:
            shown["client_id"] = used.account.client_id
            if used.account.organization:
                shown["organization"] = used.account.organization
        return CloudInfo(
            id=self.id,
            title=self.title,
            signed_in=used is not None,
            needs_account=True,
            account_schema=account_schema(),
            device_schema=device_schema(),
            account=shown,
        )

    async def login(self, account: dict[str, Any]) -> None:
        """Get a token with the account, then store it; nothing is stored if it is refused."""
        wanted = parse_account(account)
        api = ArduinoApi(self._http, wanted)
        await self._account.replace(api, lambda: self._store(wanted), api.sign_in)

    async def logout(self) -> None:
        """Forget the stored account."""
        await self._account.forget(lambda: self._accounts.delete(self.id))

    def check_name(self, name: str) -> None:
        """Raise :class:`InputError` unless the cloud takes this device name."""
        problem = name_problem(name)
        if problem:
            raise InputError(field="name", problem=problem)

    async def requirements(self, fqbn: str) -> Requirements:
        """Minimum versions for this kind of board; :class:`NotSupported` if it takes none."""
        api = await self._signed_in()
        kind = _kind(fqbn)
        boards = [b for b in await api.supported_boards() if _kind(b.fqbn or "") == kind]
        for board in boards:
            if (board.provisioning or "").lower() == "v2":
                return Requirements(
                    min_sketch=clean_text(board.min_provisioning_sketch_version or "") or None,
                    min_wifi_firmware=clean_text(board.min_provisioning_wifi_version or "") or None,
                )
        why = (
            f"{self.title} takes boards of this kind only with an older procedure."
            if boards
            else f"{self.title} does not list boards of this kind."
        )
        model = self._catalog.by_fqbn(fqbn)
        raise NotSupported(
            model=model.name if model else clean_text(fqbn),
            what=f"provisioning 2.0 with {self.title}",
            why=why,
            action="Choose another cloud, or only put the board on the network.",
        )

    async def claim(self, request: ClaimRequest) -> str:
        """Claim the board and return the claim's id; registers it once if it is not known.

        :class:`Unreachable` with ``sent`` true means that the claim may exist: look with
        :meth:`find`. Raises :class:`KeyMismatch` and :class:`ClaimRefused`.
        """
        self.check_name(request.name)
        api = await self._signed_in()
        try:
            return await self._claim_once(api, request)
        except Refusal as refusal:
            if refusal.err_code not in NOT_REGISTERED:
                raise self._refused(refusal, request.uhwid) from None
        try:
            await self._register(api, request)
            return await self._claim_once(api, request)
        except Refusal as refusal:
            raise self._refused(refusal, request.uhwid) from None

    async def find(self, uhwid: str) -> list[Claim]:
        """Claims of this board that have not ended, newest first."""
        api = await self._signed_in()
        wanted = uhwid.lower()
        claims = [
            _claim(entry)
            for entry in await api.onboardings()
            if not entry.ended_at and (entry.unique_hardware_id or "").lower() == wanted
        ]
        return sorted(claims, key=lambda claim: claim.created_at, reverse=True)

    async def unclaim(self, claim_id: str) -> None:
        """Undo a claim; one that is gone already is not an error."""
        api = await self._signed_in()
        try:
            await api.delete_onboarding(claim_id)
        except (Refusal, CloudAnswer) as error:
            # How the cloud words "there is none" is not documented; its list says it for sure.
            entries = await api.onboardings()
            if not any(entry.id == claim_id and not entry.ended_at for entry in entries):
                return
            if isinstance(error, CloudAnswer):
                raise
            detail = f"The claim was not undone: {error.err or error.status}."
            raise CloudAnswer(
                cloud=self.title, detail=detail, err_code=error.err_code, status=error.status
            ) from None

    async def fetch_sketch(self, fqbn: str) -> ProvisioningSketch:
        """The provisioning sketch for this kind of board, its SHA-256 checked.

        :class:`NotSupported` if the cloud has none.
        """
        api = await self._signed_in()
        binary = await api.binary(_kind(fqbn))
        if binary is None:
            model = self._catalog.by_fqbn(fqbn)
            raise NotSupported(
                model=model.name if model else clean_text(fqbn),
                what="download the provisioning sketch",
                why=f"{self.title} has no provisioning sketch for boards of this kind.",
                action="Upload the sketch Provisioning_2.0 of the Arduino IDE to the board.",
            )
        if hashlib.sha256(binary.bin).hexdigest() != binary.sha256.lower():
            detail = "The provisioning sketch does not have the SHA-256 that was sent with it."
            raise CloudAnswer(cloud=self.title, detail=detail)
        return ProvisioningSketch(filename=clean_text(binary.filename), data=binary.bin)

    async def devices(self) -> ArduinoDevices:
        """The calls of provisioning 1.0, LoRa and secret-key boards; the same rate limit."""
        return ArduinoDevices(await self._signed_in(), self.title)

    def change_rate(self, rate: Rate) -> None:
        """From now on so many requests per second."""
        self._http.change_rate(rate)

    async def close(self) -> None:
        """Release connections."""
        await self._account.close()
        if self._account.used is not None:
            self._account.used.close()
        await self._http.close()

    async def _claim_once(self, api: ArduinoApi, request: ClaimRequest) -> str:
        body = {
            "ble_mac": request.ble_address or "",
            "board_token": request.token.reveal(),
            "connection_type": request.connection_type,
            "device_name": request.name,
        }
        try:
            return await api.claim(body, request.token)
        except CloudAnswer as error:
            status = error.facts.get("status")
            if isinstance(status, int) and status >= 300:
                raise
            # It may have been accepted: to the caller that is a lost answer.
            raise Unreachable(cloud=self.title, detail=error.facts["detail"], sent=True) from error

    async def _register(self, api: ArduinoApi, request: ClaimRequest) -> None:
        model = self._catalog.by_fqbn(request.fqbn)
        ids = model.registration if model else None
        if ids is None or ids.pid is None:
            raise NotSupported(
                model=model.name if model else clean_text(request.fqbn),
                what=f"registration with {self.title}",
                why="The USB product id under which it is registered is not known.",
                action="Choose another cloud, or only put the board on the network.",
            )
        await api.register(
            {
                "pid": f"{ids.pid:04X}",
                "vid": f"{ids.vid:04X}",
                "public_key": request.public_key,
                "serial": request.serial_number or "",
                "unique_hardware_id": request.uhwid,
            }
        )

    def _refused(self, refusal: Refusal, uhwid: str) -> MooringError:
        if refusal.err_code == KEY_DIFFERS:
            return KeyMismatch(cloud=self.title, uhwid=uhwid, err_code=KEY_DIFFERS)
        return ClaimRefused(
            cloud=self.title,
            detail=refusal.err or f"HTTP status {refusal.status}",
            err_code="unknown" if refusal.err_code is None else refusal.err_code,
            uhwid=uhwid,
        )

    async def _store(self, account: Account) -> None:
        fields = {
            "client_id": Secret(account.client_id),
            "client_secret": account.client_secret,
            "organization": Secret(account.organization),
        }
        await self._accounts.set(self.id, fields)

    async def _stored(self) -> ArduinoApi | None:
        fields = await self._accounts.get(self.id)
        if not fields or not fields.get("client_id") or not fields.get("client_secret"):
            return None
        account = Account(
            client_id=fields["client_id"].reveal(),
            client_secret=fields["client_secret"],
            organization=fields.get("organization", Secret()).reveal(),
        )
        return ArduinoApi(self._http, account)

    async def _signed_in(self) -> ArduinoApi:
        used = await self._account.get()
        if used is None:
            raise NotSignedIn(cloud=self.title, id=self.id)
        return used


def _kind(fqbn: str) -> str:
    """An FQBN without its board options."""
    return ":".join(fqbn.split(":")[:3])


def _claim(entry: Onboarding) -> Claim:
    return Claim(
        id=entry.id,
        uhwid=entry.unique_hardware_id or "",
        name=clean_text(entry.device_name or ""),
        created_at=_unix_seconds(entry.created_at),
        device_id=entry.device_id or None,
    )


def _unix_seconds(moment: str | None) -> float:
    """An RFC 3339 time in Unix seconds; 0 where there is none that can be read."""
    try:
        parsed = datetime.fromisoformat(moment or "")
    except ValueError:
        return 0.0
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
