"""What the gateway is started with: the plan, and the files that it names."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent.clouds.thingsboard.certificates import check_authorities, check_certificate
from agent.errors import GatewayUnset, InputError
from agent.gateway.environment import FOLDER, read_plan
from agent.gateway.vendor import read_certificate, read_credentials, read_section, read_text
from agent.settings.credentials import AccessToken, MqttBasic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.clouds.thingsboard.addresses import Server
    from agent.gateway.environment import Proof, Provisioning
    from agent.gateway.stored import Kept
    from agent.settings.credentials import Credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySetup:
    """Where to, and with what: ``fixed``, else what is kept, else ``provisioning``."""

    server: Server
    fixed: Credentials | None = field(default=None, repr=False)
    provisioning: Provisioning | None = None
    ca: str = field(default="", repr=False)
    """PEM; empty: what the system trusts."""
    vendor: Kept | None = field(default=None, repr=False)
    """What the vendor's gateway was given on this computer."""
    remarks: tuple[str, ...] = ()
    """For the log."""


def read_setup(variables: Mapping[str, str], now: datetime | None = None) -> GatewaySetup | None:
    """What ``variables`` ask for; None: no gateway. Blocks for some milliseconds.

    Raises :class:`GatewayUnset` for everything that cannot be meant.
    """
    folder = variables.get(FOLDER, "")
    plan = read_plan(variables, read_section(folder))
    if plan is None:
        return None
    try:
        fixed = _credentials(plan.fixed, folder, now) if plan.fixed is not None else None
        ca = check_authorities("ca", read_text(folder, plan.ca)) if plan.ca else ""
    except InputError as error:
        raise GatewayUnset(detail=f"The {error.facts['field']} {error.facts['problem']}.") from None
    return GatewaySetup(
        server=plan.server,
        fixed=fixed,
        provisioning=plan.provisioning,
        ca=ca,
        vendor=read_credentials(folder),
        remarks=plan.remarks,
    )


def _credentials(proof: Proof, folder: str, now: datetime | None) -> Credentials:
    own: Credentials
    match proof.kind:
        case "access_token":
            own = AccessToken(token=proof.token)
        case "mqtt_basic":
            own = MqttBasic(
                client_id=proof.client_id, username=proof.username, password=proof.password
            )
        case "certificate":
            own = read_certificate(folder, proof.cert, proof.key)
            check_certificate(own, now or datetime.now(UTC))
    own.check()
    return own
