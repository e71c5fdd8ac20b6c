"""The platform interface with a client's account: devices and tokens for boards."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from agent.clouds.http import Answer, Request, detail_of
from agent.errors import (
    BlynkClaimed,
    BlynkForbidden,
    BlynkNotThere,
    BlynkRefused,
    BlynkTokenLost,
    CloudAnswer,
    NotAuthorised,
    Unreachable,
)
from agent.protocols.blynk import platform as wire
from agent.protocols.blynk.oauth import TOKEN_PATH, Grant, basic_of, parse_refusal
from agent.protocols.blynk.replies import NotAsDocumented, error_of
from agent.settings import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.clouds.blynk.account import Account
    from agent.clouds.blynk.regional import Regional
    from agent.clouds.clock import Clock
    from agent.protocols.blynk.tokens import StaticToken

T = TypeVar("T")

PAGES_MAX: Final = 1000
"""Of 100 devices each."""
UNAUTHORISED: Final = 401
FORBIDDEN: Final = 403
SPARE_DEVICE: Final = "At worst there is a token that no board will ever use; that costs nothing."
OLD_DEVICE: Final = (
    "The board's old token may be dead already; the device and its data are as they were."
)
SECOND_DEVICE: Final = "There may be a device of this name that no board uses; look in the console."


class Platform:
    """Gets a token when first needed, and another when that one ends."""

    def __init__(self, http: Regional, account: Account, clock: Clock) -> None:
        self._http = http
        self._account = account
        self._clock = clock
        self._grant = Grant()
        self._lock = asyncio.Lock()
        self._org_id = account.org_id
        self._basic = basic_of(account.client_id, account.client_secret)

    async def sign_in(self) -> wire.Organization:
        """Check the account; :class:`NotAuthorised`, :class:`BlynkForbidden`."""
        found = await self._read(wire.PROFILE, wire.parse_organization)
        self._org_id = self._org_id or found.id
        return found

    async def provision(self) -> wire.Provisioned:
        """A token for one board; its device appears with the board's first login."""
        body = wire.provision_body(await self._organization(), self._account.owner_id)
        return await self._making(wire.PROVISION, wire.parse_provisioned, body, SPARE_DEVICE)

    async def reprovision(self, device_id: int) -> wire.Provisioned:
        """A new token for the device, which keeps its id and data; the old one ends at once."""
        body = wire.device_body(device_id)
        return await self._making(wire.REPROVISION, wire.parse_provisioned, body, OLD_DEVICE)

    async def reconfigure(self, device_id: int) -> bool:
        """Send a board back to its access point; False: it is offline, and heard nothing."""
        body = wire.device_body(device_id)
        offline = await self._read(wire.RECONFIGURE, wire.parse_was_offline, json=body)
        return offline is not True

    async def create(self, template_id: str, name: str) -> wire.Device:
        """A device before its board; a lost answer is looked for among the devices."""
        org_id = await self._organization()
        body = wire.create_body(template_id, name, org_id, self._account.owner_id)
        try:
            return await self._making(wire.CREATE, wire.parse_device, body, SECOND_DEVICE)
        except BlynkTokenLost:
            unused = [
                each for each in await self.devices() if each.name == name and not each.activated
            ]
            if len(unused) != 1 or unused[0].token is None:
                raise
            return unused[0]

    async def devices(self) -> list[wire.Device]:
        """All devices of the organisation."""
        return await self._all(wire.DEVICES, wire.parse_devices)

    async def device(self, device_id: int) -> wire.Device:
        """One device; :class:`BlynkNotThere`."""
        query = wire.device_query(device_id)
        return await self._read(wire.DEVICE, wire.parse_device, query=query)

    async def rename(self, device_id: int, name: str) -> wire.Device:
        """Give the device another name."""
        query = wire.device_query(device_id)
        return await self._read(wire.CHANGE, wire.parse_device, query=query, json={"name": name})

    async def delete(self, device_id: int) -> None:
        """Remove the device and its data; one that is gone already is not an error."""
        try:
            await self._call(wire.DELETE, query=wire.device_query(device_id))
        except BlynkNotThere:
            return

    async def online(self, device_id: int) -> bool:
        """Whether the device is connected."""
        query = wire.device_query(device_id)
        return await self._read(wire.ONLINE, wire.parse_online, query=query)

    async def clear(self, device_id: int) -> None:
        """Erase the data of the device; the device and its token stay."""
        await self._call(wire.CLEAR, query=wire.device_query(device_id))

    async def prepared(self) -> list[wire.PreparedDevice]:
        """All static tokens of the organisation."""
        return await self._all(wire.STATIC_TOKENS, wire.parse_static_tokens)

    async def claim(self, code: StaticToken) -> wire.Device:
        """Make the device of a QR code the owner's; :class:`BlynkClaimed` if it is somebody's."""
        body = wire.claim_body(code.code, self._account.owner_id)
        try:
            return await self._read(wire.CLAIM, wire.parse_device, json=body, secrets=(code.token,))
        except BlynkRefused as error:
            detail = str(error.facts["detail"])
            if "claimed" in detail.lower():
                raise BlynkClaimed(cloud=self._http.title, detail=detail) from error
            raise

    async def unclaim(self, code: StaticToken) -> None:
        """Give the device of a QR code back: it waits for an owner again."""
        body = wire.unclaim_body(code.code)
        await self._call(wire.UNCLAIM, json=body, secrets=(code.token,))

    async def _organization(self) -> int:
        if not self._org_id:
            await self.sign_in()
        return self._org_id

    async def _making(
        self, call: wire.Call, parse: Callable[[bytes], T], body: dict[str, object], left: str
    ) -> T:
        """A call that gives a token: if its answer is lost, so is the token."""
        try:
            answer = await self._call(call, json=body)
        except Unreachable as error:
            if error.facts.get("sent") is False:
                raise
            detail = str(error.facts.get("detail", ""))
            cloud = self._http.title
            raise BlynkTokenLost(cloud=cloud, detail=detail, left=left, maybe_done=True) from error
        return self._parsed(call, parse, answer)

    async def _all(self, call: wire.Call, parse: Callable[[bytes], tuple[list[T], int]]) -> list[T]:
        org_id = await self._organization()
        found: list[T] = []
        for page in range(PAGES_MAX):
            entries, total = await self._read(call, parse, query=wire.page_query(page, org_id))
            found += entries
            if not entries or len(found) >= total:
                break
        return found

    async def _read(
        self,
        call: wire.Call,
        parse: Callable[[bytes], T],
        *,
        query: dict[str, str] | None = None,
        json: object | None = None,
        secrets: tuple[Secret, ...] = (),
    ) -> T:
        answer = await self._call(call, query=query, json=json, secrets=secrets)
        return self._parsed(call, parse, answer)

    async def _call(
        self,
        call: wire.Call,
        *,
        query: dict[str, str] | None = None,
        json: object | None = None,
        secrets: tuple[Secret, ...] = (),
    ) -> Answer:
        """An answer that is 2xx; a token that has ended is replaced once."""
        for last in (False, True):
            token = await self._token()
            answer = await self._http.send(
                Request(
                    call.method,
                    call.path,
                    query=query or {},
                    json=json,
                    headers={"Authorization": f"Bearer {token.reveal()}"},
                    repeatable=call.repeatable,
                    secrets=(token, *secrets),
                )
            )
            if answer.status != UNAUTHORISED or last:
                break
            self._grant.refused(token)
        if not answer.ok:
            self._refuse(call, answer, (token, *secrets))
        return answer

    async def _token(self) -> Secret:
        async with self._lock:
            token = self._grant.usable(self._clock.monotonic())
            if token is not None:
                return token
            query = self._grant.ask()
            if query["grant_type"] == "refresh_token":
                answer = await self._ask_token(query)
                if not answer.ok:  # used up by an answer that was lost, or ended itself
                    answer = await self._ask_token(self._grant.ask())
            else:
                answer = await self._ask_token(query)
            if not answer.ok:
                self._refuse_account(answer)
            try:
                return self._grant.granted(answer.body, self._clock.monotonic())
            except NotAsDocumented as error:
                detail = f"To sign in: {error}"
                raise CloudAnswer(cloud=self._http.title, detail=detail) from None

    async def _ask_token(self, query: dict[str, str]) -> Answer:
        # A refresh token works once, so that its request is not repeated.
        repeatable = query["grant_type"] == "client_credentials"
        headers = {"Authorization": self._basic.reveal()}
        renewing = Secret(query.get("refresh_token", ""))
        request = Request(
            "POST",
            TOKEN_PATH,
            query=query,
            headers=headers,
            repeatable=repeatable,
            secrets=(self._account.client_secret, self._basic, renewing),
        )
        try:
            return await self._http.send(request)
        except Unreachable as error:
            if repeatable:
                error.facts["sent"] = False  # of what this token was wanted for
                raise
            return Answer(0, b"")

    def _refuse_account(self, answer: Answer) -> NoReturn:
        refusal = parse_refusal(answer.body)
        said = detail_of(refusal.description, (self._account.client_secret,)) or refusal.error
        detail = said or f"The status is {answer.status}."
        cloud = self._http.title
        if answer.status == FORBIDDEN:
            raise BlynkForbidden(cloud=cloud, action="sign in", detail=detail, permission="any")
        if refusal.of_account or answer.status == UNAUTHORISED:
            raise NotAuthorised(cloud=cloud, detail=detail, status=answer.status)
        raise CloudAnswer(cloud=cloud, detail=f"To sign in: {detail}", status=answer.status)

    def _refuse(self, call: wire.Call, answer: Answer, secrets: tuple[Secret, ...]) -> NoReturn:
        cloud = self._http.title
        said = detail_of(error_of(answer.body), (*secrets, self._account.client_secret))
        detail = said or f"The status is {answer.status}."
        match answer.status:
            case 401:
                raise NotAuthorised(cloud=cloud, detail=detail, status=answer.status)
            case 403:
                permission = " or ".join(call.permissions) or "to see its organisation"
                raise BlynkForbidden(
                    cloud=cloud, action=call.action, detail=detail, permission=permission
                )
            case 404:
                raise BlynkNotThere(cloud=cloud, action=call.action, detail=detail)
            case 400:
                raise BlynkRefused(cloud=cloud, action=call.action, detail=detail)
            case status:
                detail = f"To {call.action}: {detail}"
                raise CloudAnswer(cloud=cloud, detail=detail, status=status)

    def _parsed(self, call: wire.Call, parse: Callable[[bytes], T], answer: Answer) -> T:
        try:
            return parse(answer.body)
        except NotAsDocumented as error:
            detail = f"To {call.action}: {error}"
            raise CloudAnswer(cloud=self._http.title, detail=detail) from None
