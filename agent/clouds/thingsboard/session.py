"""Opens the session of a device that stays connected over MQTT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.clouds import mqtt
from agent.clouds.mqtt import MqttClosed, MqttRefused, MqttServer, connect_either
from agent.clouds.thingsboard.addresses import Server
from agent.clouds.thingsboard.certificates import show_certificate
from agent.clouds.thingsboard.proof import ID_REFUSED, login_of, said
from agent.clouds.thingsboard.way import NOT_OURS, explain, is_alert, tls_context
from agent.errors import Unreachable
from agent.settings.credentials import Certificate

if TYPE_CHECKING:
    from agent.clouds.mqtt import MqttClient
    from agent.clouds.route import Routes
    from agent.settings.credentials import CloudSettings


async def open_session(settings: CloudSettings, routes: Routes, *, title: str) -> MqttClient | None:
    """A connection as this device; None: the server does not know these credentials.

    Raises :class:`Unreachable`. A certificate that is refused may look like a lost connection: with
    TLS 1.3 the server's word on it comes after the handshake, and can be lost.
    """
    server = Server(settings.scheme, settings.host, settings.port)
    tls = tls_context(server, routes.trusting(settings.ca))
    own = settings.credentials
    wire = MqttServer(host=server.host, port=server.port, tls=tls)
    shown = isinstance(own, Certificate)
    try:
        if isinstance(own, Certificate) and tls is not None:
            show_certificate(tls, own)
        return await connect_either(wire, login_of(own))
    except MqttRefused as refused:
        if refused.code in mqtt.LOGIN_REFUSED | ID_REFUSED:
            return None
        raise Unreachable(cloud=title, detail=said(refused, own), sent=True) from refused
    except MqttClosed as closed:
        if shown and is_alert(closed.__cause__, *NOT_OURS):
            return None
        raise Unreachable(cloud=title, detail=said(closed, own), sent=True) from closed
    except OSError as error:
        if shown and is_alert(error, *NOT_OURS):
            return None
        raise await explain(error, title, server, mqtt.CONNECT_LIMIT_S) from error
