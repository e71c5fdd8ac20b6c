"""The calls of Arduino Cloud that provisioning 2.0 needs, one method each.

Knows paths, bodies and the error families; decides nothing about what a refusal means for a
board (that is ``arduino``). Sources: arduino/arduino-cloud-cli (internal/provisioning-api,
internal/iot-api-raw, internal/iot/token.go) and the vendor's documentation of its Cloud API.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import quote

import msgspec

from agent.clouds.http import Answer, CloudHttp, Request, detail_of
from agent.clouds.sharing import Cached, SharedCall
from agent.errors import CloudAnswer, NotAuthorised
from agent.settings import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

AUDIENCE: Final = "https://api2.arduino.cc/iot"
"""What the token is for: the real cloud's name, also at another base address (cloud-arduino, 1)."""
RENEW_EARLY_S: Final = 30.0
"""A token is renewed this long before it ends (cloud-arduino, section 1)."""
SUPPORTED_GOOD_FOR_S: Final = 600.0
"""The list of supported boards changes with the vendor's releases; ten minutes cover a job."""

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Account:
    """An API key of the cloud, and the shared space it is for (empty: the private one)."""

    client_id: str
    client_secret: Secret
    organization: str = ""


class SupportedBoard(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the list of supported boards."""

    fqbn: str | None = None
    label: str | None = None
    provisioning: str | None = None
    """``v2``, or None where the board is provisioned otherwise."""
    min_provisioning_sketch_version: str | None = None
    min_provisioning_wifi_version: str | None = None


class Onboarding(msgspec.Struct, frozen=True, kw_only=True):
    """A claim as the cloud lists it."""

    id: str
    unique_hardware_id: str | None = None
    device_name: str | None = None
    device_id: str | None = None
    created_at: str | None = None
    ended_at: str | None = None


class Binary(msgspec.Struct, frozen=True, kw_only=True):
    """A provisioning sketch as the cloud sends it."""

    bin: bytes
    """Sent in base64."""
    filename: str
    sha256: str
    name: str = ""


class Refusal(Exception):
    """An answer of the provisioning family with ``err`` and ``err_code``."""

    def __init__(self, status: int, err: str, err_code: int | None) -> None:
        self.status = status
        self.err = err
        self.err_code = err_code
        super().__init__(f"{status}: {err} ({err_code})")


class _Grant(msgspec.Struct, frozen=True):
    access_token: str = ""
    expires_in: float = 0.0


class _Id(msgspec.Struct, frozen=True):
    id: str


class _Onboardings(msgspec.Struct, frozen=True):
    onboardings: list[Onboarding] | None = None


class _Fault(msgspec.Struct, frozen=True):
    """Fields of all error families; each body has those of its own."""

    err: str | None = None
    err_code: int | None = None
    code: str | None = None
    detail: str | None = None
    error: str | None = None
    error_description: str | None = None


class ArduinoApi:
    """The calls with one account. Errors: CloudError; :class:`Refusal` where it is said."""

    def __init__(self, http: CloudHttp, account: Account) -> None:
        self._http = http
        self.account = account
        self._token: Cached[Secret] = Cached(self._sign_in, http.clock)
        self._supported: Cached[list[SupportedBoard]] = Cached(self._fetch_supported, http.clock)
        self._onboardings: SharedCall[list[Onboarding]] = SharedCall(self._fetch_onboardings)

    async def sign_in(self) -> None:
        """Get a token now; :class:`NotAuthorised` if the account is refused."""
        await self._token.get()

    async def supported_boards(self) -> list[SupportedBoard]:
        """All kinds of boards that the cloud takes; kept for a while."""
        return await self._supported.get()

    async def onboardings(self) -> list[Onboarding]:
        """All claims of the account as they are now; callers at the same time share a request."""
        return await self._onboardings.get()

    async def claim(self, body: Mapping[str, str], token: Secret) -> str:
        """Claim a board with the token it signed; the claim's id, or :class:`Refusal`.

        Never repeated after a lost answer.
        """
        path = "/provisioning/v1/onboarding/claim"
        request = Request("POST", path, json=dict(body), secrets=(token,))
        return self.decode(await self._provisioning(request), _Id).id

    async def register(self, body: Mapping[str, str]) -> None:
        """Make a board and its public key known; or :class:`Refusal`."""
        request = Request("POST", "/provisioning/v1/boards/register", json=dict(body))
        await self._provisioning(request)

    async def delete_onboarding(self, onboarding_id: str) -> None:
        """Undo a claim; :class:`Refusal` also when there is none with this id."""
        path = f"/provisioning/v1/onboarding/{quote(onboarding_id, safe='')}"
        await self._provisioning(Request("DELETE", path, repeatable=True))

    async def binary(self, fqbn: str) -> Binary | None:
        """The provisioning sketch for a kind of board; None if the cloud has none."""
        path = "/iot/v2/binaries/provisioningv2"
        answer = await self._call(Request("GET", path, query={"fqbn": fqbn}, repeatable=True))
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        return self.decode(self._accept(answer), Binary)

    def close(self) -> None:
        """Stop what is under way."""
        self._onboardings.cancel()

    async def send(self, request: Request) -> Answer:
        """A call of the ``/iot`` family that has no method of its own; any refusal is an error."""
        return self._accept(await self._call(request), request.secrets)

    async def _fetch_supported(self) -> tuple[list[SupportedBoard], float]:
        answer = await self._call(Request("GET", "/iot/v1/supported/devices", repeatable=True))
        boards = self.decode(self._accept(answer), list[SupportedBoard])
        return boards, SUPPORTED_GOOD_FOR_S

    async def _fetch_onboardings(self) -> list[Onboarding]:
        request = Request(
            "GET", "/provisioning/v1/onboarding", query={"all": "true"}, repeatable=True
        )
        answer = self._accept(await self._call(request))
        return self.decode(answer, _Onboardings).onboardings or []

    async def _sign_in(self) -> tuple[Secret, float]:
        account = self.account
        form = {
            "grant_type": "client_credentials",
            "client_id": account.client_id,
            "client_secret": account.client_secret.reveal(),
            "audience": AUDIENCE,
        }
        if account.organization:
            form["organization_id"] = account.organization
        answer = await self._http.send(
            Request(
                "POST",
                "/iot/v1/clients/token",
                form=form,
                repeatable=True,
                secrets=(account.client_secret,),
            )
        )
        # OAuth answers 400 where the client is unknown (RFC 6749, section 5.2).
        if answer.status == HTTPStatus.BAD_REQUEST and self._fault(answer).error in {
            "invalid_client",
            "invalid_grant",
            "unauthorized_client",
        }:
            answer = replace(answer, status=HTTPStatus.UNAUTHORIZED)
        grant = self.decode(self._accept(answer, (account.client_secret,)), _Grant)
        if not grant.access_token:
            raise CloudAnswer(cloud=self._http.title, detail="It signed in without a token.")
        good_for_s = max(grant.expires_in - RENEW_EARLY_S, grant.expires_in / 2)
        return Secret(grant.access_token), good_for_s

    async def _provisioning(self, request: Request) -> Answer:
        """A call whose refusals carry ``err`` and ``err_code``."""
        answer = await self._call(request)
        fault = None if answer.ok else self._fault(answer)
        refused = fault is not None and (
            fault.err_code is not None
            or (fault.err is not None and answer.status not in _ACCOUNT_STATUSES)
        )
        if fault is None or not refused:
            return self._accept(answer, request.secrets)
        err = detail_of(fault.err or "", (*request.secrets, *self._secrets()))
        raise Refusal(answer.status, err.rstrip("."), fault.err_code)

    async def _call(self, request: Request) -> Answer:
        """Send with the token; a token that the cloud no longer takes is renewed once."""
        token = await self._token.get()
        answer = await self._http.send(self._signed(request, token))
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self._token.drop(token)
            token = await self._token.get()
            answer = await self._http.send(self._signed(request, token))
        return answer

    def _signed(self, request: Request, token: Secret) -> Request:
        headers = {**request.headers, "Authorization": f"Bearer {token.reveal()}"}
        if self.account.organization:
            headers["X-Organization"] = self.account.organization
        return replace(request, headers=headers, secrets=(*request.secrets, token))

    def _secrets(self) -> tuple[Secret, ...]:
        token = self._token.kept
        return (self.account.client_secret, *((token,) if token is not None else ()))

    def _accept(self, answer: Answer, secrets: tuple[Secret, ...] = ()) -> Answer:
        """The answer if it is a success; else what its body says, by the family of the call."""
        if answer.ok:
            return answer
        fault = self._fault(answer)
        said = fault.detail or fault.err or fault.error_description or fault.code or fault.error
        detail = detail_of(said or "", (*secrets, *self._secrets()))
        if answer.status in _ACCOUNT_STATUSES:
            raise NotAuthorised(
                cloud=self._http.title,
                detail=detail or "The key is wrong, or it was deleted, or it may not do this.",
                status=answer.status,
            )
        raise CloudAnswer(
            cloud=self._http.title,
            detail=f"HTTP status {answer.status}. {detail}".strip(),
            status=answer.status,
        )

    def _fault(self, answer: Answer) -> _Fault:
        try:
            return msgspec.json.decode(answer.body, type=_Fault, strict=False)
        except _NOT_READABLE:
            return _Fault()

    def decode(self, answer: Answer, shape: type[S]) -> S:
        """The body of an answer; :class:`CloudAnswer` if it is not what is documented."""
        try:
            return msgspec.json.decode(answer.body, type=shape)
        except _NOT_READABLE as error:
            detail = f"It is not what is documented for this call: {detail_of(str(error))}."
            raise CloudAnswer(cloud=self._http.title, detail=detail, status=answer.status) from None


_ACCOUNT_STATUSES: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_NOT_READABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
