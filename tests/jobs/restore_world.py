"""The world of enrolment with a vault of several boards, for jobs that put something back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent.clouds.vault_view import VaultEntry
from agent.jobs import enrol_effects as ex
from agent.jobs.restore import RestoreBoard
from tests.jobs.drive import Drive
from tests.jobs.enrol_world import NAME, World, order, settings

if TYPE_CHECKING:
    from agent.jobs import effects as fx

BOARD = "esp32-1"
OTHER = "esp32-2"
HARDWARE = "24a1"


@dataclass
class RestoreWorld(World):
    """The board works with ``new``; the vault has that, and what it had before."""

    owners: dict[str, str] = field(default_factory=dict)
    """Board of each entry."""
    at_hand: str = BOARD

    def _perform(self, request: fx.Request) -> Any:
        match request:
            case ex.AddEntry(own=own, hardware_id=hardware_id):
                assert hardware_id == self.hardware.hardware_id
                entry = f"e{len(self.vault) + 1}"
                self.vault[entry], self.owners[entry] = ("pending", own), self.at_hand
                return entry
            case ex.ProveEntry(entry=entry):
                assert self.owners[entry] == self.at_hand
                for number, (state, kept) in self.vault.items():
                    if state == "proven" and self.owners[number] == self.at_hand:
                        self.vault[number] = ("earlier", kept)
                self.vault[entry] = ("proven", self.vault[entry][1])
            case ex.DropEntry(entry=entry):
                state, kept = self.vault.pop(entry)
                assert state == "pending"
                others = [each for _, each in self.vault.values()]
                assert kept in others or kept not in self.devices.values(), "kept nowhere else"
            case ex.PutSettings(settings=given):
                if given.cloud is not None:
                    assert given.cloud in [each for _, each in self.vault.values()]
                    self.board = given.cloud
            case _:
                return super()._perform(request)
        return None


def restorable() -> RestoreWorld:
    """``e1`` was replaced by ``e2``; the server was set back to ``e1`` by somebody."""
    old, new = settings("old-1"), settings("new-1")
    return RestoreWorld(
        devices={NAME: old},
        board=new,
        vault={"e1": ("earlier", old), "e2": ("proven", new)},
        owners={"e1": BOARD, "e2": BOARD},
    )


def entry(board: str = BOARD, hardware_id: str = HARDWARE, number: str = "e1") -> VaultEntry:
    return VaultEntry(
        id=number,
        board=board,
        board_name="porch",
        cloud="thingsboard",
        device=NAME,
        state="earlier",
        hardware_id=hardware_id,
    )


def restore(
    world: RestoreWorld,
    kept: VaultEntry | None = None,
    *,
    attended: bool = True,
    **changes: Any,
) -> Drive:
    """A job on the board at hand, not yet begun."""
    machine = RestoreBoard(
        order(name=NAME, **changes), kept or entry(), board_id=world.at_hand, attended=attended
    )
    return Drive(machine)
