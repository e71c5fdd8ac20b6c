"""Tries credentials out where the board will use them: a real connection, and nothing else."""

from __future__ import annotations

import secrets
import ssl
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from agent.clouds import mqtt
from agent.clouds.http import CloudHttp, Limits, Request, detail_of
from agent.clouds.mqtt import MqttClosed, MqttLogin, MqttRefused, MqttServer, connect_either
from agent.clouds.thingsboard.addresses import WEB, Server
from agent.clouds.thingsboard.certificates import show_certificate
from agent.clouds.thingsboard.over_coap import CoapCarrier
from agent.clouds.thingsboard.way import NOT_OURS, explain, is_alert, tls_context
from agent.errors import CloudAnswer, Unreachable
from agent.settings.credentials import AccessToken, Certificate, MqttBasic

if TYPE_CHECKING:
    from agent.clouds.clock import Clock
    from agent.clouds.route import Routes
    from agent.settings.credentials import CloudSettings, Credentials

REFUSED: Final = frozenset({401, 403, 404})
"""HTTP: the token is of no device. 401 in the releases looked at; the others for proxies' sake."""
LIMITS: Final = Limits(answer_s=15.0, body=1024 * 1024)
"""The attributes of a device come back, which may be many."""
ID_REFUSED: Final = frozenset({2, 0x85})
"""CONNACK: the client id is not valid; for a basic login that is one wrong field."""


async def prove(settings: CloudSettings, routes: Routes, *, title: str, clock: Clock) -> bool:
    """Whether the server takes these credentials over the board's own transport.

    Raises :class:`Unreachable` if the server does not say. To the server this looks like the board:
    its record of the device's activity moves, and some brokers end an older connection with the
    same client id, so not while the board runs.
    """
    server = Server(settings.scheme, settings.host, settings.port)
    routes = routes.trusting(settings.ca)
    credentials = settings.credentials
    if settings.scheme in {"mqtt", "mqtts"}:
        return await _over_mqtt(credentials, server, routes, title)
    if settings.scheme == "coaps" and isinstance(credentials, Certificate):
        return await CoapCarrier(server, routes, title=title).knows_certificate(credentials)
    if not isinstance(credentials, AccessToken):
        return False  # else the server takes nothing but tokens over HTTP and CoAP
    if settings.scheme in WEB:
        return await _over_http(credentials, server, routes, title, clock)
    return await CoapCarrier(server, routes, title=title).knows(credentials.token.reveal())


async def _over_http(
    credentials: AccessToken, server: Server, routes: Routes, title: str, clock: Clock
) -> bool:
    http = CloudHttp(title=title, base_url=server.url, clock=clock, limits=LIMITS, routes=routes)
    token = credentials.token
    path = f"/api/v1/{quote(token.reveal(), safe='')}/attributes"
    try:
        answer = await http.send(Request("GET", path, repeatable=True, secrets=(token,)))
    finally:
        await http.close()
    if answer.ok:
        return True
    if answer.status in REFUSED:
        return False
    detail = f"It answers the question for a token with status {answer.status}."
    raise CloudAnswer(cloud=title, detail=detail, status=answer.status)


async def _over_mqtt(credentials: Credentials, server: Server, routes: Routes, title: str) -> bool:
    if not isinstance(credentials, Certificate):
        return await _connects(credentials, server, tls_context(server, routes), title)
    # In TLS 1.2 the server's word on our certificate is part of the handshake. In 1.3 it comes
    # later, and is lost when it crosses our first packet.
    for newest in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.MAXIMUM_SUPPORTED):
        tls = tls_context(server, routes)
        if tls is None:
            return False
        tls.maximum_version = newest
        try:
            return await _connects(credentials, server, tls, title)
        except Unreachable as error:
            # Servers that do not speak 1.2 say so with an alert, or just hang up.
            if not isinstance(error.__cause__, ConnectionError | ssl.SSLError):
                raise
            failed = error
    raise failed


async def _connects(
    credentials: Credentials, server: Server, tls: ssl.SSLContext | None, title: str
) -> bool:
    wire = MqttServer(host=server.host, port=server.port, tls=tls)
    shown = isinstance(credentials, Certificate)
    try:
        if isinstance(credentials, Certificate) and tls is not None:
            show_certificate(tls, credentials)
        client = await connect_either(wire, login_of(credentials))
    except MqttRefused as refused:
        if refused.code in mqtt.LOGIN_REFUSED | ID_REFUSED:
            return False
        raise Unreachable(cloud=title, detail=said(refused, credentials), sent=True) from refused
    except MqttClosed as closed:
        if shown and is_alert(closed.__cause__, *NOT_OURS):
            return False
        raise Unreachable(cloud=title, detail=said(closed, credentials), sent=True) from closed
    except OSError as error:
        if shown and is_alert(error, *NOT_OURS):
            return False
        raise await explain(error, title, server, mqtt.CONNECT_LIMIT_S) from error
    await client.close()
    return True


def login_of(credentials: Credentials) -> MqttLogin:
    """How a device says over MQTT who it is; the client id is a new one where any will do."""
    anyone = f"mooring-{secrets.token_hex(6)}"
    match credentials:
        case AccessToken(token=token):
            return MqttLogin(client_id=anyone, username=token.reveal())
        case MqttBasic(client_id=client_id, username=username, password=password):
            return MqttLogin(
                client_id=client_id or anyone,
                username=username or None,
                password=password.reveal() if password else None,
            )
        case Certificate():
            return MqttLogin(client_id=anyone)


def said(error: MqttRefused | MqttClosed, credentials: Credentials) -> str:
    """How the server ended it, without the credentials that it may quote."""
    match credentials:
        case AccessToken(token=secret) | MqttBasic(password=secret) | Certificate(key=secret):
            return detail_of(str(error), (secret,))
