"""One attempt to provision over CoAP, in clear or through DTLS, and a look with credentials."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from agent.clouds.coap import CoapBroken, CoapSilent, ask
from agent.clouds.dtls import HANDSHAKE_LIMIT_S, DtlsClient
from agent.clouds.thingsboard.carrier import Asked
from agent.clouds.thingsboard.way import NOT_OURS, explain, is_alert
from agent.errors import ServiceFault, Unreachable
from agent.protocols.coap import GET, POST, Request
from agent.protocols.thingsboard.provisioning import Attempt, Outcome
from agent.protocols.thingsboard.requests import COAP_SEGMENTS

if TYPE_CHECKING:
    from agent.clouds.route import Routes
    from agent.clouds.thingsboard.addresses import Server
    from agent.protocols.coap import Answer
    from agent.protocols.thingsboard.requests import ProvisionRequest
    from agent.settings.credentials import Certificate

ANSWER_LIMIT_S: Final = 20.0
"""Two datagrams lost (2 + 4 s, each up to half longer) and the server's own 10 s."""
JSON_FORMAT: Final = 50
TOO_MANY: Final = 0x9D  # 4.29
UNAUTHORIZED: Final = 0x81  # 4.01
NOT_FOUND: Final = 0x84  # 4.04
CLIENT_ERROR: Final = 0x80  # 4.00
SERVER_ERROR: Final = 0xA0  # 5.00


class CoapCarrier:
    """Asks one server; each attempt has a socket of its own, and with ``coaps`` a handshake."""

    def __init__(
        self,
        server: Server,
        routes: Routes,
        *,
        title: str,
        answer_limit_s: float = ANSWER_LIMIT_S,
        handshake_limit_s: float = HANDSHAKE_LIMIT_S,
    ) -> None:
        self._server = server
        self._routes = routes
        self._title = title
        self._answer_limit_s = answer_limit_s
        self._handshake_limit_s = handshake_limit_s

    async def ask(self, request: ProvisionRequest) -> Asked:
        """POST the request once; datagrams that are lost are sent again below."""
        attempt = Attempt(subscribes=False)
        attempt.connected()
        try:
            answer = await self._ask(POST, COAP_SEGMENTS, request.encode())
        except CoapSilent:
            return Asked(attempt.silent(self._answer_limit_s))
        except CoapBroken as error:
            return Asked(attempt.closed(f"It does not speak CoAP as it should. {error}"))
        except OSError as error:
            explained = await self._explain(error)
            explained.__cause__ = error
            detail = str(explained.facts.get("detail", ""))
            return Asked(attempt.closed(detail, reached=False), explained)
        return Asked(_read(attempt, answer))

    async def knows(self, token: str) -> bool:
        """Whether the server takes this token; :class:`Unreachable` if it does not say."""
        return await self._knows(("api", "v1", token, "attributes"))

    async def knows_certificate(self, own: Certificate) -> bool:
        """Whether the server takes this certificate (``coaps``); :class:`Unreachable`."""
        try:
            return await self._knows(("api", "v1", "attributes"), own)
        except Unreachable as error:
            # The server looks for the device while it shakes hands.
            if is_alert(error.__cause__, *NOT_OURS):
                return False
            raise

    async def _knows(self, path: tuple[str, ...], own: Certificate | None = None) -> bool:
        try:
            answer = await self._ask(GET, path, own=own)
        except CoapSilent as error:
            detail = f"No answer of {self._server.url} within {self._answer_limit_s:g} s."
            raise Unreachable(cloud=self._title, detail=detail, sent=True) from error
        except CoapBroken as error:
            detail = f"It does not speak CoAP as it should. {error}"
            raise Unreachable(cloud=self._title, detail=detail, sent=True) from error
        except OSError as error:
            raise await self._explain(error) from error
        # 4.04 is what a device without attributes gets; a token that nobody has gets 4.01.
        if answer.ok or answer.code == NOT_FOUND:
            return True
        if answer.code == UNAUTHORIZED:
            return False
        detail = f"It answers the question for a device with {_dotted(answer.code)}."
        kind = ServiceFault if answer.code >= SERVER_ERROR else Unreachable
        raise kind(cloud=self._title, detail=detail, sent=True)

    async def _ask(
        self, code: int, path: tuple[str, ...], payload: bytes = b"", own: Certificate | None = None
    ) -> Answer:
        server, dtls = self._server, None
        if server.encrypted:
            route = self._routes.to(server.url)
            dtls = DtlsClient(route, own, limit_s=self._handshake_limit_s)
        request = Request(
            code,
            path,
            payload,
            JSON_FORMAT if payload else None,
            host="" if _is_address(server.host) else server.host,
            whole=code == POST,
        )
        limit_s = self._answer_limit_s
        return await ask(server.host, server.port, request, limit_s=limit_s, dtls=dtls)

    async def _explain(self, error: OSError) -> Unreachable:
        limit_s = self._handshake_limit_s if self._server.encrypted else self._answer_limit_s
        return await explain(error, self._title, self._server, limit_s)


def _read(attempt: Attempt, answer: Answer) -> Outcome:
    said = "" if answer.ok else f"The status is {_dotted(answer.code)}."
    if answer.code == TOO_MANY:
        return attempt.overloaded(said)
    turned_away = CLIENT_ERROR <= answer.code < SERVER_ERROR
    return attempt.answered(answer.payload, turned_away=turned_away, said=said)


def _dotted(code: int) -> str:
    """``4.04``, as CoAP writes it."""
    return f"{code >> 5}.{code & 31:02}"


def _is_address(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False
