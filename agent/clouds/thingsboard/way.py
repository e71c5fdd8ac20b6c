"""Why there is no connection to a server that is not asked over HTTP."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from agent.clouds.dtls import DtlsUntrusted
from agent.clouds.failures import (
    NOT_YET_CODES,
    TIME_CODES,
    said_of,
    shown_time,
    system_error,
)
from agent.clouds.trust import client_context, issuer_of
from agent.errors import CertificateUnknown, ClockOff, NameUnknown, Unreachable
from agent.errors.internet import OWN_AUTHORITY
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.clouds.route import Routes
    from agent.clouds.thingsboard.addresses import Server

LOOK_LIMIT_S: Final = 5.0
"""To see whose certificate it is that is not trusted; an error can do without."""

NOT_OURS: Final = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS")
"""Alerts of TLS about the certificate that we showed."""


def tls_context(server: Server, routes: Routes) -> ssl.SSLContext | None:
    """What accepts this server's certificate; None without encryption."""
    if not server.encrypted:
        return None
    route = routes.to(server.url)
    return client_context(route.certificates, route.authorities)


async def explain(error: Exception, cloud: str, server: Server, limit_s: float) -> Unreachable:
    """The error that a person can act on; nothing was sent yet."""
    reason = system_error(error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return await _untrusted(reason, cloud, server)
    if isinstance(reason, socket.gaierror):
        host = clean_text(server.host)
        return NameUnknown(cloud=cloud, host=host, detail=said_of(reason), sent=False)
    layer = "DTLS" if server.scheme == "coaps" else "TLS"
    if isinstance(error, TimeoutError):
        detail = f"No connection to {server.url} within {limit_s:g} s."
    elif isinstance(reason, ssl.SSLError) and "ALERT" in (reason.reason or ""):
        # The server's own word, as in “tlsv13 alert certificate required”.
        said = clean_text((reason.reason or "").lower().replace("_", " "))
        detail = f"{server.url} ends {layer} with this computer: {said}."
    elif isinstance(reason, ssl.SSLError):
        detail = f"{server.url} does not speak {layer}, or not in a version that is accepted here."
    else:
        detail = f"No connection to {server.url}: {said_of(reason) or type(error).__name__}."
    return Unreachable(cloud=cloud, detail=detail, sent=False)


async def _untrusted(
    reason: ssl.SSLCertVerificationError, cloud: str, server: Server
) -> CertificateUnknown | ClockOff:
    if isinstance(reason, DtlsUntrusted):
        shown: bytes | None = reason.shown
    else:
        shown = await _shown_certificate(server)
    valid = _validity(shown)
    now = time.time()
    detail = ""
    if reason.verify_code in TIME_CODES:
        if valid is not None and reason.verify_code in NOT_YET_CODES:
            # An authority that counts has signed it already, so it is here that it is too early.
            begin = valid[0].timestamp()
            there = f"{shown_time(begin)} at least"
            off_s = round(now - begin)
            return ClockOff(cloud=cloud, here=shown_time(now), there=there, off_s=off_s, sent=False)
        # Nobody can say whether it or this clock is wrong.
        days = f"It is valid from {_day(valid[0])} to {_day(valid[1])}. " if valid else ""
        detail = f"{days}This computer believes that it is {shown_time(now)}."
    issuer = issuer_of(shown)
    return CertificateUnknown(
        cloud=cloud,
        whom=server.url,
        reason=clean_text((reason.verify_message or str(reason.strerror)).rstrip(".")),
        issuer=f"“{issuer}”" if issuer else "somebody who gives no name",
        detail=detail,
        own=OWN_AUTHORITY,
        sent=False,
    )


def is_alert(error: BaseException | None, *words: str) -> bool:
    """Whether the server ended TLS with an alert whose name has one of ``words``."""
    if not isinstance(error, ssl.SSLError) or isinstance(error, ssl.SSLCertVerificationError):
        return False
    reason = error.reason or ""
    return "ALERT" in reason and any(word in reason for word in words)


async def _shown_certificate(server: Server) -> bytes | None:
    """What the server shows; it is told nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(LOOK_LIMIT_S):
            _, writer = await asyncio.open_connection(server.host, server.port, ssl=context)
    except (OSError, TimeoutError):
        return None
    shown: bytes | None = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return shown


def _validity(shown: bytes | None) -> tuple[datetime, datetime] | None:
    from cryptography import x509

    try:
        certificate = x509.load_der_x509_certificate(shown or b"")
    except (ValueError, x509.InvalidVersion):
        return None
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"
