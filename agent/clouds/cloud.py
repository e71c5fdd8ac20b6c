"""The interface of a cloud: a service that gives boards an identity."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from agent.settings import Secret


class Requirements(msgspec.Struct, frozen=True, kw_only=True):
    """What a cloud asks of a board; None: any version."""

    min_sketch: str | None = None
    min_wifi_firmware: str | None = None


class ClaimRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a claim needs."""

    name: str
    connection_type: str
    """``wifi``, ``eth``, ``nb``, ``gsm``, ``lora``, ``catm1``, ``cellular``."""
    fqbn: str
    uhwid: str
    public_key: str
    token: Secret
    ble_address: str | None
    serial_number: str | None


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A claim as the cloud keeps it."""

    id: str
    uhwid: str
    name: str
    created_at: float
    """Unix seconds by the cloud's clock."""
    device_id: str | None = None
    """None until the board has been online."""


class CloudInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A cloud as a page or a command shows it."""

    id: str
    title: str
    signed_in: bool
    needs_account: bool
    account_schema: dict[str, Any]
    """JSON Schema of the account; secrets have ``format: password``."""
    device_schema: dict[str, Any]
    """JSON Schema of what provisioning asks: the device name, options."""
    account: dict[str, str] = {}
    """The parts of the stored account that are not secret."""
    warning: str = ""
    """What to see to although the account is good; told when it is entered."""


class AnyCloud(Protocol):
    """What every cloud has: a name, and the person's account there."""

    @property
    def id(self) -> str:
        """Stable: ``arduino``, ``thingsboard``, ``nrf``, ``blynk``, ``none``."""

    async def info(self) -> CloudInfo:
        """What to show; no network."""

    async def login(self, account: dict[str, Any]) -> None:
        """Check the account with the cloud, then store it; nothing is stored if refused."""

    async def logout(self) -> None:
        """Forget the stored account."""

    async def close(self) -> None:
        """Release connections."""


class Cloud(AnyCloud, Protocol):
    """One cloud. All calls are idempotent or made safe by :meth:`find`; errors are CloudError."""

    def check_name(self, name: str) -> None:
        """Raise :class:`InputError` for a device name that the cloud cannot take."""

    async def requirements(self, fqbn: str) -> Requirements:
        """Minimum versions for this kind of board; :class:`NotSupported` if it takes none."""

    async def claim(self, request: ClaimRequest) -> str:
        """Claim the board and return the claim's id.

        Registers the board first if the cloud does not know it (once). A lost answer is not
        repeated: the caller looks with :meth:`find`.
        """

    async def find(self, uhwid: str) -> list[Claim]:
        """Claims of this board that have not ended, newest first."""

    async def unclaim(self, claim_id: str) -> None:
        """Undo a claim; a claim that is gone already is not an error."""
