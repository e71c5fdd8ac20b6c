"""What a person is told before the computer leaves its network, as data for a job's question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.links.access_point_wifi import loses_internet

if TYPE_CHECKING:
    from agent.links.access_point_wifi import Choice, Computer

UNNAMED = "its present network"


@dataclass(frozen=True, slots=True)
class Leaving:
    """What joining would do. To be agreed to by a person; with nobody there it is not done."""

    access_point: str
    adapter: str
    network: str
    """The network that the adapter leaves meanwhile; empty: it is in none."""
    internet_goes: bool
    """Nothing else reaches the Internet meanwhile: pages, calls and downloads stop."""
    limit_s: int
    """It ends after this time at the latest."""

    @property
    def title(self) -> str:
        """The question."""
        return f"May this computer join the board's network {self.access_point}?"

    @property
    def meaning(self) -> str:
        """What happens meanwhile."""
        if self.internet_goes:
            told = (
                f"It leaves {self.network or UNNAMED} for that time: pages, calls and downloads on "
                "this computer have no Internet meanwhile."
            )
        elif self.network:
            told = (
                f"The Wi-Fi adapter {self.adapter} leaves {self.network} for that time; the "
                "Internet stays, over another connection."
            )
        else:
            told = f"The Wi-Fi adapter {self.adapter} is in no network now; the Internet stays."
        return f"{told} The board's network has no password, so others nearby could listen in."

    @property
    def safe(self) -> str:
        """What is certain."""
        back = f"is back in {self.network}" if self.network else "has left it again"
        return (
            f"The computer {back} after {self._minutes} at most, also if the board vanishes or "
            "Mooring is ended."
        )

    @property
    def _minutes(self) -> str:
        minutes = -(-self.limit_s // 60)
        return "a minute" if minutes == 1 else f"{minutes} minutes"


def leaving(computer: Computer, choice: Choice, limit_s: float) -> Leaving:
    """What a person has to know before ``choice`` is joined; from ``AccessPoints.plan``."""
    network = choice.adapter.network
    return Leaving(
        access_point=choice.point.name,
        adapter=choice.adapter.name,
        network=network.name if network else "",
        internet_goes=loses_internet(computer, choice.adapter),
        limit_s=int(limit_s),
    )
