"""One attempt to provision over CoAP, and a look with a token; without DTLS.

The library has DTLS with pre-shared keys only, and only where a compiler builds its extra, which has
a wheel for no system; ThingsBoard has certificates only. So ``coaps`` is refused when the account is
entered.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from agent.clouds.thingsboard.carrier import Asked
from agent.clouds.thingsboard.way import explain
from agent.errors import Unreachable
from agent.protocols.thingsboard.provisioning import Attempt, Outcome
from agent.protocols.thingsboard.requests import COAP_SEGMENTS

if TYPE_CHECKING:
    import aiocoap

    from agent.clouds.thingsboard.addresses import Server
    from agent.protocols.thingsboard.requests import ProvisionRequest

ANSWER_LIMIT_S: Final = 20.0
"""Two datagrams lost (2 + 4 s, each up to half longer) and the server's own 10 s."""
JSON_FORMAT: Final = 50
TOO_MANY: Final = 0x9D  # 4.29
UNAUTHORIZED: Final = 0x81  # 4.01
NOT_FOUND: Final = 0x84  # 4.04
CLIENT_ERROR: Final = 0x80  # 4.00
SERVER_ERROR: Final = 0xA0  # 5.00
TRANSPORTS: Final = ["simple6"]
"""The one of the library's that works the same on every system; nothing but plain UDP."""


class CoapBroken(Exception):
    """The answer breaks the protocol; the text says so to a person."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(f"It does not speak CoAP as it should ({type(reason).__name__}).")


class CoapCarrier:
    """Asks one server; each attempt has a socket of its own."""

    def __init__(
        self, server: Server, *, title: str, answer_limit_s: float = ANSWER_LIMIT_S
    ) -> None:
        self._server = server
        self._title = title
        self._answer_limit_s = answer_limit_s

    async def ask(self, request: ProvisionRequest) -> Asked:
        """POST the request once; datagrams that are lost are sent again below."""
        import aiocoap

        attempt = Attempt(subscribes=False)
        attempt.connected()
        message = aiocoap.Message(
            code=aiocoap.POST,
            uri=f"{self._server.url}/{'/'.join(COAP_SEGMENTS)}",
            payload=request.encode(),
            content_format=JSON_FORMAT,
        )
        try:
            response = await exchange(message, self._answer_limit_s)
        except TimeoutError:
            return Asked(attempt.silent(self._answer_limit_s))
        except OSError as error:
            explained = await explain(error, self._title, self._server, self._answer_limit_s)
            explained.__cause__ = error
            detail = str(explained.facts.get("detail", ""))
            return Asked(attempt.closed(detail, reached=False), explained)
        except CoapBroken as error:
            return Asked(attempt.closed(str(error)))
        return Asked(_read(attempt, response))

    async def knows(self, token: str) -> bool:
        """Whether the server takes this token; :class:`Unreachable` if it does not say."""
        import aiocoap

        message = aiocoap.Message(code=aiocoap.GET, uri=self._server.url)
        message.opt.uri_path = ("api", "v1", token, "attributes")
        try:
            response = await exchange(message, self._answer_limit_s)
        except OSError as error:
            raise await explain(error, self._title, self._server, self._answer_limit_s) from error
        except CoapBroken as error:
            raise Unreachable(cloud=self._title, detail=str(error), sent=True) from error
        code = int(response.code)
        # 4.04 is what a device without attributes gets; a token that nobody has gets 4.01.
        if response.code.is_successful() or code == NOT_FOUND:
            return True
        if code == UNAUTHORIZED:
            return False
        detail = f"It answers the question for a token with {_dotted(code)}."
        raise Unreachable(cloud=self._title, detail=detail, sent=True)


async def exchange(message: aiocoap.Message, limit_s: float) -> aiocoap.Message:
    """The answer to one message.

    Raises ``OSError`` if there is no way to the server, ``TimeoutError`` if it stays silent, and
    :class:`CoapBroken` for an answer that breaks the protocol.
    """
    import aiocoap

    context = await aiocoap.Context.create_client_context(transports=list(TRANSPORTS))
    try:
        async with asyncio.timeout(limit_s):
            return await context.request(message).response
    except aiocoap.error.TimeoutError as error:
        raise TimeoutError from error
    except aiocoap.error.NetworkError as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from error
        raise CoapBroken(error) from error
    except OSError:
        raise
    except Exception as error:  # the library does not check all that it is sent (AttributeError)
        raise CoapBroken(error) from error
    finally:
        await context.shutdown()


def _read(attempt: Attempt, response: aiocoap.Message) -> Outcome:
    code = int(response.code)
    said = "" if response.code.is_successful() else f"The status is {_dotted(code)}."
    if code == TOO_MANY:
        return attempt.overloaded(said)
    turned_away = CLIENT_ERROR <= code < SERVER_ERROR
    return attempt.answered(response.payload, turned_away=turned_away, said=said)


def _dotted(code: int) -> str:
    """``4.04``, as CoAP writes it."""
    return f"{code >> 5}.{code & 31:02}"
