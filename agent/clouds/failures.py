"""Why a request got no answer, told apart by how far it came and by what the systems said."""

from __future__ import annotations

import os
import re
import socket
import ssl
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from agent.clouds.route import HTTPS_PORT
from agent.clouds.trust import look_at_proxy, look_at_stranger
from agent.errors import (
    CaptivePortal,
    CertificatesUnreadable,
    CertificateUnknown,
    ClockOff,
    NameUnknown,
    ProxyAccount,
    ProxyRefused,
    ProxyUnreachable,
    ProxyUnusable,
    Unreachable,
)
from agent.errors.internet import OWN_AUTHORITY
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.clouds.route import Proxy, Route
    from agent.errors import Fact

HOPELESS: Final = (
    CaptivePortal,
    CertificatesUnreadable,
    CertificateUnknown,
    ClockOff,
    ProxyAccount,
    ProxyUnusable,
)
"""What no repetition mends."""
CLOCK_OFF_S: Final = 86_400.0
"""A day: certificates that are renewed at the last moment are then refused."""
HTTP_PORT: Final = 80
TIME_CODES: Final = frozenset({9, 10, -67818, -67819, 0x800B0101})
"""Not valid yet, and expired: OpenSSL (x509_vfy.h), macOS (SecBase.h), Windows (winerror.h)."""
PROXY_WANTS_ACCOUNT: Final = 407
NOT_YET_CODES: Final = frozenset({9, -67819})
"""Of these: not valid yet. Windows has one number for both."""
_LOOPS_WORDS: Final = "Connect call failed"
_NUMBERS = re.compile(r"\[Errno (-?[0-9]+)\]")
_SCHEME = re.compile(rb"[A-Za-z][A-Za-z0-9-]{0,30}")


