"""The proxy that this computer names: by its environment, else by the settings of the system.

The library's ``getproxies`` is followed in what it reads. It is not called, because a ``NO_PROXY``
alone makes it overlook the system's settings, and because its exceptions need look-ups that block.
A script that finds proxies (PAC) is not run.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRONMENT: Final = "the environment (HTTPS_PROXY)"
SYSTEM: Final = "the system"
LOCAL_NAMES: Final = "<local>"
"""An exception for all names without a dot (Windows' word)."""
_REGISTRY_KEY: Final = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings"


@dataclass(frozen=True, slots=True)
class SystemProxy:
    """What the computer says; the address is as somebody wrote it and may hold a password."""

    address: str = field(default="", repr=False)
    """Empty: none."""
    source: str = SYSTEM
    """Who says so, in words for a person."""
    exceptions: tuple[str, ...] = ()
    """What is reached without it (:mod:`agent.clouds.proxy_exceptions`)."""


def read_system_proxy() -> SystemProxy:
    """The proxy of now; costs microseconds, so that it can be asked before each request."""
    from urllib.request import getproxies_environment

    said = environment_proxy(getproxies_environment())
    if said.address:
        return said
    outside = _read_outside()
    return SystemProxy(outside.address, SYSTEM, (*said.exceptions, *outside.exceptions))


def environment_proxy(variables: Mapping[str, str]) -> SystemProxy:
    """By variables as the library collects them: ``{"https": …, "all": …, "no": …}``."""
    # What Mooring fetches from other computers is always https.
    address = variables.get("https") or variables.get("all") or ""
    return SystemProxy(address, ENVIRONMENT, _split(variables.get("no", "")))


def windows_proxy(enabled: object, server: object, override: object) -> SystemProxy:
    """By three values of the registry: ``proxy:8080``, or ``http=a:1;https=b:2;socks=c:3``."""
    if not enabled or not isinstance(server, str):
        return SystemProxy()
    kinds = {"https": server.strip()}
    if "=" in server:
        parts = (part.partition("=") for part in server.replace(" ", ";").split(";"))
        kinds = {kind.strip().lower(): address.strip() for kind, _, address in parts}
    address = kinds.get("https", "")
    if not address and kinds.get("socks"):
        address = f"socks://{kinds['socks']}"
    exceptions = _split(override) if isinstance(override, str) else ()
    return SystemProxy(address, SYSTEM, exceptions)


def macos_proxy(proxies: Mapping[str, Any], settings: Mapping[str, Any]) -> SystemProxy:
    """By what the library's own module reads from the System Configuration."""
    exceptions = [each for each in settings.get("exceptions", ()) if isinstance(each, str)]
    if settings.get("exclude_simple"):
        exceptions.append(LOCAL_NAMES)
    return SystemProxy(str(proxies.get("https") or ""), SYSTEM, tuple(exceptions))


def _read_outside() -> SystemProxy:
    """What the settings of the system say; on Linux there is only the environment."""
    if sys.platform == "win32":
        import winreg

        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, _REGISTRY_KEY) as key:

                def value(name: str) -> object:
                    try:
                        return winreg.QueryValueEx(key, name)[0]
                    except OSError:
                        return None

                names = ("ProxyEnable", "ProxyServer", "ProxyOverride")
                return windows_proxy(*(value(name) for name in names))
        except OSError:
            return SystemProxy()
    if sys.platform == "darwin":
        module: Any = importlib.import_module("_scproxy")
        # Private names of the standard library, which its urllib.request uses in the same way.
        read_proxies = getattr(module, "_get_proxies", dict)
        read_settings = getattr(module, "_get_proxy_settings", dict)
        return macos_proxy(read_proxies(), read_settings())
    return SystemProxy()


def _split(text: str) -> tuple[str, ...]:
    """``NO_PROXY`` and its kin: names between commas, semicolons or blanks."""
    return tuple(text.replace(",", " ").replace(";", " ").split())
