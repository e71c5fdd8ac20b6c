"""From a decision to a procedure that makes a device: what can be checked without board and cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.clouds.devices import NewDevice
from agent.clouds.secrets_header import secrets_header
from agent.errors import InputError
from agent.jobs.check import check_kind
from agent.jobs.device_performer import device_cloud
from agent.jobs.device_steps import DeviceOrder
from agent.jobs.provision_lora import ProvisionLoRa
from agent.jobs.provision_v1 import ProvisionV1
from agent.jobs.secret_key import ProvisionSecretKey
from agent.settings.network import GSM, NB, CatM1, Cellular, Ethernet, WiFi

if TYPE_CHECKING:
    from agent.catalog import Model
    from agent.clouds.cloud import Cloud
    from agent.jobs.device_steps import DeviceSteps
    from agent.jobs.which import Decision, Procedure
    from agent.settings.network import NetworkSetting

DEVICE_PROCEDURES: Final[frozenset[Procedure]] = frozenset(
    {"provision-1.0", "lora-1.0", "secret-key"}
)
"""Procedures of this module."""

_EMPTY: Final[dict[str, type[NetworkSetting]]] = {
    "wifi": WiFi,
    "ethernet": Ethernet,
    "gsm": GSM,
    "nb": NB,
    "catm1": CatM1,
    "cellular": Cellular,
}


def device_machine(
    decision: Decision,
    model: Model,
    cloud: Cloud,
    *,
    cloud_title: str,
    name: str,
    fqbn: str,
    serial_number: str | None,
    network: NetworkSetting | None = None,
    frequency_plan: str | None = None,
    confirmed: bool = False,
    attended: bool,
) -> DeviceSteps:
    """The procedure for ``decision``, which is one of :data:`DEVICE_PROCEDURES`.

    ``network`` goes into the header file; without one the person fills the file in. Raises
    :class:`NotSupported` for a cloud without devices or a kind of network that the board lacks, and
    :class:`InputError` for a frequency plan or network that this procedure does not use.
    """
    device_cloud(cloud, model.name)
    lora = decision.procedure == "lora-1.0"
    if lora and network is not None:
        raise InputError(
            field="network", problem="is not used for a LoRa board: the cloud makes its keys"
        )
    if frequency_plan is not None and not lora:
        raise InputError(field="frequency_plan", problem="is used for LoRa boards only")
    if lora and frequency_plan is None and not attended:
        raise InputError(field="frequency_plan", problem="is missing, and nobody can be asked")
    if network is not None:
        check_kind(network, model.name, [kind for kind in model.connectivity if kind in _EMPTY])
        _check_header(network)
    new = NewDevice(
        name=name,
        fqbn=fqbn,
        serial_number=serial_number,
        connection_type=network.connection_type if network else None,
        secret_key=decision.procedure == "secret-key",
    )
    order = DeviceOrder(
        decision=decision,
        cloud=cloud.id,
        cloud_title=cloud_title,
        new=new,
        network=network or empty_network(model),
        frequency_plan=frequency_plan,
        confirmed=confirmed,
    )
    return _MACHINES[decision.procedure](order, attended=attended)


def _check_header(network: NetworkSetting) -> None:
    """Raise for a value that no sketch can be built with, while nothing was made yet."""
    try:
        secrets_header(network)
    except InputError as error:
        raise InputError(field="network", problem=str(error.facts["problem"])) from None


def empty_network(model: Model) -> NetworkSetting | None:
    """A setting with nothing in it, so that the header file has the names to be filled in."""
    kind = next((kind for kind in model.connectivity if kind in _EMPTY), None)
    return _EMPTY[kind]() if kind else None


_MACHINES: Final[dict[Procedure, type[ProvisionV1 | ProvisionLoRa | ProvisionSecretKey]]] = {
    "provision-1.0": ProvisionV1,
    "lora-1.0": ProvisionLoRa,
    "secret-key": ProvisionSecretKey,
}
