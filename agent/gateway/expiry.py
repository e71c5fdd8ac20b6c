"""When the gateway's certificate runs out: told in time, for nobody renews it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from agent.settings.credentials import Certificate

if TYPE_CHECKING:
    from agent.settings.credentials import Credentials

SOON: Final = timedelta(days=30)
"""Time enough for whoever has to free the device on the server."""
LOOK_S: Final = 86_400.0
"""A session may last for months, and the server looks at the certificate when one begins."""


def ends_soon(credentials: Credentials, wall: float) -> datetime | None:
    """When a certificate runs out, if that is soon after ``wall`` (Unix seconds), or was before."""
    if not isinstance(credentials, Certificate):
        return None
    from cryptography import x509

    shown = x509.load_pem_x509_certificate(credentials.certificate.encode())
    end = shown.not_valid_after_utc
    return end if end - datetime.fromtimestamp(wall, UTC) < SOON else None