class Trail:
    """How far one request came; follows what the library tells of its steps (its ``trace``)."""

    def __init__(self) -> None:
        self.started = False
        """A connection was made for it; False: it took one that was open."""
        self.connected = False
        """Somebody listens there: the proxy, where there is one."""
        self.tunnelled = False
        """The proxy let it through."""
        self.proxy_status = 0
        self.proxy_schemes: tuple[str, ...] = ()
        """How the proxy wants to be told who asks (``Basic``, ``NTLM``)."""

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Note what matters of one event; bodies and headers of ours are not looked at."""
        if event == "connection.connect_tcp.started":
            self.started = True
        elif event == "connection.connect_tcp.complete":
            self.connected = True
        elif event == "proxy.start_tls.started":
            self.tunnelled = True
        elif event == "http11.receive_response_headers.complete" and not self.tunnelled:
            _, self.proxy_status, _, headers, *_ = info["return_value"]
            self.proxy_schemes = tuple(
                scheme[0].decode("ascii")
                for name, value in headers
                if name.lower() == b"proxy-authenticate" and (scheme := _SCHEME.match(value))
            )


class Failure:
    """One request that failed, and where it was going."""

    def __init__(self, *, cloud: str, url: str, route: Route, trail: Trail) -> None:
        parts = urlsplit(url)
        self._cloud = cloud
        self._url = url
        self._host = parts.hostname or ""
        self._port = parts.port or (HTTP_PORT if parts.scheme == "http" else HTTPS_PORT)
        self._route = route
        self._trail = trail

    async def explain(self, error: Exception, *, connect_s: float, answer_s: float) -> Unreachable:
        """The error that a person can act on; asks a server that is not trusted who it is."""
        proxy = self._route.proxy
        reason = system_error(error)
        before_cloud = self._trail.started and not self._trail.tunnelled
        if isinstance(reason, ssl.SSLCertVerificationError):
            if proxy is not None and before_cloud:
                return await self._untrusted_proxy(proxy, reason, connect_s)
            return await self._untrusted(reason, connect_s)
        if proxy is not None and before_cloud:
            return self._proxy_failed(proxy, error, reason, connect_s)
        if isinstance(reason, socket.gaierror):
            return NameUnknown(
                cloud=self._cloud, host=clean_text(self._host), detail=said_of(reason), sent=False
            )
        return self._lost(error, reason, connect_s, answer_s)

    def _lost(
        self, error: Exception, reason: OSError | None, connect_s: float, answer_s: float
    ) -> Unreachable:
        import httpx

        unsent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
        sent = not isinstance(error, unsent)
        host = f"[{self._host}]" if ":" in self._host else self._host
        where = f"{host}:{self._port}"
        if isinstance(error, httpx.ConnectTimeout):
            detail = f"No connection to {where} within {connect_s:g} s."
        elif isinstance(error, TimeoutError | httpx.TimeoutException):
            detail = f"No complete answer within {answer_s:g} s."
        elif isinstance(reason, ssl.SSLError) and not sent:
            detail = f"{where} does not speak TLS, or not in a version that is accepted here."
        elif not sent:
            detail = f"No connection to {where}: {said_of(reason) or error}."
        else:
            detail = "The connection was lost before the whole answer arrived."
        return Unreachable(cloud=self._cloud, detail=clean_text(detail), sent=sent)

    def _proxy_failed(
        self, proxy: Proxy, error: Exception, reason: OSError | None, connect_s: float
    ) -> Unreachable:
        import httpx

        facts: dict[str, Fact] = {
            "cloud": self._cloud,
            "proxy": proxy.server,
            "server": proxy.server,
            "source": proxy.source,
            "host": clean_text(self._host),
            "port": self._port,
            "sent": False,
        }
        status = self._trail.proxy_status
        if status == PROXY_WANTS_ACCOUNT:
            return ProxyAccount(detail=self._account_wanted(proxy), status=status, **facts)
        if status:
            said = clean_text(str(error), 80) if isinstance(error, httpx.ProxyError) else status
            return ProxyRefused(detail=f"Its answer is: {said}.", status=status, **facts)
        if not self._trail.connected:
            detail = f"There is no connection within {connect_s:g} s."
            if not isinstance(error, httpx.TimeoutException | TimeoutError):
                detail = f"There is no connection: {said_of(reason) or error}."
        elif isinstance(error, httpx.TimeoutException | TimeoutError):
            detail = "It takes the connection, but says nothing."
        elif isinstance(reason, ssl.SSLError):
            detail = "It does not speak TLS; its address may have to begin with http://."
        else:
            detail = "It takes the connection, but does not answer as a proxy for HTTP."
        return ProxyUnreachable(detail=clean_text(detail), **facts)

    def _account_wanted(self, proxy: Proxy) -> str:
        schemes = ", ".join(self._trail.proxy_schemes)
        named = f" (it takes: {schemes})" if schemes else ""
        if proxy.has_account:
            return f"It does not accept the name and password that it was given{named}."
        return f"It wants a name and a password{named}."

    async def _untrusted_proxy(
        self, proxy: Proxy, reason: ssl.SSLCertVerificationError, connect_s: float
    ) -> Unreachable:
        stranger = await look_at_proxy(proxy, limit_s=connect_s)
        detail = f"This is the proxy that {proxy.source} names."
        return self._not_trusted(f"the proxy {proxy.server}", reason, stranger.issuer, detail)

    async def _untrusted(
        self, reason: ssl.SSLCertVerificationError, connect_s: float
    ) -> Unreachable:
        stranger = await look_at_stranger(self._url, self._route, limit_s=connect_s)
        now = time.time()
        off_s = now - stranger.date_s
        if stranger.date_s and abs(off_s) >= CLOCK_OFF_S and reason.verify_code in TIME_CODES:
            return ClockOff(
                cloud=self._cloud,
                here=shown_time(now),
                there=shown_time(stranger.date_s),
                off_s=round(off_s),
                sent=False,
            )
        if stranger.elsewhere:
            detail = "Its certificate is not trusted, and it sends to another address."
            return CaptivePortal(cloud=self._cloud, detail=detail, sent=False)
        detail = (
            "A company's proxy or a virus scanner that reads along shows a certificate of its own."
        )
        return self._not_trusted(self._cloud, reason, stranger.issuer, detail)

    def _not_trusted(
        self, whom: str, reason: ssl.SSLCertVerificationError, issuer: str, detail: str
    ) -> Unreachable:
        return CertificateUnknown(
            cloud=self._cloud,
            whom=whom,
            reason=clean_text((reason.verify_message or str(reason.strerror)).rstrip(".")),
            issuer=f"“{issuer}”" if issuer else "somebody who gives no name",
            detail=detail,
            own=OWN_AUTHORITY if self._route.by_account else "",
            sent=False,
        )


def system_error(error: BaseException | None) -> OSError | None:
    """What the operating system or TLS said: the innermost of the nearest causes with a number."""
    found: OSError | None = None
    while error is not None:
        if isinstance(error, OSError):
            found = error
            if error.errno is not None:
                break
        # One library of the three on the way names no cause, only a context.
        error = error.__cause__ or error.__context__
    return found


def shown_time(unix_s: float) -> str:
    """``2026-03-01 12:00 UTC``."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M UTC")


def said_of(reason: OSError | None) -> str:
    """What the system said; empty if it was not the system."""
    if reason is None:
        return ""
    text = reason.strerror or type(reason).__name__
    number = reason.errno
    if number is None and (found := _NUMBERS.findall(str(reason))):
        # A name with many addresses fails with one sentence about all of them.
        text, number = _LOOPS_WORDS, int(found[-1])
    if number is not None and text.startswith(_LOOPS_WORDS):
        # These are the words of the event loop, with an address that nobody knows.
        text = os.strerror(number)
    return clean_text(text.rstrip("."))
