"""Addresses of clouds: which ones secrets may travel to."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from agent.errors import InputError


def check_base_url(field: str, url: str) -> str:
    """``url`` without a trailing slash.

    Raises :class:`InputError` naming ``field`` unless it is https, or http to this computer.
    """
    text = url.strip()
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise InputError(field=field, problem="is not an address") from None
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise InputError(field=field, problem="must begin with https:// and name a host")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise InputError(field=field, problem="has characters that an address cannot have")
    if parts.username is not None or "?" in text or "#" in text:
        raise InputError(field=field, problem="must be an address alone, without account, ? or #")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise InputError(field=field, problem="must begin with https://, because secrets are sent")
    return text.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this computer."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
