"""How Mooring reaches the Internet: the one place that decides about proxy and certificates.

Asked before each request, so that a change of the settings, or of the network that a computer is
carried to, counts from then on.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from agent.clouds.address import is_loopback
from agent.clouds.proxy_exceptions import is_excepted
from agent.clouds.system_proxy import SystemProxy, read_system_proxy
from agent.errors import CertificatesUnreadable, ProxyUnusable
from agent.settings import clean_text
from agent.settings.config import NetworkConfig
from agent.settings.proxy import NO_PROXY, ProxyAddress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SETTING: Final = "network.proxy in the settings"
HTTPS_PORT: Final = 443
SHOWN_CHARS: Final = 120
CERTIFICATES_LIMIT: Final = 4 * 1024 * 1024
"""Bytes; all authorities that browsers know are a quarter of a megabyte."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that can be used; its address may hold a password."""

    address: ProxyAddress
    source: str
    """Who names it, in words for a person."""

    @property
    def server(self) -> str:
        """Host and port without the account, fit to be shown."""
        return clean_text(urlsplit(self.address.reveal()).netloc.rpartition("@")[2], SHOWN_CHARS)

    @property
    def has_account(self) -> bool:
        """Whether the address says who asks."""
        return "@" in urlsplit(self.address.reveal()).netloc


class CertificateFile(NamedTuple):
    """A file of certificates as it is now; another time or size is another file."""

    path: str
    changed_ns: int
    size: int


@dataclass(frozen=True, slots=True)
class Route:
    """How one address is reached."""

    proxy: Proxy | None = None
    certificates: tuple[CertificateFile, ...] = ()
    """What is trusted beside the system's store."""
    authorities: str = field(default="", repr=False)
    """PEM of what one cloud's account trusts besides."""
    by_account: bool = False
    """Whether the account of the cloud can name authorities; nothing of what is trusted."""


def find_proxy(url: str, setting: ProxyAddress, system: SystemProxy) -> Proxy | None:
    """The proxy for ``url``; None: there is none on this way.

    :class:`ProxyUnusable` if what the system names is no http(s) address.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    chosen = setting.reveal()
    if is_loopback(host) or chosen == NO_PROXY:
        return None
    address, source = (chosen, SETTING) if chosen else (system.address, system.source)
    if not address or is_excepted(host, parts.port or HTTPS_PORT, system.exceptions):
        return None
    wanted = ProxyAddress(address if "://" in address else f"http://{address}")
    if wanted.problem() is not None:
        raise ProxyUnusable(source=source, sent=False)
    return Proxy(wanted, source)


class Routes:
    """The routes of this computer under the settings of now."""

    def __init__(
        self,
        settings: Callable[[], NetworkConfig] = NetworkConfig,
        *,
        system: Callable[[], SystemProxy] = read_system_proxy,
        environ: Mapping[str, str] = os.environ,
        authorities: str = "",
        by_account: bool = False,
    ) -> None:
        """``settings`` gives ``[network]`` as it is when it is called."""
        self._settings = settings
        self._system = system
        self._environ = environ
        self._authorities = authorities
        self._by_account = by_account

    def trusting(self, authorities: str) -> Routes:
        """The same ways for one cloud whose account names authorities of its own (PEM)."""
        return Routes(
            self._settings,
            system=self._system,
            environ=self._environ,
            authorities=authorities,
            by_account=True,
        )

    def to(self, url: str) -> Route:
        """The route to ``url``; raises :class:`ProxyUnusable`, :class:`CertificatesUnreadable`."""
        settings = self._settings()
        proxy = find_proxy(url, settings.proxy, self._system())
        certificates = self._certificates(settings.certificates)
        return Route(proxy, certificates, self._authorities, by_account=self._by_account)

    def _certificates(self, named: str) -> tuple[CertificateFile, ...]:
        found: list[CertificateFile] = []
        said = self._environ.get("SSL_CERT_FILE", "")
        # On Linux OpenSSL itself takes this file; the stores of the others know nothing of it.
        if said and sys.platform in {"win32", "darwin"} and Path(said).is_file():
            found.append(_look_at(said))
        if named:
            found.append(_look_at(named))
        return tuple(found)


def _look_at(path: str) -> CertificateFile:
    try:
        seen = Path(path).stat()
    except OSError as error:
        detail = f"It cannot be read: {error.strerror}."
        raise CertificatesUnreadable(path=clean_text(path), detail=detail, sent=False) from None
    if seen.st_size > CERTIFICATES_LIMIT:
        detail = f"It is longer than {CERTIFICATES_LIMIT} bytes."
        raise CertificatesUnreadable(path=clean_text(path), detail=detail, sent=False)
    return CertificateFile(path, seen.st_mtime_ns, seen.st_size)
