"""No cloud: the board is only put on the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from agent.clouds.cloud import Claim, ClaimRequest, CloudInfo, Requirements
from agent.errors import InputError

if TYPE_CHECKING:
    from typing import Final

ID: Final = "none"


class NoCloud:
    """The choice of no cloud behind :class:`agent.clouds.Cloud`; there is nothing to claim."""

    id = ID

    async def info(self) -> CloudInfo:
        """What to show."""
        nothing: dict[str, Any] = {
            "type": "object",
            "properties": {},
            "additionalProperties": False,
        }
        return CloudInfo(
            id=self.id,
            title="No cloud: only put the board on the network",
            signed_in=True,
            needs_account=False,
            account_schema=nothing,
            device_schema=nothing,
        )

    async def login(self, account: dict[str, Any]) -> None:
        """There is no account: :class:`InputError`."""
        del account
        self._refuse("there is no account without a cloud")

    async def logout(self) -> None:
        """Nothing to forget."""

    def check_name(self, name: str) -> None:
        """Any name will do: it goes nowhere."""

    async def requirements(self, fqbn: str) -> Requirements:
        """Any version of any board."""
        del fqbn
        return Requirements()

    async def claim(self, request: ClaimRequest) -> str:
        """Nothing can be claimed: a procedure leaves this step out."""
        del request
        self._refuse("there is nothing to claim without a cloud")

    async def find(self, uhwid: str) -> list[Claim]:
        """No claims."""
        del uhwid
        return []

    async def unclaim(self, claim_id: str) -> None:
        """A claim that is gone is not an error, and here none ever was."""

    async def close(self) -> None:
        """Nothing to release."""

    def _refuse(self, problem: str) -> NoReturn:
        raise InputError(field="cloud", problem=problem)
