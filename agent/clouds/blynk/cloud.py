"""Blynk.Cloud as jobs know it: the account, tokens for boards, devices, and their arrival.

Everything that makes or changes a device needs an OAuth client (:class:`agent.errors.BlynkNoPlatform`
without one); a token that was pasted can be checked and waited for without.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from agent.clouds.account_holder import AccountHolder
from agent.clouds.blynk.account import Account, account_fields, account_schema, parse_account
from agent.clouds.blynk.addresses import CLOUD, host_of, port_of
from agent.clouds.clock import Clock, SystemClock
from agent.clouds.cloud import CloudInfo
from agent.clouds.route import Routes
from agent.errors import BlynkNoPlatform, BlynkTemplate, BlynkTokenUnknown, InputError
from agent.protocols.blynk.arrival import ARRIVAL_LIMIT_S
from agent.protocols.blynk.device_names import AIR_CHARS, NAME_CHARS, name_of_board, name_problem
from agent.protocols.blynk.mqtt_login import MQTTS_PORT
from agent.protocols.blynk.tokens import (
    TOKEN_CHARS,
    check_template,
    parse_static,
    template_fits,
)
from agent.settings import Secret, clean_text
from agent.settings.credentials import AccessToken, CloudSettings

if TYPE_CHECKING:
    import asyncio

    from agent.clouds.accounts import AccountStore
    from agent.clouds.blynk.opened import Opened
    from agent.clouds.blynk.platform import Platform
    from agent.protocols.blynk.device_api import Firmware
    from agent.protocols.blynk.platform import Device, PreparedDevice, Provisioned

log = logging.getLogger(__name__)

PROBE: Final = Secret("x" * TOKEN_CHARS)
"""A token that nobody has: a server that says so is one of Blynk's."""


