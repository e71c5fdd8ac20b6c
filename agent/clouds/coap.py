"""Asks a server one thing over CoAP, in clear or through DTLS."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final

from agent.clouds.datagrams import Channel, Datagrams, resolve
from agent.protocols.coap import Answer, Exchange, Failed

if TYPE_CHECKING:
    from agent.clouds.dtls import DtlsClient
    from agent.protocols.coap import Request

ENDED: Final = "It ended the connection instead of an answer."


class CoapSilent(Exception):
    """There is no answer; the server may have done what it was asked."""


class CoapBroken(Exception):
    """What came is no answer; the text says why to a person. Something may have been done."""


async def ask(
    host: str, port: int, request: Request, *, limit_s: float, dtls: DtlsClient | None = None
) -> Answer:
    """The server's answer to one request, within ``limit_s`` seconds after the connection.

    Raises ``OSError`` if there is no way to the server (nothing was done), :class:`CoapSilent`,
    :class:`CoapBroken`. ``dtls`` opens the connection, within a limit of its own.
    """
    if dtls is not None:
        channel = await dtls.connect(host, port)
        try:
            return await exchange(channel, request, limit_s)
        except OSError as error:
            raise CoapBroken(ENDED) from error
        finally:
            channel.close()
    failed: OSError | None = None
    async with asyncio.timeout(limit_s):
        addresses = await resolve(host, port)
    for address in addresses:
        try:
            plain = await Datagrams.open(address)
            try:
                return await exchange(plain, request, limit_s)
            finally:
                plain.close()
        except OSError as error:  # nobody listens at this one of the host's addresses
            failed = failed or error
    raise failed or OSError(f"no address of {host}")


async def exchange(channel: Channel, request: Request, limit_s: float) -> Answer:
    """One request over a channel that is open. See :func:`ask`.

    ``OSError`` only if nothing was heard of the server.
    """
    machine = Exchange(request, seed=secrets.token_bytes(8), exponent=channel.block_exponent)
    loop = asyncio.get_running_loop()
    end = loop.time() + limit_s
    machine.start(loop.time())
    heard = False
    while True:
        for data in machine.take():
            channel.send(data)
        if machine.answer is not None:
            return machine.answer
        if machine.failed is Failed.SILENT or loop.time() >= end:
            raise CoapSilent
        if machine.failed is not None:
            raise CoapBroken(machine.failed.value)
        due = machine.deadline
        until = end if due is None else min(due, end)
        try:
            async with asyncio.timeout_at(until) as limit:
                data = await channel.receive()
        except TimeoutError:
            if not limit.expired():
                raise  # the system's own
            machine.tick(loop.time())
        except OSError as error:
            if heard:
                raise CoapBroken(ENDED) from error
            raise
        else:
            heard = True
            machine.feed(data, loop.time())
