"""When the gateway's certificate runs out: told in time, with a new one that somebody puts in its place.

No request renews it: for a name that exists a profile that makes devices refuses, and one that checks
them gives what is stored. Source: cloud-thingsboard, sections 4, 8 and 10.2, where the attribute is
that of the vendor's gateway.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from agent.clouds.thingsboard.certificates import make_certificate
from agent.gateway.stored import Kept
from agent.protocols.thingsboard.gateway import OWN_ATTRIBUTES
from agent.protocols.thingsboard.gateway_pack import own_attributes
from agent.settings.credentials import Certificate

if TYPE_CHECKING:
    from agent.gateway.stored import GatewayStore
    from agent.settings.credentials import Credentials

SOON: Final = timedelta(days=30)
"""Time enough for whoever has to free the device on the server."""
LOOK_S: Final = 86_400.0
"""A session may last for months, and the server looks at the certificate when one begins."""


ATTRIBUTE: Final = "newCertificate"
"""Of the gateway's device, for the administrator to copy."""


NAMELESS: Final = "gateway"
"""Common name where nobody told the device's; the server does not read it."""


class Publishes(Protocol):
    """What of a session is needed (:class:`agent.gateway.contract.GatewayLink`)."""

    async def publish(self, topic: str, payload: bytes) -> None:
        """Send, and return when the server has it."""


async def offer_renewed(link: Publishes, store: GatewayStore, kept: Kept, wall: float) -> None:
    """Show the server a certificate that can take the place of ``kept``'s; it is kept first.

    Raises :class:`GatewayFileFailed`, :class:`InputError` for a name that is too long for a
    certificate, and what :meth:`Publishes.publish` raises.
    """
    renewed = store.kept.renewed
    if renewed is None or renewed.name != kept.name or ends_soon(renewed.credentials, wall):
        made = make_certificate(kept.name or NAMELESS, datetime.fromtimestamp(wall, UTC))
        renewed = Kept(name=kept.name, credentials=made, server=kept.server)
        await store.change(renewed=renewed)
    if isinstance(renewed.credentials, Certificate):
        shown = {ATTRIBUTE: renewed.credentials.certificate}
        await link.publish(OWN_ATTRIBUTES, own_attributes(shown))


def ends_soon(credentials: Credentials, wall: float) -> datetime | None:
    """When a certificate runs out, if that is soon after ``wall`` (Unix seconds), or was before."""
    if not isinstance(credentials, Certificate):
        return None
    from cryptography import x509

    shown = x509.load_pem_x509_certificate(credentials.certificate.encode())
    end = shown.not_valid_after_utc
    return end if end - datetime.fromtimestamp(wall, UTC) < SOON else None