class Blynk:
    """One server, with an OAuth client or without."""

    def __init__(
        self,
        *,
        accounts: AccountStore,
        routes: Routes | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.id: Final = CLOUD
        self.title: Final = "Blynk.Cloud"
        self._accounts = accounts
        self._routes = routes or Routes()
        self._clock = clock or SystemClock()
        self._account: AccountHolder[Opened] = AccountHolder(self._stored, lambda it: it.close())

    # --- the account ----------------------------------------------------------------------------

    async def info(self) -> CloudInfo:
        """What to show; no network. It can be used without an account, with tokens that are pasted."""
        account = (await self._load()).account
        return CloudInfo(
            id=self.id,
            title=self.title,
            signed_in=account.has_client,
            needs_account=False,
            account_schema=account_schema(),
            device_schema=device_schema(),
            account=account.shown,
        )

    async def login(self, account: dict[str, Any]) -> None:
        """Ask the server whether it takes the account, then store it; nothing is stored if not."""
        new = self._open(parse_account(account))
        await self._account.replace(new, lambda: self._store(new), lambda: self._check(new))

    async def logout(self) -> None:
        """Forget the stored account."""
        await self._account.forget(lambda: self._accounts.delete(self.id))

    async def close(self) -> None:
        """Release connections."""
        await self._account.close()

    # --- names, tokens, templates: nothing is sent ----------------------------------------------

    def check_name(self, name: str, *, of_board: bool = False) -> None:
        """Raise :class:`InputError` for a name that the cloud, or (``of_board``) the air cannot take."""
        problem = name_problem(name, of_board=of_board)
        if problem is not None:
            raise InputError(field="name", problem=problem)

    def make_name(self, template_name: str, chip: str) -> str:
        """``Thermo-4Y1H``: at most 32 characters with the board's own part."""
        return name_of_board(template_name, chip)

    def check_template(self, board: str, wanted: str) -> None:
        """Raise :class:`BlynkTemplate` if the board's firmware is of another template."""
        if wanted:
            check_template(wanted)
        if not template_fits(board, wanted):
            shown = clean_text(board, 40)
            raise BlynkTemplate(cloud=self.title, board_template=shown, template=wanted)

    async def settings(self, name: str, token: Secret) -> CloudSettings:
        """What a board needs, as the vault keeps it; the host is that of the right region."""
        base_url = (await self._load()).http.base_url
        return CloudSettings(
            cloud=self.id,
            name=name,
            host=host_of(base_url),
            port=port_of(base_url),
            scheme="https" if base_url.startswith("https:") else "http",
            credentials=AccessToken(token=token),
        )

    # --- with a token alone: any plan -----------------------------------------------------------

    async def connected(self, token: Secret) -> bool:
        """Whether the board of this token is online; :class:`BlynkTokenUnknown`."""
        return await (await self._load()).device.connected(token)

    async def activate(self, token: Secret, firmware: Firmware) -> None:
        """Complete the activation of a new token in place of the board's first login."""
        await (await self._load()).device.activate(token, firmware)

    async def wait_for_board(
        self,
        token: Secret,
        *,
        fresh: bool,
        heard: asyncio.Event | None = None,
        limit_s: float = ARRIVAL_LIMIT_S,
    ) -> float:
        """Seconds until the board was online; see :func:`agent.clouds.blynk.arriving.wait_for_board`."""
        from agent.clouds.blynk.arriving import wait_for_board

        used = await self._load()
        return await wait_for_board(
            used.device,
            token,
            title=self.title,
            server=used.http.host,
            clock=self._clock,
            fresh=fresh,
            heard=heard,
            limit_s=limit_s,
        )

    async def prove(self, token: Secret, *, port: int = MQTTS_PORT, ca: str = "") -> bool:
        """Whether a login over MQTT is let in; to the server it looks like the board."""
        from agent.clouds.blynk.mqtt_proof import token_works
        from agent.clouds.trust import client_context

        http = (await self._load()).http
        tls = None
        if http.base_url.startswith("https:") or ca:
            route = self._routes.trusting(ca).to(http.base_url)
            tls = client_context(route.certificates, route.authorities)
        return await token_works(http.host, port, token, title=self.title, tls=tls)

    # --- with an OAuth client -------------------------------------------------------------------

    async def provision(self) -> Provisioned:
        """A token for one board and the id that its device will have.

        :class:`agent.errors.BlynkTokenLost` if the answer did not come: ask again.
        """
        return await (await self._platform("make a token")).provision()

    async def reprovision(self, device_id: int) -> Provisioned:
        """A new token for the same device; its data stay, and its old token ends at once."""
        return await (await self._platform("make a new token")).reprovision(device_id)

    async def reconfigure(self, device_id: int) -> bool:
        """Send the board back to its access point; False: it is offline, and its button is needed."""
        return await (await self._platform("reach a board")).reconfigure(device_id)

    async def create(self, template_id: str, name: str) -> Device:
        """A device before its board, with its token."""
        self.check_name(name)
        template = check_template(template_id)
        return await (await self._platform("create a device")).create(template, name)

    async def devices(self) -> list[Device]:
        """All devices of the organisation."""
        return await (await self._platform("list the devices")).devices()

    async def device(self, device_id: int) -> Device:
        """One device; :class:`agent.errors.BlynkNotThere`."""
        return await (await self._platform("read a device")).device(device_id)

    async def rename(self, device_id: int, name: str) -> Device:
        """Give the device another name."""
        self.check_name(name)
        return await (await self._platform("rename a device")).rename(device_id, name)

    async def delete(self, device_id: int) -> None:
        """Remove the device and its data; one that is gone already is not an error."""
        await (await self._platform("delete a device")).delete(device_id)

    async def online(self, device_id: int) -> bool:
        """Whether the device is connected, by its id."""
        return await (await self._platform("see a device")).online(device_id)

    async def clear(self, device_id: int) -> None:
        """Erase the data of the device; the device and its token stay."""
        await (await self._platform("erase data")).clear(device_id)

    async def prepared(self) -> list[PreparedDevice]:
        """Devices with a QR code that were prepared in the organisation."""
        return await (await self._platform("list prepared devices")).prepared()

    async def claim(self, code: str) -> Device:
        """Make the device of a QR code the owner's; :class:`agent.errors.BlynkClaimed`."""
        static = parse_static(code)
        return await (await self._platform("claim a prepared device")).claim(static)

    async def unclaim(self, code: str) -> None:
        """Give it back: it waits for an owner again."""
        static = parse_static(code)
        await (await self._platform("give a prepared device back")).unclaim(static)

    # --- inside ---------------------------------------------------------------------------------

    async def _check(self, used: Opened) -> None:
        if used.platform is not None:
            await used.platform.sign_in()
            return
        try:
            await used.device.connected(PROBE)
        except BlynkTokenUnknown:
            return

    async def _store(self, used: Opened) -> None:
        await self._accounts.set(self.id, account_fields(used.account))

    async def _platform(self, action: str) -> Platform:
        platform = (await self._load()).platform
        if platform is None:
            raise BlynkNoPlatform(cloud=self.title, action=action)
        return platform

    async def _load(self) -> Opened:
        used = await self._account.get()
        if used is None:
            msg = "an account without a client is one, too"
            raise LookupError(msg)
        return used

    async def _stored(self) -> Opened:
        account = Account()
        fields = await self._accounts.get(self.id)
        if fields:
            try:
                account = parse_account(fields, kept=True)
            except InputError as error:
                log.warning("the stored account of %s cannot be used: %s", self.id, error)
        return self._open(account)

    def _open(self, account: Account) -> Opened:
        # Loaded with the first account in use: an agent without Blynk needs nothing of it.
        from agent.clouds.blynk.opened import Opened

        return Opened(
            account, title=self.title, routes=self._routes, clock=self._clock, moved=self._moved
        )

    async def _moved(self, opened: Opened) -> None:
        """Its server sent to another one; what is being checked is stored later."""
        await self._account.update(opened, lambda: self._store(opened))


def device_schema() -> dict[str, Any]:
    """JSON Schema of what provisioning asks."""
    return {
        "type": "object",
        "title": "Device",
        "properties": {
            "token": {
                "type": "string",
                "title": "Token",
                "description": "Of the device, copied from the console; empty: Mooring asks for one.",
                "format": "password",
                "default": "",
            },
            "template_id": {
                "type": "string",
                "title": "Template",
                "description": "As in TMPLdemo00000; empty: that of the board's firmware.",
                "default": "",
            },
            "name": {
                "type": "string",
                "title": "Name",
                "description": (
                    f"At most {NAME_CHARS} characters; empty: one like the board's own, at most "
                    f"{AIR_CHARS}."
                ),
                "maxLength": NAME_CHARS,
                "default": "",
            },
        },
        "required": [],
        "additionalProperties": False,
    }
