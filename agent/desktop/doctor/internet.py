"""Whether the clouds can be reached: connection, proxy, certificates, and what time it is there.

Asks as the agent asks, through the same client, for the cloud's first page and without an account.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from agent.clouds.address import is_loopback
from agent.clouds.http import CloudHttp, Limits, Request
from agent.desktop.doctor.clock import skewed
from agent.desktop.doctor.found import fine, found, from_error
from agent.errors import CloudError, Level, Unreachable
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.desktop.doctor.found import Found

AREA: Final = "internet"
LIMITS: Final = Limits(connect_s=8.0, answer_s=12.0, body=1 << 20)
"""Shorter than for work: a person waits for the answer. Either is far above what a slow line needs.
The size is that of an error's page with room to spare."""
TIME_CODES: Final = frozenset({9, 10})
"""Not valid yet, and expired (OpenSSL, x509_vfy.h)."""


class CloudAddress(NamedTuple):
    """A cloud as the doctor knows it."""

    title: str
    base_url: str


class Internet:
    """Asks each cloud once, and looks at the certificates that this computer trusts."""

    area = AREA

    def __init__(
        self,
        clouds: Sequence[CloudAddress],
        *,
        environ: Mapping[str, str] = os.environ,
        limits: Limits = LIMITS,
    ) -> None:
        self._clouds = list(clouds)
        self._environ = environ
        self._limits = limits

    async def look(self) -> Sequence[Found]:
        """One finding per cloud, one for each wrong setting, and the clock if it differs."""
        wrong = [
            one
            for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")
            if (one := _missing_certificates(name, self._environ.get(name, ""))) is not None
        ]
        answers = await asyncio.gather(*(self._ask(cloud) for cloud in self._clouds))
        return [*wrong, *(one for each in answers for one in each)]

    async def _ask(self, cloud: CloudAddress) -> list[Found]:
        http = CloudHttp(title=cloud.title, base_url=cloud.base_url, limits=self._limits)
        try:
            answer = await http.send(Request("GET", "/"))
        except Unreachable as error:
            return await self._explain(cloud, error)
        except CloudError:
            # It answers, if not what was asked for.
            answer = None
        finally:
            await http.close()
        clock = skewed(_date(answer.date), cloud.title) if answer and answer.date else None
        findings = [fine(AREA, f"{cloud.title} can be reached.", url=cloud.base_url)]
        return findings if clock is None else [*findings, clock]

    async def _explain(self, cloud: CloudAddress, error: Unreachable) -> list[Found]:
        untrusted = _certificate_error(error)
        if untrusted is not None:
            return await self._untrusted(cloud, untrusted)
        proxy = proxy_for(cloud.base_url)
        if proxy and not error.facts.get("status"):
            return [
                found(
                    AREA,
                    "proxy",
                    Level.PROBLEM,
                    f"{cloud.title} cannot be reached through the proxy {proxy}.",
                    str(error.facts.get("detail", "")),
                    "Check the proxy in the settings of the system, or in the environment "
                    "variables HTTPS_PROXY and NO_PROXY of whoever starts Mooring.",
                    facts={"proxy": proxy, "cloud": cloud.title},
                )
            ]
        return [from_error(AREA, error, Level.PROBLEM)]

    async def _untrusted(
        self, cloud: CloudAddress, error: ssl.SSLCertVerificationError
    ) -> list[Found]:
        clock = None
        if error.verify_code in TIME_CODES:
            # If the clock is wrong, valid certificates look old or too new.
            date = await self._untrusted_date(cloud.base_url)
            clock = skewed(_date(date), cloud.title) if date else None
        if clock is not None:
            return [clock]
        reason = clean_text(error.verify_message or str(error.strerror))
        return [
            found(
                AREA,
                "certificate",
                Level.PROBLEM,
                f"This computer does not trust the certificate of {cloud.title}.",
                f"The reason is: {reason}. Where a company or a virus scanner reads what is sent, "
                "it shows a certificate of its own.",
                "Install the certificate of the company in the system's store, or name its file in "
                "the environment variable SSL_CERT_FILE; on Linux see that the package "
                "ca-certificates is installed.",
                facts={"cloud": cloud.title, "reason": reason},
            )
        ]

    async def _untrusted_date(self, url: str) -> str:
        """What time a server says it is whose certificate is not accepted; sends nothing else."""
        import httpx

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        away = not is_loopback(urlsplit(url).hostname or "")
        limit = httpx.Timeout(self._limits.connect_s)
        try:
            async with (
                httpx.AsyncClient(verify=context, timeout=limit, trust_env=away) as client,
                client.stream("HEAD", url) as response,
            ):
                date: str = response.headers.get("Date", "")
                return date
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, ImportError):
            return ""


def proxy_for(url: str) -> str:
    """The proxy that a connection to ``url`` takes, without account; empty: none."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or proxy_bypass(host):
        return ""
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all") or ""
    return clean_text(proxy.rpartition("@")[2].removeprefix("http://").rstrip("/"), 120)


def _missing_certificates(name: str, value: str) -> Found | None:
    if not value or Path(value).exists():
        return None
    return found(
        AREA,
        "certificate-file",
        Level.PROBLEM,
        f"{name} names a place that is not there: {clean_text(value, 200)}.",
        "No certificate can be checked, so no cloud is trusted.",
        f"Correct or remove {name} in the environment of whoever starts Mooring.",
        facts={"variable": name},
    )


def _certificate_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _date(text: str) -> float:
    """Unix seconds of an HTTP date; 0 if it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
