"""ThingsBoard as jobs know it: the account, enrolment, and what an administrator adds."""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from agent.clouds.account_holder import AccountHolder
from agent.clouds.clock import Clock, SystemClock
from agent.clouds.cloud import CloudInfo
from agent.clouds.enrolment import CredentialsKind, DeviceLook, EnrolRequest, ProfileLook
from agent.clouds.route import Routes
from agent.clouds.thingsboard.account import account_fields, account_schema, parse_account
from agent.clouds.thingsboard.certificates import check_certificate, make_certificate
from agent.clouds.thingsboard.devices import device_schema, kind_of, seen_at, strategy_of
from agent.errors import AdminMissing, DeviceAbsent, EnrolUnusable, InputError, NotSignedIn
from agent.protocols.thingsboard.admin import ACTIVITY, PROVISION_STATE
from agent.protocols.thingsboard.names import NAME_CHARS, name_from_hardware, name_problem
from agent.settings import Secret, clean_text
from agent.settings.credentials import (
    AccessToken,
    Certificate,
    CloudSettings,
    Credentials,
    MqttBasic,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.clouds.accounts import AccountStore
    from agent.clouds.thingsboard.account import Account
    from agent.clouds.thingsboard.admin import Administrator
    from agent.clouds.thingsboard.opened import Opened
    from agent.protocols.thingsboard.admin import Device

log = logging.getLogger(__name__)

TOKEN_CHARS: Final = 20
"""As long as the server's own; its console takes 32. 119 bits."""
ALPHABET: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
PROBE_NAME: Final = "x" * (NAME_CHARS + 45)
"""Longer than any device's: the server looks at key and secret first, and can make nothing of it."""
CHECK_TRIES: Final = 2
"""Somebody waits for it, who may have mistyped the address: ten tries take five minutes."""
CA_ENTRY: Final = "thingsboard-ca"
"""Kept apart: it is no secret, and too long for some keyrings."""


class ThingsBoard:
    """One server and one profile of it; see :class:`agent.clouds.enrolment.EnrolCloud`."""

    def __init__(
        self,
        *,
        accounts: AccountStore,
        routes: Routes | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.id: Final = "thingsboard"
        self.title: Final = "ThingsBoard"
        self._accounts = accounts
        self._routes = routes or Routes()
        self._clock = clock or SystemClock()
        self._account: AccountHolder[Opened] = AccountHolder(self._stored, lambda it: it.close())

    # --- the account ----------------------------------------------------------------------------

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
            account=used.account.shown if used is not None else {},
        )

    async def login(self, account: dict[str, Any]) -> None:
        """Ask the server for key, secret and administrator, then store them.

        Nothing is made there, and nothing is stored here if one of them is refused.
        """
        new = self._open(parse_account(account))
        await self._account.replace(new, lambda: self._store(new.account), lambda: self._check(new))

    async def warning(self) -> str:
        """Why boards may not reach the server of the account; empty: it listens, or is the same."""
        from agent.clouds.thingsboard.boards_way import boards_warning

        account = (await self._signed_in()).account
        for_boards, asked = account.board_server, account.server
        same = (for_boards.host, for_boards.port) == (asked.host, asked.port)
        return "" if same else await boards_warning(for_boards)

    async def logout(self) -> None:
        """Forget the stored account."""
        await self._account.forget(self._delete)

    async def close(self) -> None:
        """Release connections."""
        await self._account.close()

    # --- a device -------------------------------------------------------------------------------

    def check_name(self, name: str, kind: CredentialsKind = "access_token") -> None:
        """Raise :class:`InputError` for a name that the server cannot take."""
        problem = name_problem(name, certificate=kind == "certificate")
        if problem is not None:
            raise InputError(field="name", problem=problem)

    def make_name(self, model: str, hardware_id: str) -> str:
        """``{model}-{hardware id}``; ``ValueError`` if the id is not hex digits."""
        return name_from_hardware(model, hardware_id)

    def make_credentials(self, kind: CredentialsKind, name: str) -> Credentials:
        """New credentials that nobody else has; :class:`InputError` if the name is too long."""
        self.check_name(name, kind)
        match kind:
            case "access_token":
                return AccessToken(token=_random())
            case "mqtt_basic":
                return MqttBasic(
                    client_id=_random().reveal(), username=_random().reveal(), password=_random()
                )
            case "certificate":
                return make_certificate(name, self._now())

    async def draft(self, name: str, own: Credentials) -> CloudSettings:
        """What the board gets if the server takes ``own``; :class:`InputError` if that cannot be."""
        from agent.clouds.thingsboard.enrolling import check_request

        used = await self._signed_in()
        check_request(used, EnrolRequest(name=name, own=own))
        return used.settings(name, own)

    async def enrol(
        self, request: EnrolRequest, *, say: Callable[[str], None] | None = None
    ) -> CloudSettings:
        """Make the device; what comes back counts, not what was sent."""
        from agent.clouds.thingsboard.enrolling import enrol

        return await enrol(await self._signed_in(), request, say=say)

    async def prove(self, settings: CloudSettings) -> bool:
        """Whether the server takes these credentials; None: it cannot be tried from here."""
        return await (await self._signed_in()).prove(settings)

    # --- what only an administrator can do ------------------------------------------------------

    async def seen(self, name: str, since: float) -> bool | None:
        """Whether the server has heard of the device after ``since``; None: nobody may see that."""
        admin = (await self._signed_in()).admin
        if admin is None:
            return None
        device = await admin.find(name)
        if device is None:
            return False
        return seen_at(await admin.attributes(device, *ACTIVITY)) > since

    async def look(self, name: str) -> DeviceLook | None:
        """The device of this name; None: the name is free."""
        used = await self._signed_in()
        admin = self._admin(used, "see its devices")
        device = await admin.find(name)
        if device is None:
            return None
        profile = await admin.profile(device.profile_id) if device.profile_id else None
        attributes = await admin.attributes(device, PROVISION_STATE, *ACTIVITY)
        return DeviceLook(
            id=device.id,
            name=clean_text(device.name),
            profile=clean_text(profile.name) if profile is not None else "",
            strategy=strategy_of(profile),
            ours=profile is not None and profile.key == used.account.provision_key.reveal(),
            used_up=PROVISION_STATE in attributes,
            kind=kind_of(await admin.credentials(device)),
            seen_at=seen_at(attributes),
            link=_link(used, device),
        )

    async def link(self, name: str) -> str:
        """Where a person looks at the device of this name; empty: there is none."""
        used = await self._signed_in()
        device = await self._admin(used, "see its devices").find(name)
        return _link(used, device) if device is not None else ""

    async def profile(self) -> ProfileLook | None:
        """The profile of the account's key; None: of another tenant than the administrator."""
        used = await self._signed_in()
        found = await self._admin(used, "see the device profiles").profile_of(
            used.account.provision_key
        )
        if found is None:
            return None
        return ProfileLook(name=clean_text(found.name), strategy=strategy_of(found))

    async def free(self, name: str) -> None:
        """Let a prepared device be enrolled again; its history and credentials stay."""
        admin, device = await self._device(name, "let a device be provisioned again")
        await admin.clear_mark(device)

    async def stored(self, name: str, own: Credentials | None = None) -> CloudSettings:
        """The credentials that the server keeps; ``own`` holds the key of a certificate."""
        from agent.clouds.thingsboard.enrolling import settings_of

        admin, device = await self._device(name, "read the credentials of a device")
        kept = (await admin.credentials(device)).credentials
        used = await self._signed_in()
        if kept is None:
            detail = "It keeps this device with credentials of a kind that boards here do not use."
            raise EnrolUnusable(cloud=self.title, name=name, detail=detail, maybe_done=True)
        return settings_of(used, name, kept, own)

    async def replace(self, name: str, new: Credentials) -> CloudSettings:
        """Give the device other credentials; the old ones stop at once, the history stays."""
        used = await self._signed_in()
        settings = used.settings(name, new)
        settings.check()
        if isinstance(new, Certificate):
            check_certificate(new, self._now())
        admin, device = await self._device(name, "replace the credentials of a device")
        await admin.replace(device, new)
        return settings

    async def delete(self, name: str) -> None:
        """Remove the device and its history; none of this name is not an error."""
        used = await self._signed_in()
        admin = self._admin(used, "delete a device")
        device = await admin.find(name)
        if device is not None:
            await admin.delete(device)

    # --- inside ---------------------------------------------------------------------------------

    async def _device(self, name: str, action: str) -> tuple[Administrator, Device]:
        admin = self._admin(await self._signed_in(), action)
        device = await admin.find(name)
        if device is None:
            raise DeviceAbsent(cloud=self.title, name=name)
        return admin, device

    def _admin(self, used: Opened, action: str) -> Administrator:
        if used.admin is None:
            raise AdminMissing(cloud=self.title, action=action)
        return used.admin

    async def _check(self, used: Opened) -> None:
        """Raise what the server says to the administrator, key and secret."""
        from agent.clouds.thingsboard.asking import ask, error_of
        from agent.protocols.thingsboard.provisioning import NotUnderstood
        from agent.protocols.thingsboard.replies import Issued, Refused, Unusable

        if used.admin is not None:
            await used.admin.sign_in()
        probe = used.request(EnrolRequest(name=PROBE_NAME))
        asked = await ask(used.carrier, probe, self._clock, tries=CHECK_TRIES)
        match asked.outcome:
            case Refused(status="FAILURE") | Issued() | Unusable():
                return  # it has looked at the name, so key and secret are right
            case NotUnderstood() as outcome:
                # Whatever happened there, no device can have this name.
                asked = replace(asked, outcome=replace(outcome, maybe_done=False))
        raise error_of(asked, cloud=self.title, name="the check of the key")

    async def _store(self, account: Account) -> None:
        before = await self._accounts.get(CA_ENTRY)
        await self._store_authorities({"ca": Secret(account.ca)} if account.ca else None)
        try:
            await self._accounts.set(self.id, account_fields(account))
        except BaseException:
            # Else the account of before would be read with the authorities of this one.
            await self._store_authorities(before)
            raise

    async def _store_authorities(self, fields: dict[str, Secret] | None) -> None:
        if fields:
            await self._accounts.set(CA_ENTRY, fields)
        else:
            await self._accounts.delete(CA_ENTRY)

    async def _delete(self) -> None:
        await self._accounts.delete(self.id)
        await self._accounts.delete(CA_ENTRY)

    async def _stored(self) -> Opened | None:
        fields = await self._accounts.get(self.id)
        if not fields:
            return None
        authorities = await self._accounts.get(CA_ENTRY) or {}
        try:
            return self._open(parse_account({**fields, **authorities}))
        except InputError as error:
            log.warning("the stored account of %s cannot be used: %s", self.id, error)
            return None

    async def _signed_in(self) -> Opened:
        used = await self._account.get()
        if used is None:
            raise NotSignedIn(cloud=self.title, id=self.id)
        return used

    def _open(self, account: Account) -> Opened:
        # With it come three protocols, of which an agent without an account needs none.
        from agent.clouds.thingsboard.opened import Opened

        return Opened(
            account, cloud=self.id, title=self.title, routes=self._routes, clock=self._clock
        )

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall(), UTC)


def _link(used: Opened, device: Device) -> str:
    server = used.account.admin_server
    return f"{server.url}/entities/devices/{device.id}" if server is not None else ""


def _random() -> Secret:
    return Secret("".join(secrets.choice(ALPHABET) for _ in range(TOKEN_CHARS)))
