"""What a tenant administrator can see and mend: devices, their credentials, the provision mark."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from agent.clouds.http import Answer, CloudHttp, Request, detail_of
from agent.errors import (
    AdminConflict,
    AdminForbidden,
    AdminRefused,
    CloudAnswer,
    DeviceAbsent,
    QuotaReached,
)
from agent.protocols.thingsboard import admin as wire
from agent.protocols.thingsboard.admin import ErrorCode, NotAsDocumented
from agent.settings import clean_text
from agent.settings.credentials import AccessToken, Certificate, MqttBasic

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.settings import Secret
    from agent.settings.credentials import Credentials

T = TypeVar("T")

PAGES_MAX: Final = 20
"""Of 100 profiles each; a tenant has a handful."""
UNAUTHORISED: Final = 401
CONFLICT: Final = 409
NOT_FOUND: Final = 404


class Administrator:
    """Signs in when first needed, and again when the token has expired."""

    def __init__(self, http: CloudHttp, user: str, password: Secret) -> None:
        self._http = http
        self._user = user
        self._password = password
        self._tokens: wire.Tokens | None = None
        self._lock = asyncio.Lock()

    async def sign_in(self) -> None:
        """Get a token with user and password; :class:`AdminRefused` if they are not accepted."""
        async with self._lock:
            await self._sign_in()

    async def find(self, name: str) -> wire.Device | None:
        """The device of this name in the whole tenant; None: the name is free."""
        query = {"deviceName": name}
        answer = await self._call("GET", wire.DEVICE_PATH, "look for a device", query=query)
        if answer.status == NOT_FOUND:
            return None
        return self._read(answer, wire.parse_device, "look for a device")

    async def profile(self, profile_id: str) -> wire.Profile:
        """A device profile."""
        path = wire.profile_path(profile_id)
        answer = await self._call("GET", path, "see the device profile")
        return self._read(answer, wire.parse_profile, "see the device profile")

    async def profile_of(self, key: Secret) -> wire.Profile | None:
        """The device profile with this provision key; None: not in this tenant."""
        action = "see the device profiles"
        for page in range(PAGES_MAX):
            query = {"pageSize": "100", "page": str(page)}
            answer = await self._call("GET", "/api/deviceProfiles", action, query=query)
            found, more = self._read(answer, wire.parse_profiles, action)
            for profile in found:
                if profile.key == key.reveal():
                    return profile
            if not more:
                break
        return None

    async def credentials(self, device: wire.Device) -> wire.StoredCredentials:
        """What the server keeps for this device."""
        action = "read the credentials of a device"
        path = wire.device_credentials_path(device.id)
        answer = self._there(device, await self._call("GET", path, action))
        return self._read(answer, wire.parse_credentials, action)

    async def replace(self, device: wire.Device, new: Credentials) -> None:
        """Put ``new`` in the place of what the server keeps; the old stops at once.

        :class:`AdminConflict` if somebody else did so in between.
        """
        action = "replace the credentials of a device"
        stored = await self.credentials(device)
        body = wire.replacing(stored, new)
        answer = await self._call(
            "POST", wire.CREDENTIALS_PATH, action, json=body, secrets=_secrets_of(new)
        )
        self._there(device, answer)

    async def attributes(self, device: wire.Device, *keys: str) -> dict[str, object]:
        """Server attributes of these names; those that are not there are left out."""
        action = "see the attributes of a device"
        path = wire.attributes_path(device.id)
        answer = await self._call("GET", path, action, query={"keys": ",".join(keys)})
        found = self._read(self._there(device, answer), wire.parse_attributes, action)
        return {key: found[key] for key in keys if key in found}

    async def clear_mark(self, device: wire.Device) -> None:
        """Remove ``provisionState``, so that the device can be provisioned again."""
        action = "clear the mark of a device"
        path = wire.clear_attributes_path(device.id)
        query = {"keys": wire.PROVISION_STATE}
        self._there(device, await self._call("DELETE", path, action, query=query))

    async def delete(self, device: wire.Device) -> None:
        """Remove the device and its history; one that is gone already is not an error."""
        action = "delete a device"
        answer = await self._call("DELETE", wire.device_path(device.id), action)
        if answer.status != NOT_FOUND:
            self._there(device, answer)

    async def close(self) -> None:
        """Release connections."""
        await self._http.close()

    async def _call(
        self,
        method: str,
        path: str,
        action: str,
        *,
        query: dict[str, str] | None = None,
        json: object | None = None,
        secrets: tuple[Secret, ...] = (),
    ) -> Answer:
        """An answer that is 2xx, 404 or 409; a token that has expired is renewed once."""
        tokens = await self._signed_in()
        answer = await self._once(method, path, query, json, tokens)
        if answer.status == UNAUTHORISED:
            tokens = await self._renewed(tokens)
            answer = await self._once(method, path, query, json, tokens)
        if not answer.ok and answer.status not in {NOT_FOUND, CONFLICT}:
            self._refuse(answer, action, secrets)
        return answer

    async def _once(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None,
        json: object | None,
        tokens: wire.Tokens,
    ) -> Answer:
        return await self._http.send(
            Request(
                method,
                path,
                query=query or {},
                json=json,
                headers={wire.TOKEN_HEADER: f"Bearer {tokens.token.reveal()}"},
                # A replacement has its version, so a second one is refused rather than done.
                repeatable=method != "POST",
                secrets=(tokens.token,),
            )
        )

    async def _sign_in(self) -> wire.Tokens:
        body = {"username": self._user, "password": self._password.reveal()}
        return await self._fetch_tokens(wire.LOGIN_PATH, body)

    async def _signed_in(self) -> wire.Tokens:
        async with self._lock:
            return self._tokens or await self._sign_in()

    async def _renewed(self, expired: wire.Tokens) -> wire.Tokens:
        async with self._lock:
            if self._tokens is not None and self._tokens is not expired:
                return self._tokens  # another request has renewed it meanwhile
            self._tokens = None
            if expired.refresh:
                body = {"refreshToken": expired.refresh.reveal()}
                with contextlib.suppress(AdminRefused):
                    return await self._fetch_tokens(wire.RENEW_PATH, body)
            return await self._sign_in()

    async def _fetch_tokens(self, path: str, body: dict[str, str]) -> wire.Tokens:
        secrets = (self._password,)
        request = Request("POST", path, json=body, repeatable=True, secrets=secrets)
        answer = await self._http.send(request)
        if not answer.ok:
            detail = self._said(wire.parse_failure(answer.body), answer)
            raise AdminRefused(cloud=self._http.title, detail=detail, status=answer.status)
        self._tokens = self._read(answer, wire.parse_tokens, "sign in")
        return self._tokens

    def _refuse(self, answer: Answer, action: str, secrets: tuple[Secret, ...] = ()) -> NoReturn:
        failure = wire.parse_failure(answer.body)
        cloud, detail = self._http.title, self._said(failure, answer, secrets)
        code = failure.error_code
        if answer.status == UNAUTHORISED or code == ErrorCode.CREDENTIALS_EXPIRED:
            raise AdminRefused(cloud=cloud, detail=detail, status=answer.status)
        if code in {ErrorCode.SUBSCRIPTION, ErrorCode.ENTITY_LIMIT}:
            raise QuotaReached(cloud=cloud, detail=detail, status=answer.status)
        if code == ErrorCode.NO_PERMISSION or answer.status == 403:
            raise AdminForbidden(cloud=cloud, action=action, detail=detail)
        raise CloudAnswer(cloud=cloud, detail=f"To {action}: {detail}", status=answer.status)

    def _said(self, failure: wire.Failure, answer: Answer, secrets: tuple[Secret, ...] = ()) -> str:
        """The server's sentence, in which it may quote what it was sent."""
        said = detail_of(failure.message, (self._password, *secrets))
        return said or f"The status is {answer.status}."

    def _there(self, device: wire.Device, answer: Answer) -> Answer:
        if answer.status == NOT_FOUND:
            raise DeviceAbsent(cloud=self._http.title, name=clean_text(device.name))
        if answer.status == CONFLICT:
            raise AdminConflict(cloud=self._http.title, name=clean_text(device.name))
        return answer

    def _read(self, answer: Answer, parse: Callable[[bytes], T], action: str) -> T:
        if not answer.ok:
            self._refuse(answer, action)
        try:
            return parse(answer.body)
        except NotAsDocumented as error:
            detail = f"To {action}: {error}"
            raise CloudAnswer(cloud=self._http.title, detail=detail) from None


def _secrets_of(credentials: Credentials) -> tuple[Secret, ...]:
    match credentials:
        case AccessToken(token=secret) | MqttBasic(password=secret) | Certificate(key=secret):
            return (secret,)
