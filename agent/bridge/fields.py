"""Params that need care: secrets, and network settings whose errors name the person's field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.settings import Secret
from agent.settings.network import parse_network, secret_from

if TYPE_CHECKING:
    from agent.settings.network import NetworkSetting

NETWORK_REF = {"$ref": "#/components/schemas/NetworkSetting"}


class NetworkData:
    """A network setting as it arrived, unchecked; it may hold a password, so it shows as ``***``."""

    __slots__ = ("_data",)

    def __init__(self, data: object) -> None:
        self._data = data

    def parse(self) -> NetworkSetting:
        """The checked setting; raises InputError that names the field as forms know it."""
        return parse_network(self._data)

    def __repr__(self) -> str:
        return "***"


def decode_field(kind: type, value: object) -> object:
    """Msgspec ``dec_hook`` for the types of this module and for :class:`Secret`."""
    return NetworkData(value) if kind is NetworkData else secret_from(kind, value)


def schema_field(kind: type) -> dict[str, Any]:
    """Msgspec ``schema_hook`` for the same types."""
    if kind is NetworkData:
        return dict(NETWORK_REF)
    if kind is Secret:
        return {"type": "string", "format": "password"}
    raise NotImplementedError(kind)
