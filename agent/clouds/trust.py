"""Whom this computer trusts, and who it was that it does not trust."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from agent.errors import CertificatesUnreadable
from agent.settings import clean_text

if TYPE_CHECKING:
    import httpx

    from agent.clouds.route import CertificateFile, Proxy, Route

ISSUER_CHARS: Final = 100
_PEM: Final = b"-----BEGIN CERTIFICATE-----"
_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Stranger:
    """What is known of a server whose certificate is not accepted; nothing of it is proven."""

    issuer: str = ""
    """Who signed its certificate, fit to be shown; empty: not known."""
    date_s: float = 0.0
    """Unix seconds of its clock; 0: not known."""
    elsewhere: bool = False
    """It sends whoever asks to another server, as the page of a network does."""


def client_context(
    certificates: tuple[CertificateFile, ...], authorities: str = ""
) -> ssl.SSLContext:
    """What accepts the certificates that the system trusts, those of the files, and ``authorities``.

    ``authorities`` is PEM that was checked when it was given.

    :class:`CertificatesUnreadable` if a file has none.
    """
    import truststore

    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for file in certificates:
        try:
            data = Path(file.path).read_bytes()
            # A company hands its certificate out in either form.
            context.load_verify_locations(cadata=data.decode("ascii") if _PEM in data else data)
        except (OSError, ValueError) as error:
            detail = "It holds no certificate in the form PEM or DER."
            if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
                detail = f"It cannot be read: {error.strerror}."
            raise CertificatesUnreadable(
                path=clean_text(file.path), detail=detail, sent=False
            ) from None
    if authorities:
        context.load_verify_locations(cadata=authorities)
    return context


def proxy_argument(proxy: Proxy | None, context: ssl.SSLContext) -> httpx.Proxy | None:
    """The proxy as the library takes it; a proxy with https must be trusted too."""
    import httpx

    if proxy is None:
        return None
    address = proxy.address.reveal()
    return httpx.Proxy(address, ssl_context=context if address.startswith("https:") else None)


async def look_at_stranger(url: str, route: Route, *, limit_s: float) -> Stranger:
    """Ask a server whose certificate is not accepted who it is; it is told nothing, and no token.

    Its proxy has to be one that is trusted.
    """
    import httpx

    try:
        async with (
            asyncio.timeout(limit_s),
            httpx.AsyncClient(
                verify=_trusting(),
                proxy=proxy_argument(
                    route.proxy, client_context(route.certificates, route.authorities)
                ),
                trust_env=False,
                timeout=limit_s,
            ) as client,
            client.stream("HEAD", url) as response,
        ):
            tls = response.extensions["network_stream"].get_extra_info("ssl_object")
            return Stranger(
                issuer=issuer_of(tls.getpeercert(binary_form=True)),
                date_s=parse_date(response.headers.get("Date", "")),
                elsewhere=leads_elsewhere(url, response.headers.get("Location", "")),
            )
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, AttributeError):
        return Stranger()


async def look_at_proxy(proxy: Proxy, *, limit_s: float) -> Stranger:
    """Who a proxy is whose certificate is not accepted; it is told nothing, not even the account."""
    parts = urlsplit(proxy.address.reveal())
    port = parts.port or _PORTS.get(parts.scheme)
    try:
        async with asyncio.timeout(limit_s):
            _, writer = await asyncio.open_connection(parts.hostname, port, ssl=_trusting())
    except (OSError, ValueError):
        return Stranger()
    tls = writer.get_extra_info("ssl_object")
    issuer = issuer_of(tls.getpeercert(binary_form=True))
    writer.transport.abort()
    return Stranger(issuer=issuer)


def issuer_of(certificate: bytes | None) -> str:
    """The organisation and name that signed a certificate (DER), fit to be shown."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        issuer = x509.load_der_x509_certificate(certificate or b"").issuer
    except (ValueError, x509.InvalidVersion):
        return ""
    wanted = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
    texts = [str(each.value) for oid in wanted for each in issuer.get_attributes_for_oid(oid)]
    return clean_text(", ".join(dict.fromkeys(texts)), ISSUER_CHARS)


def leads_elsewhere(url: str, location: str) -> bool:
    """Whether a redirect from ``url`` goes to another server."""
    try:
        there = urlsplit(location)
        return bool(there.hostname) and there.hostname != urlsplit(url).hostname
    except ValueError:
        return False


def parse_date(text: str) -> float:
    """Unix seconds of an HTTP date; 0 if it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def _trusting() -> ssl.SSLContext:
    """Accepts every certificate: only to see whose it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
